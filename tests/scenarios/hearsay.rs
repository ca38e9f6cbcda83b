//! What Stripe tells late, twice, of somebody else, or of nothing that matters.

use serde_json::json;
use server::billing::receive::Receipt;
use shared::standing::State;
use shared::time::Span;
use tests::building::post::SECRET;
use tests::building::story::{METAL, WOOD};
use tests::building::{Building, WayIn};
use tests::stripe_sim::deliver::sign;
use tests::stripe_sim::{AfterRetries, PaymentBehavior, Proration, Shape, Subscribe};

stories! {
    fn the_beginning_told_after_the_payment_takes_nothing_back(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        b.settle();
        b.hold_events();
        let waits = Subscribe { payment_behavior: PaymentBehavior::DefaultIncomplete, ..Subscribe::default() };
        b.sim().subscribe(&customer, &[(WOOD, 1)], waits);
        b.sim().pay_open_invoice(&customer);
        b.work();
        let mut letters = b.held_events();
        letters.reverse();
        let begun = letters.iter().position(|letter| letter.kind == "customer.subscription.created");
        let paid = letters.iter().position(|letter| letter.kind == "customer.subscription.updated");
        assert!(paid < begun && paid.is_some(), "{letters:?}");
        for letter in letters {
            b.release_events([letter]);
            b.work();
        }
        b.settle();
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.advance(Span::minutes(5));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.settle();
    }

    fn a_failure_told_after_the_recovery_takes_nothing_back(way: WayIn) {
        let mut b = Building::club(way);
        b.sim().set_dunning(&[3, 5], AfterRetries::LeavePastDue);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let (customer, end) = (b.customer(ada), b.paid_until(&subscription));
        b.sim().set_card(&customer, false);
        b.advance_to(end + Span::minutes(30));
        b.hold_events();
        b.advance_to(end + Span::days(1));
        let late = b.held_events();
        assert!(late.iter().any(|letter| letter.kind == "invoice.payment_failed"));
        assert!(late.iter().any(|letter| letter.kind == "customer.subscription.updated"));
        b.sim().pay_open_invoice(&customer);
        b.settle();
        b.advance(Span::minutes(1));
        assert!(matches!(b.state(ada), State::Good { .. }), "{:?}", b.state(ada));
        b.release_events(late);
        b.settle();
        b.advance(Span::minutes(1));
        assert!(matches!(b.state(ada), State::Good { .. }), "{:?}", b.state(ada));
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn news_from_before_the_end_told_after_it_opens_nothing(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        b.settle();
        b.hold_events();
        let subscription = b.sim().subscribe(&customer, &[(WOOD, 1)], Subscribe::default());
        b.work();
        let early = b.held_events();
        b.advance(Span::days(2));
        b.sim().cancel_because(&subscription, "payment_disputed");
        b.settle();
        b.advance(Span::days(1));
        assert!(!b.tap(ada, "front").opens());
        b.release_events(early);
        b.settle();
        b.advance(Span::minutes(1));
        assert!(!b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.settle();
    }

    fn plans_changed_twice_in_a_minute_and_told_the_wrong_way_round_end_with_the_last(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        b.advance(Span::days(2));
        b.hold_events();
        b.sim().change_price(&subscription, 0, METAL, Proration::None);
        b.advance(Span::seconds(30));
        b.sim().change_price(&subscription, 0, WOOD, Proration::None);
        b.work();
        let mut letters = b.held_events();
        letters.reverse();
        assert!(letters.len() >= 2);
        for letter in letters {
            b.release_events([letter]);
            b.work();
        }
        b.settle();
        b.advance(Span::seconds(10));
        assert!(!b.tap(ada, "back").opens(), "the last plan is the wood shop's");
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn two_events_of_one_change_are_one_change(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        b.advance(Span::days(3));
        let from = b.sim().events().len();
        b.sim().change_price(&subscription, 0, METAL, Proration::AlwaysInvoice);
        b.sim().cancel_at_period_end(&subscription, true);
        b.settle();
        b.advance(Span::minutes(1));
        assert!(b.tap(ada, "back").opens());
        b.settle();
        let before = (b.heads(), b.ledger(), b.notices(), b.standing_changes(ada), b.terms(ada));
        let events = b.sim().events().len();
        b.sim().tell_again(from);
        assert!(b.sim().events().len() > events);
        b.settle();
        b.advance(Span::minutes(1));
        let after = (b.heads(), b.ledger(), b.notices(), b.standing_changes(ada), b.terms(ada));
        assert_eq!(after, before);
    }

    fn news_of_a_charge_alone_is_no_payment(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        b.settle();
        b.hold_events();
        b.sim().subscribe(&customer, &[(WOOD, 1)], Subscribe::default());
        b.work();
        const HINTS: [&str; 3] = ["charge.succeeded", "payment_intent.succeeded", "invoice_payment.paid"];
        let (hints, others): (Vec<_>, Vec<_>) =
            b.held_events().into_iter().partition(|letter| HINTS.contains(&letter.kind.as_str()));
        assert!(hints.len() >= 2, "{hints:?}");
        b.release_events(hints);
        b.settle();
        if !way.has_key() {
            assert!(!b.tap(ada, "front").opens(), "{:?}", b.state(ada));
            assert_eq!(b.ledger(), []);
        }
        b.release_events(others);
        b.settle();
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "front").opens());
        assert_eq!(b.ledger().len(), 1);
        b.settle();
    }

    fn news_of_what_is_not_access_moves_no_door(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let ben = b.member("Ben", "04B0B0B0");
        b.subscribe(ada, WOOD);
        let (payer, lapsed) = (b.customer(ada), b.customer(ben));
        b.advance(Span::days(2));
        let before = (b.heads(), b.ledger(), b.notices(), b.attention());
        for customer in [&payer, &lapsed] {
            let tell = |kind: &str, object: &str, id: Option<&str>| {
                let value = json!({"id": id, "object": object, "customer": customer, "status": "active"});
                b.sim().tell(kind, value);
            };
            for kind in ["invoice.upcoming", "invoice.will_be_due", "invoice.overpaid"] {
                tell(kind, "invoice", None);
            }
            tell("billing.credit_grant.created", "billing.credit_grant", Some("credgr_1"));
            tell("billing.credit_balance_transaction.created", "billing.credit_balance_transaction", Some("cbtxn_1"));
            tell("customer_cash_balance_transaction.created", "customer_cash_balance_transaction", Some("ccsbtxn_1"));
            tell("entitlements.active_entitlement_summary.updated", "entitlements.active_entitlement_summary", None);
            tell("payment_method.automatically_updated", "payment_method", Some("pm_1"));
            tell("customer.source.expiring", "card", Some("card_1"));
            tell("mandate.updated", "mandate", Some("mandate_1"));
            tell("something.nobody_knows", "something", Some("some_1"));
        }
        b.settle();
        b.advance(Span::minutes(1));
        let mut after = (b.heads(), b.ledger(), b.notices(), b.attention());
        // What cannot be read as an invoice is put aside for staff; nobody's access hangs on it.
        after.3.retain(|(kind, _)| kind != "poisoned_event");
        assert_eq!(after, before);
        assert!(b.tap(ada, "front").opens());
        assert!(!b.tap(ben, "front").opens());
        b.settle();
    }

    fn a_bank_that_takes_its_word_back_and_a_suspicion_of_fraud_are_shown_and_lock_nobody_out(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        b.advance(Span::days(2));
        b.sim().tell("mandate.updated", json!({"id": "mandate_1", "object": "mandate", "status": "inactive"}));
        b.sim().tell(
            "radar.early_fraud_warning.created",
            json!({"id": "issfr_1", "object": "radar.early_fraud_warning", "charge": "ch_1", "actionable": true}),
        );
        b.settle();
        b.advance(Span::minutes(11));
        assert!(b.attends("mandate_ended"), "{:?}", b.attention());
        assert!(b.attends("fraud_warning"), "{:?}", b.attention());
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn news_of_another_account_is_answered_and_ignored(way: WayIn) {
        if way == WayIn::Pull {
            // A key lists the events of its own account only.
            return;
        }
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        b.settle();
        b.hold_events();
        b.sim().subscribe(&customer, &[(WOOD, 1)], Subscribe::default());
        b.work();
        for letter in b.held_events() {
            let mut body: serde_json::Value = serde_json::from_slice(&letter.body).expect("JSON");
            body["account"] = json!("acct_stranger");
            let body = body.to_string();
            let header = sign(SECRET, b.now.as_seconds(), body.as_bytes());
            let receipt = b.receive(Some(header.as_bytes()), body.as_bytes()).expect("it runs").expect("200");
            assert_eq!(receipt, Receipt::OtherAccount);
        }
        b.settle();
        assert!(!b.tap(ada, "front").opens());
        b.settle();
    }

    fn every_generation_of_stripes_interface_is_understood(way: WayIn) {
        for shape in [Shape::V2017, Shape::V2020_03_02, Shape::Basil, Shape::Clover, Shape::Endive] {
            let mut b = Building::club(way);
            b.sim().set_shape(shape);
            let ada = b.member("Ada", "04A1B2C3");
            let subscription = b.subscribe(ada, WOOD);
            assert!(b.tap(ada, "front").opens(), "{shape:?} {:?}", b.state(ada));
            let end = b.paid_until(&subscription);
            b.advance_to(end + Span::days(5));
            assert!(b.tap(ada, "front").opens(), "{shape:?} {:?}", b.state(ada));
            assert_eq!((b.ledger().len(), b.terms(ada).len()), (2, 1), "{shape:?}");
            b.change_plan_with(&subscription, METAL, Proration::None);
            b.advance(Span::seconds(10));
            assert!(b.tap(ada, "back").opens(), "{shape:?} {:?}", b.state(ada));
            b.sim().cancel_at_period_end(&subscription, true);
            b.settle();
            let end = b.paid_until(&subscription);
            b.advance_to(end - Span::seconds(2));
            assert!(b.tap(ada, "back").opens(), "{shape:?}");
            b.advance_to(end);
            assert!(!b.tap(ada, "back").opens(), "{shape:?}");
            b.settle();
        }
    }

    fn an_answer_older_than_the_news_is_asked_for_again(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        b.advance(Span::days(2));
        let before = b.sim().clone();
        b.sim().change_price(&subscription, 0, METAL, Proration::None);
        b.stripe.wire().stale = Some(Box::new(before));
        b.advance(Span::seconds(20));
        b.stripe.wire().stale = None;
        b.backfill();
        b.advance(Span::minutes(2));
        assert!(b.tap(ada, "back").opens(), "{:?}", b.state(ada));
        b.settle();
    }
}
