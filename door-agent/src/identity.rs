//! Who this agent is, and to whom it is paired: two small private files in the state directory.

use crate::disk::Disk;
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

/// Reads the identity and the pairing that belongs to it.
pub fn load(disk: &dyn Disk) -> Result<(Identity, Paired), IdentityError> {
    let paired = read(disk, PAIRED)?.ok_or(IdentityError::NotPaired)?;
    let paired: Paired = minicbor::decode(&paired).map_err(|_| IdentityError::Damaged(PAIRED))?;
    for name in [IDENTITY, NEXT_IDENTITY] {
        if let Some(identity) = read(disk, name)?.and_then(Identity::from_seeds)
            && identity.signer.public() == paired.agent
        {
            return Ok((identity, paired));
        }
    }
    Err(IdentityError::Damaged(IDENTITY))
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
    let bytes = Zeroizing::new(minicbor::to_vec(paired).expect("writing to memory cannot fail"));
    write(disk, PAIRED, &bytes)?;
    write(disk, IDENTITY, &identity.seeds)?;
    disk.remove(NEXT_IDENTITY)
        .map_err(|source| IdentityError::Write {
            name: NEXT_IDENTITY,
            source,
        })
}

/// Removes everything but the identity and the pairing: it was said by a server that no longer counts.
pub fn clear_others(disk: &mut dyn Disk) -> Result<(), IdentityError> {
    let failed = |source| IdentityError::Write {
        name: "lists of the former server",
        source,
    };
    for name in disk.list().map_err(failed)? {
        if name != IDENTITY && name != PAIRED {
            disk.remove(&name).map_err(failed)?;
        }
    }
    Ok(())
}

fn read(disk: &dyn Disk, name: &'static str) -> Result<Option<Zeroizing<Vec<u8>>>, IdentityError> {
    let bytes = disk
        .read(name)
        .map_err(|source| IdentityError::Read { name, source })?;
    Ok(bytes.map(Zeroizing::new))
}

fn write(disk: &mut dyn Disk, name: &'static str, bytes: &[u8]) -> Result<(), IdentityError> {
    disk.write_atomic(name, bytes)
        .map_err(|source| IdentityError::Write { name, source })
}
