//! The story of a member: what happened, in order, and what Stripe really charged for it.

use shared::receipts::{Charge, Free};
use shared::time::Span;
use tests::building::Building;
use tests::building::story::{METAL, WOOD, Who};
use tests::stripe_sim::{Proration, Subscribe};

/// What a story says, as `(what, type, charged)`.
fn told<'a>(lines: &[(&'a str, &str, Option<i64>)]) -> Vec<(&'a str, String, Option<i64>)> {
    let line = |(what, membership, charged): &(&'a str, &str, Option<i64>)| {
        (*what, (*membership).to_owned(), *charged)
    };
    lines.iter().map(line).collect()
}

/// The money of the last chapter that tells of any.
fn last_charge(b: &Building, who: Who) -> Charge {
    let chapters = b.story(who).chapters.into_iter();
    let mut charges = chapters.filter_map(|chapter| chapter.charge);
    charges.next_back().expect("something was charged")
}

stories! {
    fn an_upgrade_charged_at_once_is_told_with_what_it_cost(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        b.advance(Span::days(10));
        b.change_plan_with(&subscription, METAL, Proration::AlwaysInvoice);
        b.advance(Span::seconds(10));
        let charged = b.sim().invoices_of(&subscription).into_iter()
            .find(|invoice| invoice["billing_reason"] == "subscription_update").expect("its own invoice")["amount_paid"]
            .as_i64();
        assert!(charged > Some(0));
        assert_eq!(b.chapters(ada), told(&[("opened", "5", Some(5000)), ("plan_changed", "7", charged)]));
        b.advance(Span::days(31));
        assert_eq!(b.chapters(ada).last(), told(&[("renewed", "7", Some(8000))]).last());
        b.settle();
    }

    fn an_upgrade_charged_with_the_renewal_is_told_when_that_arrives(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        b.advance(Span::days(10));
        b.change_plan(&subscription, METAL);
        b.advance(Span::seconds(10));
        assert_eq!(b.chapters(ada), told(&[("opened", "5", Some(5000)), ("plan_changed", "7", None)]));
        b.advance_to(b.paid_until(&subscription) + Span::hours(2));
        let renewal = b.sim().invoices_of(&subscription).pop().expect("the renewal");
        let charged = renewal["amount_paid"].as_i64().expect("an amount");
        assert!(charged > 8000, "{charged}");
        let story = [("opened", "5", Some(5000)), ("plan_changed", "7", Some(charged - 8000)), ("renewed", "7", Some(charged))];
        assert_eq!(b.chapters(ada), told(&story));
        b.settle();
    }

    fn a_downgrade_that_leaves_credit_says_so(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, METAL);
        b.advance(Span::days(10));
        b.change_plan_with(&subscription, WOOD, Proration::AlwaysInvoice);
        b.advance(Span::seconds(10));
        assert_eq!(b.chapters(ada), told(&[("opened", "7", Some(8000)), ("plan_changed", "5", Some(0))]));
        let charge = last_charge(&b, ada);
        assert_eq!((charge.free, charge.credit_used), (Some(Free::Proration), b.sim().balance(&b.person(ada).customers[0])));
        assert!(charge.credit_used < 0);
        assert_eq!(b.ledger().iter().filter(|payment| payment.reason == Free::Proration.word()).count(), 1, "{:?}", b.ledger());
        b.settle();
    }

    fn nothing_charged_says_why(way: WayIn) {
        let mut b = Building::club(way);
        let cases = [
            ("Trial", Subscribe { trial_days: 14, ..Subscribe::default() }, 0, Free::Trial, (0, 0)),
            ("Coupon", Subscribe { percent_off: 100, ..Subscribe::default() }, 0, Free::Discount, (0, 0)),
            ("Gift", Subscribe::default(), -7000, Free::Credit, (5000, 0)),
            ("Rest", Subscribe::default(), -4980, Free::TooSmall, (4980, 20)),
        ];
        for (at, (name, how, balance, free, (credit, carried))) in cases.into_iter().enumerate() {
            let who = b.member(name, &format!("04A1B2C{at}"));
            let customer = b.customer(who);
            if balance != 0 {
                b.sim().add_balance(&customer, balance);
            }
            b.subscribe_as(&customer, &[(WOOD, 1)], how);
            b.advance(Span::seconds(10));
            assert_eq!(b.chapters(who), told(&[("opened", "5", Some(0))]), "{name}");
            let charge = last_charge(&b, who);
            assert_eq!((charge.free, charge.credit_used, charge.carried_over), (Some(free), credit, carried), "{name}");
            let member = Some(b.id(who).0);
            let ledger = b.ledger();
            let booked = ledger.iter().find(|payment| payment.member == member).expect("booked");
            assert_eq!((booked.amount, booked.reason.as_str()), (0, free.word()), "{name}");
        }
        b.advance(Span::days(33));
        let who = Who(3);
        assert_eq!(last_charge(&b, who).amount, 5020);
        assert_eq!(last_charge(&b, who).carried_over, -20, "what the first invoice had left");
        b.settle();
    }

    fn who_lapses_and_comes_back_has_a_story_of_both(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let customer = b.customer(ada);
        b.sim().set_dunning(&[3, 5, 7, 11], tests::stripe_sim::AfterRetries::LeavePastDue);
        b.sim().set_card(&customer, false);
        b.advance_to(b.paid_until(&subscription) + Span::days(20));
        assert_eq!(b.chapters(ada), told(&[("opened", "5", Some(5000)), ("lapsed", "5", None)]));
        b.sim().set_card(&customer, true);
        b.sim().pay_open_invoice(&customer);
        b.advance(Span::seconds(10));
        let story = [("opened", "5", Some(5000)), ("lapsed", "5", None), ("opened", "5", Some(5000))];
        assert_eq!(b.chapters(ada), told(&story));
        b.sim().cancel_at_period_end(&subscription, true);
        b.advance(Span::days(40));
        assert_eq!(b.chapters(ada).last(), told(&[("ended", "5", None)]).last());
        let causes = b.story(ada).chapters;
        assert!(causes.iter().all(|chapter| !chapter.cause.is_empty()), "{causes:?}");
        b.settle();
    }

    fn a_seat_somebody_else_pays_for_tells_what_was_paid_for_it(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let kim = b.member("Kim", "04C0C0C0");
        let subscription = b.subscribe(ada, WOOD);
        b.advance(Span::days(35));
        b.seat(&subscription, 1, kim);
        b.advance(Span::days(31));
        assert_eq!(b.chapters(kim), told(&[("opened", "5", Some(5000)), ("renewed", "5", Some(5000))]));
        let ada = b.chapters(ada);
        assert_eq!(ada[2], ("ended", "5".to_owned(), None), "{ada:?}");
        b.settle();
    }
}
