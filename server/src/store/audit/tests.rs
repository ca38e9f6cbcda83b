use super::*;
use crate::random::Handed;
use crate::store::Store;
use crate::store::attention::{AuditLine, audit};
use shared::time::Timestamp;

fn club() -> OrganisationId {
    OrganisationId::new("club").expect("a name")
}

/// A log of six lines, of which three are of member 7, chained in two parts.
async fn log() -> Store {
    let store = Store::open("sqlite::memory:").await.expect("opens");
    let mut tx = store.begin().await.expect("begins");
    crate::setup::organisation(&mut tx, &club(), Timestamp(0))
        .await
        .expect("made");
    for number in 0..6 {
        let body = format!("{{\"after\":\"Ada {number}\"}}");
        let line = AuditLine {
            actor: "staff 1",
            action: "member.change",
            member: (number % 2 == 0).then_some(MemberId(7)),
            cause: "by hand",
            body: (number % 3 != 0).then_some(body.as_str()),
        };
        audit(&mut tx, &club(), Timestamp(number), line);
    }
    let mut next = 0_u8;
    let mut random = Handed::new(|bytes: &mut [u8]| {
        for byte in bytes {
            next = next.wrapping_add(1);
            *byte = next;
        }
    });
    for (count, place) in [(4, 4), (2, 6), (0, 6)] {
        let (chained, end) = chain(&mut tx, &club(), 4, &mut random).await.expect("done");
        let places: Vec<_> = chained.iter().map(|line| line.place).collect();
        let expected: Vec<_> = (place - count + 1..=place).map(Some).collect();
        assert_eq!((places, end.map(|end| end.place)), (expected, Some(place)));
    }
    tx.commit().await.expect("committed");
    store
}

async fn verified(store: &Store) -> std::result::Result<i64, Broken> {
    let mut tx = store.begin().await.expect("begins");
    verify(&mut tx, &club()).await.expect("read")
}

async fn run(store: &Store, sql: &'static str) -> Result<()> {
    let mut tx = store.begin().await.expect("begins");
    tx.later(Statement::new(sql));
    tx.commit().await
}

#[tokio::test]
async fn what_is_changed_or_gone_is_found_at_its_place() {
    for (change, place, line, flaw) in [
        (
            "UPDATE audit SET actor = 'staff 2' WHERE id = 3",
            3,
            3,
            Flaw::Changed,
        ),
        (
            "UPDATE audit SET body = 'x' WHERE id = 2",
            2,
            2,
            Flaw::Changed,
        ),
        (
            "UPDATE audit SET body = 'x' WHERE id = 1",
            1,
            1,
            Flaw::Changed,
        ),
        (
            "UPDATE audit SET body = NULL WHERE id = 2",
            2,
            2,
            Flaw::Changed,
        ),
        (
            "UPDATE audit SET at = 0, hash = zeroblob(32) WHERE id = 6",
            6,
            6,
            Flaw::Changed,
        ),
        (
            "UPDATE audit SET member = NULL WHERE id = 5",
            5,
            5,
            Flaw::Changed,
        ),
        ("DELETE FROM audit WHERE id = 4", 4, 5, Flaw::Missing),
    ] {
        let store = log().await;
        assert_eq!(verified(&store).await, Ok(6));
        for trigger in [
            "DROP TRIGGER audit_stays",
            "DROP TRIGGER audit_is_not_rewritten",
        ] {
            run(&store, trigger).await.expect("dropped");
        }
        run(&store, change).await.expect("changed");
        let (line, broken) = (Some(line), verified(&store).await);
        assert_eq!(broken, Err(Broken { place, line, flaw }), "{change}");
    }
}

#[tokio::test]
async fn the_database_refuses_to_change_or_delete_a_line() {
    let store = log().await;
    for change in [
        "DELETE FROM audit WHERE id = 6",
        "UPDATE audit SET actor = 'staff 2' WHERE id = 6",
        "UPDATE audit SET at = 5 WHERE id = 1",
        "UPDATE audit SET action = '' WHERE id = 1",
        "UPDATE audit SET cause = '' WHERE id = 1",
        "UPDATE audit SET member = 8 WHERE id = 1",
        "UPDATE audit SET body = '{}' WHERE id = 2",
        "UPDATE audit SET hash = zeroblob(32) WHERE id = 2",
        "UPDATE audit SET digest = NULL WHERE id = 2",
        "UPDATE audit SET place = NULL WHERE id = 2",
        "UPDATE audit SET salt = zeroblob(16) WHERE id = 2",
    ] {
        assert!(run(&store, change).await.is_err(), "{change}");
    }
    assert_eq!(verified(&store).await, Ok(6));
}

#[tokio::test]
async fn what_tells_of_a_member_is_erased_and_the_chain_stays_whole() {
    let store = log().await;
    let mut tx = store.begin().await.expect("begins");
    let before = end(&mut tx, &club()).await.expect("read");
    forget(&mut tx, &club(), MemberId(7)).await.expect("erased");
    tx.commit().await.expect("committed");
    assert_eq!(verified(&store).await, Ok(6));
    let mut tx = store.begin().await.expect("begins");
    assert_eq!(end(&mut tx, &club()).await.expect("read"), before);
    let all = Wanted {
        before: i64::MAX,
        limit: 10,
        ..Wanted::default()
    };
    let lines = lines(&mut tx, &club(), &all).await.expect("read");
    let left: Vec<i64> = lines
        .iter()
        .filter(|line| line.body.is_some())
        .map(|line| line.id)
        .collect();
    // Of lines 2, 3, 5 and 6, which had something to tell, 3 and 5 were of member 7.
    assert_eq!(left, [6, 2]);
    assert!(
        lines
            .iter()
            .all(|line| line.body.is_some() == line.salt.is_some())
    );
}

#[tokio::test]
async fn a_chain_made_anew_is_not_the_one_that_was_seen() {
    let store = log().await;
    let mut tx = store.begin().await.expect("begins");
    let seen = end(&mut tx, &club()).await.expect("read").expect("a chain");
    assert!(holds(&mut tx, &club(), seen).await.expect("read"));
    drop(tx);
    for change in [
        "DROP TRIGGER audit_is_not_rewritten",
        "UPDATE audit SET place = NULL, salt = NULL, digest = NULL, hash = NULL",
        "UPDATE audit SET actor = 'staff 2' WHERE id = 3",
    ] {
        run(&store, change).await.expect("changed");
    }
    let mut tx = store.begin().await.expect("begins");
    let mut random = Handed::new(|bytes: &mut [u8]| bytes.fill(0));
    chain(&mut tx, &club(), 9, &mut random)
        .await
        .expect("made anew");
    tx.commit().await.expect("committed");
    assert_eq!(verified(&store).await, Ok(6), "it looks whole");
    let mut tx = store.begin().await.expect("begins");
    assert!(!holds(&mut tx, &club(), seen).await.expect("read"));
}
