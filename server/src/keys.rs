//! The organisation's secrets, all derived from one root that lies in a file and nowhere else.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;
use shared::card::{CardKey, CardUid};
use shared::ids::{OrganisationId, ZoneId};
use shared::keys::{OpeningKey, PublicKey, Signer};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A root could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file system refused.
    #[error("cannot use the key file {path}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others can read it.
    #[error(
        "others can read the key file {0}: run `chmod 600` on it, and make new keys if it was ever copied"
    )]
    Open(PathBuf),
    /// It was cut or altered.
    #[error("the key file {0} does not hold 32 bytes: restore it from your backup")]
    Length(PathBuf),
}

/// Everything that is derived from the root.
pub struct Keys {
    root: Zeroizing<[u8; 32]>,
    organisation: OrganisationId,
    signer: Signer,
    opening: OpeningKey,
    recovery: PublicKey,
    uids: XChaCha20Poly1305,
    uid_index: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Keys({})", self.signer.id())
    }
}

const NONCE: usize = 24;

impl Keys {
    /// Reads the roots in `DATA_DIR/keys`, making them at the first start.
    pub fn load_or_create(
        directory: &Path,
        organisation: &OrganisationId,
        random: &mut impl CryptoRng,
    ) -> Result<Self, KeysError> {
        let fault = |source| KeysError::File {
            path: directory.to_owned(),
            source,
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(fault)?;
        let main = root(&directory.join("root.key"), random)?;
        // Kept apart, so that it can be carried away and survive the loss of the other.
        let recovery = root(&directory.join("recovery.key"), random)?;
        Ok(Self::from_roots(&main, &recovery, organisation))
    }

    /// From given secrets.
    #[must_use]
    pub fn from_roots(root: &[u8; 32], recovery: &[u8; 32], organisation: &OrganisationId) -> Self {
        let derive = |label: &str| derive(root, organisation, label);
        Self {
            signer: Signer::from_seed(&derive("signing")),
            opening: OpeningKey::from_seed(&derive("sealing")),
            recovery: Signer::from_seed(recovery).public(),
            uids: XChaCha20Poly1305::new((&*derive("uids")).into()),
            uid_index: derive("uid index"),
            organisation: organisation.clone(),
            root: Zeroizing::new(*root),
        }
    }

    /// Signs what doors get.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Opens what agents seal.
    #[must_use]
    pub fn opening(&self) -> &OpeningKey {
        &self.opening
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
            &self.root,
            &self.organisation,
            &format!("card key {zone} {id}"),
        ))
    }

    /// A card number as it is stored.
    #[must_use]
    pub fn seal_uid(&self, uid: &CardUid, random: &mut impl CryptoRng) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        random.fill_bytes(&mut nonce);
        let message = Payload {
            msg: uid.as_bytes(),
            aad: self.organisation.as_str().as_bytes(),
        };
        let sealed = self
            .uids
            .encrypt(&XNonce::from(nonce), message)
            .expect("a card number is short");
        [nonce.as_slice(), &sealed].concat()
    }

    /// A stored card number; none if it was altered or belongs to another organisation.
    #[must_use]
    pub fn open_uid(&self, sealed: &[u8]) -> Option<CardUid> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        let message = Payload {
            msg: sealed,
            aad: self.organisation.as_str().as_bytes(),
        };
        let plain = Zeroizing::new(self.uids.decrypt(&XNonce::from(nonce), message).ok()?);
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
        let mut nonce = [0; NONCE];
        random.fill_bytes(&mut nonce);
        let message = Payload {
            msg: secret,
            aad: purpose.as_bytes(),
        };
        let sealed = self
            .uids
            .encrypt(&XNonce::from(nonce), message)
            .expect("a secret is short");
        [nonce.as_slice(), &sealed].concat()
    }

    /// A stored secret; none if it was altered or is for another purpose.
    #[must_use]
    pub fn open_secret(&self, sealed: &[u8], purpose: &str) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        let message = Payload {
            msg: sealed,
            aad: purpose.as_bytes(),
        };
        self.uids
            .decrypt(&XNonce::from(nonce), message)
            .ok()
            .map(Zeroizing::new)
    }
}

fn derive(root: &[u8; 32], organisation: &OrganisationId, label: &str) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0; 32]);
    let info = format!("goodstanding {organisation} {label}");
    Hkdf::<Sha256>::new(None, root)
        .expand(info.as_bytes(), &mut *out)
        .expect("32 bytes are few");
    out
}

fn root(path: &Path, random: &mut impl CryptoRng) -> Result<Zeroizing<[u8; 32]>, KeysError> {
    let fault = |source| KeysError::File {
        path: path.to_owned(),
        source,
    };
    if path.exists() {
        if fs::metadata(path).map_err(fault)?.permissions().mode() & 0o077 != 0 {
            return Err(KeysError::Open(path.to_owned()));
        }
        let bytes = Zeroizing::new(fs::read(path).map_err(fault)?);
        let bytes: [u8; 32] = bytes
            .as_slice()
            .try_into()
            .map_err(|_| KeysError::Length(path.to_owned()))?;
        return Ok(Zeroizing::new(bytes));
    }
    let mut bytes = Zeroizing::new([0; 32]);
    random.fill_bytes(&mut *bytes);
    let fresh = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .map_err(fault)?;
    file.write_all(&*bytes)
        .and_then(|()| file.sync_all())
        .map_err(fault)?;
    fs::rename(&fresh, path).map_err(fault)?;
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::File::open(parent)
        .and_then(|directory| directory.sync_all())
        .map_err(fault)?;
    Ok(bytes)
}
