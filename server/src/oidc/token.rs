//! ID tokens: signed by the provider, for us, now, and for this sign-in (OpenID Connect Core, 3.1.3.7; RFC 7515, 7518, 8725).
//!
//! The key decides what may be done with it, never the token: algorithms are asymmetric and four, each with its kind of key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use shared::time::{Span, Timestamp};
use subtle::ConstantTimeEq as _;

/// The provider's clock and ours may differ by so much.
const SKEW: Span = Span::minutes(2);
/// A subject is no longer (OpenID Connect Core, 2).
const LONGEST_SUBJECT: usize = 255;

/// An ID token is not to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It is no signed token, or says something that has to be understood and is not.
    #[error("it cannot be read")]
    Unreadable,
    /// None, a shared secret, or something unknown.
    #[error("its algorithm is none of RS256, PS256, ES256 and EdDSA")]
    Algorithm,
    /// None of the provider's keys made the signature.
    #[error("it is not signed by a key of the provider")]
    Signature,
    /// Of another provider.
    #[error("it is of another issuer than OIDC_ISSUER")]
    Issuer,
    /// For another site.
    #[error("it is not for OIDC_CLIENT_ID alone")]
    Audience,
    /// Too old, or not yet.
    #[error("it is not of this moment; see that both clocks are right")]
    Time,
    /// For another sign-in.
    #[error("it is for another sign-in")]
    Nonce,
    /// It names nobody.
    #[error("it names nobody")]
    Subject,
    /// The provider did not make as sure as it has to.
    #[error("the provider did not make sure in the way that OIDC_ACR demands")]
    Assurance,
}

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// By whom.
    pub issuer: &'a str,
    /// For whom.
    pub client: &'a str,
    /// How sure the provider made (`acr`); none: that is its business.
    pub acr: Option<&'a str>,
    /// For which sign-in.
    pub nonce: &'a str,
    /// When that began.
    pub begun: Timestamp,
    /// The moment.
    pub now: Timestamp,
}

/// Whom a token vouches for.
pub fn subject(token: &str, keys: &Keys, expected: &Expected<'_>) -> Result<String, Wrong> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Wrong::Unreadable)?;
    let (header, claims) = signed.split_once('.').ok_or(Wrong::Unreadable)?;
    let header: Header = part(header)?;
    if header.crit.is_some() {
        return Err(Wrong::Unreadable);
    }
    let algorithm = Algorithm::read(&header.alg).ok_or(Wrong::Algorithm)?;
    let signature = URL_SAFE_NO_PAD.decode(signature);
    let signature = signature.map_err(|_| Wrong::Unreadable)?;
    let mut known = keys.of(&header);
    if !known.any(|key| key.made(algorithm, signed.as_bytes(), &signature)) {
        return Err(Wrong::Signature);
    }
    part::<Claims>(claims)?.subject(expected)
}

/// A part of a token, as JSON.
fn part<T: DeserializeOwned>(text: &str) -> Result<T, Wrong> {
    let bytes = URL_SAFE_NO_PAD.decode(text);
    let bytes = bytes.map_err(|_| Wrong::Unreadable)?;
    serde_json::from_slice(&bytes).map_err(|_| Wrong::Unreadable)
}

/// How a token is signed (RFC 7515, 4.1).
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

#[derive(Clone, Copy)]
enum Algorithm {
    Rs256,
    Ps256,
    Es256,
    Ed25519,
}

impl Algorithm {
    /// By its names at IANA (RFC 7518, 3.1; RFC 8037, 3.1; RFC 9864, 2.2).
    fn read(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "PS256" => Some(Self::Ps256),
            "ES256" => Some(Self::Es256),
            "EdDSA" | "Ed25519" => Some(Self::Ed25519),
            _ => None,
        }
    }
}

/// The provider's public keys (RFC 7517, 5); those of other kinds are left out.
#[derive(Deserialize)]
pub struct Keys {
    keys: Vec<Value>,
}

impl Keys {
    /// Those that a token may be signed by, as far as they say.
    fn of(&self, header: &Header) -> impl Iterator<Item = Key> {
        let keys = self.keys.iter();
        let keys = keys.filter_map(|key| Key::deserialize(key).ok());
        keys.filter(|key| {
            let named = header.kid.is_none() || key.kid == header.kid;
            let signs = key.usage.as_deref().is_none_or(|usage| usage == "sig");
            let fits = key.alg.as_deref().is_none_or(|alg| alg == header.alg);
            named && signs && fits
        })
    }
}

