//! Who this agent is, and to whom it is paired: two small private files in the state directory, each in two copies.

use crate::disk::Disk;
use crate::records;
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use shared::keys::{OpeningKey, PublicKey, Signer};
use shared::wire::pairing::Pairing;
use std::io;
use zeroize::Zeroizing;

const IDENTITY: &str = "identity";
/// What a pairing that has not succeeded yet would make of it.
const NEXT_IDENTITY: &str = "identity.next";
const PAIRED: &str = "pairing";
/// What the name of a file's second copy ends with.
const COPY: &str = ".copy";
const SALT: u64 = u64::from_le_bytes(*b"gs-ident");
const SEEDS: usize = 64;

/// The agent's own keys.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Signs what the agent says.
    pub signer: Signer,
    /// Opens what is sealed to the agent.
    pub opening: OpeningKey,
    seeds: Zeroizing<Vec<u8>>,
}

impl Identity {
    /// Fresh keys.
    #[must_use]
    pub fn generate(random: &mut impl CryptoRng) -> Self {
        let mut seeds = Zeroizing::new(vec![0; SEEDS]);
        random.fill_bytes(&mut seeds);
        Self::from_seeds(seeds).expect("there are as many bytes as it takes")
    }

    fn from_seeds(seeds: Zeroizing<Vec<u8>>) -> Option<Self> {
        let (signing, opening) = seeds.split_at_checked(SEEDS / 2)?;
        let signer = Signer::from_seed(signing.try_into().ok()?);
        let opening = OpeningKey::from_seed(opening.try_into().ok()?);
        Some(Self {
            signer,
            opening,
            seeds,
        })
    }
}

/// Whose agent this is.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Paired {
    /// The server's key at pairing; whose signatures count today, the configuration says.
    #[n(0)]
    pub server: PublicKey,
    /// The agent's own key, by which its identity is found again.
    #[n(1)]
    pub agent: PublicKey,
    /// What the server handed over.
    #[n(2)]
    pub pairing: Pairing,
}

/// Why there is no identity to work with.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file could not be read.
    #[error("cannot read `{name}` in the state directory")]
    Read {
        /// Which file.
        name: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write `{name}` in the state directory")]
    Write {
        /// Which file.
        name: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Nobody paired this agent.
    #[error(
        "this agent is not paired: make it known through the server's /api/v1/agents, then run `door-agent pair` with the code that this answers"
    )]
    NotPaired,
    /// A file does not hold what it should.
    #[error("`{0}` in the state directory is damaged: pair this agent again")]
    Damaged(&'static str),
}

/// Reads the identity and the pairing that belongs to it, each from a copy that holds.
pub fn load(disk: &dyn Disk) -> Result<(Identity, Paired), IdentityError> {
    let pairings = read(disk, PAIRED)?;
    if pairings.is_empty() {
        return Err(IdentityError::NotPaired);
    }
    let mut damaged = PAIRED;
    for bytes in pairings {
        let Ok(paired) = minicbor::decode::<Paired>(&bytes) else {
            continue;
        };
        damaged = IDENTITY;
        for name in [IDENTITY, NEXT_IDENTITY] {
            let identities = read(disk, name)?.into_iter();
            let own = |identity: &Identity| identity.signer.public() == paired.agent;
            if let Some(identity) = identities.filter_map(Identity::from_seeds).find(own) {
                return Ok((identity, paired));
            }
        }
    }
    Err(IdentityError::Damaged(damaged))
}

/// Writes what was loaded over copies that do not hold it, before the others are damaged too.
pub fn mend(
    disk: &mut dyn Disk,
    identity: &Identity,
    paired: &Paired,
) -> Result<(), IdentityError> {
    let pairing = Zeroizing::new(encode(paired));
    for (name, bytes) in [(PAIRED, &pairing), (IDENTITY, &identity.seeds)] {
        let copies = read(disk, name)?;
        if copies.len() < 2 || !copies.iter().all(|copy| copy == bytes) {
            tracing::warn!(
                file = name,
                "a copy is damaged or missing, and is written anew"
            );
            write(disk, name, bytes)?;
        }
    }
    Ok(())
}

/// Keeps keys for a pairing that is about to be tried; the pairing in force stays in force.
pub fn store_next(disk: &mut dyn Disk, identity: &Identity) -> Result<(), IdentityError> {
    // After a cut in the middle of `store`, the keys in force lie where the next ones go.
    if let Ok((current, _)) = load(disk) {
        write(disk, IDENTITY, &current.seeds)?;
    }
    write(disk, NEXT_IDENTITY, &identity.seeds)
}

/// Puts a new pairing with its keys in force; a power cut leaves either the old or the new one.
pub fn store(
    disk: &mut dyn Disk,
    identity: &Identity,
    paired: &Paired,
) -> Result<(), IdentityError> {
    write(disk, PAIRED, &Zeroizing::new(encode(paired)))?;
    write(disk, IDENTITY, &identity.seeds)?;
    for file in copies(NEXT_IDENTITY) {
        disk.remove(&file).map_err(|source| IdentityError::Write {
            name: NEXT_IDENTITY,
            source,
        })?;
    }
    Ok(())
}

/// Removes everything but the identity and the pairing: it was said by a server that no longer counts.
pub fn clear_others(disk: &mut dyn Disk) -> Result<(), IdentityError> {
    let failed = |source| IdentityError::Write {
        name: "lists of the former server",
        source,
    };
    let own = [copies(IDENTITY), copies(PAIRED)].concat();
    for name in disk.list().map_err(failed)? {
        if !own.contains(&name) {
            disk.remove(&name).map_err(failed)?;
        }
    }
    Ok(())
}

fn encode(paired: &Paired) -> Vec<u8> {
    minicbor::to_vec(paired).expect("writing to memory cannot fail")
}

/// A file and its second copy.
fn copies(name: &str) -> [String; 2] {
    [name.to_owned(), format!("{name}{COPY}")]
}

/// What the copies of a file hold, as many as can be read.
fn read(disk: &dyn Disk, name: &'static str) -> Result<Vec<Zeroizing<Vec<u8>>>, IdentityError> {
    let (mut found, mut failed) = (Vec::new(), None);
    for file in copies(name) {
        match disk.read(&file) {
            Ok(Some(bytes)) => {
                let bytes = Zeroizing::new(bytes);
                // What was written before there were copies has no checksum, and is looked at as it is.
                let held = records::only(SALT, &bytes).unwrap_or(&bytes);
                found.push(Zeroizing::new(held.to_vec()));
            }
            Ok(None) => {}
            Err(source) => failed = Some(source),
        }
    }
    match failed {
        Some(source) if found.is_empty() => Err(IdentityError::Read { name, source }),
        Some(_) | None => Ok(found),
    }
}

fn write(disk: &mut dyn Disk, name: &'static str, bytes: &[u8]) -> Result<(), IdentityError> {
    let framed = Zeroizing::new(records::frame(SALT, 0, bytes));
    copies(name).iter().try_for_each(|file| {
        disk.write_atomic(file, &framed)
            .map_err(|source| IdentityError::Write { name, source })
    })
}
