use super::*;
use minicbor::Encoder;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

const ORIGIN: &str = "https://club.example:8443";
const ASK: Question<'_> = Question {
    origin: ORIGIN,
    challenge: b"what is asked",
};
/// A modulus and a signature of 2048 bits over `what the device signed`, made by OpenSSL.
const RSA: [&str; 2] = [
    "b49b690071947956d0c4b098c60217377b6ef9b398d9f80dad9993bb7091076197b0269e6dc027d9f9297cff91e27bb9767d5f9f0be5ba123402a4e86a1bf6e355169844ad8a3109ade4c21d2620f9be9697b1bf04b3d6a77829b018272f56035672eaaf1a44a115a0d7a2cfba500228b5bb7d89b5da1765b8c31052dbe34e3e496283107efb1a87aacfb0a8a139df1727af20b515f4213280ff67b9145a0d63cc924394700a05f716c9367c475d64ae25bf79600616db27afd81ded77103f00a8172d6789ea85136a4233eba981ed3ae965336ea9bdabaed1935ae754b73eae5c3bfb91373e8b5b36f04e6a8993831be31db2fb822d623f58338bf3e03c8645",
    "4a6849489d49ec42116a4c702193e41388df4e8335251d96520a5b72b4bc2abf9f3a8802f7fdf2c7a6a969bd899d0c9481ebfebb4e73f4ee65a613f95b81e2f9022ac25cd7ebeab0b695bc86664a41e1a4684a16a7ebbea30a60b123b764288e024ba315da48c5826828c3d9417236ef1247c31f1b0aa54ebcea857f6734b6073b526410704ef1e5fb38a0786cbe3352f609b056d1c26dea9f509a0a31f94680de4224879072f31f54fbec6bd7578763ebb645c0900be947306031abf37eea81dfd9fed7d289210ebbbfd388a3d35a3a06a30542357ea2e1049b05e3b90438327feca0b7a7b4e84d390075d0d7a1f48d830fca3eb6b40ae88b7a1208be07e0c2",
];

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().collect();
    digits
        .chunks(2)
        .map(|two| u8::from_str_radix(&two.iter().collect::<String>(), 16).expect("hexadecimal"))
        .collect()
}

/// A device with a key of one kind.
enum Pen {
    P256(Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

fn pens() -> [Pen; 2] {
    let random = SystemRandom::new();
    let p256 =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
    let p256 = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, p256.as_ref(), &random);
    let edwards = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
    [
        Pen::P256(Box::new(p256.expect("a key"))),
        Pen::Ed25519(Box::new(edwards)),
    ]
}

impl Pen {
    fn cose(&self) -> Vec<u8> {
        let mut out = Encoder::new(Vec::new());
        match self {
            Self::P256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                out.map(5)
                    .and_then(|out| out.i64(1)?.i64(2)?.i64(3)?.i64(ES256)?.i64(-1)?.i64(1))
                    .and_then(|out| out.i64(-2)?.bytes(x)?.i64(-3)?.bytes(y))
            }
            Self::Ed25519(pair) => out
                .map(4)
                .and_then(|out| out.i64(1)?.i64(1)?.i64(3)?.i64(EDDSA)?.i64(-1)?.i64(6))
                .and_then(|out| out.i64(-2)?.bytes(pair.public_key().as_ref())),
        }
        .expect("writing to memory cannot fail");
        out.into_writer()
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::P256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message);
                signature.expect("it signs").as_ref().to_vec()
            }
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

fn client_data(kind: &str, challenge: &[u8], origin: &str) -> Vec<u8> {
    let challenge = URL_SAFE_NO_PAD.encode(challenge);
    serde_json::json!({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false, "more": 1})
        .to_string()
        .into_bytes()
}

/// What a device says of itself: user present and verified, so many signatures.
fn device(site: &str, flags: u8, signatures: u32) -> Vec<u8> {
    [
        &Sha256::digest(site)[..],
        &[flags],
        &signatures.to_be_bytes(),
    ]
    .concat()
}

fn attestation(site: &str, flags: u8, credential: &[u8], cose: &[u8]) -> Vec<u8> {
    let length = u16::try_from(credential.len())
        .expect("short")
        .to_be_bytes();
    // An extension follows the key.
    let data = [
        &device(site, flags | 0x80, 0)[..],
        &[9; 16],
        &length,
        credential,
        cose,
        &[0xa0],
    ]
    .concat();
    let mut out = Encoder::new(Vec::new());
    out.map(3)
        .and_then(|out| {
            out.str("fmt")?
                .str("none")?
                .str("attStmt")?
                .map(0)?
                .str("authData")?
                .bytes(&data)
        })
        .expect("writing to memory cannot fail");
    out.into_writer()
}

