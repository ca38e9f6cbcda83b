use super::{Keys, KeysError};
use rand_core::Rng as _;
use shared::card::CardUid;
use shared::ids::{Holder, OrganisationId, ZoneId};
use shared::pin::Pin;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

fn club(name: &str) -> OrganisationId {
    OrganisationId::new(name).expect("a name")
}

fn directory() -> TempDir {
    let place = TempDir::new().expect("a directory");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o700)).expect("closed");
    place
}

fn load(place: &Path) -> Result<Keys, KeysError> {
    Keys::load_or_create(place, &club("main"), &mut crate::random::system())
}

fn card() -> CardUid {
    CardUid::parse("0415AB3C").expect("a card")
}

#[test]
fn a_restart_finds_the_same_keys_and_another_place_makes_others() {
    let (here, there) = (directory(), directory());
    let first = load(here.path()).expect("made");
    let again = load(here.path()).expect("read");
    let other = load(there.path()).expect("made");
    let zone = ZoneId::new("workshop").expect("a name");
    assert_eq!(first.signers(), again.signers());
    assert_eq!(first.opening().public(), again.opening().public());
    assert_eq!(first.recovery(), again.recovery());
    assert_eq!(first.card_key(&zone, 1), again.card_key(&zone, 1));
    assert_eq!(first.uid_index(&card()), again.uid_index(&card()));
    assert_ne!(first.signers(), other.signers());
    assert_ne!(first.recovery(), other.recovery());
}

#[test]
fn every_key_has_its_own_organisation_zone_and_number() {
    let keys = |name: &str| Keys::from_roots(&[1; 32], &[2; 32], &club(name));
    let (main, other) = (keys("main"), keys("other"));
    let (hall, yard) = (
        ZoneId::new("hall").expect("a name"),
        ZoneId::new("yard").expect("a name"),
    );
    assert_ne!(main.signer().public(), other.signer().public());
    assert_ne!(main.opening().public(), other.opening().public());
    assert_ne!(main.uid_index(&card()), other.uid_index(&card()));
    let different = [
        main.card_key(&hall, 1),
        main.card_key(&hall, 2),
        main.card_key(&yard, 1),
        other.card_key(&hall, 1),
    ];
    for (index, key) in different.iter().enumerate() {
        assert!(!different[..index].contains(key));
    }
}

#[test]
fn a_stored_pin_opens_only_unaltered_and_for_its_holder() {
    let mut random = crate::random::system();
    let keys = |name: &str| Keys::from_roots(&[1; 32], &[2; 32], &club(name));
    let main = keys("main");
    let pin = Pin::choose("4711").expect("a PIN");
    let sealed = main.seal_pin(&pin, Holder(5), &mut random);
    assert_eq!(main.open_pin(&sealed, Holder(5)), Some(pin));
    assert_eq!(main.open_pin(&sealed, Holder(6)), None);
    assert_eq!(keys("other").open_pin(&sealed, Holder(5)), None);
    for index in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[index] ^= 1;
        assert_eq!(main.open_pin(&altered, Holder(5)), None, "byte {index}");
    }
}

#[test]
fn a_stored_card_number_opens_only_unaltered_and_at_home() {
    let mut random = crate::random::system();
    let main = Keys::from_roots(&[1; 32], &[2; 32], &club("main"));
    let other = Keys::from_roots(&[1; 32], &[2; 32], &club("other"));
    let sealed = main.seal_uid(&card(), &mut random);
    assert_eq!(main.open_uid(&sealed), Some(card()));
    assert_eq!(other.open_uid(&sealed), None);
    assert_ne!(
        main.seal_uid(&card(), &mut random),
        sealed,
        "the same card never reads the same twice"
    );
    for index in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[index] ^= 1;
        assert_eq!(main.open_uid(&altered), None, "byte {index}");
        assert_eq!(main.open_uid(&sealed[..index]), None, "cut at {index}");
    }
}

#[test]
fn a_stored_secret_opens_only_for_its_purpose() {
    let mut random = crate::random::system();
    let keys = Keys::from_roots(&[1; 32], &[2; 32], &club("main"));
    let sealed = keys.seal_secret(b"ten bytes.", "pairing", &mut random);
    assert_eq!(
        keys.open_secret(&sealed, "pairing")
            .expect("opens")
            .as_slice(),
        b"ten bytes."
    );
    assert!(keys.open_secret(&sealed, "other").is_none());
    assert!(keys.open_uid(&sealed).is_none());
}

