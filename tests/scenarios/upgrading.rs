//! Plan changes that wait, that are scheduled, that cost something at once, or that are none.

use shared::standing::State;
use shared::time::{Span, Timestamp};
use tests::building::Building;
use tests::building::story::{METAL, WOOD};
use tests::stripe_sim::{AfterRetries, Interval, ItemChange, Proration, Status, Subscribe};

/// The change of a subscription's only item to another plan.
fn to(b: &Building, subscription: &str, plan: &str) -> ItemChange {
    let shown = b.sim().subscription(subscription);
    ItemChange {
        item: shown["items"]["data"][0]["id"].as_str().map(str::to_owned),
        price: Some(plan.to_owned()),
        ..ItemChange::default()
    }
}

stories! {
    fn an_upgrade_charged_at_once_opens_the_other_zone_and_adds_no_time(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        b.advance(Span::days(10));
        b.change_plan_with(&subscription, METAL, Proration::AlwaysInvoice);
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "back").opens() && b.tap(ada, "front").opens());
        assert_eq!(b.paid_until(&subscription), end, "no further term");
        assert_eq!(b.types_in(ada), ["5", "7"], "one change, however many events told it: {:?}", b.terms(ada));
        let charged = b.sim().invoices_of(&subscription).into_iter()
            .find(|invoice| invoice["billing_reason"] == "subscription_update").expect("its own invoice")["amount_paid"]
            .as_i64();
        assert!(charged > Some(0));
        let ledger = b.ledger();
        assert_eq!(ledger.len(), 2);
        assert!(ledger.iter().any(|payment| Some(payment.amount) == charged), "{ledger:?}");
        b.sim().cancel_at_period_end(&subscription, true);
        b.settle();
        b.advance_to(end - Span::seconds(2));
        assert!(b.tap(ada, "back").opens());
        b.advance_to(end);
        assert!(!b.tap(ada, "back").opens() && !b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.settle();
    }

    fn an_upgrade_that_waits_for_its_payment_changes_nothing_until_it_is_paid(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let customer = b.customer(ada);
        b.advance(Span::days(10));
        b.sim().set_card(&customer, false);
        let change = to(&b, &subscription, METAL);
        assert!(!b.sim().change_items_if_paid(&subscription, &[change]));
        b.settle();
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        assert!(!b.tap(ada, "back").opens(), "not paid yet");
        assert_eq!(b.told("upgrade_waiting"), 1, "{:?}", b.notices());
        b.sim().pay_open_invoice(&customer);
        b.settle();
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "back").opens(), "{:?}", b.state(ada));
        assert_eq!(b.told("upgrade_lapsed"), 0);
        b.settle();
    }

    fn an_upgrade_that_nobody_pays_lapses_and_the_old_plan_goes_on(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let customer = b.customer(ada);
        b.advance(Span::days(10));
        b.sim().set_card(&customer, false);
        let change = to(&b, &subscription, METAL);
        b.sim().change_items_if_paid(&subscription, &[change]);
        b.advance(Span::days(2));
        b.sim().set_card(&customer, true);
        assert_eq!(b.told("upgrade_lapsed"), 1, "{:?}", b.notices());
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        assert!(!b.tap(ada, "back").opens());
        b.advance(Span::days(40));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        assert_eq!(b.terms(ada).len(), 1);
        b.settle();
    }

    fn a_downgrade_at_the_end_of_the_period_happens_then_and_not_when_it_is_planned(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, METAL);
        let end = b.paid_until(&subscription);
        b.advance(Span::days(3));
        b.sim().change_price_at_period_end(&subscription, WOOD);
        b.settle();
        b.advance(Span::days(5));
        assert!(b.tap(ada, "back").opens(), "{:?}", b.state(ada));
        assert_eq!(b.terms(ada).len(), 1);
        b.advance_to(end - Span::seconds(2));
        assert!(b.tap(ada, "back").opens(), "{:?}", b.state(ada));
        b.advance_to(end + Span::hours(2));
        assert!(!b.tap(ada, "back").opens());
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        assert_eq!(b.types_in(ada), ["7", "5"]);
        b.settle();
    }

    fn a_downgrade_that_is_called_off_never_happens(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, METAL);
        let end = b.paid_until(&subscription);
        b.advance(Span::days(3));
        let schedule = b.sim().change_price_at_period_end(&subscription, WOOD);
        b.advance(Span::days(5));
        b.sim().release_schedule(&schedule);
        b.settle();
        b.advance_to(end + Span::hours(2));
        assert!(b.tap(ada, "back").opens(), "{:?}", b.state(ada));
        assert_eq!(b.terms(ada).len(), 1);
        b.settle();
    }

    fn a_schedule_cancelled_with_its_subscription_leaves_the_paid_time(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, METAL);
        let end = b.paid_until(&subscription);
        let schedule = b.sim().change_price_at_period_end(&subscription, WOOD);
        b.advance(Span::days(5));
        b.sim().cancel_schedule(&schedule);
        b.settle();
        assert!(b.attends("cancelled_early"), "{:?}", b.attention());
        b.advance_to(end - Span::seconds(2));
        assert!(b.tap(ada, "back").opens(), "{:?}", b.state(ada));
        b.advance_to(end);
        assert!(!b.tap(ada, "back").opens());
        b.advance(Span::days(2));
        assert!(!b.tap(ada, "front").opens(), "the next phase never came");
        b.settle();
    }

    fn a_lookup_key_that_moves_to_a_new_price_takes_nobodys_type(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let old = b.sim().create_price(None, Some("membertype_5-wood"), &[], 5000, Interval::Month);
        let subscription = b.subscribe(ada, &old);
        assert!(b.tap(ada, "front").opens(), "{:?}", b.known_prices());
        b.advance(Span::days(2));
        let new = b.sim().create_price(None, None, &[], 6000, Interval::Month);
        b.sim().set_lookup_key(&new, Some("membertype_5-wood"));
        b.settle();
        b.advance(Span::minutes(11));
        assert!(b.sim().subscription(&subscription)["items"]["data"][0]["price"]["lookup_key"].is_null());
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.advance_to(b.paid_until(&subscription) + Span::hours(3));
        assert!(b.tap(ada, "front").opens(), "{:?} {:?}", b.state(ada), b.known_prices());
        let ben = b.member("Ben", "04B0B0B0");
        b.subscribe(ben, &new);
        b.advance(Span::seconds(10));
        assert!(b.tap(ben, "front").opens(), "{:?}", b.known_prices());
        b.settle();
    }

    fn more_seats_are_no_other_type(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        b.advance(Span::days(2));
        let before = (b.heads(), b.terms(ada));
        b.sim().set_quantity(&subscription, 0, 3, Proration::CreateProrations);
        b.settle();
        b.advance(Span::seconds(10));
        assert_eq!((b.heads(), b.terms(ada)), before);
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn the_higher_of_two_types_ends_and_the_lower_one_stays(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let metal = b.subscribe(ada, METAL);
        b.advance(Span::days(4));
        b.subscribe(ada, WOOD);
        b.sim().cancel_at_period_end(&metal, true);
        b.settle();
        let end = b.paid_until(&metal);
        b.advance_to(end - Span::seconds(2));
        assert!(b.tap(ada, "back").opens() && b.tap(ada, "front").opens());
        b.advance_to(end + Span::hours(2));
        assert!(!b.tap(ada, "back").opens());
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        assert!(matches!(b.state(ada), State::Good { .. }));
        b.settle();
    }

    fn a_month_that_begins_on_the_thirty_first_ends_when_stripe_says(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.advance_to(Timestamp::from_seconds(tests::stripe_sim::calendar::utc(2026, 3, 31, 15)));
        let subscription = b.subscribe(ada, WOOD);
        let mut ends = Vec::new();
        for _ in 0..5 {
            let end = b.paid_until(&subscription);
            ends.push(end.as_seconds());
            let booked = b.ledger().last().and_then(|payment| payment.period_until);
            assert_eq!(booked, Some(end.0));
            b.advance_to(end + Span::hours(2));
            assert!(b.tap(ada, "front").opens(), "{end}");
        }
        let days = [(4, 30), (5, 31), (6, 30), (7, 31), (8, 31)];
        let expected = days.map(|(month, day)| tests::stripe_sim::calendar::utc(2026, month, day, 15));
        assert_eq!(ends, expected);
        b.settle();
    }

    fn a_year_that_begins_on_a_leap_day_ends_when_stripe_says(way: WayIn) {
        let mut b = Building::club(way);
        let utc = |year, month, day| Timestamp::from_seconds(tests::stripe_sim::calendar::utc(year, month, day, 15));
        let ada = b.member("Ada", "04A1B2C3");
        let yearly = b.sim().create_plan("membertype_5-yearly", None, 50_000, Interval::Year);
        b.watches = false;
        b.advance_to(utc(2028, 2, 29));
        let customer = b.customer(ada);
        let subscription = b.subscribe_as(&customer, &[(&yearly, 1)], Subscribe::default());
        let end = b.paid_until(&subscription);
        assert_eq!(end, utc(2029, 2, 28));
        assert!(b.tap(ada, "front").opens());
        b.sim().cancel_at_period_end(&subscription, true);
        b.settle();
        b.advance_to(end - Span::seconds(2));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.advance_to(end);
        assert!(!b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_year_that_was_paid_outlives_an_upgrade_that_was_not(way: WayIn) {
        let mut b = Building::club(way);
        let (year, more) = ("membertype_5-yearly", "membertype_7-yearly");
        b.sim().create_plan(year, Some("Wood year"), 50_000, Interval::Year);
        b.sim().create_plan(more, Some("Metal year"), 80_000, Interval::Year);
        b.settle();
        b.sim().set_dunning(&[3, 5, 7, 11], AfterRetries::MarkUnpaid);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, year);
        let (customer, end) = (b.customer(ada), b.paid_until(&subscription));
        b.advance(Span::days(90));
        b.sim().set_card(&customer, false);
        b.change_plan_with(&subscription, more, Proration::AlwaysInvoice);
        b.advance(Span::days(17));
        assert_eq!(b.sim().status(&subscription), Status::Unpaid);
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        assert!(!b.tap(ada, "back").opens(), "{:?}", b.state(ada));
        b.advance_to(end + Span::hours(2));
        assert!(!b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.settle();
    }
}
