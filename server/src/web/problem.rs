//! Every refusal as problem details (RFC 9457): what is wrong, in which field, and what would be valid.
//!
//! A problem names fields and rules, never what was sent: names, addresses and card numbers stay out of it.

use crate::billing::client::StripeError;
use crate::said::{Part, Said};
use crate::store::StoreError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Serialize, Serializer};
use shared::ids::MemberId;
use std::collections::BTreeMap;
use utoipa::openapi::{Content, RefOr, ResponseBuilder};

/// A request that was refused and changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Which kind of problem, the same everywhere.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status, repeated.
    pub status: u16,
    /// What is wrong here, and what would be valid.
    #[serde(serialize_with = "english")]
    #[schema(value_type = String)]
    pub detail: Box<Said>,
    /// The field, parameter or header at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Members who would lose access, where that is the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<i64>)]
    pub members: Vec<MemberId>,
}

fn english<S: Serializer>(said: &Said, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&said.english())
}

/// What a handler answers.
pub type Answer<T> = Result<T, Problem>;

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<Said>,
    ) -> Self {
        Self {
            kind,
            title,
            status: status.as_u16(),
            detail: Box::new(detail.into()),
            field: None,
            members: Vec::new(),
        }
    }

    /// The same, with the field, parameter or header at fault.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// A field holds what is not allowed there; `valid` says what is.
    #[must_use]
    pub fn field(field: impl Into<String>, valid: impl Into<Said>) -> Self {
        let kind = "/problems/invalid-field";
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            kind,
            "A field is not valid",
            valid,
        )
        .at(field)
    }

    /// A field names something that is not there.
    #[must_use]
    pub fn unknown(field: impl Into<String>, what: &str) -> Self {
        Self::field(field, Said::of("refused-not-known").put("what", what))
    }

    /// The body or the query cannot be read at all.
    #[must_use]
    pub fn malformed(detail: impl Into<Said>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "/problems/malformed",
            "The request cannot be read",
            detail,
        )
    }

    /// The body is of another kind.
    #[must_use]
    pub fn content_type(wanted: &str) -> Self {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let detail = format!("Send the body with the header `Content-Type: {wanted}`.");
        Self::new(
            status,
            "/problems/content-type",
            "The body is of another kind",
            detail,
        )
        .at("Content-Type")
    }

    /// The body is too large.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        let detail = Said::of("refused-body-limit").put("limit", Part::word(limit));
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "/problems/too-large",
            "The body is too large",
            detail,
        )
    }

    /// No token, or not the right one.
    #[must_use]
    pub fn unauthorised() -> Self {
        let detail = "Send the header `Authorization: Bearer` with the server's ADMIN_TOKEN.";
        Self::new(
            StatusCode::UNAUTHORIZED,
            "/problems/unauthorised",
            "The token is missing or wrong",
            detail,
        )
        .at("Authorization")
    }

    /// The session is over.
    #[must_use]
    pub fn signed_out() -> Self {
        let detail = Said::of("refused-sign-in-again");
        Self::new(
            StatusCode::UNAUTHORIZED,
            "/problems/signed-out",
            "You are not signed in",
            detail,
        )
    }

    /// The role of whoever is signed in does not reach so far.
    #[must_use]
    pub fn forbidden() -> Self {
        let detail = Said::of("refused-role");
        Self::new(
            StatusCode::FORBIDDEN,
            "/problems/forbidden",
            "Not allowed",
            detail,
        )
    }

    /// A page of somebody else sent this.
    #[must_use]
    pub fn other_site() -> Self {
        let detail = Said::of("refused-other-site");
        Self::new(
            StatusCode::FORBIDDEN,
            "/problems/other-site",
            "Sent by another site",
            detail,
        )
    }

    /// Nothing is at this address.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        let detail = Said::of("refused-not-here").put("what", what);
        Self::new(
            StatusCode::NOT_FOUND,
            "/problems/not-found",
            "Nothing is here",
            detail,
        )
    }

    /// The address does not know this method.
    #[must_use]
    pub fn method() -> Self {
        let detail = "The header `Allow` names the methods that this address knows.";
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "/problems/method",
            "The method is not allowed here",
            detail,
        )
    }

    /// The request does not fit what is there already.
    #[must_use]
    pub fn conflict(field: impl Into<String>, detail: impl Into<Said>) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "/problems/conflict",
            "The request does not fit what is there",
            detail,
        )
        .at(field)
    }

    /// Too many members would lose access by one cause.
    #[must_use]
    pub fn braked(members: Vec<MemberId>) -> Self {
        let detail = Said::of("refused-mass").put("count", Part::count(members.len()));
        let kind = "/problems/mass-lock-out";
        let problem = Self::new(
            StatusCode::CONFLICT,
            kind,
            "Too many members would lose access",
            detail,
        );
        Self { members, ..problem }.at("approved")
    }

    /// Stripe did not do what was asked; why and what to do is said in `detail`.
    #[must_use]
    pub fn stripe(error: &StripeError, detail: String) -> Self {
        if error.leaves_open() {
            return Self::unavailable(detail);
        }
        let field = match error {
            StripeError::NotReadable {
                status: 401 | 403, ..
            } => Some("STRIPE_SECRET_KEY".to_owned()),
            StripeError::Status { param, .. } => param.as_deref().map(str::to_owned),
            StripeError::Unreachable { .. }
            | StripeError::RateLimited { .. }
            | StripeError::Failing { .. }
            | StripeError::NotReadable { .. }
            | StripeError::Garbled { .. }
            | StripeError::Unkeyed { .. }
            | StripeError::BadId(_) => None,
        };
        let (kind, title) = ("/problems/stripe", "Stripe did not do it");
        Self {
            field,
            ..Self::new(StatusCode::CONFLICT, kind, title, detail)
        }
    }

    /// Asked too often.
    #[must_use]
    pub fn too_often() -> Self {
        let detail = Said::of("refused-a-minute");
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "/problems/too-often",
            "Asked too often",
            detail,
        )
    }

    /// An agent was not paired; why is in the log, for whoever guesses shall not learn it.
    #[must_use]
    pub fn refused() -> Self {
        let detail = "The code is wrong, too old, used, or was tried too often: make a new one and try again.";
        Self::new(
            StatusCode::FORBIDDEN,
            "/problems/refused",
            "Refused",
            detail,
        )
    }

    /// Someone else did not answer in time.
    #[must_use]
    pub fn no_answer(detail: impl Into<Said>) -> Self {
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            "/problems/no-answer",
            "No answer came",
            detail,
        )
    }

    /// Too many want the same at once.
    #[must_use]
    pub fn busy() -> Self {
        Self::unavailable(Said::of("refused-busy"))
    }

    /// Not possible now.
    #[must_use]
    pub fn unavailable(detail: impl Into<Said>) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "/problems/unavailable",
            "Not possible now",
            detail,
        )
    }

    /// A fault of the server; the cause is in its log.
    #[must_use]
    pub fn fault() -> Self {
        let detail = Said::of("refused-fault");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "/problems/fault",
            "The server is at fault",
            detail,
        )
    }
}

