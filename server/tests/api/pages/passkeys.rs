//! Passkeys at the pages, with a device made of one Ed25519 key (www.w3.org/TR/webauthn-3).

use super::Browser;
use super::browser::Shown;
use crate::support::Api;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use minicbor::Encoder;
use server::rights::Role;
use sha2::{Digest as _, Sha256};
use shared::time::Span;

const ORIGIN: &str = "https://club.example";

/// A device that keeps one key.
struct Device {
    key: SigningKey,
    credential: Vec<u8>,
    origin: &'static str,
    /// Whether it makes sure who uses it.
    verifies: bool,
}

impl Device {
    fn new(seed: u8) -> Self {
        Self {
            key: SigningKey::from_bytes(&[seed; 32]),
            credential: vec![seed; 16],
            origin: ORIGIN,
            verifies: true,
        }
    }

    fn client_data(&self, kind: &str, challenge: &str) -> Vec<u8> {
        let told = serde_json::json!({"type": kind, "challenge": challenge, "origin": self.origin});
        told.to_string().into_bytes()
    }

    fn data(&self, attested: u8) -> Vec<u8> {
        let host = self.origin.split_once("://").expect("a scheme").1;
        let flags = attested | 0x01 | if self.verifies { 0x04 } else { 0 };
        [&Sha256::digest(host)[..], &[flags], &[0; 4]].concat()
    }

    fn attestation(&self) -> Vec<u8> {
        let mut key = Encoder::new(Vec::new());
        key.map(4)
            .and_then(|key| {
                key.i64(1)?
                    .i64(1)?
                    .i64(3)?
                    .i64(-8)?
                    .i64(-1)?
                    .i64(6)?
                    .i64(-2)
            })
            .and_then(|key| key.bytes(self.key.verifying_key().as_bytes()))
            .expect("written");
        let length = [0, 16];
        let data = [
            &self.data(0x40)[..],
            &[0; 16],
            &length,
            &self.credential,
            key.writer(),
        ]
        .concat();
        let mut out = Encoder::new(Vec::new());
        out.map(1)
            .and_then(|out| out.str("authData")?.bytes(&data))
            .expect("written");
        out.into_writer()
    }

    /// Adds its key to whoever is signed in.
    async fn add(&self, browser: &Browser<'_>) -> Shown {
        let challenge = browser.get("/admin/me").await.field("challenge");
        let told = self.client_data("webauthn.create", &challenge);
        let fields = [
            ("name", "My phone"),
            ("challenge", &challenge),
            ("client_data", &URL_SAFE_NO_PAD.encode(told)),
            ("attestation", &URL_SAFE_NO_PAD.encode(self.attestation())),
        ];
        browser.post("/admin/me/passkeys", &fields).await
    }

    fn answer(&self, challenge: &str) -> [(&'static str, String); 5] {
        let told = self.client_data("webauthn.get", challenge);
        let data = self.data(0);
        let signature = self.key.sign(&[&data[..], &Sha256::digest(&told)].concat());
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        [
            ("challenge", challenge.to_owned()),
            ("credential", text(&self.credential)),
            ("client_data", text(&told)),
            ("authenticator_data", text(&data)),
            ("signature", text(&signature.to_bytes())),
        ]
    }

    async fn sign_in(&self, browser: &Browser<'_>) -> Shown {
        let challenge = browser.get("/admin/sign-in").await.field("challenge");
        send(browser, &self.answer(&challenge)).await
    }
}

async fn send(browser: &Browser<'_>, answer: &[(&'static str, String)]) -> Shown {
    let fields: Vec<(&str, &str)> = answer
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    browser.post("/admin/sign-in/passkey", &fields).await
}