#[test]
fn a_new_generation_signs_and_the_old_one_still_opens() {
    let place = directory();
    let mut random = crate::random::system();
    let old = load(place.path()).expect("made");
    let stored = old.seal_uid(&card(), &mut random);
    let sealed = old
        .opening()
        .public()
        .seal("enrolment", b"uid", &mut random)
        .expect("sealed");

    let mut root = [0; 32];
    random.fill_bytes(&mut root);
    fs::write(place.path().join("root-2.key"), root).expect("written");
    fs::set_permissions(
        place.path().join("root-2.key"),
        fs::Permissions::from_mode(0o600),
    )
    .expect("closed");
    let new = load(place.path()).expect("read");

    assert_eq!(
        new.signers(),
        [new.signer().public(), old.signer().public()]
    );
    assert_ne!(new.signer().public(), old.signer().public());
    assert_eq!(new.open_uid(&stored), Some(card()));
    assert_eq!(
        new.open("enrolment", &sealed).expect("opens").as_slice(),
        b"uid"
    );
    assert_eq!(
        new.open_uid(&new.seal_uid(&card(), &mut random)),
        Some(card())
    );
    assert_eq!(old.open_uid(&new.seal_uid(&card(), &mut random)), None);
    assert_eq!(new.uid_index(&card()), old.uid_index(&card()));
    let zone = ZoneId::new("hall").expect("a name");
    assert_eq!(new.card_key(&zone, 1), old.card_key(&zone, 1));
}

#[test]
fn keys_that_others_can_reach_are_refused() {
    let place = directory();
    load(place.path()).expect("made");
    let mode = |name: &str| {
        fs::metadata(place.path().join(name))
            .expect("there")
            .permissions()
            .mode()
            & 0o777
    };
    for name in ["root-1.key", "recovery.key"] {
        assert_eq!(mode(name), 0o600);
        let path = place.path().join(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("opened");
        let error = load(place.path()).expect_err("refused");
        assert!(
            error
                .to_string()
                .contains(&format!("chmod 600 {}", path.display())),
            "{error}"
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("closed");
    }
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("opened");
    assert!(
        load(place.path())
            .expect_err("refused")
            .to_string()
            .contains("chmod 700")
    );
}

#[test]
fn a_lost_or_damaged_root_is_never_replaced_by_a_new_one() {
    let place = directory();
    let before = load(place.path()).expect("made");
    let root = place.path().join("root-1.key");
    let kept = fs::read(&root).expect("there");

    fs::remove_file(&root).expect("there was one");
    assert!(matches!(load(place.path()), Err(KeysError::Lost(path)) if path == root));
    assert!(!root.exists());

    fs::write(&root, &kept[..31]).expect("written");
    fs::set_permissions(&root, fs::Permissions::from_mode(0o600)).expect("closed");
    assert!(matches!(load(place.path()), Err(KeysError::Length(path)) if path == root));

    fs::write(&root, &kept).expect("written");
    fs::write(place.path().join("root-3.key"), &kept).expect("written");
    fs::set_permissions(
        place.path().join("root-3.key"),
        fs::Permissions::from_mode(0o600),
    )
    .expect("closed");
    assert!(
        matches!(load(place.path()), Err(KeysError::Lost(path)) if path.ends_with("root-2.key"))
    );

    fs::remove_file(place.path().join("root-3.key")).expect("there was one");
    assert_eq!(
        load(place.path()).expect("restored").signers(),
        before.signers()
    );
}

#[test]
fn the_recovery_key_can_be_carried_away() {
    let place = directory();
    let before = load(place.path()).expect("made");
    fs::remove_file(place.path().join("recovery.key")).expect("there was one");
    assert_eq!(
        load(place.path()).expect("read").recovery(),
        before.recovery()
    );
    assert!(!place.path().join("recovery.key").exists());

    fs::write(place.path().join("recovery.pub"), "12 34").expect("written");
    assert!(matches!(load(place.path()), Err(KeysError::Public(_))));
}

#[test]
fn two_servers_that_start_at_once_agree_on_the_keys() {
    let place = directory();
    let start = std::sync::Barrier::new(2);
    let run = || {
        start.wait();
        load(place.path()).expect("made").signers()
    };
    let (one, two) = std::thread::scope(|scope| {
        let (one, two) = (scope.spawn(run), scope.spawn(run));
        (one.join().expect("ends"), two.join().expect("ends"))
    });
    assert_eq!(one, two);
    assert_eq!(load(place.path()).expect("read").signers(), one);
}

#[test]
fn keys_print_nothing_secret() {
    let keys = Keys::from_roots(&[1; 32], &[2; 32], &club("main"));
    assert_eq!(format!("{keys:?}"), format!("Keys({})", keys.signer().id()));
}
