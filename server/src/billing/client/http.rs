//! Stripe over HTTPS; also carries the requests that `async-stripe`'s builders make.

use super::answer::refused;
use super::{Hints, Method, Request, STRIPE_VERSION, Stripe, StripeError, judged};
use crate::app::ConnectedAccount;
use async_trait::async_trait;
use axum::body::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect;
use serde_json::Value;
use shared::time::Span;
use std::fmt;
use std::time::Duration;
use stripe_client_core::{CustomizedStripeRequest, StripeClient, StripeClientErr, StripeMethod};
use zeroize::Zeroizing;

/// Where Stripe answers.
pub const DEFAULT_BASE: &str = "https://api.stripe.com";

const ACCOUNT: &str = "Stripe-Account";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(40);
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// A connection that was kept may have been closed by the other side: one more try finds out.
const ATTEMPTS: u32 = 2;
/// Longer pauses are not believed.
const LONGEST_PAUSE: Span = Span::hours(1);

/// A secret or restricted API key; never printed, erased when dropped.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

/// An API key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing there.
    #[error("the Stripe key is empty")]
    Empty,
    /// Some other kind of key.
    #[error("the Stripe key is neither secret nor restricted: it must begin with `sk_` or `rk_`")]
    NotSecret,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ApiKey")
    }
}

impl ApiKey {
    /// Takes the key as text, without the white space around it.
    pub fn new(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        let secret = text.starts_with("sk_") || text.starts_with("rk_");
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if secret && plain {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err(KeyError::NotSecret)
        }
    }

    /// Live or test; keys from before 2012 do not say.
    #[must_use]
    pub fn livemode(&self) -> Option<bool> {
        let rest = self.0.get(3..).unwrap_or_default();
        match (rest.starts_with("live_"), rest.starts_with("test_")) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }
}

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Not an address.
    #[error("STRIPE_API_BASE `{0}` is no http or https address")]
    Base(String),
    /// The HTTP client did not start.
    #[error("the HTTP client for Stripe cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// Stripe's API under one key, over kept connections.
#[derive(Clone)]
pub struct HttpStripe {
    http: reqwest::Client,
    base: String,
    livemode: Option<bool>,
}

