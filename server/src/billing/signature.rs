//! Whether a webhook body really comes from Stripe (docs.stripe.com/webhooks#verify-manually).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use shared::time::{Span, Timestamp};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// How far the time of signing may lie from now, in either direction.
pub const TOLERANCE: Span = Span::minutes(5);

/// The signing secret of one webhook endpoint (`whsec_…`); never printed, erased when dropped.
#[derive(Clone)]
pub struct SigningSecret(Zeroizing<String>);

impl fmt::Debug for SigningSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SigningSecret")
    }
}

/// A signing secret cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Anybody could sign with it.
    #[error(
        "the webhook secret is empty: copy it from the endpoint's page in the Stripe dashboard (`whsec_…`)"
    )]
    Empty,
    /// Another kind of key.
    #[error(
        "the webhook secret is an API key: the endpoint's page in the Stripe dashboard shows the right one (`whsec_…`)"
    )]
    ApiKey,
}

impl SigningSecret {
    /// Takes the secret as text, without the white space around it.
    pub fn new(text: &str) -> Result<Self, SecretError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SecretError::Empty);
        }
        if ["sk_", "rk_", "pk_"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
        {
            return Err(SecretError::ApiKey);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// Takes several, separated by commas; each must be good.
    pub fn list(text: &str) -> Result<Vec<Self>, SecretError> {
        text.split(',').map(Self::new).collect()
    }

    fn sign(&self, time: &[u8], body: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes())
            .expect("HMAC takes keys of any length");
        mac.update(time);
        mac.update(b".");
        mac.update(body);
        mac.finalize().into_bytes().into()
    }
}

/// Why a body is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No `Stripe-Signature` header.
    #[error(
        "the request has no Stripe-Signature header: it does not come from Stripe, or a proxy removed it"
    )]
    NoHeader,
    /// The header does not read `t=…,v1=…`.
    #[error("the Stripe-Signature header is malformed: {0}")]
    Malformed(&'static str),
    /// The header carries no signature of the scheme in use.
    #[error("the Stripe-Signature header has no v1 signature")]
    NoV1,
    /// No signature fits any configured secret.
    #[error(
        "no v1 signature fits a configured webhook secret: check STRIPE_WEBHOOK_SECRET, and that no proxy changes bodies"
    )]
    Wrong,
    /// Rightly signed, too long ago.
    #[error("rightly signed, but {seconds} s ago: a replay, or this machine's clock is fast")]
    TooOld {
        /// Age.
        seconds: i64,
    },
    /// Rightly signed, in the future.
    #[error("rightly signed, but {seconds} s in the future: this machine's clock is slow")]
    InFuture {
        /// Distance.
        seconds: i64,
    },
}

impl SignatureError {
    /// A short name for counters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoHeader => "no_header",
            Self::Malformed(_) => "malformed",
            Self::NoV1 => "no_v1",
            Self::Wrong => "wrong",
            Self::TooOld { .. } => "too_old",
            Self::InFuture { .. } => "in_future",
        }
    }
}

/// Checks the raw body against every signature of the header and every secret.
///
/// The time is judged only once a signature fits, so that a wrong clock can be told from a forgery.
pub fn verify(
    header: Option<&[u8]>,
    body: &[u8],
    secrets: &[SigningSecret],
    now: Timestamp,
) -> Result<(), SignatureError> {
    let header = Header::parse(header.ok_or(SignatureError::NoHeader)?)?;
    let mut fits = subtle::Choice::from(0);
    for secret in secrets {
        let expected = secret.sign(header.time, body);
        for given in &header.signatures {
            fits |= expected.as_slice().ct_eq(given);
        }
    }
    if !bool::from(fits) {
        return Err(SignatureError::Wrong);
    }
    let age = now.as_seconds().saturating_sub(header.seconds);
    let tolerance = TOLERANCE.0 / 1000;
    if age > tolerance {
        return Err(SignatureError::TooOld { seconds: age });
    }
    if age < -tolerance {
        return Err(SignatureError::InFuture {
            seconds: age.saturating_neg(),
        });
    }
    Ok(())
}

struct Header<'a> {
    /// As written, because that is what was signed.
    time: &'a [u8],
    seconds: i64,
    signatures: Vec<[u8; 32]>,
}

impl<'a> Header<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, SignatureError> {
        let mut time = None;
        let mut signatures = Vec::new();
        let mut seen = false;
        for element in bytes.split(|byte| *byte == b',') {
            let equals = element.iter().position(|byte| *byte == b'=');
            let (name, rest) = equals
                .and_then(|at| element.split_at_checked(at))
                .unwrap_or((element, b""));
            let value = rest
                .strip_prefix(b"=")
                .ok_or(SignatureError::Malformed("an element has no `=`"))?;
            match name {
                b"t" if time.is_some() => return Err(SignatureError::Malformed("two times")),
                b"t" => time = Some(value),
                b"v1" => {
                    seen = true;
                    signatures.extend(unhex(value));
                }
                _ if name.iter().any(|byte| !byte.is_ascii_alphanumeric()) || name.is_empty() => {
                    return Err(SignatureError::Malformed("an element has no name"));
                }
                // Other schemes; `v0` is a fake one for testing.
                _ => {}
            }
        }
        let time = time.ok_or(SignatureError::Malformed("no time"))?;
        let seconds = decimal(time).ok_or(SignatureError::Malformed(
            "the time is not a number of seconds",
        ))?;
        if seen {
            Ok(Self {
                time,
                seconds,
                signatures,
            })
        } else {
            Err(SignatureError::NoV1)
        }
    }
}

fn decimal(text: &[u8]) -> Option<i64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits
        .then(|| std::str::from_utf8(text).ok()?.parse().ok())
        .flatten()
}

fn unhex(text: &[u8]) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests;
