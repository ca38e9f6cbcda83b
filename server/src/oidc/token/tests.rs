use super::*;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;
use sha2::Sha256;

const NOW: Timestamp = Timestamp(1_767_607_200_000);
const SECONDS: i64 = NOW.0 / 1000;

fn expected() -> Expected<'static> {
    Expected {
        issuer: "https://login.example.org",
        client: "door",
        acr: None,
        nonce: "of this sign-in",
        begun: NOW,
        now: NOW + Span::seconds(20),
    }
}

fn claims() -> Value {
    json!({
        "iss": "https://login.example.org", "sub": "248289761001", "aud": "door", "nonce": "of this sign-in",
        "iat": SECONDS + 10, "exp": SECONDS + 310,
    })
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A provider with one key on P-256.
struct Provider(EcdsaKeyPair);

impl Provider {
    fn new() -> Self {
        let (how, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(how, &random).expect("a key");
        Self(EcdsaKeyPair::from_pkcs8(how, key.as_ref(), &random).expect("a key"))
    }

    fn key(&self) -> Value {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        let text = |bytes| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "kid": "a", "x": text(x), "y": text(y)})
    }

    fn keys(&self) -> Keys {
        Keys {
            keys: vec![json!({"kty": "oct", "k": "AA"}), json!(7), self.key()],
        }
    }

    fn signs(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.expect("signed"));
        format!("{signed}.{signature}")
    }
}

fn es256() -> Value {
    json!({"alg": "ES256", "kid": "a"})
}

/// What comes of claims that were changed.
fn of_claims(change: impl FnOnce(&mut Value)) -> Result<String, Wrong> {
    let (provider, mut told) = (Provider::new(), claims());
    change(&mut told);
    subject(
        &provider.signs(&es256(), &told),
        &provider.keys(),
        &expected(),
    )
}

#[test]
fn a_token_for_us_and_now_vouches_for_its_subject() {
    let good = Ok("248289761001".to_owned());
    assert_eq!(of_claims(|_| ()), good);
    assert_eq!(of_claims(|told| told["aud"] = json!(["door"])), good);
    let several = |told: &mut Value| {
        told["aud"] = json!(["door", "lamp"]);
        told["azp"] = json!("door");
    };
    assert_eq!(of_claims(several), good);
    assert_eq!(
        of_claims(|told| told["exp"] = json!(SECONDS as f64 + 0.5)),
        good
    );
    let (provider, no_name) = (Provider::new(), json!({"alg": "ES256"}));
    let token = provider.signs(&no_name, &claims());
    assert_eq!(subject(&token, &provider.keys(), &expected()), good);
}

#[test]
fn what_a_token_says_of_others_or_of_another_time_is_refused() {
    let refused =
        |field: &str, value: Value| of_claims(|told| told[field] = value).expect_err("refused");
    assert_eq!(
        refused("iss", json!("https://login.example.org/")),
        Wrong::Issuer
    );
    for others in [
        json!("lamp"),
        json!([]),
        json!(["lamp"]),
        json!(["door", "lamp"]),
    ] {
        assert_eq!(refused("aud", others), Wrong::Audience);
    }
    assert_eq!(refused("azp", json!("lamp")), Wrong::Audience);
    let skew = SKEW.0 / 1000;
    for (field, seconds) in [
        ("exp", 20 - skew),
        ("iat", 21 + skew),
        ("nbf", 21 + skew),
        ("iat", -1 - skew),
    ] {
        assert_eq!(
            refused(field, json!(SECONDS + seconds)),
            Wrong::Time,
            "{field}"
        );
    }
    for nonce in [json!("of another"), json!(""), Value::Null] {
        assert_eq!(refused("nonce", nonce), Wrong::Nonce);
    }
    for subject in [String::new(), "a".repeat(256)] {
        assert_eq!(refused("sub", json!(subject)), Wrong::Subject);
    }
    // What has the wrong type is not as good as absent.
    for field in ["iss", "sub", "aud", "exp", "iat", "nbf", "nonce", "azp"] {
        assert_eq!(
            refused(field, json!({"a": 1})),
            Wrong::Unreadable,
            "{field}"
        );
    }
    for field in ["iss", "sub", "aud", "exp", "iat"] {
        assert_eq!(refused(field, Value::Null), Wrong::Unreadable, "{field}");
    }
}

