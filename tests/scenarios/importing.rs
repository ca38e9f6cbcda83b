//! An organisation that has members already: its roll and Stripe's customers are brought together.

use server::billing::import::{Import, ImportError};
use server::billing::roll;
use shared::time::Span;
use std::collections::BTreeSet;
use tests::building::Building;
use tests::building::story::WOOD;
use tests::stripe_sim::Subscribe;

/// What is wished for, with a roll.
fn wish(roll: &str) -> Import {
    Import {
        rows: roll::read(roll.as_bytes()).expect("a good roll"),
        write: true,
        ..Import::default()
    }
}

stories! {
    fn of_forty_members_those_who_pay_are_in_after_an_import_and_nobody_is_guessed(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let mut b = Building::club(way);
        b.hold_events();
        let mut roll = "name,mail,customer,cards,membership,paid_until\n".to_owned();
        let mut people = Vec::new();
        for at in 0..40 {
            let (name, card) = (format!("Member{at}"), format!("0400{at:04X}"));
            let who = b.stranger(&name, &card);
            let mail = b.person(who).mail();
            let (mut id, mut paid) = (String::new(), ",");
            match at {
                // Ten are named by their customers, ten pay and have only the same mail, ten paid by hand, ten did not pay.
                0..10 => {
                    id = b.sim().create_customer(Some("other@example.org"), None, &[]);
                    b.sim().subscribe(&id, &[(WOOD, 1)], Subscribe::default());
                }
                10..20 => {
                    let customer = b.sim().create_customer(Some(&mail), None, &[]);
                    b.sim().subscribe(&customer, &[(WOOD, 1)], Subscribe::default());
                }
                20..30 => paid = "5,2026-12-31",
                _ => {}
            }
            roll.push_str(&format!("{name},{mail},{id},{card},{paid}\n"));
            people.push(who);
        }
        let stranger = b.sim().create_customer(Some("nobody@example.org"), None, &[]);
        b.sim().subscribe(&stranger, &[(WOOD, 2)], Subscribe::default());
        b.work();
        b.forget_held_events();
        b.settle();

        let told = b.import(&Import { write: false, ..wish(&roll) }).expect("a good roll");
        assert_eq!(b.member_count(), 0, "telling changes nothing");
        let done = b.import(&wish(&roll)).expect("a good roll");
        assert_eq!((told.linked.len(), told.proposed.len(), told.gained.len()), (10, 10, 20));
        assert_eq!((done.made.len(), done.linked.len(), done.proposed.len()), (40, 10, 10));
        assert_eq!(done.without_member, [stranger]);
        assert_eq!(done.without_customer.len(), 30);
        assert!(done.notes.iter().any(|note| note.contains("has 2 seats")), "{:?}", done.notes);
        assert!(b.attends("proposed_link") && b.attends("unmatched_customer"));
        for (at, who) in people.iter().enumerate() {
            let opens = b.tap(*who, "front").opens();
            assert_eq!(opens, at < 10 || (20..30).contains(&at), "member {at}");
        }

        // A second time there is nothing to do; a yes to what was shown links it.
        let again = b.import(&wish(&roll)).expect("a good roll");
        assert_eq!((again.made.len(), again.found.len(), again.linked.len(), again.gained.len()), (0, 40, 0, 0));
        let shown: BTreeSet<String> = done.proposed.iter().map(|(customer, _)| customer.clone()).collect();
        let yes = b.import(&Import { link: shown, write: true, ..Import::default() }).expect("a yes");
        assert_eq!((yes.linked.len(), yes.gained.len(), yes.proposed.len()), (10, 10, 0));
        assert!(!b.attends("proposed_link"));
        for (at, who) in people.iter().enumerate() {
            assert_eq!(b.tap(*who, "front").opens(), at < 30, "member {at}");
        }
        b.settle();
    }

    fn a_roll_with_a_line_that_is_wrong_brings_nobody_in(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let roll = "name,mail,customer,cards,membership,paid_until\n\
                    Ben,ben@example.org,,04B1B2C3,,\n\
                    Cleo,cleo@example.org,cus_none,,,\n\
                    Dora,dora@example.org,,,9,2026-12-31\n\
                    Eve,eve@example.org,,04A1B2C3,,\n";
        let error = b.import(&wish(roll)).expect_err("two lines are wrong");
        let ImportError::Rows(wrong) = error else { panic!("{error}") };
        let lines: Vec<u64> = wrong.iter().map(|wrong| wrong.line).collect();
        assert_eq!(lines, [3, 4]);
        assert_eq!(b.member_count(), 1);
        let named = format!("name,mail,cards\nEve,eve@example.org,04A1B2C3\nBen,{},04B1B2C3\n", b.person(ada).mail());
        // Her card says that she is there; and his line has her mail address.
        assert!(b.import(&wish(&named)).is_ok());
        assert_eq!(b.member_count(), 1);
        b.advance(Span::minutes(1));
    }

    fn an_import_that_would_lock_out_many_waits_for_a_yes(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let mut b = Building::club(way);
        let mut all = Vec::new();
        for at in 0..8 {
            let who = b.member(&format!("Member{at}"), &format!("0400{at:04X}"));
            all.push((who, b.subscribe(who, WOOD)));
        }
        b.advance(Span::days(3));
        b.hold_events();
        for (_, subscription) in &all[..7] {
            b.sim().cancel_because(subscription, "payment_disputed");
        }
        b.work();
        b.forget_held_events();
        b.settle();
        let Err(ImportError::Braked(lost)) = b.import(&wish("name\n")) else { panic!("it is held back") };
        assert_eq!(lost.len(), 7);
        for (who, _) in &all {
            assert!(b.tap(*who, "front").opens());
        }
        b.import(&Import { approved: true, ..wish("name\n") }).expect("an admin said yes");
        for (at, (who, _)) in all.iter().enumerate() {
            assert_eq!(b.tap(*who, "front").opens(), at == 7);
        }
        b.settle();
    }
}
