//! Passkeys: what a browser sends of a key on somebody's device is checked by the steps of Web Authentication, sections 7.1
//! and 7.2 (www.w3.org/TR/webauthn-3), as far as they concern us: we ask for no attestation, for the user's presence and
//! verification always, and let no other site's page sign in here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minicbor::Decoder;
use minicbor::data::Type;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use shared::time::Span;

/// What somebody was asked is answered within so long.
pub const ASKED: Span = Span::minutes(5);
/// A credential's id is no longer (section 4, credential id).
const LONGEST_ID: usize = 1023;

/// What a browser sent is no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It cannot be read.
    #[error("the browser's answer cannot be read")]
    Unreadable,
    /// It answers something else: another challenge, another site, or not this step.
    #[error("the answer is for another site or another question")]
    Elsewhere,
    /// The device did not ask for PIN, finger or face.
    #[error("the device did not make sure who uses it")]
    Unverified,
    /// A kind of key that we do not know.
    #[error("a kind of key that is not known")]
    Algorithm,
    /// The signature does not fit, or a copy of the key has signed more.
    #[error("the signature does not fit")]
    Signature,
}

/// What the browser was to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ceremony {
    /// Make a key.
    Create,
    /// Sign by one.
    Get,
}

/// What an answer must fit: the site as its own pages are called, and what was asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Scheme, host and port, as browsers write it.
    pub origin: &'a str,
    /// Random, and never asked again.
    pub challenge: &'a [u8],
}

/// A key that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// By which it is found.
    pub credential: Vec<u8>,
    /// COSE (RFC 9052).
    pub public_key: Vec<u8>,
    /// How often it has signed, as it says.
    pub signatures: u32,
}

/// A key that is known.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// COSE (RFC 9052).
    pub public_key: &'a [u8],
    /// How often it had signed when it was last used.
    pub signatures: u32,
}

/// What a browser sends when a key has signed.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// What it was asked, as JSON.
    pub client_data: &'a [u8],
    /// What the device says of itself.
    pub authenticator_data: &'a [u8],
    /// Over both.
    pub signature: &'a [u8],
}

/// Takes a key that was just made.
pub fn made(question: Question<'_>, client_data: &[u8], attestation: &[u8]) -> Result<Made, Wrong> {
    question.fits(Ceremony::Create, client_data)?;
    let data = authenticator_data(attestation).ok_or(Wrong::Unreadable)?;
    let device = Device::read(data, question.origin)?;
    let (credential, public_key) = device.key().ok_or(Wrong::Unreadable)?;
    Key::read(public_key)?;
    Ok(Made {
        credential: credential.to_vec(),
        public_key: public_key.to_vec(),
        signatures: device.signatures,
    })
}

/// Takes a signature by a known key; how often that key has signed by now.
pub fn signed(question: Question<'_>, known: Known<'_>, signed: Signed<'_>) -> Result<u32, Wrong> {
    question.fits(Ceremony::Get, signed.client_data)?;
    let device = Device::read(signed.authenticator_data, question.origin)?;
    let message = [
        signed.authenticator_data,
        &Sha256::digest(signed.client_data),
    ]
    .concat();
    Key::read(known.public_key)?.verify(&message, signed.signature)?;
    // Section 6.1.1: a counter that does not go up tells of a copy; devices that do not count say 0.
    let copied = device.signatures <= known.signatures;
    if copied && (device.signatures, known.signatures) != (0, 0) {
        return Err(Wrong::Signature);
    }
    Ok(device.signatures)
}

/// What the browser says that it was asked (section 5.8.1).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

impl Question<'_> {
    fn fits(&self, ceremony: Ceremony, client_data: &[u8]) -> Result<(), Wrong> {
        let said: ClientData =
            serde_json::from_slice(client_data).map_err(|_| Wrong::Unreadable)?;
        let kind = match ceremony {
            Ceremony::Create => "webauthn.create",
            Ceremony::Get => "webauthn.get",
        };
        let challenge = URL_SAFE_NO_PAD.encode(self.challenge);
        let fits = said.kind == kind
            && said.challenge == challenge
            && said.origin == self.origin
            && !said.cross_origin;
        fits.then_some(()).ok_or(Wrong::Elsewhere)
    }
}

/// The name under which keys are kept for a site: its host without scheme and port.
fn host(origin: &str) -> &str {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

/// What a device says of itself (section 6.1).
struct Device<'a> {
    signatures: u32,
    attested: Option<&'a [u8]>,
}

impl<'a> Device<'a> {
    const PRESENT: u8 = 0x01;
    const VERIFIED: u8 = 0x04;
    const ATTESTED: u8 = 0x40;

