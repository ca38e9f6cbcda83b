//! What Stripe shows and what is known here, compared in words.

use crate::store::catalogue::{PriceFace, Sold};
use crate::store::mirror::{Customer, CustomerNews};
use shared::facts::{Invoice, InvoiceStatus, Line, Subscription};
use shared::time::{Span, Timestamp};
use std::fmt::Display;

/// Between two periods that follow each other lies less.
const NO_TIME: Span = Span::hours(1);
/// Whoever heard of a customer so soon heard of the first invoice as well.
const AT_ONCE: Span = Span::days(1);

/// How a subscription differs from what is known of it; nothing if it does not.
#[must_use]
pub fn of_subscription(known: Option<&Subscription>, shown: &Subscription) -> Vec<String> {
    let Some(known) = known else {
        return vec![format!(
            "Stripe shows a subscription that is not known here, {}",
            shown.status.as_str()
        )];
    };
    if known == shown {
        return Vec::new();
    }
    let mut words = Vec::new();
    differ(
        &mut words,
        "the status",
        known.status.as_str(),
        shown.status.as_str(),
    );
    differ(
        &mut words,
        "the end set beforehand",
        moment(known.set_end()),
        moment(shown.set_end()),
    );
    differ(
        &mut words,
        "the end",
        moment(known.ended_at),
        moment(shown.ended_at),
    );
    for item in &shown.items {
        match known.items.iter().find(|other| other.id == item.id) {
            None => words.push(format!("item {} is not known here", item.id)),
            Some(other) => {
                let of = |what: &str| format!("the {what} of item {}", item.id);
                differ(&mut words, &of("price"), &other.price, &item.price);
                differ(&mut words, &of("quantity"), other.quantity, item.quantity);
                let (here, there) = (other.period_end, item.period_end);
                differ(&mut words, &of("period end"), here, there);
            }
        }
    }
    for item in &known.items {
        if !shown.items.iter().any(|other| other.id == item.id) {
            words.push(format!("item {} is gone at Stripe", item.id));
        }
    }
    if words.is_empty() {
        words.push("details of the subscription differ".to_owned());
    }
    words
}

/// How an invoice differs from what is known of it; nothing if it does not.
#[must_use]
pub fn of_invoice(known: Option<&Invoice>, shown: &Invoice) -> Vec<String> {
    let id = &shown.id;
    // Events tell of it when it is finalized.
    if shown.status == InvoiceStatus::Draft && known.is_none() {
        return Vec::new();
    }
    let Some(known) = known else {
        return vec![format!(
            "invoice {id} is not known here, {:?} at Stripe",
            shown.status
        )];
    };
    let mut words = Vec::new();
    differ(
        &mut words,
        &format!("the status of invoice {id}"),
        format!("{:?}", known.status),
        format!("{:?}", shown.status),
    );
    differ(
        &mut words,
        &format!("what was paid of invoice {id}"),
        known.amount_paid,
        shown.amount_paid,
    );
    words
}

/// How a customer differs from what is known of it, without its name and addresses; nothing if it does not, or if Stripe
/// does not show it.
#[must_use]
pub fn of_customer(known: Option<&Customer>, shown: Option<&CustomerNews>) -> Vec<String> {
    let (Some(known), Some(shown)) = (known, shown) else {
        return Vec::new();
    };
    let parts = [
        ("mail address", &known.mail, &shown.mail),
        ("name", &known.name, &shown.name),
        ("member it names", &known.reference, &shown.reference),
    ];
    let differing = parts
        .into_iter()
        .filter(|(_, here, there)| there.is_some() && here != there);
    let words = |(what, ..): (&str, _, _)| format!("the customer's {what} is another at Stripe");
    differing.map(words).collect()
}

