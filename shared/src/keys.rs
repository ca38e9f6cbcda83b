//! Signing and sealing: Ed25519 (RFC 8032) and HPKE with X25519, HKDF-SHA-256 and ChaCha20-Poly1305 (RFC 9180).

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use hpke::{
    Deserializable, Kem as _, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305,
    kdf::HkdfSha256, kem::X25519HkdfSha256,
};
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// The first 8 bytes of SHA-256 of a public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, minicbor::Encode, minicbor::Decode)]
#[cbor(transparent)]
pub struct KeyId(#[cbor(with = "minicbor::bytes")] pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Whose signature counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(transparent)]
pub struct PublicKey(#[cbor(with = "minicbor::bytes")] pub [u8; 32]);

impl PublicKey {
    /// The key's id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let digest = Sha256::digest(self.0);
        KeyId(digest[..8].try_into().expect("a digest has 32 bytes"))
    }

    /// 80 bits by which a person can hand the key on.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 10] {
        Sha256::digest(self.0)[..10]
            .try_into()
            .expect("a digest has 32 bytes")
    }

    /// Whether this key signed the message; weak keys and malleable signatures do not count.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&self.0) else {
            return false;
        };
        let Ok(signature) = Signature::from_slice(signature) else {
            return false;
        };
        key.verify_strict(message, &signature).is_ok()
    }
}

/// A private signing key; leaves memory when dropped.
#[derive(Clone)]
pub struct Signer {
    key: SigningKey,
    id: KeyId,
}

impl Signer {
    /// From 32 secret bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        Self {
            id: PublicKey(key.verifying_key().to_bytes()).id(),
            key,
        }
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.key.verifying_key().to_bytes())
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Signs a message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Signer({})", self.id)
    }
}

/// To whom something is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(transparent)]
pub struct SealingKey(#[cbor(with = "minicbor::bytes")] pub [u8; 32]);

/// Who can open what was sealed; leaves memory when dropped.
#[derive(Clone, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct OpeningKey([u8; 32]);

impl fmt::Debug for OpeningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("OpeningKey(secret)")
    }
}

/// A sealed box did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the sealed box does not open: it was sealed to another key, for another purpose, or altered on the way"
)]
pub struct SealError;

const ENCAPPED: usize = 32;

impl OpeningKey {
    /// Derives the key pair from 32 secret bytes (RFC 9180, DeriveKeyPair).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let (private, _) = X25519HkdfSha256::derive_keypair(seed);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(&private.to_bytes());
        Self(bytes)
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> SealingKey {
        let private = <X25519HkdfSha256 as hpke::Kem>::PrivateKey::from_bytes(&self.0)
            .expect("32 bytes are a key");
        let mut bytes = [0; 32];
        bytes.copy_from_slice(&X25519HkdfSha256::sk_to_pk(&private).to_bytes());
        SealingKey(bytes)
    }

    /// Opens what was sealed to this key for this purpose.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (encapped, ciphertext) = sealed.split_at_checked(ENCAPPED).ok_or(SealError)?;
        let private = <X25519HkdfSha256 as hpke::Kem>::PrivateKey::from_bytes(&self.0)
            .map_err(|_| SealError)?;
        let encapped = <X25519HkdfSha256 as hpke::Kem>::EncappedKey::from_bytes(encapped)
            .map_err(|_| SealError)?;
        hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &private,
            &encapped,
            purpose.as_bytes(),
            ciphertext,
            &[],
        )
        .map_err(|_| SealError)
    }
}

impl SealingKey {
    /// Seals bytes so that only the holder of the opening key reads them; the purpose must be named again to open.
    pub fn seal(
        &self,
        purpose: &str,
        plain: &[u8],
        random: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, SealError> {
        let public = <X25519HkdfSha256 as hpke::Kem>::PublicKey::from_bytes(&self.0)
            .map_err(|_| SealError)?;
        let (encapped, ciphertext) =
            hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeS::Base,
                &public,
                purpose.as_bytes(),
                plain,
                &[],
                random,
            )
            .map_err(|_| SealError)?;
        Ok([encapped.to_bytes().as_slice(), &ciphertext].concat())
    }
}
