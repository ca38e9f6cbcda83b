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
    #[error("the server did not answer {path} as it should")]
    Transport {
        /// What was asked.
        path: &'static str,
        /// Why it failed.
        source: anyhow::Error,
    },
    /// The answer is not of a server of ours.
    #[error(
        "the answer to the greeting is too short to be one: is this the address of the server?"
    )]
    NotAServer,
    /// Somebody else answered.
    #[error(
        "this is not the server that made the code: check the address and the code; if both are right, somebody is in between"
    )]
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
    let answer = answer.map_err(|source| PairError::Transport {
        path: HELLO_PATH,
        source,
    })?;
    let hello = check_hello(&answer, code, &nonce)?;

    let request = prove(code, &hello, &identity);
    let answer = post(PAIR_PATH, request).await;
    let answer = answer.map_err(|source| PairError::Transport {
        path: PAIR_PATH,
        source,
    })?;
    let pairing = check_pairing(&answer, &hello, &identity)?;

    let paired = Paired {
        server: hello.key,
        agent: identity.signer.public(),
        pairing,
    };
    let before = identity::load(disk).ok().map(|(_, before)| before);
    identity::store(disk, &identity, &paired).map_err(PairError::Keep)?;
    if before.is_none_or(|before| !same_club(&before, &paired)) {
        identity::clear_others(disk).map_err(PairError::Keep)?;
    }
    Ok(paired)
}

/// Whether revisions of one pairing mean something in the other.
fn same_club(one: &Paired, other: &Paired) -> bool {
    one.server == other.server && one.pairing.organisation == other.pairing.organisation
}

fn check_hello(
    answer: &[u8],
    code: &PairingCode,
    nonce: &[u8; 32],
) -> Result<ServerHello, PairError> {
    let (key, hello) = answer
        .split_first_chunk::<KEY>()
        .ok_or(PairError::NotAServer)?;
    ServerHello::verify(hello, code, nonce, PublicKey(*key)).map_err(PairError::WrongServer)
}

fn prove(code: &PairingCode, hello: &ServerHello, identity: &Identity) -> Vec<u8> {
    let (key, sealing) = (identity.signer.public(), identity.opening.public());
    let proof = code.proof(hello, key, sealing);
    let request = PairRequest {
        handle: code.handle(),
        nonce: hello.nonce,
        key,
        sealing,
        proof,
    };
    minicbor::to_vec(request).expect("writing to memory cannot fail")
}

