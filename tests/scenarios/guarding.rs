//! What doors guard against: revoked cards, copied cards, and cards without their PINs.

use server::store::members::CardRow;
use shared::reasons::Reason;
use shared::time::Span;
use tests::building::Building;
use tests::building::story::{METAL, WOOD};

/// Subjects of what is open of a kind.
fn open(b: &Building, kind: &str) -> Vec<String> {
    let all = b.attention().into_iter();
    all.filter(|(open, _)| open == kind)
        .map(|(_, subject)| subject)
        .collect()
}

stories! {
    fn a_revoked_card_that_is_shown_is_told_to_staff_once(way: WayIn) {
        let mut b = Building::club(way);
        let [ada, ben] = [("Ada", "04A1B2C3"), ("Ben", "04B0B0B0")].map(|(name, card)| b.member(name, card));
        for who in [ada, ben] {
            b.subscribe(who, WOOD);
        }
        b.mark_card(ada, CardRow::Lost);
        b.hold(ben, None);
        assert!(open(&b, "revoked_card").is_empty());
        for _ in 0..3 {
            assert_eq!(b.tap(ada, "front").reason, Reason::Lost);
            assert_eq!(b.tap(ben, "front").reason, Reason::Held);
            b.advance(Span::seconds(10));
        }
        assert_eq!(open(&b, "revoked_card").len(), 2, "{:?}", b.attention());
        assert!(!b.attends("paid_but_refused"));
        b.badges_arrived_once_each();
    }

    fn a_card_at_two_doors_at_once_is_told_and_one_that_walks_is_not(way: WayIn) {
        let mut b = Building::club(way);
        let [ada, ben] = [("Ada", "04A1B2C3"), ("Ben", "04B0B0B0")].map(|(name, card)| b.member(name, card));
        for who in [ada, ben] {
            b.subscribe(who, METAL);
        }
        b.advance(Span::hours(1));
        assert!(b.tap(ben, "front").opens());
        b.advance(Span::seconds(3));
        assert!(b.tap(ben, "back").opens());
        b.advance(Span::minutes(10));
        // One of the two doors tells it only later.
        b.cut_agent("pi-front", true);
        assert!(b.tap(ada, "front").opens());
        b.advance(Span::seconds(1));
        assert!(b.tap(ada, "back").opens());
        b.advance(Span::hours(2));
        assert!(open(&b, "two_doors").is_empty(), "{:?}", b.attention());
        b.cut_agent("pi-front", false);
        b.settle();
        assert_eq!(open(&b, "two_doors"), [format!("member {} back front", b.id(ada))]);
        b.badges_arrived_once_each();
    }

    fn a_door_that_was_away_for_days_tells_what_is_over_to_nobody(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, METAL);
        b.mark_card(ada, CardRow::Lost);
        b.advance(Span::hours(1));
        b.cut_agent("pi-front", true);
        assert_eq!(b.tap(ada, "front").reason, Reason::Lost);
        b.advance(Span::days(3));
        b.cut_agent("pi-front", false);
        b.settle();
        b.advance(Span::minutes(11));
        b.badges_arrived_once_each();
        assert!(open(&b, "revoked_card").is_empty(), "{:?}", b.attention());
    }

    fn a_zone_that_asks_for_pins_opens_to_no_card_alone(way: WayIn) {
        let mut b = Building::club(way);
        let [ada, ben] = [("Ada", "04A1B2C3"), ("Ben", "04B0B0B0")].map(|(name, card)| b.member(name, card));
        for who in [ada, ben] {
            b.subscribe(who, METAL);
        }
        b.give_pin(ada, "4711");
        assert!(b.tap(ada, "front").opens(), "nobody is asked yet");
        b.ask_for_pins("wood");
        assert!(b.doors_agree());
        assert_eq!(b.tap(ada, "front").reason, Reason::PinNeeded);
        b.advance(Span::minutes(1));
        assert_eq!(b.tap(ben, "front").reason, Reason::NoPin);
        b.advance(Span::minutes(5));
        assert!(b.tap(ben, "back").opens(), "the other zone asks nobody");
        b.give_pin(ben, "20252");
        assert_eq!(b.tap(ben, "front").reason, Reason::PinNeeded);
        b.advance(Span::minutes(5));
        for who in [ada, ben] {
            assert_eq!(b.tap(who, "front").reason, Reason::PinNeeded);
            b.advance(Span::minutes(1));
        }
        b.advance(Span::minutes(1));
        assert!(!b.attends("paid_but_refused"), "{:?}", b.attention());
        b.badges_arrived_once_each();
    }
}
