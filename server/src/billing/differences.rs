//! What Stripe shows and what is known here, compared in words.

use shared::facts::{Invoice, Subscription};
use shared::time::Timestamp;
use std::fmt::Display;

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
}