/// A key (RFC 7517, 4; RFC 7518, 6; RFC 8037, 2).
#[derive(Deserialize)]
struct Key {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Key {
    /// Whether the signature was made by it.
    fn made(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        let made = match algorithm {
            Algorithm::Rs256 => self.rsa(&RSA_PKCS1_2048_8192_SHA256, signed, signature),
            Algorithm::Ps256 => self.rsa(&RSA_PSS_2048_8192_SHA256, signed, signature),
            Algorithm::Es256 => self
                .p256()
                .and_then(|point| verified(&ECDSA_P256_SHA256_FIXED, &point, signed, signature)),
            Algorithm::Ed25519 => self
                .ed25519()
                .and_then(|point| verified(&ED25519, &point, signed, signature)),
        };
        made.is_some()
    }

    fn rsa(&self, how: &'static RsaParameters, signed: &[u8], signature: &[u8]) -> Option<()> {
        let (n, e) = (bytes(&self.n)?, bytes(&self.e)?);
        let key = RsaPublicKeyComponents { n, e };
        let verified = (self.kty == "RSA").then(|| key.verify(how, signed, signature));
        verified?.ok()
    }

    /// The point, uncompressed.
    fn p256(&self) -> Option<Vec<u8>> {
        let point = [&[4][..], &bytes(&self.x)?, &bytes(&self.y)?].concat();
        self.is("EC", "P-256").then_some(point)
    }

    fn ed25519(&self) -> Option<Vec<u8>> {
        let point = bytes(&self.x)?;
        self.is("OKP", "Ed25519").then_some(point)
    }

    fn is(&self, kind: &str, curve: &str) -> bool {
        self.kty == kind && self.crv.as_deref() == Some(curve)
    }
}

fn bytes(text: &Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.as_deref()?).ok()
}

fn verified(
    how: &'static dyn VerificationAlgorithm,
    point: &[u8],
    signed: &[u8],
    signature: &[u8],
) -> Option<()> {
    let key = UnparsedPublicKey::new(how, point);
    key.verify(signed, signature).ok()
}

/// What a token says (OpenID Connect Core, 2); seconds since 1970, which may have a fraction (RFC 7519, 2).
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: f64,
    iat: f64,
    nbf: Option<f64>,
    nonce: Option<String>,
    acr: Option<String>,
}

/// One, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn is(&self, client: &str, authorised: Option<&str>) -> bool {
        let named = match self {
            Self::One(one) => one == client,
            Self::Several(several) => several.iter().any(|one| one == client),
        };
        let alone = match self {
            Self::One(_) => true,
            Self::Several(several) => several.len() == 1,
        };
        // Where others may read it, too, it must say that it was made for us.
        named && authorised.map_or(alone, |authorised| authorised == client)
    }
}

impl Claims {
    fn subject(self, expected: &Expected<'_>) -> Result<String, Wrong> {
        if self.iss != expected.issuer {
            return Err(Wrong::Issuer);
        }
        if !self.aud.is(expected.client, self.azp.as_deref()) {
            return Err(Wrong::Audience);
        }
        if !self.is_of(expected.begun, expected.now) {
            return Err(Wrong::Time);
        }
        let nonce = self.nonce.as_deref().unwrap_or_default().as_bytes();
        if !bool::from(nonce.ct_eq(expected.nonce.as_bytes())) {
            return Err(Wrong::Nonce);
        }
        if expected.acr.is_some() && expected.acr != self.acr.as_deref() {
            return Err(Wrong::Assurance);
        }
        let named = (1..=LONGEST_SUBJECT).contains(&self.sub.len());
        named.then_some(self.sub).ok_or(Wrong::Subject)
    }

    /// Whether it was made since a sign-in began and has not run out.
    fn is_of(&self, begun: Timestamp, now: Timestamp) -> bool {
        let (made, ends) = (moment(self.iat), moment(self.exp));
        let starts = self.nbf.map_or(made, moment);
        now < ends + SKEW && made <= now + SKEW && starts <= now + SKEW && begun <= made + SKEW
    }
}

/// Seconds since 1970, as they stand in a token; what no calendar has is at its end.
fn moment(seconds: f64) -> Timestamp {
    const LAST: f64 = 253_402_300_799.0;
    Timestamp((seconds.clamp(0.0, LAST) * 1000.0) as i64)
}

#[cfg(test)]
mod tests;