    fn read(data: &'a [u8], origin: &str) -> Result<Self, Wrong> {
        let (site, rest) = data.split_at_checked(32).ok_or(Wrong::Unreadable)?;
        let (flags, rest) = rest.split_first().ok_or(Wrong::Unreadable)?;
        let (signatures, rest) = rest.split_first_chunk().ok_or(Wrong::Unreadable)?;
        if *site != *Sha256::digest(host(origin)) {
            return Err(Wrong::Elsewhere);
        }
        let wanted = Self::PRESENT | Self::VERIFIED;
        if flags & wanted != wanted {
            return Err(Wrong::Unverified);
        }
        Ok(Self {
            signatures: u32::from_be_bytes(*signatures),
            attested: (flags & Self::ATTESTED != 0).then_some(rest),
        })
    }

    /// The id and the key of a credential that was just made (section 6.5.1).
    fn key(&self) -> Option<(&'a [u8], &'a [u8])> {
        let (_model, rest) = self.attested?.split_at_checked(16)?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (credential, rest) = rest.split_at_checked(length)?;
        // What may follow the key are extensions.
        let mut key = Decoder::new(rest);
        key.skip().ok()?;
        let fits = (1..=LONGEST_ID).contains(&length);
        fits.then_some((credential, rest.get(..key.position())?))
    }
}

/// What a device says of itself, out of the object around it (section 6.5.4); what attests it is not looked at.
fn authenticator_data(attestation: &[u8]) -> Option<&[u8]> {
    let mut object = Decoder::new(attestation);
    for _ in 0..object.map().ok()?? {
        if object.str().ok()? == "authData" {
            return object.bytes().ok();
        }
        object.skip().ok()?;
    }
    None
}

/// A public key of a kind that we ask for (RFC 9053; www.iana.org/assignments/cose).
enum Key {
    /// ES256: the point, uncompressed.
    P256(Vec<u8>),
    /// EdDSA over edwards25519.
    Ed25519(Vec<u8>),
    /// RS256, by which Windows signs.
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

/// The algorithms in the order in which we would have them, by their numbers at IANA.
pub const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];
const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;

impl Key {
    fn read(cose: &[u8]) -> Result<Self, Wrong> {
        let fields = Fields::read(cose).ok_or(Wrong::Unreadable)?;
        let coordinate = |key| fields.bytes(key).filter(|bytes| bytes.len() == 32);
        // Kind, algorithm and curve.
        match (fields.number(1), fields.number(3), fields.number(-1)) {
            (Some(2), Some(ES256), Some(1)) => {
                let (x, y) = coordinate(-2)
                    .zip(coordinate(-3))
                    .ok_or(Wrong::Unreadable)?;
                Ok(Self::P256([&[4], x, y].concat()))
            }
            (Some(1), Some(EDDSA), Some(6)) => {
                let x = coordinate(-2).ok_or(Wrong::Unreadable)?;
                Ok(Self::Ed25519(x.to_vec()))
            }
            (Some(3), Some(RS256), None) => {
                let (n, e) = fields
                    .bytes(-1)
                    .zip(fields.bytes(-2))
                    .ok_or(Wrong::Unreadable)?;
                Ok(Self::Rsa {
                    n: n.to_vec(),
                    e: e.to_vec(),
                })
            }
            _ => Err(Wrong::Algorithm),
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Wrong> {
        let verified = match self {
            Self::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Self::Ed25519(point) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature)
            }
            Self::Rsa { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        };
        verified.map_err(|_| Wrong::Signature)
    }
}

/// A number, and the number or the bytes that stand under it.
type Field<'a> = (i64, Option<i64>, Option<&'a [u8]>);

/// The fields of a COSE key (RFC 9052, 7).
struct Fields<'a>(Vec<Field<'a>>);

impl<'a> Fields<'a> {
    fn read(cose: &'a [u8]) -> Option<Self> {
        let mut key = Decoder::new(cose);
        let mut fields = Vec::new();
        for _ in 0..key.map().ok()?? {
            let name = key.i64().ok()?;
            let (number, bytes) = if key.datatype().ok()? == Type::Bytes {
                (None, Some(key.bytes().ok()?))
            } else if let Ok(number) = key.probe().i64() {
                key.skip().ok()?;
                (Some(number), None)
            } else {
                key.skip().ok()?;
                (None, None)
            };
            fields.push((name, number, bytes));
        }
        Some(Self(fields))
    }

    fn number(&self, name: i64) -> Option<i64> {
        self.0.iter().find(|field| field.0 == name)?.1
    }

    fn bytes(&self, name: i64) -> Option<&'a [u8]> {
        self.0.iter().find(|field| field.0 == name)?.2
    }
}

#[cfg(test)]
mod tests;