#[test]
fn what_is_not_signed_by_a_key_of_the_provider_is_refused() {
    let (provider, other) = (Provider::new(), Provider::new());
    let refused = |token: &str| subject(token, &provider.keys(), &expected()).expect_err("refused");
    assert_eq!(refused(&other.signs(&es256(), &claims())), Wrong::Signature);
    let token = provider.signs(&json!({"alg": "ES256", "kid": "b"}), &claims());
    assert_eq!(refused(&token), Wrong::Signature, "a key of another name");
    let token = provider.signs(&es256(), &claims());
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let header = signed.split_once('.').expect("two parts").0;
    let mut told = claims();
    told["sub"] = json!("1");
    let swapped = format!("{header}.{}.{signature}", encoded(&told));
    assert_eq!(refused(&swapped), Wrong::Signature);
    assert_eq!(refused(&format!("{signed}.")), Wrong::Signature);
    let critical = json!({"alg": "ES256", "kid": "a", "crit": ["b64"], "b64": false});
    assert_eq!(
        refused(&provider.signs(&critical, &claims())),
        Wrong::Unreadable
    );
    for text in ["", "..", "a.b.c", signed, &format!("{token}.a.b")] {
        assert_eq!(refused(text), Wrong::Unreadable, "{text}");
    }
}

#[test]
fn the_token_does_not_choose_what_its_key_is_good_for() {
    let provider = Provider::new();
    let refused = |token: &str| subject(token, &provider.keys(), &expected()).expect_err("refused");
    for alg in ["none", "None", "", "HS256", "RS1", "es256"] {
        let token = provider.signs(&json!({"alg": alg, "kid": "a"}), &claims());
        assert_eq!(refused(&token), Wrong::Algorithm, "{alg}");
    }
    let unsigned = format!(
        "{}.{}.",
        encoded(&json!({"alg": "none"})),
        encoded(&claims())
    );
    assert_eq!(refused(&unsigned), Wrong::Algorithm);
    // HS256 with what everybody knows of the key.
    let public = provider.0.public_key().as_ref();
    let signed = format!(
        "{}.{}",
        encoded(&json!({"alg": "HS256"})),
        encoded(&claims())
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(public).expect("any length");
    mac.update(signed.as_bytes());
    let made = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    assert_eq!(refused(&format!("{signed}.{made}")), Wrong::Algorithm);
    for alg in ["RS256", "PS256", "EdDSA"] {
        let token = provider.signs(&json!({"alg": alg, "kid": "a"}), &claims());
        assert_eq!(refused(&token), Wrong::Signature, "{alg}");
    }
    // Keys that are for something else.
    for (field, value) in [
        ("use", "enc"),
        ("alg", "ECDH-ES"),
        ("kty", "OKP"),
        ("crv", "P-384"),
    ] {
        let mut key = provider.key();
        key[field] = json!(value);
        let token = provider.signs(&es256(), &claims());
        let outcome = subject(&token, &Keys { keys: vec![key] }, &expected());
        assert_eq!(outcome, Err(Wrong::Signature), "{field}");
    }
}

#[test]
fn a_demanded_assurance_has_to_be_there() {
    let provider = Provider::new();
    let demanding = Expected {
        acr: Some("mfa"),
        ..expected()
    };
    let of = |acr: Value| {
        let mut told = claims();
        told["acr"] = acr;
        subject(
            &provider.signs(&es256(), &told),
            &provider.keys(),
            &demanding,
        )
    };
    assert!(of(json!("mfa")).is_ok());
    assert_eq!(of(json!("0")), Err(Wrong::Assurance));
    assert_eq!(of(Value::Null), Err(Wrong::Assurance));
}

/// Whether a published example is taken by a key, and not if a byte of it is another.
fn is_taken(alg: &str, key: Value, signed: &str, signature: &str) -> bool {
    let algorithm = Algorithm::read(alg).expect("known");
    let key = Key::deserialize(&key).expect("a key");
    let mut signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let taken = key.made(algorithm, signed.as_bytes(), &signature);
    signature[3] ^= 1;
    taken && !key.made(algorithm, signed.as_bytes(), &signature)
}

#[test]
fn published_examples_are_taken() {
    const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    // RFC 7515, A.3.
    let key = json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    });
    let signed = format!("eyJhbGciOiJFUzI1NiJ9.{CLAIMS}");
    let signature =
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    assert!(is_taken("ES256", key, &signed, signature));
    // RFC 8037, A.4.
    let key =
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert!(is_taken("EdDSA", key, signed, signature));
}

