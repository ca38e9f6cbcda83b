//! Pairing: a code carried by a person makes agent and server known to each other.
//!
//! Nothing depends on the transport: every answer is checked against the code before anything is believed or sent.

use crate::disk::Disk;
use crate::identity::{self, Identity, IdentityError, Paired};
use rand_core::CryptoRng;
use shared::keys::{PublicKey, SealError};
use shared::wire::WireError;
use shared::wire::pairing::{PURPOSE, PairRequest, Pairing, PairingCode, ServerHello};

/// Where the server says who it is.
pub const HELLO_PATH: &str = "/api/v1/pair/hello";
/// Where the agent proves the code.
pub const PAIR_PATH: &str = "/api/v1/pair";
const KEY: usize = 32;

/// Pairing did not succeed; what was paired before still is.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// The server could not be asked.
    #[error("the server cannot be asked at {path}")]
    Transport {
        /// What was asked.
        path: &'static str,
        /// Why it failed.
        source: anyhow::Error,
    },
    /// The answer is not of a server of ours.
    #[error("the answer to the greeting is too short to be one: is this the address of the server?")]
    NotAServer,
    /// Somebody else answered.
    #[error("this is not the server that made the code: check the address and the code; if both are right, somebody is in between")]
    WrongServer(#[source] WireError),
    /// The answer to the proof was not for us.
    #[error("the answer was not sealed to this agent: somebody is in between; ask for a new code")]
    NotForUs(#[source] SealError),
    /// The answer to the proof was not by the server.
    #[error("the answer was not signed by the server: somebody is in between; ask for a new code")]
    NotByServer(#[source] WireError),
    /// The state directory failed.
    #[error("the pairing could not be kept")]
    Keep(#[source] IdentityError),
}

/// Pairs with the server that made the code. `post` sends a body to a path of the server and returns its answer.
///
/// Keys are made and kept before anything is sent; the pairing in force is replaced only at the end.
pub async fn pair(
    disk: &mut dyn Disk,
    code: &PairingCode,
    random: &mut impl CryptoRng,
    mut post: impl AsyncFnMut(&'static str, Vec<u8>) -> anyhow::Result<Vec<u8>>,
) -> Result<Paired, PairError> {
    let identity = Identity::generate(random);
    identity::store_next(disk, &identity).map_err(PairError::Keep)?;
    let mut nonce = [0; 32];
    random.fill_bytes(&mut nonce);

    let answer = post(HELLO_PATH, nonce.to_vec()).await;
    let answer = answer.map_err(|source| PairError::Transport { path: HELLO_PATH, source })?;
    let hello = check_hello(&answer, code, &nonce)?;

    let request = prove(code, &hello, &identity);
    let answer = post(PAIR_PATH, request).await;
    let answer = answer.map_err(|source| PairError::Transport { path: PAIR_PATH, source })?;
    let pairing = check_pairing(&answer, &hello, &identity)?;

    let paired = Paired { server: hello.key, agent: identity.signer.public(), pairing };
    identity::store(disk, &identity, &paired).map_err(PairError::Keep)?;
    Ok(paired)
}

fn check_hello(answer: &[u8], code: &PairingCode, nonce: &[u8; 32]) -> Result<ServerHello, PairError> {
    let (key, hello) = answer.split_first_chunk::<KEY>().ok_or(PairError::NotAServer)?;
    ServerHello::verify(hello, code, nonce, PublicKey(*key)).map_err(PairError::WrongServer)
}

fn prove(code: &PairingCode, hello: &ServerHello, identity: &Identity) -> Vec<u8> {
    let (key, sealing) = (identity.signer.public(), identity.opening.public());
    let proof = code.proof(hello, key, sealing);
    let request = PairRequest { handle: code.handle(), nonce: hello.nonce, key, sealing, proof };
    minicbor::to_vec(request).expect("writing to memory cannot fail")
}

fn check_pairing(answer: &[u8], hello: &ServerHello, identity: &Identity) -> Result<Pairing, PairError> {
    let signed = identity.opening.open(PURPOSE, answer).map_err(PairError::NotForUs)?;
    Pairing::verify(&signed, hello.key).map_err(PairError::NotByServer)
}
