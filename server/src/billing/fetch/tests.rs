use super::*;
use crate::billing::order::Stamp;
use crate::billing::read::{self, Event};
use serde_json::json;

/// A subscription of a status; if an event said so, at which second, and at which second Stripe was last asked.
fn known(status: &str, said: Option<i64>, asked: i64) -> Kept {
    let object = json!({
        "id": "sub_1", "object": "subscription", "customer": "cus_1", "created": 1, "status": status,
        "items": {"data": [{"id": "si_1", "price": {"id": "p"}, "quantity": 1,
            "current_period_start": 1, "current_period_end": 100}]},
    });
    let stamp = said.map(|at| {
        let event = json!({
            "id": "evt_1", "object": "event", "type": "customer.subscription.updated", "created": at,
            "livemode": true, "data": {"object": object},
        });
        Stamp::of(&mut Event::read(event.to_string().as_bytes()).expect("an event"))
    });
    Kept {
        object: Object::Subscription(read::subscription(&object).expect("a subscription")),
        stamp,
        as_of: Timestamp::from_seconds(asked),
    }
}

/// What an answer of a status, asked for at a second, counts beside what is known.
fn weight(known: &Kept, status: &str, asked: i64) -> Weight {
    let answer = self::known(status, None, 0).object;
    weigh(
        known,
        &answer,
        Timestamp::from_seconds(asked),
        Timestamp::from_seconds(10_000),
    )
}

#[test]
fn the_newest_answer_counts() {
    assert_eq!(
        weight(&known("active", None, 50), "past_due", 50),
        Weight::Counts
    );
    assert_eq!(
        weight(&known("active", None, 50), "past_due", 49),
        Weight::Late
    );
    let clock_was_ahead = known("active", None, 20_000);
    assert_eq!(weight(&clock_was_ahead, "past_due", 51), Weight::Counts);
}

#[test]
fn an_event_of_a_later_second_than_the_question_is_newer() {
    assert_eq!(
        weight(&known("active", Some(60), 0), "past_due", 59),
        Weight::Late
    );
}

#[test]
fn what_is_over_does_not_begin_again() {
    assert_eq!(
        weight(&known("canceled", None, 0), "active", 500),
        Weight::Late
    );
    assert_eq!(
        weight(&known("canceled", None, 0), "canceled", 500),
        Weight::Counts
    );
}

#[test]
fn an_answer_that_denies_what_was_said_a_moment_ago_is_doubted_for_half_a_minute() {
    let said = known("active", Some(60), 0);
    assert_eq!(weight(&said, "past_due", 60), Weight::Doubtful);
    assert_eq!(weight(&said, "past_due", 89), Weight::Doubtful);
    assert_eq!(weight(&said, "past_due", 90), Weight::Counts);
    assert_eq!(weight(&said, "active", 60), Weight::Counts, "it confirms");
    let confirmed = known("active", Some(60), 61);
    assert_eq!(weight(&confirmed, "past_due", 62), Weight::Counts);
}
