//! The cases.

use crate::tangle::{Seconds, Tangle, every_order};
use server::billing::news::{MEMBER_KEY, REFERENCE_PREFIX};
use shared::time::Span;
use tests::building::WayIn;
use tests::building::story::{METAL, UNTAGGED, WOOD};
use tests::stripe_sim::{
    AfterRetries, Card, Checkout, ItemChange, PauseBehavior, Proration, Subscribe,
};

/// Tells each case with webhooks only, its events in their own seconds and all in one, and with a key besides.
macro_rules! cases {
    ($(fn $name:ident($tangle:ident: &mut Tangle) $live:block)*) => {$(
        mod $name {
            use super::*;

            fn live($tangle: &mut Tangle) $live

            #[test]
            fn in_their_own_seconds() {
                every_order(module_path!(), live, WayIn::WebhookOnly, Seconds::Apart);
            }

            #[test]
            fn in_one_second() {
                every_order(module_path!(), live, WayIn::WebhookOnly, Seconds::One);
            }

            #[test]
            fn with_a_key() {
                every_order(module_path!(), live, WayIn::WebhookAndKey, Seconds::Own);
            }
        }
    )*};
}

const SECOND: Span = Span::seconds(1);

cases! {
    fn cancelled_taken_back_moved_and_cancelled_again(t: &mut Tangle) {
        let ada = t.b.member("Ada", "04A1B2C3");
        let subscription = t.b.subscribe(ada, WOOD);
        t.begin(&["customer.subscription.updated"]);
        t.sim().cancel_at_period_end(&subscription, true);
        t.sim().cancel_at_period_end(&subscription, false);
        t.sim().change_price(&subscription, 0, METAL, Proration::None);
        t.sim().cancel_in_portal(&subscription, true);
        t.sim().set_quantity(&subscription, 0, 2, Proration::None);
        t.sim().cancel_in_portal(&subscription, false);
        t.ends(ada, &["7"]);
    }

    fn an_upgrade_whose_own_invoice_fails_and_is_paid(t: &mut Tangle) {
        let ada = t.b.member("Ada", "04A1B2C3");
        let subscription = t.b.subscribe(ada, WOOD);
        let customer = t.b.customer(ada);
        t.begin(&["customer.subscription.updated", "invoice.finalized", "invoice.payment_failed", "invoice.paid"]);
        t.sim().set_card(&customer, false);
        t.sim().change_price(&subscription, 0, METAL, Proration::AlwaysInvoice);
        t.pass(SECOND);
        t.sim().set_card(&customer, true);
        t.sim().pay_open_invoice(&customer);
        t.ends(ada, &["7"]);
    }

    fn a_payment_refunded_in_parts_and_disputed(t: &mut Tangle) {
        let ada = t.b.member("Ada", "04A1B2C3");
        let customer = t.b.customer(ada);
        t.begin(&["invoice.paid", "charge.succeeded", "invoice_payment.paid", "refund.created", "charge.dispute.created", "charge.dispute.closed"]);
        let subscription = t.sim().subscribe(&customer, &[(WOOD, 1)], Subscribe::default());
        let invoice = t.sim().invoices_of(&subscription)[0]["id"].as_str().expect("an id").to_owned();
        t.pass(SECOND);
        t.sim().refund(&invoice, 2000);
        t.pass(SECOND);
        let dispute = t.sim().dispute(&invoice);
        t.pass(SECOND);
        t.sim().close_dispute(&dispute, false);
        t.ends(ada, &["5"]);
    }

    fn a_checkout_whose_money_comes_days_later(t: &mut Tangle) {
        let ada = t.b.member("Ada", "04A1B2C3");
        t.begin(&["customer.subscription.created", "customer.subscription.updated", "checkout.session.completed",
            "checkout.session.async_payment_succeeded", "invoice.paid", "customer.created"]);
        let session = t.sim().open_checkout(Checkout {
            client_reference_id: Some(format!("{REFERENCE_PREFIX}{}", t.b.id(ada))),
            email: Some("firm@example.org".to_owned()),
            lines: vec![(WOOD.to_owned(), 1)],
            ..Checkout::default()
        });
        t.sim().finish_checkout(&session, Card::Settles).expect("a bank account");
        t.pass(Span::days(5));
        t.ends(ada, &["5"]);
    }

    fn two_customers_of_one_person_named_by_mail_and_by_reference(t: &mut Tangle) {
        let ada = t.b.member("Ada", "04A1B2C3");
        let ben = t.b.member("Ben", "04B0B0B0");
        let named = [(MEMBER_KEY, t.b.id(ada).to_string())];
        let named: Vec<(&str, &str)> = named.iter().map(|(key, value)| (*key, value.as_str())).collect();
        t.begin(&["customer.created", "customer.updated", "customer.subscription.created", "checkout.session.completed"]);
        let first = t.sim().create_customer(Some("ada@example.org"), None, &[]);
        t.sim().subscribe(&first, &[(WOOD, 1)], Subscribe::default());
        let second = t.sim().create_customer(Some("ben@example.org"), None, &named);
        let session = t.sim().open_checkout(Checkout {
            customer: Some(second.clone()),
            client_reference_id: Some(format!("{REFERENCE_PREFIX}{}", t.b.id(ada))),
            lines: vec![(METAL.to_owned(), 1)],
            ..Checkout::default()
        });
        t.sim().finish_checkout(&session, Card::Works).expect("it is paid");
        t.ends(ada, &["5", "7"]);
        t.ends(ben, &[]);
    }

    fn ended_with_an_open_renewal_that_is_voided(t: &mut Tangle) {
        t.sim().set_dunning(&[3, 5, 7], AfterRetries::LeavePastDue);
        let ada = t.b.member("Ada", "04A1B2C3");
        let subscription = t.b.subscribe(ada, WOOD);
        let customer = t.b.customer(ada);
        let end = t.b.paid_until(&subscription);
        t.sim().set_card(&customer, false);
        t.b.advance_to(end - Span::days(2) + Span::minutes(30));
        t.begin(&["customer.subscription.updated", "customer.subscription.deleted", "invoice.finalized", "invoice.payment_failed", "charge.failed", "invoice.voided"]);
        t.pass(Span::hours(1));
        t.sim().cancel_now(&subscription);
        let open = t.sim().invoices_of(&subscription).into_iter().find(|invoice| invoice["status"] == "open");
        let open = open.expect("the renewal")["id"].as_str().expect("an id").to_owned();
        t.sim().void_invoice(&open);
        t.ends(ada, &[]);
    }

    fn paused_and_resumed_within_a_second(t: &mut Tangle) {
        let ada = t.b.member("Ada", "04A1B2C3");
        let subscription = t.b.subscribe(ada, WOOD);
        t.begin(&["customer.subscription.updated", "customer.subscription.paused", "customer.subscription.resumed"]);
        t.sim().pause_collection(&subscription, PauseBehavior::Void, None);
        t.sim().resume(&subscription);
        t.sim().pause(&subscription);
        t.sim().resume(&subscription);
        t.ends(ada, &["5"]);
    }

    fn a_phase_that_begins_with_a_price_of_its_own(t: &mut Tangle) {
        let ada = t.b.member("Ada", "04A1B2C3");
        let subscription = t.b.subscribe(ada, METAL);
        let end = t.b.paid_until(&subscription);
        t.b.advance_to(end - Span::days(3));
        t.begin(&["customer.subscription.updated", "subscription_schedule.updated", "invoice.paid"]);
        t.sim().change_price_at_period_end(&subscription, WOOD);
        t.pass(Span::days(4));
        t.ends(ada, &["5"]);
    }

    fn one_subscription_in_the_place_of_another(t: &mut Tangle) {
        let ada = t.b.member("Ada", "04A1B2C3");
        let old = t.b.subscribe(ada, METAL);
        let customer = t.b.customer(ada);
        t.begin(&["customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted", "invoice.paid", "invoice.finalized"]);
        t.sim().cancel_at_period_end(&old, true);
        t.sim().subscribe(&customer, &[(WOOD, 1)], Subscribe::default());
        t.sim().cancel_because(&old, "payment_disputed");
        t.ends(ada, &["5"]);
    }

    fn seats_changed_and_invoiced(t: &mut Tangle) {
        let ada = t.b.member("Ada", "04A1B2C3");
        let ben = t.b.member("Ben", "04B0B0B0");
        let customer = t.b.customer(ada);
        let subscription = t.b.subscribe_as(&customer, &[(WOOD, 2)], Subscribe::default());
        t.b.seat(&subscription, 2, ben);
        t.begin(&["customer.subscription.updated", "invoice.paid", "invoice.finalized"]);
        t.sim().set_quantity(&subscription, 0, 1, Proration::None);
        t.sim().set_quantity(&subscription, 0, 3, Proration::AlwaysInvoice);
        t.sim().set_quantity(&subscription, 0, 2, Proration::CreateProrations);
        t.ends(ada, &["5"]);
        t.ends(ben, &["5"]);
    }

    fn a_customer_deleted_with_two_subscriptions(t: &mut Tangle) {
        let ada = t.b.member("Ada", "04A1B2C3");
        let wood = t.b.subscribe(ada, WOOD);
        t.b.subscribe(ada, METAL);
        let customer = t.b.customer(ada);
        t.begin(&["customer.deleted", "customer.updated", "customer.subscription.updated", "customer.subscription.deleted"]);
        t.sim().set_email(&customer, "ada@elsewhere.example.org");
        t.sim().change_price(&wood, 0, METAL, Proration::None);
        t.sim().delete_customer(&customer);
        t.ends(ada, &["7"]);
    }

    fn a_type_lost_by_an_exchange_of_items(t: &mut Tangle) {
        let ada = t.b.member("Ada", "04A1B2C3");
        let subscription = t.b.subscribe(ada, METAL);
        t.begin(&["customer.subscription.updated", "invoice.paid", "invoice.finalized"]);
        t.sim().add_item(&subscription, WOOD, 1, Proration::AlwaysInvoice);
        t.sim().remove_item(&subscription, 0, Proration::None);
        t.sim().add_item(&subscription, UNTAGGED, 1, Proration::None);
        t.sim().remove_item(&subscription, 0, Proration::None);
        t.ends(ada, &["5", "7"]);
    }

    fn an_upgrade_that_waits_for_its_payment(t: &mut Tangle) {
        let ada = t.b.member("Ada", "04A1B2C3");
        let subscription = t.b.subscribe(ada, WOOD);
        let customer = t.b.customer(ada);
        t.sim().set_card(&customer, false);
        t.begin(&["customer.subscription.updated", "customer.subscription.pending_update_applied", "invoice.finalized", "invoice.payment_failed", "invoice.paid"]);
        let shown = t.sim().subscription(&subscription);
        let change = ItemChange {
            item: shown["items"]["data"][0]["id"].as_str().map(str::to_owned),
            price: Some(METAL.to_owned()),
            ..ItemChange::default()
        };
        t.sim().change_items_if_paid(&subscription, &[change]);
        t.pass(SECOND);
        t.sim().pay_open_invoice(&customer);
        t.ends(ada, &["7"]);
    }
}
