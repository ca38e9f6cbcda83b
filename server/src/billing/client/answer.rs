//! What an answer means: a result, or an error that says what to do (docs.stripe.com/api/errors).

use serde_json::Value;
use shared::time::Span;

/// Stripe did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StripeError {
    /// No answer came.
    #[error("Stripe cannot be reached for {path}: {why}")]
    Unreachable {
        /// What was asked.
        path: String,
        /// In a few words, without address or key.
        why: &'static str,
    },
    /// Too many requests; ask again later.
    #[error("Stripe asks for a pause before {path} is asked again")]
    RateLimited {
        /// What was asked.
        path: String,
        /// How long, if Stripe says.
        after: Option<Span>,
    },
    /// Stripe has trouble of its own; ask again later.
    #[error("Stripe has trouble with {path} (status {status}); it is worth another try")]
    Failing {
        /// What was asked.
        path: String,
        /// HTTP status.
        status: u16,
        /// How long, if Stripe says.
        after: Option<Span>,
    },
    /// This key does not see what was asked for. It may exist: never an end of anything.
    #[error("the Stripe key cannot read {path} (status {status}{}): check its account, mode and permissions", in_words(.code.as_deref()))]
    NotReadable {
        /// What was asked.
        path: String,
        /// HTTP status.
        status: u16,
        /// Stripe's error code.
        code: Option<String>,
    },
    /// Stripe refuses, and would again.
    #[error("Stripe refuses {path} (status {status}, {kind}{}{}): {message}", in_words(.code.as_deref()), in_words(.param.as_deref()))]
    Status {
        /// What was asked.
        path: String,
        /// HTTP status.
        status: u16,
        /// Stripe's error type.
        kind: Box<str>,
        /// Stripe's error code.
        code: Option<String>,
        /// Which parameter it is about.
        param: Option<Box<str>>,
        /// Stripe's words, without mail addresses, keys and free text.
        message: String,
        /// `req_…`, for Stripe's support.
        request: Option<Box<str>>,
    },
    /// The answer is not what the API promises; perhaps a proxy answered.
    #[error("the answer to {path} is not Stripe's: check STRIPE_API_BASE and proxies")]
    Garbled {
        /// What was asked.
        path: String,
    },
    /// A change without an idempotency key could be made twice.
    #[error("{path} was not sent: a change needs an idempotency key")]
    Unkeyed {
        /// What was to be asked.
        path: String,
    },
    /// Not an id of anything.
    #[error("`{0}` is not an id")]
    BadId(String),
}

impl StripeError {
    /// Whether asking again later may help.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::RateLimited { .. } | Self::Failing { .. } => true,
            Self::NotReadable { .. }
            | Self::Status { .. }
            | Self::Garbled { .. }
            | Self::Unkeyed { .. }
            | Self::BadId(_) => false,
        }
    }
}

fn in_words(code: Option<&str>) -> String {
    code.map(|code| format!(", {code}")).unwrap_or_default()
}

impl StripeError {
    pub(crate) fn garbled(path: &str) -> Self {
        Self::Garbled {
            path: path.to_owned(),
        }
    }

    /// Whether the same request, with the same idempotency key, may succeed later.
    #[must_use]
    pub fn may_retry(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::RateLimited { .. }
            | Self::Failing { .. }
            | Self::Garbled { .. } => true,
            Self::NotReadable { .. }
            | Self::Status { .. }
            | Self::Unkeyed { .. }
            | Self::BadId(_) => false,
        }
    }

    /// Whether a change that was answered so may have been made all the same.
    #[must_use]
    pub fn leaves_open(&self) -> bool {
        self.may_retry() || matches!(self, Self::Status { status: 500.., .. })
    }

    /// How long Stripe asks to wait before that; none if it does not say.
    #[must_use]
    pub fn retry_after(&self) -> Option<Span> {
        match self {
            Self::RateLimited { after, .. } | Self::Failing { after, .. } => *after,
            Self::Unreachable { .. }
            | Self::NotReadable { .. }
            | Self::Status { .. }
            | Self::Garbled { .. }
            | Self::Unkeyed { .. }
            | Self::BadId(_) => None,
        }
    }
}

/// What the headers of an answer add.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// `Retry-After`.
    pub after: Option<Span>,
    /// `Stripe-Should-Retry`.
    pub should_retry: Option<bool>,
    /// `Request-Id`.
    pub request: Option<String>,
}

/// Turns status and body of an answer into a result. A simulation uses this as the real client does.
pub fn judged(path: &str, status: u16, hints: Hints, body: &[u8]) -> Result<Value, StripeError> {
    if !(200..300).contains(&status) {
        return Err(refused(path, status, hints, body));
    }
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_),
        )
        | Err(_) => Err(StripeError::garbled(path)),
    }
}

