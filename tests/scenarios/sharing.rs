//! Several subscriptions, several people, several customers.

use shared::time::Span;
use tests::building::Building;
use tests::building::story::{METAL, WOOD};
use tests::stripe_sim::{Proration, Subscribe};

stories! {
    fn two_subscriptions_of_one_customer_open_their_zones_each_to_its_own_end(way: WayIn) {
        let mut b = Building::club(way);
        b.membership_type("9", 3);
        b.zone("laser", &["9"]);
        b.agent("pi-laser", &[("laser-door", "laser")]);
        let laser = b.sim().create_plan("membertype_9-laser", None, 2000, tests::stripe_sim::Interval::Month);
        b.settle();
        let ada = b.member("Ada", "04A1B2C3");
        let wood = b.subscribe(ada, WOOD);
        b.advance(Span::days(10));
        let lasers = b.subscribe(ada, &laser);
        assert!(b.tap(ada, "front").opens());
        assert!(b.tap(ada, "laser-door").opens());
        b.sim().cancel_at_period_end(&wood, true);
        b.settle();
        let (wood_end, laser_end) = (b.paid_until(&wood), b.paid_until(&lasers));
        assert!(wood_end < laser_end);
        b.advance_to(wood_end);
        assert!(!b.tap(ada, "front").opens());
        assert!(b.tap(ada, "laser-door").opens());
        b.settle();
        b.sim().cancel_at_period_end(&lasers, true);
        b.settle();
        b.advance_to(laser_end - Span::seconds(2));
        assert!(b.tap(ada, "laser-door").opens());
        b.advance_to(laser_end);
        assert!(!b.tap(ada, "laser-door").opens());
        b.settle();
        b.badges_arrived_once_each();
    }

    fn of_two_subscriptions_the_other_ones_end_does_not_matter(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let doubled = b.subscribe(ada, WOOD);
        b.subscribe(ada, METAL);
        b.sim().cancel_now(&doubled);
        b.settle();
        b.advance(Span::days(50));
        assert!(b.tap(ada, "front").opens(), "type 7 opens the wood shop too");
        assert!(b.tap(ada, "back").opens());
        b.settle();
    }

    fn one_payer_covers_two_people_until_a_seat_is_taken_away(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let ben = b.member("Ben", "04B0B0B0");
        let customer = b.customer(ada);
        let family = b.subscribe_as(&customer, &[(WOOD, 2)], Subscribe::default());
        assert!(b.tap(ada, "front").opens());
        assert!(!b.tap(ben, "front").opens(), "nobody named him yet");
        b.settle();
        b.seat(&family, 2, ben);
        assert!(b.tap(ben, "front").opens());
        b.advance(Span::days(10));

        b.sim().set_quantity(&family, 0, 1, Proration::None);
        b.settle();
        let end = b.paid_until(&family);
        b.advance_to(end - Span::seconds(2));
        assert!(b.tap(ben, "front").opens(), "his seat was paid to the end");
        b.advance_to(end + Span::hours(2));
        assert!(!b.tap(ben, "front").opens());
        assert!(b.tap(ada, "front").opens());
        b.settle();
        b.badges_arrived_once_each();
    }

    fn of_three_seats_the_last_named_is_lost_when_two_are_paid(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let ben = b.member("Ben", "04B0B0B0");
        let kim = b.member("Kim", "04C0C0C0");
        let customer = b.customer(ada);
        let family = b.subscribe_as(&customer, &[(WOOD, 3)], Subscribe::default());
        b.settle();
        b.seat(&family, 3, ben);
        b.advance(Span::days(1));
        b.seat(&family, 2, kim);
        b.advance(Span::days(9));
        b.sim().set_quantity(&family, 0, 2, Proration::None);
        b.settle();
        let end = b.paid_until(&family);
        assert!(b.attends("seat_removed"), "{:?}", b.attention());
        b.advance_to(end - Span::seconds(2));
        for who in [ada, ben, kim] {
            assert!(b.tap(who, "front").opens(), "all three seats were paid to the end");
        }
        b.advance_to(end + Span::hours(2));
        assert!(b.tap(ada, "front").opens());
        assert!(b.tap(ben, "front").opens(), "his has the higher number and was named before");
        assert!(!b.tap(kim, "front").opens());
        assert!(!b.attends("seat_removed"));
        b.settle();
        b.badges_arrived_once_each();
    }

    fn a_parent_pays_for_a_child(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let kim = b.member("Kim", "04C0C0C0");
        let subscription = b.subscribe(ada, WOOD);
        b.seat(&subscription, 1, kim);
        assert!(b.tap(kim, "front").opens());
        assert!(!b.tap(ada, "front").opens(), "the only seat is the child's");
        b.advance(Span::days(40));
        assert!(b.tap(kim, "front").opens());
        b.settle();
    }

    fn a_returning_member_with_a_new_customer_id_is_the_same_member(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let first = b.subscribe(ada, WOOD);
        b.sim().cancel_at_period_end(&first, true);
        b.settle();
        b.advance(Span::days(100));
        assert!(!b.tap(ada, "front").opens());
        b.settle();
        b.new_customer(ada);
        b.subscribe(ada, METAL);
        assert_eq!(b.member_count(), 1);
        assert!(b.tap(ada, "front").opens(), "the same card");
        assert!(b.tap(ada, "back").opens());
        assert_eq!(b.terms(ada).len(), 2);
        b.settle();
    }

    fn cash_a_grant_and_a_hold_stand_beside_stripe(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let ben = b.member("Ben", "04B0B0B0");
        let until = b.now + Span::days(10);
        b.grant(ada, "5", Some(until));
        b.cash(ben, "7", until);
        assert!(b.tap(ada, "front").opens());
        assert!(b.tap(ben, "back").opens());
        b.advance_to(until - Span::seconds(2));
        assert!(b.tap(ada, "front").opens());
        b.advance_to(until);
        assert!(!b.tap(ada, "front").opens(), "an admin's end holds to the second");
        assert!(b.tap(ben, "back").opens(), "cash has slack");
        assert_eq!(b.told("payment_ends"), 1, "a week before");
        b.settle();
        b.hold(ben, None);
        assert_eq!(b.tap(ben, "back").reason, shared::reasons::Reason::Held);
        b.settle();
        b.lift_holds(ben);
        assert!(b.tap(ben, "back").opens());
        b.settle();
        b.badges_arrived_once_each();
    }

    fn a_new_mail_address_lets_no_lapsed_member_in(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let customer = b.customer(ada);
        b.sim().cancel_at_period_end(&subscription, true);
        b.advance_to(b.paid_until(&subscription) + Span::days(2));
        assert!(!b.tap(ada, "front").opens());
        b.settle();
        let before = (b.state(ada), b.heads());
        b.sim().set_email(&customer, "ada@elsewhere.example.org");
        b.settle();
        b.advance(Span::seconds(10));
        assert_eq!((b.state(ada), b.heads()), before);
        assert!(!b.tap(ada, "front").opens());
        b.settle();
    }

    fn two_customers_with_one_mail_address_are_both_hers(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let wood = b.subscribe(ada, WOOD);
        b.advance(Span::days(1));
        b.new_customer(ada);
        b.subscribe(ada, METAL);
        b.advance(Span::seconds(10));
        assert_eq!(b.member_count(), 1);
        assert!(b.tap(ada, "front").opens() && b.tap(ada, "back").opens());
        assert!(b.attends("two_customers"), "{:?}", b.attention());
        assert!(b.ledger().iter().all(|payment| payment.member == Some(b.id(ada).0)));
        b.sim().cancel_because(&wood, "payment_disputed");
        b.settle();
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "front").opens() && b.tap(ada, "back").opens(), "by the other customer");
        b.settle();
    }

    fn a_hold_shuts_out_who_pays_and_lifting_it_restores(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        b.hold(ada, None);
        assert_eq!(b.tap(ada, "front").reason, shared::reasons::Reason::Held);
        b.advance(Span::days(32));
        assert_eq!(b.tap(ada, "front").reason, shared::reasons::Reason::Held, "a renewal lifts no hold");
        b.lift_holds(ada);
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }
}
