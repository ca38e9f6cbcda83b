//! From Stripe to the lock: paid, changed, cancelled; and the same with the server killed at each step.

use crate::agent::Seen;
use crate::club::{Club, Kill, Way};
use crate::stripe::{DAY, METAL, WOOD};
use crate::wait;
use shared::time::{Span, Timestamp};
use tests::stripe_sim::Proration;

const CARD: &str = "62E3086CED";

/// A member pays, then changes to another membership in the dashboard.
fn paying_and_changing(way: Way, kill: Kill) {
    let mut club = Club::open(way);
    let ada = club.member("Ada", CARD);
    assert_eq!(club.tap("front", CARD), Seen::Refuses, "nothing is paid");

    let subscription = club.subscribe("Ada", WOOD);
    club.deliver(kill);
    assert_eq!(club.state(ada), "good");
    assert_eq!(club.tap("front", CARD), Seen::Opens);
    assert_eq!(club.tap("back", CARD), Seen::Refuses, "that is for type 7");

    club.stripe
        .sim()
        .change_price(&subscription, 0, METAL, Proration::CreateProrations);
    club.deliver(kill);
    club.has_type(ada, "7");
    assert_eq!(club.tap("back", CARD), Seen::Opens);
    assert_eq!(club.tap("front", CARD), Seen::Refuses, "that is for type 5");

    club.badges_are(&[
        ("front", "unknown"),
        ("front", "granted"),
        ("back", "unknown"),
        ("back", "granted"),
        ("front", "unknown"),
    ]);
    wait::until("the locks rest", || club.agent.rests().then_some(()));
}

/// How long the last period lasts on from when it is cancelled.
const REST: Span = Span::seconds(25);

/// A member cancels at the end of the period, and that end comes.
fn cancelling(way: Way, kill: Kill) {
    let mut club = Club::open(way);
    let ada = club.member("Ada", CARD);
    let begun = wait::now().as_seconds() + REST.0 / 1000 - DAY;
    let end = Timestamp::from_seconds(begun + DAY);
    club.stripe.begin(begun);
    let subscription = club.subscribe("Ada", WOOD);
    club.stripe.sim().cancel_at_period_end(&subscription, true);
    club.deliver(kill);
    assert_eq!(club.state(ada), "good", "what is paid for is given");
    assert_eq!(club.tap("front", CARD), Seen::Opens);

    if kill == Kill::Never {
        club.becomes(ada, "lapsed");
        assert!(wait::now() >= end);
        assert_eq!(club.tap("front", CARD), Seen::Refuses);
        club.deliver(kill);
        assert_eq!(club.state(ada), "lapsed", "Stripe says so too");
        assert_eq!(club.tap("front", CARD), Seen::Refuses);
        club.badges_are(&[
            ("front", "granted"),
            ("front", "lapsed"),
            ("front", "lapsed"),
        ]);
        return;
    }
    // The door knows the end by itself.
    club.server.kill();
    wait::until("the period is over", || (wait::now() > end).then_some(()));
    assert_eq!(club.tap("front", CARD), Seen::Refuses);
    club.server.start();
    club.becomes(ada, "lapsed");
    assert_eq!(club.tap("front", CARD), Seen::Refuses);
    club.badges_are(&[
        ("front", "granted"),
        ("front", "expired"),
        ("front", "lapsed"),
    ]);
}

#[test]
fn a_paid_card_opens_and_a_changed_plan_opens_the_other_zone() {
    paying_and_changing(Way::Webhook, Kill::Never);
}

#[test]
fn a_paid_card_opens_and_a_changed_plan_opens_the_other_zone_when_stripe_is_asked_too() {
    paying_and_changing(Way::WebhookAndKey, Kill::Never);
}

#[test]
fn a_paid_card_opens_although_the_server_was_killed_before_it_could_answer_stripe() {
    paying_and_changing(Way::Webhook, Kill::Before);
}

#[test]
fn a_paid_card_opens_although_the_server_was_killed_while_stripe_delivered() {
    paying_and_changing(Way::WebhookAndKey, Kill::During);
}

#[test]
fn a_paid_card_opens_although_the_server_was_killed_as_soon_as_it_had_answered_stripe() {
    paying_and_changing(Way::Webhook, Kill::After);
}

#[test]
fn a_cancelled_card_opens_to_the_end_of_its_period_and_not_longer() {
    cancelling(Way::Webhook, Kill::Never);
}

#[test]
fn a_cancelled_card_opens_to_the_end_of_its_period_and_not_longer_when_stripe_is_asked_too() {
    cancelling(Way::WebhookAndKey, Kill::Never);
}

#[test]
fn a_cancelled_card_expires_by_the_door_alone_after_a_kill_before_the_answer() {
    cancelling(Way::Webhook, Kill::Before);
}

#[test]
fn a_cancelled_card_expires_by_the_door_alone_after_a_kill_while_stripe_delivered() {
    cancelling(Way::WebhookAndKey, Kill::During);
}

#[test]
fn a_cancelled_card_expires_by_the_door_alone_after_a_kill_right_after_the_answer() {
    cancelling(Way::Webhook, Kill::After);
}