#[tokio::test]
async fn a_passkey_is_added_lets_in_and_is_removed() {
    let api = Api::new().await;
    let (olga, phone) = (Browser::new(&api), Device::new(7));
    olga.found().await;
    let page = phone.add(&olga).await;
    assert_eq!(page.location(), "/admin/me", "{}", page.text);
    let page = olga.get("/admin/me").await;
    assert!(page.says("My phone") && page.says("never used"));
    assert_eq!(
        phone.add(&olga).await.status,
        StatusCode::CONFLICT,
        "it is known"
    );

    let elsewhere = Browser::new(&api);
    api.wait(Span::seconds(1));
    let page = phone.sign_in(&elsewhere).await;
    assert_eq!(page.location(), "/admin", "{}", page.text);
    assert!(elsewhere.get("/admin/me").await.says("Olga Owner"));
    assert!(olga.get("/admin/me").await.says("last used"));

    let page = olga.post("/admin/me/passkeys/1/remove", &[]).await;
    assert_eq!(page.location(), "/admin/me");
    // Whoever came in by it is out, whoever removed it is not.
    assert_eq!(elsewhere.get("/admin").await.location(), "/admin/sign-in");
    assert_eq!(olga.get("/admin").await.status, StatusCode::OK);
    api.wait(Span::seconds(1));
    assert_eq!(
        phone.sign_in(&elsewhere).await.status,
        StatusCode::FORBIDDEN
    );
    let actions: Vec<String> = api.audit("staff 1").await;
    let expected = [
        "staff.arrive",
        "staff.passkey_add",
        "staff.sign_in",
        "staff.passkey_remove",
    ];
    assert_eq!(actions, expected);
}

#[tokio::test]
async fn what_does_not_fit_lets_nobody_in_and_is_not_told_apart() {
    let api = Api::new().await;
    let (olga, phone) = (Browser::new(&api), Device::new(7));
    olga.found().await;
    phone.add(&olga).await;
    api.wait(Span::seconds(1));
    let thief = Browser::new(&api);
    let challenge = || async { thief.get("/admin/sign-in").await.field("challenge") };
    let unverified = Device {
        verifies: false,
        ..Device::new(7)
    };
    let phished = Device {
        origin: "https://club.example.evil",
        ..Device::new(7)
    };
    let forged = Device {
        key: SigningKey::from_bytes(&[8; 32]),
        ..Device::new(7)
    };
    let mut refused = Vec::new();
    for device in [&unverified, &phished, &forged, &Device::new(9)] {
        refused.push(send(&thief, &device.answer(&challenge().await)).await);
    }
    // A challenge of the page where passkeys are added, and one that is nobody's.
    let other = olga.get("/admin/me").await.field("challenge");
    refused.push(send(&thief, &phone.answer(&other)).await);
    refused.push(send(&thief, &phone.answer("AAAA")).await);
    let late = challenge().await;
    api.wait(Span::minutes(5) + Span(1));
    refused.push(send(&thief, &phone.answer(&late)).await);
    for page in &refused {
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.text);
        assert!(page.says("role=\"alert\""));
    }
    assert!(thief.cookies.borrow().is_empty());

    // What was answered once is not answered again.
    let answer = phone.answer(&challenge().await);
    api.wait(Span::seconds(1));
    assert_eq!(send(&olga, &answer).await.location(), "/admin");
    assert_eq!(send(&thief, &answer).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn passkeys_are_ones_own_and_end_with_ones_rights() {
    let api = Api::new().await;
    let olga = Browser::new(&api);
    olga.found().await;
    let (desk, codes) = olga.invites(Role::FrontDesk).await;
    let phone = Device::new(7);
    assert_eq!(phone.add(&desk).await.location(), "/admin/me");
    let page = olga.post("/admin/me/passkeys/1/remove", &[]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND, "another one's");

    // Who lost phone and password comes again by an invitation: what is on the phone lets nobody in any more.
    let (again, _) = olga.invites(Role::FrontDesk).await;
    assert_eq!(desk.get("/admin").await.location(), "/admin/sign-in");
    api.wait(Span::seconds(1));
    assert_eq!(phone.sign_in(&desk).await.status, StatusCode::FORBIDDEN);
    drop(codes);

    assert_eq!(phone.add(&again).await.location(), "/admin/me");
    olga.post("/admin/people/2/remove", &[]).await;
    api.wait(Span::seconds(1));
    assert_eq!(phone.sign_in(&desk).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn who_signed_in_long_ago_does_it_again_before_ways_in_are_changed() {
    let api = Api::new().await;
    let (olga, phone) = (Browser::new(&api), Device::new(7));
    let codes = olga.found().await;
    phone.add(&olga).await;
    api.wait(Span::minutes(15) + Span(1));
    assert_eq!(Device::new(8).add(&olga).await.status, StatusCode::CONFLICT);
    let page = olga.post("/admin/me/passkeys/1/remove", &[]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(olga.get("/admin/me").await.says("My phone"));
    let page = olga
        .signs_in("olga@club.example", super::browser::PASSWORD, &codes)
        .await;
    assert_eq!(page.location(), "/admin");
    assert_eq!(Device::new(8).add(&olga).await.location(), "/admin/me");
}
