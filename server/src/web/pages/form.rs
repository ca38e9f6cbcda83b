//! What a form sends: read as strictly as JSON, and what was left empty is left out.

use crate::billing::receive::MAX_BODY;
use crate::said::Said;
use crate::web::extract::{bytes, field_problem};
use crate::web::problem::Problem;
use axum::body::Bytes;
use axum::extract::multipart::{Multipart, MultipartError};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

/// The largest form that is read, in bytes.
const MAX: usize = 64 * 1024;

/// A form's fields.
pub struct Form<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        const KIND: &str = "application/x-www-form-urlencoded";
        let kind = request.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind
            .split(';')
            .next()
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case(KIND))
        {
            return Err(Problem::content_type(KIND));
        }
        read(&bytes(request, state, MAX).await?).map(Self)
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let unreadable = |_| Problem::malformed(Said::of("refused-form-unreadable"));
    let mut pairs: Vec<(String, String)> = serde_html_form::from_bytes(body).map_err(unreadable)?;
    pairs.retain(|(_, value)| !value.trim().is_empty());
    let full = serde_html_form::to_string(&pairs).map_err(|_| Problem::fault())?;
    let reader = serde_html_form::Deserializer::from_bytes(full.as_bytes());
    serde_path_to_error::deserialize(reader).map_err(
        |error: serde_path_to_error::Error<serde_html_form::de::Error>| {
            field_problem(&error.path().to_string(), &error.inner().to_string())
        },
    )
}

/// A form with a file (RFC 7578), at most as large as the server takes any body.
pub struct Upload(Vec<(String, Bytes)>);

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = |_| Problem::content_type("multipart/form-data");
        let unreadable = |error: MultipartError| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(MAX_BODY),
            _ => Problem::malformed(Said::of("refused-form-unreadable")),
        };
        let mut form = Multipart::from_request(request, state)
            .await
            .map_err(kind)?;
        let mut fields = Vec::new();
        while let Some(field) = form.next_field().await.map_err(unreadable)? {
            let name = field.name().unwrap_or_default().to_owned();
            fields.push((name, field.bytes().await.map_err(unreadable)?));
        }
        Ok(Self(fields))
    }
}

impl Upload {
    /// A file that is not empty.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        let mut fields = self.0.iter();
        let found = fields.find(|(known, bytes)| known == name && !bytes.is_empty());
        found.map(|(_, bytes)| &**bytes)
    }

    /// A field's text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// The texts of all fields of a name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let fields = self.0.iter().filter(|(known, _)| known == name);
        let texts = fields.filter_map(|(_, bytes)| std::str::from_utf8(bytes).ok());
        texts.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::values::Title;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Fields {
        name: Title,
        count: Option<i64>,
        #[serde(default)]
        set: bool,
    }

    #[test]
    fn what_is_empty_is_left_out_and_what_is_wrong_is_named() {
        let good: Fields = read(b"name=A+%26+B&count=&set=true").expect("a form");
        assert_eq!(
            (good.name.as_str(), good.count, good.set),
            ("A & B", None, true)
        );
        let field = |body: &[u8]| read::<Fields>(body).expect_err("wrong").field;
        assert_eq!(field(b"name=").as_deref(), Some("name"));
        assert_eq!(field(b"name=a&count=secret").as_deref(), Some("count"));
        assert_eq!(field(b"name=a&more=1").as_deref(), Some("more"));
        let problem = read::<Fields>(b"name=a&count=secret").expect_err("wrong");
        assert!(!problem.detail.english().contains("secret"), "{problem:?}");
    }
}