/// Another process writes for too long (sqlite.org/rescode.html), or two transactions waited for each other
/// (PostgreSQL, appendix A).
const BUSY: [&str; 4] = ["5", "517", "40001", "40P01"];

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if let StoreError::Query(sqlx::Error::Database(cause)) = &error
            && cause.is_unique_violation()
        {
            return Self::conflict("id", Said::of("refused-there-already"));
        }
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a request failed in the database"
        );
        match error {
            StoreError::Query(sqlx::Error::Database(refusal))
                if refusal
                    .code()
                    .is_some_and(|code| BUSY.contains(&code.as_ref())) =>
            {
                Self::unavailable(Said::of("refused-database-busy"))
            }
            StoreError::Query(
                sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_),
            ) => Self::unavailable(Said::of("refused-database-away")),
            StoreError::Query(_)
            | StoreError::Migrate(_)
            | StoreError::Row { .. }
            | StoreError::Missing { .. }
            | StoreError::Broken
            | StoreError::Address(_) => Self::fault(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).expect("plain data with text keys");
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        // For whoever shows it otherwise.
        response.extensions_mut().insert(self);
        response
    }
}

impl utoipa::IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let schema = utoipa::openapi::Ref::from_schema_name("Problem");
        let response = ResponseBuilder::new()
            .description("Refused; nothing was changed (RFC 9457)")
            .content("application/problem+json", Content::new(Some(schema)))
            .build();
        BTreeMap::from([("default".to_owned(), response.into())])
    }
}
