//! A provider on this machine that says what a test wants.

use crate::pages::Browser;
use crate::pages::browser::Shown;
use crate::support::Api;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, LOCATION, REFRESH};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Url;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use server::oidc::provider::{Provider, Settings};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// How a token is signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    Rightly,
    /// By a key of somebody else.
    WithAnotherKey,
    /// `alg: none`.
    Not,
    /// HS256 with what everybody knows of the key.
    WithThePublicKey,
}

/// What is changed in a token, and how it is signed.
pub type Change<'a> = (Signed, &'a dyn Fn(&mut Value));

pub struct Issuer {
    pub address: String,
    key: EcdsaKeyPair,
    other: EcdsaKeyPair,
    /// Codes that can be used, each with its challenge and its token.
    codes: Mutex<BTreeMap<String, (String, String)>>,
    /// What it answers when it is asked for its configuration, if not that.
    pub instead: Mutex<Option<(StatusCode, String)>>,
}

fn key() -> EcdsaKeyPair {
    let (how, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let key = EcdsaKeyPair::generate_pkcs8(how, &random).expect("a key");
    EcdsaKeyPair::from_pkcs8(how, key.as_ref(), &random).expect("a key")
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

impl Issuer {
    pub async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let issuer = Arc::new(Self {
            address: format!("http://{address}"),
            key: key(),
            other: key(),
            codes: Mutex::default(),
            instead: Mutex::default(),
        });
        let router = axum::Router::new().fallback(answer);
        let router = router.with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    /// A server at which people may sign in by it.
    pub async fn api(&self) -> Api {
        let settings = Settings {
            issuer: self.address.clone(),
            client: "door & co".to_owned(),
            secret: "s:cr/t".to_owned().into(),
            name: "Club account".to_owned(),
            acr: None,
        };
        let provider = Provider::new(settings).expect("a client");
        Api::furnished(|app| {
            app.address = "https://club.example".to_owned();
            app.provider = Some(Arc::new(provider));
        })
        .await
    }

    pub fn document(&self) -> Value {
        let at = |path: &str| format!("{}/{path}", self.address);
        json!({
            "issuer": self.address, "authorization_endpoint": at("door?for=club"), "token_endpoint": at("token"),
            "jwks_uri": at("keys"),
        })
    }

    /// Lets somebody come back to us who was sent along with this; what is signed is changed before.
    pub fn lets_back(
        &self,
        api: &Api,
        sent: &Sent,
        subject: &str,
        (signed, change): Change<'_>,
    ) -> String {
        let now = api.now().0 / 1000;
        let mut claims = json!({
            "iss": self.address, "sub": subject, "aud": "door & co", "nonce": sent.0["nonce"], "iat": now, "exp": now + 300,
        });
        change(&mut claims);
        let mut codes = self.codes.lock().expect("no panic");
        let code = format!("code/{}", codes.len());
        let token = self.token(signed, &claims);
        codes.insert(code.clone(), (sent.0["code_challenge"].clone(), token));
        sent.back(&code)
    }

    fn token(&self, signed: Signed, claims: &Value) -> String {
        let alg = match signed {
            Signed::Rightly | Signed::WithAnotherKey => "ES256",
            Signed::Not => "none",
            Signed::WithThePublicKey => "HS256",
        };
        let text = format!(
            "{}.{}",
            encoded(&json!({"alg": alg, "kid": "a"})),
            encoded(claims)
        );
        let by = |key: &EcdsaKeyPair| {
            let signature = key.sign(&SystemRandom::new(), text.as_bytes());
            signature.expect("signed").as_ref().to_vec()
        };
        let signature = match signed {
            Signed::Rightly => by(&self.key),
            Signed::WithAnotherKey => by(&self.other),
            Signed::Not => Vec::new(),
            Signed::WithThePublicKey => {
                let public = self.key.public_key().as_ref();
                let mut mac = Hmac::<Sha256>::new_from_slice(public).expect("any length");
                mac.update(text.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
        };
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A token for a code, once, to whom it was promised to.
    fn redeem(&self, headers: &HeaderMap, body: &[u8]) -> Response {
        let basic = STANDARD.encode("door+%26+co:s%3Acr%2Ft");
        let form: BTreeMap<String, String> = serde_html_form::from_bytes(body).expect("a form");
        let known = headers
            .get(AUTHORIZATION)
            .is_some_and(|known| *known == format!("Basic {basic}"));
        let found = self.codes.lock().expect("no panic").remove(&form["code"]);
        let verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
        let meant = form["grant_type"] == "authorization_code" && form["redirect_uri"] == BACK;
        match found {
            _ if !known => StatusCode::UNAUTHORIZED.into_response(),
            Some((challenge, token)) if challenge == verifier && meant => {
                axum::Json(json!({"access_token": "a", "token_type": "Bearer", "id_token": token}))
                    .into_response()
            }
            Some(_) | None => {
                (StatusCode::BAD_REQUEST, "{\"error\":\"invalid_grant\"}").into_response()
            }
        }
    }
}

const BACK: &str = "https://club.example/admin/sign-in/provider";

async fn answer(
    issuer: State<Arc<Issuer>>,
    uri: Uri,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    match uri.path() {
        "/.well-known/openid-configuration" => {
            let instead = issuer.instead.lock().expect("no panic").clone();
            match instead {
                Some((status, text)) if status.is_redirection() => {
                    (status, [(LOCATION, text)]).into_response()
                }
                Some((status, text)) => (status, text).into_response(),
                None => axum::Json(issuer.document()).into_response(),
            }
        }
        "/moved" => axum::Json(issuer.document()).into_response(),
        "/keys" => {
            let (x, y) = issuer.key.public_key().as_ref()[1..].split_at(32);
            let [x, y] = [x, y].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
            let key =
                json!({"kty": "EC", "crv": "P-256", "kid": "a", "use": "sig", "x": x, "y": y});
            axum::Json(json!({"keys": [key]})).into_response()
        }
        "/token" => issuer.redeem(&headers, &body),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// What a browser carries along to the provider.
pub struct Sent(pub BTreeMap<String, String>);

impl Sent {
    /// Where the page leads that was shown.
    pub fn by(page: &Shown) -> Self {
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        let refresh = page.headers[REFRESH].to_str().expect("text");
        let address = refresh.strip_prefix("0; url=").expect("at once");
        let address = Url::parse(address).expect("an address");
        assert_eq!(address.path(), "/door");
        let query: BTreeMap<String, String> = address.query_pairs().into_owned().collect();
        for (name, value) in [
            ("for", "club"),
            ("response_type", "code"),
            ("client_id", "door & co"),
            ("redirect_uri", BACK),
            ("scope", "openid"),
            ("code_challenge_method", "S256"),
        ] {
            assert_eq!(query[name], value);
        }
        Self(query)
    }

    /// The way back with a code.
    pub fn back(&self, code: &str) -> String {
        let query = serde_html_form::to_string([("code", code), ("state", &self.0["state"])]);
        format!("/admin/sign-in/provider?{}", query.expect("a query"))
    }
}

impl Browser<'_> {
    /// Goes to the provider to sign in.
    pub async fn goes(&self) -> Sent {
        Sent::by(&self.post("/admin/sign-in/provider", &[]).await)
    }

    /// Goes to the provider and comes back as one of its accounts.
    pub async fn comes_by(&self, issuer: &Issuer, subject: &str) -> Shown {
        let sent = self.goes().await;
        self.get(&issuer.lets_back(self.api, &sent, subject, (Signed::Rightly, &|_| ())))
            .await
    }

    /// Links one of the provider's accounts.
    pub async fn links(&self, issuer: &Issuer, subject: &str) -> Shown {
        let sent = Sent::by(&self.post("/admin/me/identities", &[]).await);
        self.get(&issuer.lets_back(self.api, &sent, subject, (Signed::Rightly, &|_| ())))
            .await
    }
}