/// How a price on record differs from what Stripe lists; nothing if it does not.
#[must_use]
pub fn of_price(known: &Sold, shown: Option<&PriceFace>) -> Vec<String> {
    let mut words = Vec::new();
    let here = &known.face;
    let Some(there) = shown else {
        if known.gone_at.is_none() {
            words.push("it is gone at Stripe".to_owned());
        }
        return words;
    };
    if known.gone_at.is_some() {
        words.push("it is gone here, and Stripe lists it".to_owned());
    }
    let named = |x: &Option<String>| x.clone().unwrap_or_else(|| "none".to_owned());
    differ(
        &mut words,
        "the type it names",
        named(&here.x),
        named(&there.x),
    );
    let sold = |active| if active { "sold" } else { "archived" };
    differ(&mut words, "it", sold(here.active), sold(there.active));
    // Events do not show the product.
    let product = here.product_name.is_some() && here.product_name != there.product_name;
    if here.nickname != there.nickname || product {
        words.push("its name is another at Stripe".to_owned());
    }
    words
}

/// An invoice, and when Stripe was last asked about it.
pub type Asked<'a> = (&'a Invoice, Timestamp);

/// Whether what is `known` of a subscription's invoices shows that news of one was missed: one that is not the `latest`
/// is not settled, or one begins where none before it ends. `heard_at` is when its customer was first heard of.
#[must_use]
pub fn was_missed(
    subscription: &Subscription,
    heard_at: Option<Timestamp>,
    known: &[Asked<'_>],
    latest: Option<&Invoice>,
) -> bool {
    let is_latest = |invoice: &Invoice| latest.is_some_and(|latest| latest.id == invoice.id);
    let others: Vec<Asked<'_>> = known
        .iter()
        .copied()
        .filter(|(invoice, _)| !is_latest(invoice))
        .collect();
    let unsettled = |(invoice, _): &Asked<'_>| {
        matches!(invoice.status, InvoiceStatus::Draft | InvoiceStatus::Open)
    };
    if others.iter().any(unsettled) {
        return true;
    }
    let from_the_beginning = heard_at.is_some_and(|at| at <= subscription.created + AT_ONCE);
    let all = others.iter().map(|(invoice, _)| *invoice).chain(latest);
    all.into_iter().any(|invoice| {
        let earlier = |(other, _): &&Asked<'_>| {
            other.id != invoice.id && (other.created, &other.id) < (invoice.created, &invoice.id)
        };
        let earlier: Vec<&Asked<'_>> = others.iter().filter(earlier).collect();
        let is_first = earlier.is_empty() && !from_the_beginning;
        // Of one that was not the latest any more Stripe is asked only with all of them.
        let was_asked = earlier.iter().any(|(_, at)| *at > invoice.created);
        !is_first && !was_asked && begins_nowhere(invoice, &earlier)
    })
}

