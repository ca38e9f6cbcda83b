//! Why was the door shut? Answered for now and for any moment before.

use server::membership::explain::{Explanation, badge_lines, explain};
use server::store::members::CardRow;
use shared::time::{Span, Timestamp};
use tests::building::Building;
use tests::building::story::{METAL, WOOD, Who};
use tests::stripe_sim::AfterRetries;

fn explained(b: &mut Building, who: Who, at: Timestamp) -> Explanation {
    let member = b.id(who);
    let told = b.ask(async |app| explain(app, member, at).await);
    told.flatten().expect("the member exists")
}

fn door(explained: &Explanation, door: &str) -> String {
    let found = explained.doors.iter().find(|(id, _)| id.as_str() == door);
    found.expect("the door exists").1.english()
}

stories! {
    fn every_moment_of_a_life_is_explained_by_what_was_known_then(way: WayIn) {
        let mut b = Building::club(way);
        b.sim().set_dunning(&[3, 5, 7, 11], AfterRetries::LeavePastDue);
        let before = b.now;
        let ada = b.member("Ada", "04A1B2C3");
        let joined = b.now;
        b.advance(Span::hours(1));
        let subscription = b.subscribe(ada, WOOD);
        let paid = b.now;
        b.advance(Span::days(3));
        b.change_plan(&subscription, METAL);
        b.settle();
        let upgraded = b.now;
        let customer = b.customer(ada);
        b.sim().set_card(&customer, false);
        b.advance_to(b.paid_until(&subscription) + Span::days(4));
        let in_grace = b.now;
        b.advance(Span::days(20));
        let lapsed = b.now;
        b.advance(Span::minutes(1));
        b.hold(ada, None);
        b.settle();
        let held = b.now;
        b.advance(Span::minutes(1));
        b.lift_holds(ada);
        b.settle();

        let told = explained(&mut b, ada, before - Span::days(1));
        assert!(told.standing.english().contains("nothing was known"), "{told:?}");
        let told = explained(&mut b, ada, joined);
        assert!(door(&told, "front").starts_with("stays shut"), "{told:?}");
        let told = explained(&mut b, ada, paid);
        assert!(door(&told, "front").starts_with("opens"), "{told:?}");
        assert!(door(&told, "back").starts_with("stays shut"), "{told:?}");
        assert_eq!(told.missing, None);
        let told = explained(&mut b, ada, upgraded);
        assert!(door(&told, "back").starts_with("opens"), "{told:?}");
        let told = explained(&mut b, ada, in_grace);
        assert!(told.standing.english().contains("a payment is missing"), "{told:?}");
        assert!(told.missing.as_ref().is_some_and(|said| said.english().contains("must be paid")), "{told:?}");
        assert!(door(&told, "back").starts_with("opens"), "{told:?}");
        let told = explained(&mut b, ada, lapsed);
        assert!(told.standing.english().starts_with("out since"), "{told:?}");
        assert!(door(&told, "back").starts_with("stays shut"), "{told:?}");
        let told = explained(&mut b, ada, held);
        assert!(told.missing.as_ref().is_some_and(|said| said.english().contains("must be lifted")), "{told:?}");
        let (standings, _) = b.history_holds();
        assert!(standings >= 6, "{standings}");
    }

    fn before_there_was_a_card_it_is_said_that_there_was_none(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.stranger("Ada", "04A1B2C3");
        let mail = b.person(ada).mail();
        let member = b.enter_member("Ada", Some(&mail));
        b.is(ada, member);
        b.subscribe(ada, WOOD);
        b.settle();
        let without = b.now;
        b.advance(Span::days(1));
        b.enrol(ada);
        b.settle();
        let with = b.now;
        b.advance(Span::days(1));
        b.mark_card(ada, CardRow::Returned);
        b.settle();
        let returned = b.now;
        for (at, front, back) in [
            (without, "stays shut: the member has no card.", "stays shut: the member has no card."),
            (with, "opens", "stays shut: the member's types do not open it."),
            (returned, "stays shut: the member has no card.", "stays shut: the member has no card."),
        ] {
            let told = explained(&mut b, ada, at);
            assert!(door(&told, "front").starts_with(front), "{told:?}");
            assert!(door(&told, "back").starts_with(back), "{told:?}");
        }
    }

    fn a_door_that_heard_nothing_is_explained_by_the_list_it_held(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.cut_agent("pi-front", true);
        b.subscribe(ada, WOOD);
        let tap = b.tap(ada, "front");
        assert!(!tap.opens(), "the door has heard nothing");
        b.cut_agent("pi-front", false);
        b.settle();
        assert!(b.tap(ada, "front").opens());
        b.settle();
        let (_, badges) = b.history_holds();
        assert_eq!(badges, 2);
        let mut told = (1..9).filter_map(|badge| b.ask(async |app| badge_lines(app, badge).await).flatten());
        let lines = told.find(|lines| lines[0].starts_with("Door front")).expect("a card was shown");
        assert!(lines[1].contains("which says the same here"), "{lines:#?}");
    }

    fn what_would_have_to_change_is_still_true_after_two_months(way: WayIn) {
        let mut b = Building::club(way);
        b.sim().set_dunning(&[3, 5, 7, 11], AfterRetries::LeavePastDue);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let (customer, end) = (b.customer(ada), b.paid_until(&subscription));
        b.sim().set_card(&customer, false);
        for days in [25, 60] {
            b.advance_to(end + Span::days(days));
            let now = b.now;
            let missing = explained(&mut b, ada, now).missing.expect("she is out").english();
            assert!(missing.contains("must be paid"), "day {days}: {missing}");
        }
        b.settle();
    }
}