fn check_pairing(
    answer: &[u8],
    hello: &ServerHello,
    identity: &Identity,
) -> Result<Pairing, PairError> {
    let signed = identity
        .opening
        .open(PURPOSE, answer)
        .map_err(PairError::NotForUs)?;
    Pairing::verify(&signed, hello.key).map_err(PairError::NotByServer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::MemoryDisk;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;
    use shared::allow_list::{Epoch, Revision};
    use shared::ids::{AgentId, OrganisationId};
    use shared::keys::{OpeningKey, Signer};
    use shared::time::Timestamp;
    use shared::wire::Config;

    fn random(seed: u8) -> ChaCha20Rng {
        ChaCha20Rng::from_seed([seed; 32])
    }

    /// A server with its own keys; it answers whoever proves the code.
    struct Server {
        signer: Signer,
        opening: OpeningKey,
        code: PairingCode,
        nonce: [u8; 32],
        seen: Vec<Vec<u8>>,
    }

    impl Server {
        fn new(seed: u8) -> Self {
            let signer = Signer::from_seed(&[seed; 32]);
            let code = PairingCode::new([seed; 10], &signer.public());
            Self {
                signer,
                opening: OpeningKey::from_seed(&[seed + 1; 32]),
                code,
                nonce: [0; 32],
                seen: Vec::new(),
            }
        }

        fn hello(&self) -> ServerHello {
            ServerHello {
                nonce: self.nonce,
                key: self.signer.public(),
                sealing: self.opening.public(),
            }
        }

        fn pairing(&self) -> Pairing {
            let revision = Revision {
                epoch: Epoch {
                    number: 1,
                    id: [0; 8],
                },
                number: 1,
            };
            let config = Config {
                revision,
                issued_at: Timestamp(0),
                doors: Vec::new(),
                signers: vec![self.signer.public()],
                sealing: self.opening.public(),
                card_keys: Vec::new(),
            };
            Pairing {
                organisation: OrganisationId::new("club").expect("a name"),
                agent: AgentId::new("pi").expect("a name"),
                broker: "mqtts://club.example".to_owned(),
                broker_pin: Some(vec![1; 32]),
                password: "secret".to_owned(),
                recovery: Signer::from_seed(&[9; 32]).public(),
                config,
            }
        }

        fn answer(&mut self, path: &str, body: Vec<u8>) -> anyhow::Result<Vec<u8>> {
            self.seen.push(body.clone());
            if path == HELLO_PATH {
                self.nonce = body.try_into().expect("32 bytes");
                return Ok([
                    &self.signer.public().0[..],
                    &self.hello().sign(&self.signer),
                ]
                .concat());
            }
            let request: PairRequest = minicbor::decode(&body).expect("a request");
            let proof = self.code.proof(&self.hello(), request.key, request.sealing);
            anyhow::ensure!(
                request.handle == self.code.handle() && request.proof == proof,
                "wrong code"
            );
            Ok(self
                .pairing()
                .seal(&self.signer, request.sealing, &mut random(7))
                .expect("seals"))
        }
    }

    async fn try_pair(
        disk: &mut MemoryDisk,
        code: &PairingCode,
        mut answer: impl FnMut(&'static str, Vec<u8>) -> anyhow::Result<Vec<u8>>,
    ) -> Result<Paired, PairError> {
        pair(disk, code, &mut random(1), async |path, body| {
            answer(path, body)
        })
        .await
    }

    #[tokio::test]
    async fn the_server_that_made_the_code_pairs_and_the_pairing_is_there_after_a_restart() {
        let (mut disk, mut server) = (MemoryDisk::new(), Server::new(1));
        let code = server.code.clone();
        try_pair(&mut disk, &code, |path, body| server.answer(path, body))
            .await
            .expect("pairs");
        let (identity, paired) = identity::load(&disk).expect("it is kept");
        assert_eq!(paired.pairing.agent.as_str(), "pi");
        assert_eq!(identity.signer.public(), paired.agent);
        let secret = code.secret();
        assert!(
            !server
                .seen
                .iter()
                .any(|sent| sent.windows(secret.len()).any(|bytes| bytes == secret))
        );
    }

    #[tokio::test]
    async fn an_impostor_that_answers_gets_nothing_but_a_greeting() {
        let (mut disk, honest) = (MemoryDisk::new(), Server::new(1));
        let mut impostor = Server::new(40);
        let tried = try_pair(&mut disk, &honest.code, |path, body| {
            impostor.answer(path, body)
        })
        .await;
        assert!(matches!(tried, Err(PairError::WrongServer(_))));
        assert_eq!(impostor.seen.len(), 1);
        assert!(matches!(
            identity::load(&disk),
            Err(IdentityError::NotPaired)
        ));
    }

    #[tokio::test]
    async fn an_impostor_that_claims_the_servers_key_cannot_sign_with_it() {
        let (mut disk, honest) = (MemoryDisk::new(), Server::new(1));
        let mut impostor = Server::new(40);
        let tried = try_pair(&mut disk, &honest.code, |path, body| {
            let mut answer = impostor.answer(path, body)?;
            answer[..KEY].copy_from_slice(&honest.signer.public().0);
            Ok(answer)
        });
        assert!(matches!(tried.await, Err(PairError::WrongServer(_))));
    }

    #[tokio::test]
    async fn an_answer_recorded_from_an_earlier_pairing_is_worth_nothing() {
        let (mut disk, mut server) = (MemoryDisk::new(), Server::new(1));
        let code = server.code.clone();
        let recorded = server.answer(HELLO_PATH, vec![5; 32]).expect("it answers");
        let tried = try_pair(&mut disk, &code, |_, _| Ok(recorded.clone()));
        assert!(matches!(tried.await, Err(PairError::WrongServer(_))));
    }

    #[tokio::test]
    async fn an_impostor_that_relays_cannot_put_its_own_keys_in_or_read_the_answer() {
        let (mut disk, mut server) = (MemoryDisk::new(), Server::new(1));
        let code = server.code.clone();
        let own = Identity::generate(&mut random(60));
        let mut answer = Vec::new();
        let tried = try_pair(&mut disk, &code, |path, body| {
            if path == PAIR_PATH {
                let mut request: PairRequest = minicbor::decode(&body).expect("a request");
                request.sealing = own.opening.public();
                assert!(
                    server
                        .answer(path, minicbor::to_vec(request).expect("encodes"))
                        .is_err(),
                    "the proof is void"
                );
            }
            answer = server.answer(path, body)?;
            Ok(answer.clone())
        });
        tried
            .await
            .expect("a relay that changes nothing does no harm");
        assert!(own.opening.open(PURPOSE, &answer).is_err());
    }

    #[tokio::test]
    async fn a_pairing_not_signed_by_the_server_or_not_sealed_to_us_is_refused() {
        let (mut disk, mut server) = (MemoryDisk::new(), Server::new(1));
        let code = server.code.clone();
        let other = Signer::from_seed(&[40; 32]);
        let forged = try_pair(&mut disk, &code, |path, body| {
            if path == HELLO_PATH {
                return server.answer(path, body);
            }
            let request: PairRequest = minicbor::decode(&body).expect("a request");
            Ok(server
                .pairing()
                .seal(&other, request.sealing, &mut random(7))
                .expect("seals"))
        });
        assert!(matches!(forged.await, Err(PairError::NotByServer(_))));
        let elsewhere = OpeningKey::from_seed(&[41; 32]).public();
        let misdirected = try_pair(&mut disk, &code, |path, body| {
            if path == HELLO_PATH {
                return server.answer(path, body);
            }
            Ok(server
                .pairing()
                .seal(&server.signer, elsewhere, &mut random(7))
                .expect("seals"))
        });
        assert!(matches!(misdirected.await, Err(PairError::NotForUs(_))));
    }

    #[tokio::test]
    async fn a_pairing_that_fails_leaves_the_one_before_in_force_and_one_that_succeeds_replaces_it()
    {
        let (mut disk, mut server) = (MemoryDisk::new(), Server::new(1));
        let code = server.code.clone();
        try_pair(&mut disk, &code, |path, body| server.answer(path, body))
            .await
            .expect("pairs");
        let (before, _) = identity::load(&disk).expect("it is kept");
        let failed = try_pair(&mut disk, &code, |_, _| Ok(Vec::new())).await;
        assert!(matches!(failed, Err(PairError::NotAServer)));
        assert_eq!(
            identity::load(&disk).expect("still").0.signer.public(),
            before.signer.public()
        );

        let mut random = random(2);
        let post = async |path, body| server.answer(path, body);
        pair(&mut disk, &code, &mut random, post)
            .await
            .expect("pairs again");
        assert_ne!(
            identity::load(&disk).expect("replaced").0.signer.public(),
            before.signer.public()
        );
    }

    #[tokio::test]
    async fn pairing_with_another_server_forgets_what_the_first_one_said() {
        let (mut disk, mut server, mut other) =
            (MemoryDisk::new(), Server::new(1), Server::new(40));
        let (code, other_code) = (server.code.clone(), other.code.clone());
        try_pair(&mut disk, &code, |path, body| server.answer(path, body))
            .await
            .expect("pairs");
        disk.write_atomic("highest.0", b"of the first")
            .expect("writes");
        try_pair(&mut disk, &code, |path, body| server.answer(path, body))
            .await
            .expect("pairs again");
        assert!(disk.read("highest.0").expect("reads").is_some());
        try_pair(&mut disk, &other_code, |path, body| {
            other.answer(path, body)
        })
        .await
        .expect("pairs");
        assert!(disk.read("highest.0").expect("reads").is_none());
    }

    #[tokio::test]
    async fn a_power_cut_while_pairing_leaves_the_old_or_the_new_pairing_and_never_none() {
        let (mut disk, mut server) = (MemoryDisk::new(), Server::new(1));
        let code = server.code.clone();
        try_pair(&mut disk, &code, |path, body| server.answer(path, body))
            .await
            .expect("pairs");
        for cut in 0..12 {
            disk.cut_power_after(cut);
            let mut random = random(u8::try_from(cut).expect("small") + 10);
            drop(
                pair(&mut disk, &code, &mut random, async |path, body| {
                    server.answer(path, body)
                })
                .await,
            );
            disk.power_cut(&mut |_| 0);
            identity::load(&disk).expect("one of them");
        }
    }
}