#[test]
fn a_key_that_was_made_is_read_and_signs() {
    for pen in pens() {
        let cose = pen.cose();
        let told = client_data("webauthn.create", ASK.challenge, ORIGIN);
        let made =
            made(ASK, &told, &attestation("club.example", 0x45, b"id", &cose)).expect("made");
        assert_eq!(
            (&made.credential[..], &made.public_key),
            (&b"id"[..], &cose)
        );
        let told = client_data("webauthn.get", ASK.challenge, ORIGIN);
        let known = |signatures| Known {
            public_key: &made.public_key,
            signatures,
        };
        for (before, now, taken) in [
            (0, 0, true),
            (0, 1, true),
            (4, 5, true),
            (5, 5, false),
            (5, 0, false),
        ] {
            let data = device("club.example", 0x05, now);
            let message = [&data[..], &Sha256::digest(&told)].concat();
            let signature = pen.sign(&message);
            let sent = Signed {
                client_data: &told,
                authenticator_data: &data,
                signature: &signature,
            };
            let expected = if taken {
                Ok(now)
            } else {
                Err(Wrong::Signature)
            };
            assert_eq!(signed(ASK, known(before), sent), expected, "{before} {now}");
        }
    }
}

#[test]
fn a_key_for_another_site_or_question_or_without_its_user_is_refused() {
    let [pen, _] = pens();
    let cose = pen.cose();
    let good = client_data("webauthn.create", ASK.challenge, ORIGIN);
    let site = "club.example";
    let framed = String::from_utf8(good.clone())
        .expect("text")
        .replace("false", "true");
    for (told, sent, wrong) in [
        (
            client_data("webauthn.get", ASK.challenge, ORIGIN),
            attestation(site, 0x45, b"id", &cose),
            Wrong::Elsewhere,
        ),
        (
            client_data("webauthn.create", b"other", ORIGIN),
            attestation(site, 0x45, b"id", &cose),
            Wrong::Elsewhere,
        ),
        (
            client_data("webauthn.create", ASK.challenge, "https://evil.example"),
            attestation(site, 0x45, b"id", &cose),
            Wrong::Elsewhere,
        ),
        (
            framed.into_bytes(),
            attestation(site, 0x45, b"id", &cose),
            Wrong::Elsewhere,
        ),
        (
            good.clone(),
            attestation("evil.example", 0x45, b"id", &cose),
            Wrong::Elsewhere,
        ),
        (
            good.clone(),
            attestation(site, 0x41, b"id", &cose),
            Wrong::Unverified,
        ),
        (
            good.clone(),
            attestation(site, 0x44, b"id", &cose),
            Wrong::Unverified,
        ),
        (
            good.clone(),
            attestation(site, 0x05, b"id", &cose),
            Wrong::Unreadable,
        ),
        (
            good.clone(),
            attestation(site, 0x45, b"", &cose),
            Wrong::Unreadable,
        ),
        (
            good.clone(),
            attestation(site, 0x45, b"id", &[0xa1, 1, 4]),
            Wrong::Algorithm,
        ),
        (
            good.clone(),
            attestation(site, 0x45, b"id", &cose[..40]),
            Wrong::Unreadable,
        ),
        (good.clone(), b"nonsense".to_vec(), Wrong::Unreadable),
        (
            b"{}".to_vec(),
            attestation(site, 0x45, b"id", &cose),
            Wrong::Unreadable,
        ),
    ] {
        assert_eq!(made(ASK, &told, &sent), Err(wrong));
    }
}

#[test]
fn a_signature_that_does_not_fit_is_refused() {
    for pen in pens() {
        let cose = pen.cose();
        let known = Known {
            public_key: &cose,
            signatures: 0,
        };
        let told = client_data("webauthn.get", ASK.challenge, ORIGIN);
        let data = device("club.example", 0x05, 1);
        let signature = pen.sign(&[&data[..], &Sha256::digest(&told)].concat());
        let unverified = device("club.example", 0x01, 1);
        let good = Signed {
            client_data: &told,
            authenticator_data: &data,
            signature: &signature,
        };
        assert_eq!(signed(ASK, known, good), Ok(1));
        let later = device("club.example", 0x05, 2);
        for (sent, wrong) in [
            (
                Signed {
                    authenticator_data: &later,
                    ..good
                },
                Wrong::Signature,
            ),
            (
                Signed {
                    signature: b"short",
                    ..good
                },
                Wrong::Signature,
            ),
            (
                Signed {
                    authenticator_data: &unverified,
                    ..good
                },
                Wrong::Unverified,
            ),
            (
                Signed {
                    authenticator_data: &data[..36],
                    ..good
                },
                Wrong::Unreadable,
            ),
        ] {
            assert_eq!(signed(ASK, known, sent), Err(wrong));
        }
    }
}

#[test]
fn windows_signs_by_rsa() {
    let [n, signature] = RSA.map(unhex);
    let mut out = Encoder::new(Vec::new());
    out.map(4)
        .and_then(|out| out.i64(1)?.i64(3)?.i64(3)?.i64(RS256))
        .and_then(|out| out.i64(-1)?.bytes(&n)?.i64(-2)?.bytes(&[1, 0, 1]))
        .expect("writing to memory cannot fail");
    let key = Key::read(&out.into_writer()).expect("a key");
    assert_eq!(key.verify(b"what the device signed", &signature), Ok(()));
    assert_eq!(
        key.verify(b"what somebody signed", &signature),
        Err(Wrong::Signature)
    );
}

#[test]
fn a_site_is_called_by_its_host() {
    for (origin, name) in [
        ("https://club.example", "club.example"),
        ("http://localhost:8080", "localhost"),
        ("https://[::1]", "[::1]"),
        ("", ""),
    ] {
        assert_eq!(host(origin), name);
    }
}
