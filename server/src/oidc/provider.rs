//! The provider over HTTPS: where it is, what it gives for a code, and its keys (OpenID Connect Discovery 1.0; RFC 6749).
//!
//! Whom we ask is the operator's setting and what stands at that address; no redirect is followed, and no answer is long.

use super::{Begun, Expected, Keys, Wrong, subject};
use crate::config::is_private_on_the_way;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, StatusCode, Url, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use shared::time::{Span, Timestamp};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

const TIMEOUT: Duration = Duration::from_secs(10);
/// No answer has more bytes.
const LONGEST: usize = 256 * 1024;
/// So many ask the provider at once; more are sent away.
const TALKS: usize = 8;
/// What stands at its address is read again after so long.
const KNOWN: Span = Span::hours(1);

/// The provider, as it is set.
#[derive(Clone)]
pub struct Settings {
    /// Its address, exactly as it calls itself.
    pub issuer: String,
    /// What it calls us.
    pub client: String,
    /// By which it knows us.
    pub secret: Zeroizing<String>,
    /// What people call it.
    pub name: String,
    /// How sure it has to make (`acr`); none: that is its business.
    pub acr: Option<String>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Settings")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// The provider vouches for nobody.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Too many ask at once.
    #[error("too many ask the OpenID provider at once")]
    Busy,
    /// It did not answer.
    #[error("the OpenID provider did not answer when asked for {what}: see OIDC_ISSUER")]
    Unreachable {
        /// For what.
        what: &'static str,
        /// Why.
        source: reqwest::Error,
    },
    /// It answered that it will not.
    #[error(
        "the OpenID provider answered {status} when asked for {what}: 400 is a code that was used or is too old, 401 a \
         wrong OIDC_CLIENT_ID or OIDC_CLIENT_SECRET, 404 a wrong OIDC_ISSUER"
    )]
    Status {
        /// For what.
        what: &'static str,
        /// The HTTP status.
        status: StatusCode,
    },
    /// Its answer is none.
    #[error("what the OpenID provider answered when asked for {0} cannot be read")]
    Garbled(&'static str),
    /// Another one answers there.
    #[error(
        "the OpenID provider calls itself something else: set OIDC_ISSUER exactly to the `issuer` that it tells"
    )]
    Other,
    /// It names an address that is not safe.
    #[error("the OpenID provider names an address that is not https")]
    Open,
    /// Its ID token is not to be believed.
    #[error("the ID token of the OpenID provider was not believed: {0}")]
    Token(#[from] Wrong),
}

/// What a provider says of itself (OpenID Connect Discovery 1.0, 3).
#[derive(Clone, Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Document {
    /// Whether we are to say who we are within the form (OpenID Connect Core, 9; what nobody says is `client_secret_basic`).
    fn wants_form(&self) -> bool {
        let ways = self.token_endpoint_auth_methods_supported.as_deref();
        ways.is_some_and(|ways| !ways.iter().any(|way| way == "client_secret_basic"))
    }
}

/// What a provider gives for a code; of all that, we want whom it vouches for.
#[derive(Deserialize)]
struct Given {
    id_token: String,
}

/// The provider, asked over kept connections.
pub struct Provider {
    /// As it is set.
    pub settings: Settings,
    http: Client,
    talks: Semaphore,
    known: Mutex<Option<(Timestamp, Document)>>,
}