/// Made with OpenSSL.
const MODULUS: &str = "yLMZewWGjKU78h2CSbba0BiUFQ_UMUHJO3rxjH1FIid_-gRzmjWk75BOfv0pgd1G-NxTkSTMiV3sM5DxgjcwJ7F_EmlikxRR1Z_Vq267jWVsF1\
    tDtO38L00DmEhNrSEELuaOTqYcWOjbqAPsyxIzFMlOIRDcvq1rPyzYuQa1Y6eXEnFhaKtblUg9N5lsZrx2_lk5YcmIh7jdgmiF4bK-qoE0as7K\
    ol9OjYKT4BZFrn9-9omL45hkzN0Gik4BttRPfVyvfyC9UsY-BrIgMnU5YEH0d9fzkFByERySWFme-iDGy0gOvzcw1GyE0ShQlWVvarg4JLhqV2\
    NPtxQFFCicTQ";
const PKCS1: &str = "rPGx3Rl943DKBmeKxW751ZfaM_qBCgCBSl1-nJlca0L2wZCU9PjPaS558ExYUZEm117uV8B2VMrbXR7OR12x7i4P79cNYNPcd7OoCgKywBrp9T\
    NVh5gjSl43OYV12TU21r1hifrAQZFyaTko1meo1caVD-IMb0NrSsCWP8Bp9DtlE7ksw2DPSoaQ8FdrKYFEYyuZ1vyLXQXNM0uTejfwJDDmRgsC\
    iOAqo-fR_ZWFyuDROH2EDeHUZJ-xs5L4v11SBbgat-GblKW2Q3-di_WhQPdg5lp2uhFVKr-59lXvRVv_a-2P3jyE_IajuEdjcFChry-RNBgZvk\
    bXGbK7bOzA8g";
const PSS: &str = "QNfC3d_qydaAwqWXUIp_FMsvANSfcGiPDw89ThD1neBBUc73a_l6YClwXFxg3IL1zkzCtWZNpfZH8ml-_-6tXJCO-oh2pzv55-kjMStwQ7sBny\
    efcSNVdkw8E2rCSTRjTOwOjzp1GjjliLRrvrT_LwsViWWx7kq8afkndszrgvPRrHRGY3lopsBMpQljo8lc9P9jpfX7vjG5h5446gwXV12qJq1w\
    Hdf-fWbwp8PlBr5YEUiTcypJBW2H-RdcEUn6QjpAETPHmePD7Ppc1LnrVazenzkqns4IKDcjUv6lm5Aywg7PkyUcV-6F4m54DXmrBUnwVZZvm8\
    dcUZP_NuAW2A";

#[test]
fn each_algorithm_of_rsa_takes_its_own_signatures_alone() {
    let key = || json!({"kty": "RSA", "e": "AQAB", "n": MODULUS});
    for (alg, made, other) in [("RS256", PKCS1, PSS), ("PS256", PSS, PKCS1)] {
        assert!(is_taken(alg, key(), "a.token", made), "{alg}");
        assert!(!is_taken(alg, key(), "a.token", other), "{alg}");
    }
}
