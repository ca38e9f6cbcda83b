//! How an agent and a server come to know each other: a code carried by a person, over any transport.
//!
//! The code holds a secret and the fingerprint of the server's key. The agent asks the server for its keys, checks
//! them against the fingerprint, and proves the secret by an HMAC over both sides' keys; the secret itself never
//! travels, and the answer is sealed to the agent. Whoever answers or relays in between gets nothing of use.

use super::envelope::{Kind, WireError, open, seal};
use crate::ids::{AgentId, OrganisationId};
use crate::keys::{PublicKey, SealError, SealingKey, Signer};
use hmac::{Hmac, KeyInit, Mac};
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// What the pairing answer is sealed for.
pub const PURPOSE: &str = "goodstanding pairing v1";
const SECRET: usize = 10;
const FINGERPRINT: usize = 10;
/// Crockford's base 32: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What an admin hands to the person at the Raspberry Pi; good once, for 15 minutes.
#[derive(Clone, PartialEq, Eq)]
pub struct PairingCode {
    secret: [u8; SECRET],
    fingerprint: [u8; FINGERPRINT],
}

/// A text is not a pairing code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a pairing code: it has 32 letters and digits in groups of four, as shown when the agent was created"
)]
pub struct CodeError;

impl PairingCode {
    /// A code from fresh random bytes for the server with this key.
    #[must_use]
    pub fn new(secret: [u8; 10], server: &PublicKey) -> Self {
        Self {
            secret,
            fingerprint: server.fingerprint(),
        }
    }

    /// Reads a typed code; case, spaces and dashes do not matter.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let values: Vec<u8> = text
            .chars()
            .filter(|letter| !matches!(letter, '-' | ' '))
            .map(|letter| match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })
            .map(|letter| {
                ALPHABET
                    .iter()
                    .position(|known| char::from(*known) == letter)
            })
            .map(|value| {
                value
                    .and_then(|value| u8::try_from(value).ok())
                    .ok_or(CodeError)
            })
            .collect::<Result<_, _>>()?;
        if values.len() != 32 {
            return Err(CodeError);
        }
        let mut bytes = [0_u8; SECRET + FINGERPRINT];
        for (index, value) in values.iter().enumerate() {
            for bit in 0..5 {
                if value >> (4 - bit) & 1 == 1 {
                    let place = index * 5 + bit;
                    bytes[place / 8] |= 0x80 >> (place % 8);
                }
            }
        }
        let (secret, fingerprint) = bytes.split_at(SECRET);
        Ok(Self {
            secret: secret.try_into().map_err(|_| CodeError)?,
            fingerprint: fingerprint.try_into().map_err(|_| CodeError)?,
        })
    }

    /// The name under which the server keeps the code: says nothing of the secret.
    #[must_use]
    pub fn handle(&self) -> [u8; 16] {
        let digest = Sha256::new()
            .chain_update(b"goodstanding pairing handle")
            .chain_update(self.secret)
            .finalize();
        digest[..16].try_into().expect("a digest has 32 bytes")
    }

    /// What proves the secret for exactly these keys.
    #[must_use]
    pub fn proof(&self, server: &ServerHello, agent: PublicKey, sealing: SealingKey) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes a key of any length");
        mac.update(b"goodstanding pairing proof");
        for part in [
            &server.nonce,
            &server.key.0,
            &server.sealing.0,
            &agent.0,
            &sealing.0,
        ] {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The secret, for the server's own store, sealed there like every key.
    #[must_use]
    pub fn secret(&self) -> [u8; 10] {
        self.secret
    }

    /// Whether the server's key is the one the code was made for.
    #[must_use]
    pub fn fits(&self, server: &PublicKey) -> bool {
        server.fingerprint() == self.fingerprint
    }
}

impl fmt::Display for PairingCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.secret, self.fingerprint].concat();
        for index in 0..32 {
            if index > 0 && index % 4 == 0 {
                out.write_str("-")?;
            }
            let value = (0..5).fold(0, |value, bit| {
                let place = index * 5 + bit;
                value << 1 | usize::from(bytes[place / 8] >> (7 - place % 8) & 1)
            });
            write!(out, "{}", char::from(ALPHABET[value]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for PairingCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PairingCode(secret)")
    }
}

/// The server's keys; signed by itself over the agent's nonce.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ServerHello {
    /// The agent's nonce, repeated.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub nonce: [u8; 32],
    /// Whose signatures will count.
    #[n(1)]
    pub key: PublicKey,
    /// To whom card numbers will be sealed.
    #[n(2)]
    pub sealing: SealingKey,
}

/// The topic under which pairing messages are signed; no broker ever carries it.
const TOPIC: &str = "goodstanding/pairing/1";

impl ServerHello {
    /// Signs the hello.
    #[must_use]
    pub fn sign(&self, signer: &Signer) -> Vec<u8> {
        seal(Kind::Pairing, TOPIC, self, signer)
    }

    /// Accepts a hello only from the server that the code names, and only as an answer to this nonce.
    pub fn verify(
        bytes: &[u8],
        code: &PairingCode,
        nonce: &[u8; 32],
        claimed: PublicKey,
    ) -> Result<Self, WireError> {
        if !code.fits(&claimed) {
            return Err(WireError::Key);
        }
        let opened = open(bytes, TOPIC, |id| (id == claimed.id()).then_some(claimed))?;
        let hello: Self = opened.read(Kind::Pairing)?;
        if hello.nonce != *nonce || hello.key != claimed {
            return Err(WireError::Signature);
        }
        Ok(hello)
    }
}

/// The agent's keys and its proof.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PairRequest {
    /// Names the code.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub handle: [u8; 16],
    /// The agent's nonce of the hello.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub nonce: [u8; 32],
    /// Whose reports will count.
    #[n(2)]
    pub key: PublicKey,
    /// To whom the answer is sealed.
    #[n(3)]
    pub sealing: SealingKey,
    /// Proves the secret.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub proof: [u8; 32],
}

/// What a paired agent receives, sealed to it and signed by the server.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Pairing {
    /// Whose agent it is.
    #[n(0)]
    pub organisation: OrganisationId,
    /// Its name.
    #[n(1)]
    pub agent: AgentId,
    /// The broker's address, as `mqtt://` or `mqtts://`.
    #[n(2)]
    pub broker: String,
    /// SHA-256 of the broker's public key (SubjectPublicKeyInfo); none where the broker has a public certificate.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub broker_pin: Option<Vec<u8>>,
    /// The broker password.
    #[n(4)]
    pub password: String,
    /// Whose signature replaces the server's key if that is lost.
    #[n(5)]
    pub recovery: PublicKey,
    /// The first configuration.
    #[n(6)]
    pub config: super::messages::Config,
}

impl Pairing {
    /// Signs, then seals to the agent.
    pub fn seal(
        &self,
        signer: &Signer,
        to: SealingKey,
        random: &mut impl rand_core::CryptoRng,
    ) -> Result<Vec<u8>, SealError> {
        to.seal(PURPOSE, &seal(Kind::Pairing, TOPIC, self, signer), random)
    }

    /// Reads what was opened; only the paired server's signature counts.
    pub fn verify(bytes: &[u8], server: PublicKey) -> Result<Self, WireError> {
        open(bytes, TOPIC, |id| (id == server.id()).then_some(server))?.read(Kind::Pairing)
    }
}
