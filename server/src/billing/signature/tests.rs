use super::*;
use proptest::prelude::*;

const BODY: &[u8] = br#"{"id":"evt_1"}"#;
const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn secret(text: &str) -> SigningSecret {
    SigningSecret::new(text).expect("a good secret")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn v1(text: &str, seconds: i64) -> String {
    hex(&secret(text).sign(seconds.to_string().as_bytes(), BODY))
}

fn header(text: &str, seconds: i64) -> String {
    format!("t={seconds},v1={}", v1(text, seconds))
}

fn judge(header: &str, secrets: &[&str]) -> Result<(), SignatureError> {
    let secrets: Vec<SigningSecret> = secrets.iter().map(|text| secret(text)).collect();
    verify(Some(header.as_bytes()), BODY, &secrets, NOW)
}

#[test]
fn a_signature_made_elsewhere_is_believed() {
    // printf '%s' '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_known
    let known = "t=1700000000,v1=68a37d422c7a8b96c533eaf81281025cd110ae84fcf96e4f0307b1bad5f2a1cd";
    assert_eq!(judge(known, &["whsec_known"]), Ok(()));
}

#[test]
fn each_signature_is_tried_with_each_secret_in_any_order() {
    let (old, new) = (
        v1("whsec_old", 1_700_000_000),
        v1("whsec_new", 1_700_000_000),
    );
    for header in [
        format!("t=1700000000,v1={old},v1={new}"),
        format!("t=1700000000,v1={new},v1={old}"),
    ] {
        for secrets in [
            &["whsec_old"][..],
            &["whsec_new"],
            &["whsec_old", "whsec_new"],
            &["whsec_x", "whsec_new"],
        ] {
            assert_eq!(judge(&header, secrets), Ok(()), "{header} with {secrets:?}");
        }
        assert_eq!(judge(&header, &["whsec_x"]), Err(SignatureError::Wrong));
    }
}

#[test]
fn a_signature_is_good_for_five_minutes_both_ways() {
    for (seconds, wanted) in [
        (-300, Ok(())),
        (300, Ok(())),
        (-301, Err(SignatureError::TooOld { seconds: 301 })),
        (301, Err(SignatureError::InFuture { seconds: 301 })),
    ] {
        assert_eq!(
            judge(&header("whsec_a", 1_700_000_000 + seconds), &["whsec_a"]),
            wanted
        );
    }
}

#[test]
fn a_forgery_is_called_wrong_whatever_its_time_says() {
    assert_eq!(
        judge(&header("whsec_b", 5), &["whsec_a"]),
        Err(SignatureError::Wrong)
    );
}

#[test]
fn a_changed_body_or_a_byte_order_mark_is_wrong() {
    let header = header("whsec_a", 1_700_000_000);
    for body in [
        &b"{\"id\":\"evt_2\"}"[..],
        b"\xef\xbb\xbf{\"id\":\"evt_1\"}",
        b"",
    ] {
        let verdict = verify(Some(header.as_bytes()), body, &[secret("whsec_a")], NOW);
        assert_eq!(verdict, Err(SignatureError::Wrong));
    }
}

#[test]
fn a_missing_header_is_told_apart() {
    assert_eq!(
        verify(None, BODY, &[secret("whsec_a")], NOW),
        Err(SignatureError::NoHeader)
    );
}

#[test]
fn odd_headers_are_refused_with_their_own_reason() {
    let good = v1("whsec_a", 1_700_000_000);
    let malformed = [
        String::new(),
        ",".to_owned(),
        "=".to_owned(),
        "nonsense".to_owned(),
        "t=,v1=".to_owned(),
        format!("v1={good}"),
        format!("t=1700000000, v1={good}"),
        format!(" t=1700000000,v1={good}"),
        format!("t=1700000000,v1={good},"),
        format!("t=1700000000,t=1700000000,v1={good}"),
        format!("t=-1700000000,v1={good}"),
        format!("t=+1700000000,v1={good}"),
        format!("t=99999999999999999999,v1={good}"),
        format!("t=1700000000.0,v1={good}"),
    ];
    for header in malformed {
        let verdict = judge(&header, &["whsec_a"]);
        assert!(
            matches!(verdict, Err(SignatureError::Malformed(_))),
            "{header:?}: {verdict:?}"
        );
    }
    for header in ["t=1700000000", "t=1700000000,v0=00"] {
        assert_eq!(judge(header, &["whsec_a"]), Err(SignatureError::NoV1));
    }
    for header in [
        "t=1700000000,v1=",
        "t=1700000000,v1=zz",
        "t=1700000000,v1==",
        "t=1700000000,v1=00",
    ] {
        assert_eq!(judge(header, &["whsec_a"]), Err(SignatureError::Wrong));
    }
    let doubled = format!("t=1700000000,v1=,v1={good}");
    assert_eq!(
        judge(&doubled, &["whsec_a"]),
        Ok(()),
        "a bad v1 does not spoil a good one"
    );
}

#[test]
fn no_secret_believes_nothing() {
    assert_eq!(
        verify(
            Some(header("whsec_a", 1_700_000_000).as_bytes()),
            BODY,
            &[],
            NOW
        ),
        Err(SignatureError::Wrong)
    );
}

#[test]
fn an_empty_secret_is_a_configuration_error() {
    for text in ["", "  ", "\n"] {
        assert_eq!(SigningSecret::new(text).err(), Some(SecretError::Empty));
    }
    for text in ["", "whsec_a,", ",whsec_a", "whsec_a,,whsec_b"] {
        assert_eq!(
            SigningSecret::list(text).err(),
            Some(SecretError::Empty),
            "{text:?}"
        );
    }
    assert_eq!(
        SigningSecret::new("sk_live_1").err(),
        Some(SecretError::ApiKey)
    );
    assert_eq!(
        SigningSecret::list("whsec_a, whsec_b").map(|list| list.len()),
        Ok(2)
    );
}

#[test]
fn a_secret_never_prints() {
    assert_eq!(format!("{:?}", secret("whsec_a")), "SigningSecret");
}

proptest! {
    #[test]
    fn no_header_makes_it_panic(header in proptest::collection::vec(any::<u8>(), 0..200), now in any::<i64>()) {
        prop_assert!(verify(Some(&header), BODY, &[secret("whsec_a")], Timestamp(now)).is_err());
    }

    #[test]
    fn no_header_that_looks_almost_right_makes_it_panic(header in "(t=[0-9]{0,20}|v1=[0-9a-fé]{0,66}|,| ){0,6}") {
        prop_assert!(verify(Some(header.as_bytes()), BODY, &[secret("whsec_a")], NOW).is_err());
    }
}
