//! The organisation's secrets, all derived from roots that lie in files and nowhere else.
//!
//! Every generation of the root has its own file. The newest signs and seals; the older ones still open what was
//! sealed under them. Card keys and the index of card numbers stay with the first: lists and look-ups are made of them.

mod files;
#[cfg(test)]
mod tests;

pub use files::KeysError;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;
use shared::card::{CardKey, CardUid};
use shared::ids::{Holder, OrganisationId, ZoneId};
use shared::keys::{OpeningKey, PublicKey, SealError, Signer};
use shared::pin::Pin;
use std::path::Path;
use zeroize::Zeroizing;

/// 32 secret bytes.
type Secret = Zeroizing<[u8; 32]>;

/// Everything that is derived from the roots.
pub struct Keys {
    organisation: OrganisationId,
    older: Vec<Generation>,
    newest: Generation,
    recovery: PublicKey,
    first_root: Secret,
    uid_index: Secret,
}

struct Generation {
    number: u8,
    signer: Signer,
    opening: OpeningKey,
    uids: XChaCha20Poly1305,
    secrets: XChaCha20Poly1305,
}

impl Generation {
    fn new(number: u8, root: &[u8; 32], organisation: &OrganisationId) -> Self {
        let derive = |label: &str| derive(root, organisation, label);
        Self {
            number,
            signer: Signer::from_seed(&derive("signing")),
            opening: OpeningKey::from_seed(&derive("sealing")),
            uids: XChaCha20Poly1305::new((&*derive("uids")).into()),
            secrets: XChaCha20Poly1305::new((&*derive("secrets")).into()),
        }
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Keys({})", self.signer().id())
    }
}

impl Keys {
    /// Reads the roots in `DATA_DIR/keys`, making the first at the first start; refuses files that others can read.
    pub fn load_or_create(
        directory: &Path,
        organisation: &OrganisationId,
        random: &mut impl CryptoRng,
    ) -> Result<Self, KeysError> {
        let found = files::load_or_create(directory, random)?;
        Ok(Self::new(
            &found.first,
            &found.later,
            found.recovery,
            organisation,
        ))
    }

    /// From given secrets of one generation.
    #[must_use]
    pub fn from_roots(root: &[u8; 32], recovery: &[u8; 32], organisation: &OrganisationId) -> Self {
        Self::new(
            root,
            &[],
            Signer::from_seed(recovery).public(),
            organisation,
        )
    }

    fn new(
        first: &[u8; 32],
        later: &[Secret],
        recovery: PublicKey,
        organisation: &OrganisationId,
    ) -> Self {
        let mut newest = Generation::new(1, first, organisation);
        let mut older = Vec::new();
        for (number, root) in (2..).zip(later) {
            older.push(std::mem::replace(
                &mut newest,
                Generation::new(number, root, organisation),
            ));
        }
        Self {
            older,
            newest,
            recovery,
            uid_index: derive(first, organisation, "uid index"),
            first_root: Zeroizing::new(*first),
            organisation: organisation.clone(),
        }
    }

    fn newest_first(&self) -> impl Iterator<Item = &Generation> {
        std::iter::once(&self.newest).chain(self.older.iter().rev())
    }

