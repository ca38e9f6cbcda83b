//! What somebody did to subscriptions by hand, told in words to whoever takes them over.

use serde_json::Value;
use shared::facts::Subscription;
use shared::time::{Span, Timestamp};

/// A subscription that begins so soon after another's end takes its place.
const FOLLOWS: Span = Span::days(31);

/// What is unusual about one subscription as Stripe shows it (docs.stripe.com/api/subscriptions/object).
#[must_use]
pub fn of_one(value: &Value, subscription: &Subscription) -> Vec<String> {
    let mut words = Vec::new();
    let moment = |key: &str| value[key].as_i64().map(Timestamp::from_seconds);
    let begun = moment("start_date").unwrap_or(subscription.created);
    if subscription.items.len() > 1 {
        words.push(format!("it has {} items", subscription.items.len()));
    }
    for item in subscription.items.iter().filter(|item| item.quantity > 1) {
        words.push(format!("item {} has {} seats", item.id, item.quantity));
    }
    let trial = (moment("trial_start"), moment("trial_end"));
    if let (Some(from), Some(until)) = trial
        && from > begun + Span::days(1)
    {
        words.push(format!(
            "it was given a trial later, from {from} to {until}"
        ));
    }
    if let Some(anchor) = moment("billing_cycle_anchor")
        && anchor != begun
        && Some(anchor) != trial.1
    {
        words.push(format!(
            "its cycle runs from {anchor}, not from its beginning on {begun}"
        ));
    }
    words
}

/// Which of a customer's subscriptions took the place of one that had ended.
#[must_use]
pub fn recreated(subscriptions: &[&Subscription]) -> Vec<String> {
    let mut words = Vec::new();
    for ended in subscriptions {
        let Some(end) = ended.ended_at else { continue };
        let follows = |next: &&&Subscription| {
            next.id != ended.id
                && next.created + Span::days(1) >= end
                && next.created <= end + FOLLOWS
        };
        for next in subscriptions.iter().filter(follows) {
            words.push(format!(
                "{} took the place of {}, which ended on {end}",
                next.id, ended.id
            ));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn subscription(id: &str, created: i64, ended: Option<i64>) -> Subscription {
        let value = json!({
            "id": id, "customer": "cus_1", "status": "active", "created": created * 1000,
            "ended_at": ended.map(|at| at * 1000),
            "items": [{"id": "si_1", "price": "wood", "quantity": 1, "period_start": 0, "period_end": 1000}],
        });
        serde_json::from_value(value).expect("a subscription")
    }

    #[test]
    fn what_runs_as_it_was_bought_has_no_words() {
        let plain = json!({"start_date": 1000, "billing_cycle_anchor": 1000, "trial_start": null, "trial_end": null});
        assert!(of_one(&plain, &subscription("sub_1", 1000, None)).is_empty());
        let trial = json!({"start_date": 1000, "billing_cycle_anchor": 9000, "trial_start": 1000, "trial_end": 9000});
        assert!(of_one(&trial, &subscription("sub_1", 1000, None)).is_empty());
    }

    #[test]
    fn seats_items_trials_and_moved_cycles_are_told() {
        let mut two = subscription("sub_1", 1000, None);
        two.items[0].quantity = 3;
        two.items.push(two.items[0].clone());
        let edited = json!({"start_date": 1000, "billing_cycle_anchor": 500_000, "trial_start": 400_000,
            "trial_end": 900_000});
        let words = of_one(&edited, &two);
        assert_eq!(words.len(), 5, "{words:?}");
    }

    #[test]
    fn ended_and_made_anew_is_told() {
        let (old, new) = (
            subscription("sub_1", 0, Some(86_400)),
            subscription("sub_2", 90_000, None),
        );
        assert_eq!(recreated(&[&old, &new]).len(), 1);
        let later = subscription("sub_3", 90 * 86_400, None);
        assert!(recreated(&[&old, &later]).is_empty());
    }
}