impl fmt::Debug for HttpStripe {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("HttpStripe")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

struct Outgoing {
    method: Method,
    /// Begins with `/v1/`.
    path: String,
    query: Option<String>,
    form: Option<String>,
    key: Option<String>,
    account: Option<String>,
    timeout: Option<Duration>,
}

impl HttpStripe {
    /// A client for the API at `base`, usually [`DEFAULT_BASE`]; under a platform's key it acts for a connected account
    /// (docs.stripe.com/connect/authentication).
    pub fn new(
        base: &str,
        key: &ApiKey,
        account: Option<&ConnectedAccount>,
    ) -> Result<Self, SetupError> {
        let base = base.trim().trim_end_matches('/');
        let bad = || SetupError::Base(base.to_owned());
        let address = reqwest::Url::parse(base).map_err(|_| bad())?;
        if !matches!(address.scheme(), "http" | "https")
            || !address.has_host()
            || address.query().is_some()
        {
            return Err(bad());
        }
        crate::doors::tls::install_crypto();
        let mut headers = HeaderMap::new();
        let bearer = Zeroizing::new(format!("Bearer {}", *key.0));
        let mut bearer = HeaderValue::from_str(&bearer).expect("a key is letters, digits and `_`");
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
        headers.insert("Stripe-Version", HeaderValue::from_static(STRIPE_VERSION));
        if let Some(account) = account {
            let account = HeaderValue::from_str(account.as_str());
            headers.insert(ACCOUNT, account.expect("letters, digits and `_`"));
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("goodstanding/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .pool_idle_timeout(KEEP_ALIVE)
            .tcp_keepalive(KEEP_ALIVE)
            .redirect(redirect::Policy::none())
            .build()
            .map_err(SetupError::Client)?;
        Ok(Self {
            http,
            base: base.to_owned(),
            livemode: key.livemode(),
        })
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<(u16, Hints, Bytes), StripeError> {
        if outgoing.method == Method::Post && outgoing.key.is_none() {
            return Err(StripeError::Unkeyed {
                path: outgoing.path.clone(),
            });
        }
        let mut attempt = 1;
        loop {
            match self.attempt(outgoing).await {
                Ok(answer) => return Ok(answer),
                Err(error) if attempt < ATTEMPTS && !error.is_timeout() && !error.is_builder() => {
                    attempt += 1
                }
                Err(error) => {
                    return Err(StripeError::Unreachable {
                        path: outgoing.path.clone(),
                        why: why(&error),
                    });
                }
            }
        }
    }

    async fn attempt(&self, outgoing: &Outgoing) -> Result<(u16, Hints, Bytes), reqwest::Error> {
        let mut address = format!("{}{}", self.base, outgoing.path);
        if let Some(query) = outgoing.query.as_deref().filter(|query| !query.is_empty()) {
            address.push('?');
            address.push_str(query);
        }
        let mut request = match outgoing.method {
            Method::Get => self.http.get(address),
            Method::Post => self.http.post(address),
            Method::Delete => self.http.delete(address),
        };
        if let Some(form) = &outgoing.form {
            request = request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.clone());
        }
        if let Some(key) = &outgoing.key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(account) = &outgoing.account {
            request = request.header(ACCOUNT, account);
        }
        if let Some(timeout) = outgoing.timeout {
            request = request.timeout(timeout);
        }
        let answer = request.send().await?;
        let (status, hints) = (answer.status().as_u16(), hints(answer.headers()));
        Ok((status, hints, answer.bytes().await?))
    }
}

fn why(error: &reqwest::Error) -> &'static str {
    match (
        error.is_timeout(),
        error.is_connect(),
        error.is_body() || error.is_decode(),
    ) {
        (true, _, _) => "it did not answer in time",
        (false, true, _) => "no connection could be made",
        (false, false, true) => "the answer broke off",
        (false, false, false) => "the connection failed",
    }
}

fn hints(headers: &HeaderMap) -> Hints {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let seconds = text(RETRY_AFTER.as_str())
        .and_then(|text| text.parse::<i64>().ok())
        .filter(|seconds| *seconds >= 0);
    Hints {
        after: seconds.map(|seconds| Span::seconds(seconds).min(LONGEST_PAUSE)),
        should_retry: text("stripe-should-retry").and_then(|text| text.parse().ok()),
        request: text("request-id").map(str::to_owned),
    }
}

/// `a=b&c[d]=e`, encoded.
fn encoded(params: &[(String, String)]) -> String {
    let mut address = reqwest::Url::parse(DEFAULT_BASE).expect("a constant address");
    address.query_pairs_mut().extend_pairs(params);
    address.query().unwrap_or_default().to_owned()
}

#[async_trait]
impl Stripe for HttpStripe {
    fn livemode(&self) -> Option<bool> {
        self.livemode
    }

    async fn pause(&self, span: Span) {
        crate::clock::pause(span).await;
    }

    async fn call(&self, request: Request) -> Result<Value, StripeError> {
        let params = encoded(&request.params);
        let (query, form) = match request.method {
            Method::Get | Method::Delete => (Some(params), None),
            Method::Post => (None, Some(params)),
        };
        let Request {
            method,
            path,
            key,
            params: _,
        } = request;
        let outgoing = Outgoing {
            method,
            path,
            query,
            form,
            key,
            account: None,
            timeout: None,
        };
        let (status, hints, body) = self.send(&outgoing).await?;
        judged(&outgoing.path, status, hints, &body)
    }
}

impl StripeClientErr for StripeError {
    fn deserialize_err(_: impl fmt::Display) -> Self {
        Self::garbled("a typed request")
    }
}

impl StripeClient for HttpStripe {
    type Err = StripeError;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, StripeError> {
        let (request, settings) = request.into_pieces();
        let key = settings
            .request_strategy
            .and_then(|strategy| strategy.get_key());
        let outgoing = Outgoing {
            method: match request.method {
                StripeMethod::Get => Method::Get,
                StripeMethod::Post => Method::Post,
                StripeMethod::Delete => Method::Delete,
            },
            path: format!("/v1{}", request.path),
            query: request.query,
            form: request.body,
            key: key.map(stripe_client_core::IdempotencyKey::into_inner),
            account: settings.account_id.map(|account| account.to_string()),
            timeout: settings.timeout,
        };
        let (status, hints, body) = self.send(&outgoing).await?;
        if (200..300).contains(&status) {
            Ok(body)
        } else {
            Err(refused(&outgoing.path, status, hints, &body))
        }
    }
}
