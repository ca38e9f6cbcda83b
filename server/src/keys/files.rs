//! The files in `DATA_DIR/keys`: written whole, never replaced, closed to others.

use super::Secret;
use rand_core::CryptoRng;
use shared::keys::{PublicKey, Signer};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A root could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file system refused.
    #[error(
        "cannot use the key file {path}: see that it and its directory belong to the user the server runs as"
    )]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others can read it.
    #[error(
        "others can reach {path}: run `chmod {right:o} {path}`, and make new keys if it was ever copied"
    )]
    Open {
        /// Which file or directory.
        path: PathBuf,
        /// The permissions it must have.
        right: u32,
    },
    /// It was cut or altered.
    #[error("the key file {0} does not hold 32 bytes: restore it from your backup")]
    Length(PathBuf),
    /// The public half of the recovery key was altered.
    #[error("{0} does not hold a public key as 64 hexadecimal digits: restore it from your backup")]
    Public(PathBuf),
    /// Doors know keys that are no longer here.
    #[error(
        "the key file {0} is missing, but others beside it are there: restore it from your backup; with other keys no door would listen"
    )]
    Lost(PathBuf),
}

pub struct Found {
    pub first: Secret,
    /// Generations 2, 3, …
    pub later: Vec<Secret>,
    pub recovery: PublicKey,
}

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const LAST_GENERATION: u8 = 99;

fn root_file(directory: &Path, generation: u8) -> PathBuf {
    directory.join(format!("root-{generation}.key"))
}

pub fn load_or_create(directory: &Path, random: &mut impl CryptoRng) -> Result<Found, KeysError> {
    let fault = |source| KeysError::File {
        path: directory.to_owned(),
        source,
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(directory)
        .map_err(fault)?;
    closed(directory, DIRECTORY_MODE)?;
    let first_file = root_file(directory, 1);
    let public_file = directory.join("recovery.pub");
    // Asked for first: it is made last, so whoever finds it finds a root too.
    let known = public(&public_file)?;
    let mut later = Vec::new();
    for generation in 2..=LAST_GENERATION {
        later.push(read(&root_file(directory, generation))?);
    }
    while later.pop_if(|root| root.is_none()).is_some() {}
    let first = match read(&first_file)? {
        Some(root) => root,
        None if later.is_empty() && known.is_none() => create(&first_file, random)?,
        None => return Err(KeysError::Lost(first_file)),
    };
    let later = (2..)
        .zip(later)
        .map(|(generation, root)| {
            root.ok_or_else(|| KeysError::Lost(root_file(directory, generation)))
        })
        .collect::<Result<_, _>>()?;
    Ok(Found {
        first,
        later,
        recovery: recovery(directory, &public_file, random)?,
    })
}

/// The private half is needed only after a disaster: once the server has run, it can be carried away to a safe place.
fn recovery(
    directory: &Path,
    public_file: &Path,
    random: &mut impl CryptoRng,
) -> Result<PublicKey, KeysError> {
    let private_file = directory.join("recovery.key");
    let private = read(&private_file)?;
    if let Some(known) = public(public_file)? {
        return Ok(known);
    }
    let private = match private {
        Some(private) => private,
        None => create(&private_file, random)?,
    };
    let key = Signer::from_seed(&private).public();
    let digits: String = key.0.iter().map(|byte| format!("{byte:02x}")).collect();
    place(public_file, digits.as_bytes(), random)?;
    Ok(key)
}

fn public(path: &Path) -> Result<Option<PublicKey>, KeysError> {
    let Some(text) = contents(path)? else {
        return Ok(None);
    };
    let wrong = || KeysError::Public(path.to_owned());
    let text = std::str::from_utf8(&text).map_err(|_| wrong())?.trim();
    let digits: Vec<u8> = text
        .chars()
        .map(|letter| {
            letter
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect::<Option<_>>()
        .ok_or_else(wrong)?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    bytes
        .try_into()
        .map(PublicKey)
        .map(Some)
        .map_err(|_| wrong())
}

fn read(path: &Path) -> Result<Option<Secret>, KeysError> {
    let Some(bytes) = contents(path)? else {
        return Ok(None);
    };
    closed(path, FILE_MODE)?;
    let bytes: [u8; 32] = bytes
        .as_slice()
        .try_into()
        .map_err(|_| KeysError::Length(path.to_owned()))?;
    Ok(Some(Zeroizing::new(bytes)))
}

fn contents(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, KeysError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(KeysError::File {
            path: path.to_owned(),
            source,
        }),
    }
}

fn closed(path: &Path, right: u32) -> Result<(), KeysError> {
    let fault = |source| KeysError::File {
        path: path.to_owned(),
        source,
    };
    if fs::metadata(path).map_err(fault)?.permissions().mode() & 0o077 == 0 {
        Ok(())
    } else {
        Err(KeysError::Open {
            path: path.to_owned(),
            right,
        })
    }
}

fn create(path: &Path, random: &mut impl CryptoRng) -> Result<Secret, KeysError> {
    let mut bytes = Zeroizing::new([0; 32]);
    random.fill_bytes(&mut *bytes);
    place(path, &*bytes, random)?;
    // Another server may have been first; what lies in the file counts.
    read(path)?.ok_or_else(|| KeysError::Lost(path.to_owned()))
}

/// Puts a whole file there unless there is one already.
fn place(path: &Path, bytes: &[u8], random: &mut impl CryptoRng) -> Result<(), KeysError> {
    let fresh = path.with_extension(format!("new-{:016x}", random.next_u64()));
    let write = || -> io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // Unlike a rename, a link never replaces a key that is in use.
        match fs::hard_link(&fresh, path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        fs::remove_file(&fresh)?;
        fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|source| KeysError::File {
        path: path.to_owned(),
        source,
    })
}