/// What went wrong, whatever the body is.
pub(super) fn refused(path: &str, status: u16, hints: Hints, body: &[u8]) -> StripeError {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| body["error"][key].as_str().map(str::to_owned);
    let (path, code) = (path.to_owned(), text("code"));
    match (status, hints.should_retry, code.as_deref()) {
        (429, _, _) => StripeError::RateLimited {
            path,
            after: hints.after,
        },
        (401 | 403 | 404, _, _) | (_, _, Some("resource_missing")) => {
            StripeError::NotReadable { path, status, code }
        }
        (409 | 424 | 500..=599, None | Some(true), _) | (_, Some(true), _) => {
            StripeError::Failing {
                path,
                status,
                after: hints.after,
            }
        }
        (_, _, _) => StripeError::Status {
            path,
            status,
            kind: text("type")
                .unwrap_or_else(|| "no reason given".to_owned())
                .into(),
            code,
            param: text("param")
                .filter(|param| is_param(param))
                .map(Into::into),
            message: text("message").map_or_else(String::new, |message| impersonal(&message)),
            request: hints.request.map(Into::into),
        },
    }
}

/// Words without mail addresses, keys, long numbers and what stands in quotes, unless that is an id.
fn impersonal(message: &str) -> String {
    let mut words = Vec::new();
    let mut quoted = false;
    for word in message.split_whitespace().take(40) {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let opens = word.starts_with(['\'', '"', '`', '(', '“', '‘']);
        let closes = word
            .trim_end_matches(['.', ',', ';', ':', ')', '?', '!'])
            .ends_with(['\'', '"', '`', '”', '’']);
        let inside = quoted || (opens && !closes);
        if inside || is_personal(bare) || (opens && !is_id(bare)) {
            words.push("…");
        } else {
            words.push(word);
        }
        quoted = inside && !closes;
    }
    words.join(" ")
}

fn is_personal(word: &str) -> bool {
    let secret = ["sk_", "rk_", "pk_", "whsec_"]
        .iter()
        .any(|prefix| word.contains(prefix));
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    secret || word.contains('@') || (digits >= 6 && !is_id(word))
}

/// `items[0][price]`
fn is_param(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'[' | b']');
    word.len() <= 100 && word.bytes().all(plain)
}

/// `sub_1Ab…`, `price_…`, a parameter's name.
fn is_id(word: &str) -> bool {
    word.contains('_')
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fails(status: u16, should_retry: Option<bool>, error: Value) -> StripeError {
        let hints = Hints {
            should_retry,
            after: Some(Span::seconds(7)),
            request: Some("req_1".to_owned()),
        };
        judged(
            "/v1/x",
            status,
            hints,
            json!({"error": error}).to_string().as_bytes(),
        )
        .expect_err("an error")
    }

    #[test]
    fn what_the_key_cannot_see_is_never_an_end() {
        for status in [401, 403, 404] {
            let error = fails(status, None, json!({"type": "invalid_request_error"}));
            assert!(
                matches!(error, StripeError::NotReadable { .. }) && !error.may_retry(),
                "{status}"
            );
        }
        let error = fails(
            400,
            None,
            json!({"code": "resource_missing", "message": "No such customer: 'cus_1'"}),
        );
        assert!(matches!(error, StripeError::NotReadable { .. }));
    }

    #[test]
    fn what_passes_by_itself_says_when_to_try_again() {
        let tried = |status, should| fails(status, should, json!({})).may_retry();
        for status in [409, 424, 429, 500, 502, 503, 504] {
            assert!(tried(status, None) && tried(status, Some(true)), "{status}");
            assert_eq!(
                fails(status, None, json!({})).retry_after(),
                Some(Span::seconds(7))
            );
        }
        assert!(
            !tried(500, Some(false))
                && !tried(400, None)
                && !tried(402, None)
                && tried(400, Some(true))
        );
        assert!(matches!(
            fails(429, Some(false), json!({})),
            StripeError::RateLimited { .. }
        ));
    }

    #[test]
    fn the_status_survives_a_body_that_is_not_stripes() {
        for body in [
            &b""[..],
            b"<html>",
            b"null",
            b"[1]",
            b"{\"error\":\"text\"}",
            b"\xff",
        ] {
            let error = judged("/v1/x", 502, Hints::default(), body).expect_err("an error");
            assert_eq!(
                error,
                StripeError::Failing {
                    path: "/v1/x".to_owned(),
                    status: 502,
                    after: None
                }
            );
        }
        for body in [&b""[..], b"<html>", b"[]", b"5"] {
            assert_eq!(
                judged("/v1/x", 200, Hints::default(), body),
                Err(StripeError::garbled("/v1/x"))
            );
        }
    }

    #[test]
    fn stripes_words_are_passed_on_without_persons_and_keys() {
        for (message, wanted) in [
            ("No such price: 'price_1Ab'", "No such price: 'price_1Ab'"),
            (
                "Invalid email address: a@example.org",
                "Invalid email address: …",
            ),
            (
                "Invalid API Key provided: sk_test_****1234.",
                "Invalid API Key provided: …",
            ),
            (
                "The name 'Ada Lovelace, of London' is too long.",
                "The name … … … … is too long.",
            ),
            ("The name 'Ada' is too short.", "The name … is too short."),
            (
                "Number 4242424242424242 was declined",
                "Number … was declined",
            ),
            (
                "You can't do that, it's final.",
                "You can't do that, it's final.",
            ),
        ] {
            assert_eq!(impersonal(message), wanted);
        }
        let error = fails(
            402,
            None,
            json!({"type": "card_error", "code": "card_declined", "message": "Your card was declined."}),
        );
        let text =
            "Stripe refuses /v1/x (status 402, card_error, card_declined): Your card was declined.";
        assert_eq!(error.to_string(), text);
    }
}
