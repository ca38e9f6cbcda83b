//! What a request carries, read strictly: the field at fault is named, what it held is not repeated.

use super::problem::Problem;
use crate::said::Said;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use std::error::Error;

/// The largest JSON body that is read, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// A JSON body.
pub struct Body<T>(pub T);

/// The query.
pub struct Asked<T>(pub T);

/// The names and numbers in the address.
pub struct At<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (_, value) = json(request, state).await?;
        Ok(Self(value))
    }
}

/// A JSON body as it came and as it is read.
pub async fn json<S: Send + Sync, T: DeserializeOwned>(
    request: Request,
    state: &S,
) -> Result<(Bytes, T), Problem> {
    let kind = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or("");
    let essence = kind.split(';').next().unwrap_or("").trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Problem::content_type("application/json"));
    }
    let bytes = bytes(request, state, MAX_BODY).await?;
    let mut reader = serde_json::Deserializer::from_slice(&bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        unreadable(&path, error.inner())
    })?;
    reader.end().map_err(|error| unreadable(".", &error))?;
    Ok((bytes, value))
}

/// The raw body, if it is not too large.
pub async fn bytes<S: Send + Sync>(
    request: Request,
    state: &S,
    limit: usize,
) -> Result<Bytes, Problem> {
    match Bytes::from_request(request, state).await {
        Ok(bytes) if bytes.len() > limit => Err(Problem::too_large(limit)),
        Ok(bytes) => Ok(bytes),
        Err(BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_))) => {
            Err(Problem::too_large(limit))
        }
        Err(_) => Err(Problem::malformed("The body ended before it was complete.")),
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(query_problem(&rejection)),
        }
    }
}

type QueryError = serde_path_to_error::Error<serde::de::value::Error>;

fn query_problem(rejection: &(dyn Error + 'static)) -> Problem {
    let mut cause = Some(rejection);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<QueryError>() {
            return field_problem(&error.path().to_string(), &error.inner().to_string());
        }
        cause = error.source();
    }
    Problem::malformed("The query after `?` cannot be read.")
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for At<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => Err(Problem::not_found("thing of this name or number")),
        }
    }
}

fn unreadable(path: &str, error: &serde_json::Error) -> Problem {
    if error.is_data() {
        // The reader appends where it stopped; the field says that better.
        let text = error.to_string();
        let text = text
            .rsplit_once(" at line ")
            .map_or(text.as_str(), |(text, _)| text);
        return field_problem(path, text);
    }
    Problem::malformed(format!(
        "The body is not JSON: see line {}, column {}.",
        error.line(),
        error.column()
    ))
}

/// Turns what a reader says into a problem without repeating what was sent.
pub fn field_problem(path: &str, text: &str) -> Problem {
    let quoted = || text.split('`').nth(1).unwrap_or("").to_owned();
    let parent = path.rsplit_once('.').map(|(parent, _)| parent);
    let within = |base: Option<&str>, name: String| match base {
        Some(base) if base != "." && !base.is_empty() => format!("{base}.{name}"),
        Some(_) | None => name,
    };
    if text.starts_with("missing field") {
        return Problem::field(
            within(Some(path), quoted()),
            Said::of("refused-field-missing"),
        );
    }
    if text.starts_with("duplicate field") {
        return Problem::field(within(parent, quoted()), Said::of("refused-field-twice"));
    }
    if text.starts_with("unknown field") {
        let known = text
            .split_once(", expected ")
            .map_or("none", |(_, known)| known);
        return Problem::field(
            within(parent, quoted()),
            format!("This field is not known here. Known: {known}."),
        );
    }
    let wrong = [
        "invalid type",
        "invalid value",
        "invalid length",
        "unknown variant",
    ];
    if wrong.iter().any(|wrong| text.starts_with(wrong)) {
        let expected = text
            .rsplit_once(", expected ")
            .map_or("something else", |(_, expected)| expected);
        let expected = match expected {
            "i64" | "u64" | "u32" | "u16" | "u8" => "a whole number",
            "a boolean" => "true or false",
            expected => expected,
        };
        return Problem::field(path, format!("Expected {expected}."));
    }
    // Our own types say what is valid; some begin by quoting what they got.
    let rule = match text
        .strip_prefix('`')
        .and_then(|rest| rest.rsplit_once("` is "))
    {
        Some((_, rule)) => format!("This is {rule}."),
        None => format!("{text}."),
    };
    Problem::field(path, rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::ids::ZoneId;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only reading it matters")]
        zone: ZoneId,
        #[expect(dead_code, reason = "only reading it matters")]
        inner: Option<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only reading it matters")]
        count: i64,
    }

    fn read(text: &str) -> Problem {
        let mut reader = serde_json::Deserializer::from_str(text);
        let error = serde_path_to_error::deserialize::<_, Outer>(&mut reader).expect_err("wrong");
        let path = error.path().to_string();
        unreadable(&path, error.inner())
    }

    #[test]
    fn the_field_at_fault_is_named_and_its_content_is_not_repeated() {
        let cases = [
            (
                r#"{"zone": "secret@example.org"}"#,
                Some("zone"),
                "use 1 to 64",
            ),
            (r#"{"zone": 5}"#, Some("zone"), "string"),
            (r#"{}"#, Some("zone"), "missing"),
            (
                r#"{"zone": "a", "inner": {"count": "secret@example.org"}}"#,
                Some("inner.count"),
                "whole number",
            ),
            (
                r#"{"zone": "a", "inner": {"more": 1, "count": 2}}"#,
                Some("inner.more"),
                "`count`",
            ),
            (
                r#"{"zone": "a", "inner": {}}"#,
                Some("inner.count"),
                "missing",
            ),
            (r#"{"zone": "a", "zone": "b"}"#, Some("zone"), "twice"),
            (r#"{"zone": "#, None, "line 1"),
        ];
        for (text, field, says) in cases {
            let problem = read(text);
            assert_eq!(problem.field.as_deref(), field, "{text}: {problem:?}");
            assert!(
                problem.detail.english().contains(says),
                "{text}: {problem:?}"
            );
            assert!(
                !problem.detail.english().contains("secret"),
                "{text}: {problem:?}"
            );
        }
    }
}
