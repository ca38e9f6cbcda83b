//! Payments that fail: grace, lapse, and the way back in with the same card.

use server::billing::payer_pages::Errand;
use shared::reasons::Reason;
use shared::standing::State;
use shared::time::Span;
use tests::building::Building;
use tests::building::story::WOOD;
use tests::stripe_sim::AfterRetries;

const BACK: &str = "https://club.example/me";

stories! {
    fn a_failed_renewal_leads_through_grace_to_a_lapse_and_a_payment_back_in(way: WayIn) {
        let mut b = Building::club(way);
        b.sim().set_dunning(&[3, 5, 7, 11], AfterRetries::LeavePastDue);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let unpaid_since = b.paid_until(&subscription);
        let customer = b.customer(ada);
        b.sim().set_card(&customer, false);

        b.advance_to(unpaid_since + Span::hours(2));
        let State::Grace { until: grace_end } = b.state(ada) else { panic!("{:?}", b.state(ada)) };
        assert!(grace_end >= unpaid_since + Span::days(14) && grace_end < unpaid_since + Span::days(18));
        assert!(b.tap(ada, "front").opens());
        for day in [4, 6, 8, 12] {
            b.advance_to(unpaid_since + Span::days(day));
            assert!(b.tap(ada, "front").opens(), "day {day}");
            assert_eq!(b.state(ada), State::Grace { until: grace_end }, "retries move nothing");
        }
        b.advance_to(grace_end - Span::seconds(2));
        assert!(b.tap(ada, "front").opens());
        b.advance_to(grace_end);
        assert!(!b.tap(ada, "front").opens());
        b.advance(Span::days(1));
        assert_eq!(b.state(ada), State::Lapsed { since: grace_end });
        assert_eq!(b.tap(ada, "front").reason, Reason::Lapsed);

        b.sim().set_card(&customer, true);
        assert_eq!(b.sim().pay_open_invoice(&customer), 1);
        b.settle();
        assert!(matches!(b.state(ada), State::Good { .. }));
        assert!(b.tap(ada, "front").opens(), "the same card, and nobody touched anything");
        b.settle();
        b.badges_arrived_once_each();
    }

    fn a_payer_is_sent_to_the_page_of_what_is_open_and_comes_back_in(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let mut b = Building::club(way);
        b.sim().set_dunning(&[3, 5, 7, 11], AfterRetries::LeavePastDue);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let customer = b.customer(ada);
        b.sim().set_card(&customer, false);
        b.advance_to(b.paid_until(&subscription) + Span::days(20));
        assert!(!b.tap(ada, "front").opens());
        let open = b.sim().invoices_of(&subscription).into_iter().rev().find(|invoice| invoice["status"] == "open");
        let open = open.expect("an open invoice")["id"].as_str().expect("an id").to_owned();
        let now = b.now;
        let shown = b.ask(async |app| Ok(app.invoice_page(&open, now).await.expect("Stripe answers")));
        let shown = shown.expect("the server runs");
        assert!(shown.is_open && shown.url.is_some_and(|url| url.starts_with("https://invoice.stripe.com/")));
        for errand in [Errand::Any, Errand::Card, Errand::Cancel(subscription.clone())] {
            let portal = b.ask(async |app| Ok(app.portal(&customer, &errand, BACK, now).await));
            let url = portal.expect("the server runs").expect("a way in");
            assert!(url.starts_with("https://billing.stripe.com/"), "{url}");
        }
        let stranger = Errand::Cancel("sub_of_nobody".to_owned());
        let portal = b.ask(async |app| Ok(app.portal(&customer, &stranger, BACK, now).await));
        assert!(portal.expect("the server runs").is_err());
        b.sim().pay_open_invoice(&customer);
        b.settle();
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "front").opens());
        let shown = b.ask(async |app| Ok(app.invoice_page(&open, now).await.expect("Stripe answers")));
        assert!(!shown.expect("the server runs").is_open);
        b.settle();
    }

    fn when_stripe_gives_up_collecting_access_ends(way: WayIn) {
        for after in [AfterRetries::Cancel, AfterRetries::MarkUnpaid] {
            let mut b = Building::club(way);
            b.sim().set_dunning(&[3, 5, 7], after);
            let ada = b.member("Ada", "04A1B2C3");
            let subscription = b.subscribe(ada, WOOD);
            let unpaid_since = b.paid_until(&subscription);
            let customer = b.customer(ada);
            b.sim().set_card(&customer, false);
            b.advance_to(unpaid_since + Span::days(7));
            assert!(b.tap(ada, "front").opens(), "the last retry is still to come");
            b.advance(Span::hours(2));
            assert!(!b.tap(ada, "front").opens(), "{after:?}");
            b.settle();
        }
    }

    fn a_payment_within_grace_is_as_if_nothing_had_happened(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let customer = b.customer(ada);
        b.sim().set_card(&customer, false);
        b.advance_to(b.paid_until(&subscription) + Span::days(6));
        assert!(matches!(b.state(ada), State::Grace { .. }));
        b.sim().set_card(&customer, true);
        b.sim().pay_open_invoice(&customer);
        b.settle();
        assert!(matches!(b.state(ada), State::Good { .. }));
        b.advance(Span::days(60));
        assert!(b.tap(ada, "front").opens());
        assert_eq!(b.terms(ada).len(), 1);
        b.settle();
    }

    fn after_a_month_that_was_written_off_the_next_has_its_grace(way: WayIn) {
        for works in [true, false] {
            let mut b = Building::club(way);
            b.sim().set_dunning(&[3, 5, 7, 11], AfterRetries::LeavePastDue);
            let ada = b.member("Ada", "04A1B2C3");
            let subscription = b.subscribe(ada, WOOD);
            let (customer, end) = (b.customer(ada), b.paid_until(&subscription));
            b.sim().set_card(&customer, false);
            b.advance_to(end + Span::days(2));
            let open = b.sim().invoices_of(&subscription).pop().expect("an invoice");
            b.sim().write_off_invoice(open["id"].as_str().expect("an id"));
            b.sim().set_card(&customer, works);
            let next = end + Span::days(30);
            b.advance_to(next - Span::minutes(5));
            assert!(b.tap(ada, "front").opens(), "the month is a present");
            for after in [Span::minutes(10), Span::hours(3), Span::days(13)] {
                b.advance_to(next + after);
                assert!(b.tap(ada, "front").opens(), "{after:?} {:?}", b.state(ada));
            }
            b.settle();
        }
    }
}