impl Provider {
    /// A provider by its settings.
    pub fn new(settings: Settings) -> Result<Self, reqwest::Error> {
        crate::doors::tls::install_crypto();
        let http = Client::builder()
            .user_agent(concat!("goodstanding/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .build()?;
        Ok(Self {
            settings,
            http,
            talks: Semaphore::new(TALKS),
            known: Mutex::default(),
        })
    }

    /// Where somebody goes who signs in there, to come back at `back` (OpenID Connect Core, 3.1.2.1).
    pub async fn entrance(
        &self,
        begun: &Begun,
        back: &str,
        now: Timestamp,
    ) -> Result<Url, ProviderError> {
        let _talk = self.talks.try_acquire().map_err(|_| ProviderError::Busy)?;
        let document = self.document(now).await?;
        let mut entrance = self.safe(&document.authorization_endpoint)?;
        let mut query = entrance.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client)
            .append_pair("redirect_uri", back)
            // Who it is, and nothing about them.
            .append_pair("scope", "openid")
            .append_pair("state", &begun.state())
            .append_pair("nonce", &begun.nonce())
            .append_pair("code_challenge", &begun.challenge())
            .append_pair("code_challenge_method", "S256");
        if let Some(acr) = &self.settings.acr {
            query.append_pair("acr_values", acr);
        }
        drop(query);
        Ok(entrance)
    }

    /// Whom the provider vouches for by a code that somebody brought to `back` (OpenID Connect Core, 3.1.3).
    pub async fn subject(
        &self,
        begun: &Begun,
        (code, back): (&str, &str),
        now: Timestamp,
    ) -> Result<String, ProviderError> {
        let _talk = self.talks.try_acquire().map_err(|_| ProviderError::Busy)?;
        let document = self.document(now).await?;
        let given: Given = self.given(&document, begun, (code, back)).await?;
        let keys = self.http.get(self.safe(&document.jwks_uri)?);
        let keys: Keys = read(keys, "its keys").await?;
        let nonce = begun.nonce();
        let expected = Expected {
            issuer: &self.settings.issuer,
            client: &self.settings.client,
            acr: self.settings.acr.as_deref(),
            nonce: &nonce,
            begun: begun.at,
            now,
        };
        Ok(subject(&given.id_token, &keys, &expected)?)
    }

    async fn given(
        &self,
        document: &Document,
        begun: &Begun,
        (code, back): (&str, &str),
    ) -> Result<Given, ProviderError> {
        const WHAT: &str = "an ID token";
        let verifier = begun.verifier();
        let (client, secret) = (self.settings.client.as_str(), self.settings.secret.as_str());
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", back),
            ("code_verifier", &verifier),
        ];
        let mut request = self.http.post(self.safe(&document.token_endpoint)?);
        if document.wants_form() {
            form.extend([("client_id", client), ("client_secret", secret)]);
        } else {
            // Encoded once more before they are put together (RFC 6749, 2.3.1).
            request = request.basic_auth(encoded(client), Some(encoded(secret)));
        }
        let body = serde_html_form::to_string(form).map_err(|_| ProviderError::Garbled(WHAT))?;
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        read(request.body(body), WHAT).await
    }

    /// What the provider says of itself, read anew once an hour.
    async fn document(&self, now: Timestamp) -> Result<Document, ProviderError> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, document)) = &*known()
            && (*at..*at + KNOWN).contains(&now)
        {
            return Ok(document.clone());
        }
        let issuer = self.settings.issuer.trim_end_matches('/');
        let address = format!("{issuer}/.well-known/openid-configuration");
        let request = self.http.get(address);
        let document: Document = read(request, "its configuration").await?;
        if document.issuer != self.settings.issuer {
            return Err(ProviderError::Other);
        }
        *known() = Some((now, document.clone()));
        Ok(document)
    }

    /// Whether the provider answers and is the one that is meant.
    pub async fn check(&self, now: Timestamp) -> Result<(), ProviderError> {
        self.document(now).await.map(drop)
    }

    /// An address that the provider names; https as its own is.
    fn safe(&self, address: &str) -> Result<Url, ProviderError> {
        let url = Url::parse(address).map_err(|_| ProviderError::Open)?;
        let is_local = self.settings.issuer.starts_with("http://") && url.scheme() == "http";
        let is_safe = url.scheme() == "https" || is_local && is_private_on_the_way(address);
        is_safe.then_some(url).ok_or(ProviderError::Open)
    }
}

/// As it stands in a form.
fn encoded(text: &str) -> String {
    let encoded = serde_html_form::to_string([("", text)]).unwrap_or_default();
    encoded.trim_start_matches('=').to_owned()
}

/// A short answer in JSON.
async fn read<T: DeserializeOwned>(
    request: RequestBuilder,
    what: &'static str,
) -> Result<T, ProviderError> {
    let unreachable = |source: reqwest::Error| ProviderError::Unreachable {
        what,
        source: source.without_url(),
    };
    let request = request.header(ACCEPT, "application/json");
    let mut answer = request.send().await.map_err(unreachable)?;
    let status = answer.status();
    if status != StatusCode::OK {
        return Err(ProviderError::Status { what, status });
    }
    let mut body = Zeroizing::new(Vec::new());
    while let Some(part) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + part.len() > LONGEST {
            return Err(ProviderError::Garbled(what));
        }
        body.extend_from_slice(&part);
    }
    serde_json::from_slice(&body).map_err(|_| ProviderError::Garbled(what))
}