    /// Signs what doors get.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.newest.signer
    }

    /// Whose signatures count at doors: the newest generation's and every older one's, newest first.
    #[must_use]
    pub fn signers(&self) -> Vec<PublicKey> {
        self.newest_first()
            .map(|generation| generation.signer.public())
            .collect()
    }

    /// Opens what agents seal from now on; its public half is what agents are told.
    #[must_use]
    pub fn opening(&self) -> &OpeningKey {
        &self.newest.opening
    }

    /// Opens what an agent sealed, also to the key of an older generation.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.newest_first()
            .find_map(|generation| generation.opening.open(purpose, sealed).ok())
            .map(Zeroizing::new)
            .ok_or(SealError)
    }

    /// Whose signature replaces the signer's if that is lost.
    #[must_use]
    pub fn recovery(&self) -> PublicKey {
        self.recovery
    }

    /// One of a zone's card keys.
    #[must_use]
    pub fn card_key(&self, zone: &ZoneId, id: u32) -> CardKey {
        CardKey(*derive(
            &self.first_root,
            &self.organisation,
            &format!("card key {zone} {id}"),
        ))
    }

    /// A card number as it is stored.
    #[must_use]
    pub fn seal_uid(&self, uid: &CardUid, random: &mut impl CryptoRng) -> Vec<u8> {
        let cipher = &self.newest.uids;
        lock(
            self.newest.number,
            cipher,
            self.organisation.as_str(),
            uid.as_bytes(),
            random,
        )
    }

    /// A stored card number; none if it was altered or belongs to another organisation.
    #[must_use]
    pub fn open_uid(&self, sealed: &[u8]) -> Option<CardUid> {
        let plain = self.unlock(
            |generation| &generation.uids,
            self.organisation.as_str(),
            sealed,
        )?;
        CardUid::from_bytes(&plain).ok()
    }

    /// By which a card is found without its number.
    #[must_use]
    pub fn uid_index(&self, uid: &CardUid) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.uid_index)
            .expect("HMAC takes a key of any length");
        mac.update(uid.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// A short secret as it is stored, such as a pairing secret.
    #[must_use]
    pub fn seal_secret(
        &self,
        secret: &[u8],
        purpose: &str,
        random: &mut impl CryptoRng,
    ) -> Vec<u8> {
        lock(
            self.newest.number,
            &self.newest.secrets,
            purpose,
            secret,
            random,
        )
    }

    /// A stored secret; none if it was altered or is for another purpose.
    #[must_use]
    pub fn open_secret(&self, sealed: &[u8], purpose: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.unlock(|generation| &generation.secrets, purpose, sealed)
    }

    /// A holder's PIN as it is stored.
    #[must_use]
    pub fn seal_pin(&self, pin: &Pin, holder: Holder, random: &mut impl CryptoRng) -> Vec<u8> {
        self.seal_secret(pin.reveal().as_bytes(), &pin_of(holder), random)
    }

    /// A stored PIN; none if it was altered or is another holder's.
    #[must_use]
    pub fn open_pin(&self, sealed: &[u8], holder: Holder) -> Option<Pin> {
        let digits = self.open_secret(sealed, &pin_of(holder))?;
        Pin::typed(std::str::from_utf8(&digits).ok()?)
    }

    fn unlock(
        &self,
        cipher: impl Fn(&Generation) -> &XChaCha20Poly1305,
        purpose: &str,
        stored: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let (number, rest) = stored.split_first()?;
        let (nonce, sealed) = rest.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        let generation = self
            .newest_first()
            .find(|generation| generation.number == *number)?;
        let message = Payload {
            msg: sealed,
            aad: purpose.as_bytes(),
        };
        cipher(generation)
            .decrypt(&XNonce::from(nonce), message)
            .ok()
            .map(Zeroizing::new)
    }
}

/// What a PIN is sealed for.
fn pin_of(holder: Holder) -> String {
    format!("pin {holder}")
}

const NONCE: usize = 24;

/// Generation, nonce, then what was encrypted for this purpose.
fn lock(
    number: u8,
    cipher: &XChaCha20Poly1305,
    purpose: &str,
    plain: &[u8],
    random: &mut impl CryptoRng,
) -> Vec<u8> {
    let mut nonce = [0; NONCE];
    random.fill_bytes(&mut nonce);
    let message = Payload {
        msg: plain,
        aad: purpose.as_bytes(),
    };
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), message)
        .expect("what is stored here is short");
    [[number].as_slice(), &nonce, &sealed].concat()
}

fn derive(root: &[u8; 32], organisation: &OrganisationId, label: &str) -> Secret {
    let mut out = Zeroizing::new([0; 32]);
    // Names hold no spaces, so no two organisations and labels read the same.
    let info = format!("goodstanding {organisation} {label}");
    Hkdf::<Sha256>::new(None, root)
        .expand(info.as_bytes(), &mut *out)
        .expect("32 bytes are few");
    out
}