/// Whether an invoice goes on from something that none of the `earlier` ones was for.
fn begins_nowhere(invoice: &Invoice, earlier: &[&Asked<'_>]) -> bool {
    let lines = || earlier.iter().flat_map(|(invoice, _)| &invoice.lines);
    let prorates = invoice.lines.iter().any(|line| line.proration);
    let is_cycle = invoice.reason == "subscription_cycle";
    let is_update = invoice.reason == "subscription_update";
    invoice.lines.iter().any(|line| {
        let ends_at = |at: Timestamp| {
            lines().filter(move |before| before.to <= at + NO_TIME && at <= before.to + NO_TIME)
        };
        match (line.proration && line.amount < 0, line.proration) {
            // What is given back was paid for.
            (true, _) => !ends_at(line.to).any(|before| before.price == line.price),
            (false, false) if is_cycle => {
                // Another plan than before came with prorations, or with an invoice of its own, or without either.
                let same = |before: &Line| before.price == line.price || prorates;
                !ends_at(line.from).any(same)
            }
            (false, _) if is_update => {
                let running = |before: &Line| before.from < line.from && before.to >= line.from;
                !lines().any(running)
            }
            (false, _) => false,
        }
    })
}

fn moment(at: Option<Timestamp>) -> String {
    at.map_or("none".to_owned(), |at| at.to_string())
}

fn differ<T: PartialEq + Display>(words: &mut Vec<String>, what: &str, here: T, there: T) {
    if here != there {
        words.push(format!("{what} is {there} at Stripe and {here} here"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use shared::facts::SubscriptionStatus;

    fn subscription() -> Subscription {
        let value = json!({
            "id": "sub_1", "customer": "cus_1", "status": "active", "created": 0,
            "items": [{"id": "si_1", "price": "wood", "quantity": 1, "period_start": 0, "period_end": 1000}],
        });
        serde_json::from_value(value).expect("a subscription")
    }

    #[test]
    fn what_is_alike_has_no_words() {
        assert!(of_subscription(Some(&subscription()), &subscription()).is_empty());
    }

    #[test]
    fn every_difference_says_what_is_there_and_what_is_here() {
        let mut shown = subscription();
        shown.status = SubscriptionStatus::PastDue;
        shown.items[0].price = "metal".to_owned();
        shown.cancel_at = Some(Timestamp(5000));
        let words = of_subscription(Some(&subscription()), &shown);
        assert_eq!(
            words,
            [
                "the status is past_due at Stripe and active here",
                "the end set beforehand is 1970-01-01T00:00:05Z at Stripe and none here",
                "the price of item si_1 is metal at Stripe and wood here",
            ]
        );
        let unknown = of_subscription(None, &shown);
        assert_eq!(
            unknown,
            ["Stripe shows a subscription that is not known here, past_due"]
        );
        shown = subscription();
        shown.trial_end = Some(Timestamp(7));
        let details = of_subscription(Some(&subscription()), &shown);
        assert_eq!(details, ["details of the subscription differ"]);
    }

    /// An invoice for days, asked about on a day.
    fn invoice(id: &str, reason: &str, days: (i64, i64), price: &str) -> Invoice {
        let day = |day: i64| day * 86_400_000;
        let line = json!({"price": price, "from": day(days.0), "to": day(days.1), "amount": 5000, "quantity": 1});
        let value = json!({
            "id": id, "subscription": "sub_1", "status": "paid", "reason": reason, "total": 5000, "amount_paid": 5000,
            "currency": "usd", "created": day(days.0), "lines": [line],
        });
        serde_json::from_value(value).expect("an invoice")
    }

    fn missed(heard_on: i64, known: &[(&Invoice, i64)], latest: &Invoice) -> bool {
        let day = |day: i64| Timestamp(day * 86_400_000);
        let known: Vec<Asked<'_>> = known.iter().map(|(row, on)| (*row, day(*on))).collect();
        was_missed(&subscription(), Some(day(heard_on)), &known, Some(latest))
    }

    #[test]
    fn an_invoice_nobody_told_of_leaves_a_hole_between_those_that_are_known() {
        let first = invoice("in_1", "subscription_create", (0, 30), "wood");
        let second = invoice("in_2", "subscription_cycle", (30, 60), "wood");
        let third = invoice("in_3", "subscription_cycle", (60, 90), "wood");
        assert!(!missed(0, &[(&first, 0), (&second, 0)], &third));
        assert!(missed(0, &[(&first, 0)], &third));
        assert!(missed(0, &[], &second), "the first one");
        assert!(!missed(31, &[], &second), "nobody listened then");
        assert!(!missed(0, &[(&first, 61)], &third), "all were asked for");
    }

    #[test]
    fn an_invoice_that_was_left_open_or_that_another_one_follows_up_was_missed() {
        let first = invoice("in_1", "subscription_create", (0, 365), "year");
        let mut month = invoice("in_3", "subscription_cycle", (50, 80), "month");
        assert!(missed(0, &[(&first, 0)], &month), "the change of plan");
        month.reason = "subscription_update".to_owned();
        assert!(!missed(0, &[(&first, 0)], &month));
        month.lines[0].proration = true;
        month.lines[0].amount = -100;
        assert!(missed(0, &[(&first, 0)], &month), "what is given back");
        let mut open = first.clone();
        open.status = InvoiceStatus::Open;
        let next = invoice("in_2", "subscription_cycle", (365, 730), "year");
        assert!(missed(0, &[(&open, 0)], &next));
        assert!(!missed(0, &[(&open, 0)], &open));
    }
}
