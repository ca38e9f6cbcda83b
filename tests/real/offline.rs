//! Broker and server gone: the doors go on from their lists, and nothing that happened is lost.

use crate::agent::Seen;
use crate::club::{Club, Kill, Way};
use crate::stripe::{DAY, WOOD};
use crate::wait;
use shared::time::Timestamp;

const PAID: &str = "62E3086CED";
const LAPSED: &str = "0415AB0177";
const ENDING: &str = "0415AB0278";

/// Ben's membership has ended, Ada's goes on; the doors know.
fn with_a_paid_and_a_lapsed_member(settings: &[(&'static str, String)]) -> Club {
    let mut club = Club::open_with(Way::Webhook, settings);
    let ada = club.member("Ada", PAID);
    let ben = club.member("Ben", LAPSED);
    club.stripe.begin(wait::now().as_seconds() - 2 * DAY);
    let subscription = club.subscribe("Ben", WOOD);
    club.stripe.sim().cancel_at_period_end(&subscription, true);
    club.stripe.sim().advance_to(wait::now().as_seconds() - 60);
    club.subscribe("Ada", WOOD);
    club.deliver(Kill::Never);
    assert_eq!(
        (club.state(ada).as_str(), club.state(ben).as_str()),
        ("good", "lapsed")
    );
    club
}

#[test]
fn without_server_and_broker_an_agent_started_anew_opens_for_the_paid_card_and_not_for_the_lapsed()
{
    let mut club = with_a_paid_and_a_lapsed_member(&[]);
    assert_eq!(club.tap("front", PAID), Seen::Opens);

    club.server.kill();
    for _ in 0..2 {
        club.agent.restart();
        assert_eq!(club.tap("front", PAID), Seen::Opens);
        assert_eq!(club.tap("front", LAPSED), Seen::Refuses);
        assert_eq!(club.tap("back", PAID), Seen::Refuses);
    }

    club.server.start();
    let at_the_door = [
        ("front", "granted"),
        ("front", "lapsed"),
        ("back", "unknown"),
    ];
    let mut expected = vec![("front", "granted")];
    expected.extend(at_the_door);
    expected.extend(at_the_door);
    club.badges_are(&expected);

    // What was acknowledged does not come again.
    club.server.restart();
    club.agent.restart();
    assert_eq!(club.tap("front", LAPSED), Seen::Refuses);
    expected.push(("front", "lapsed"));
    club.badges_are(&expected);
}

#[test]
fn a_server_killed_while_badge_events_arrive_has_each_once() {
    let mut club = with_a_paid_and_a_lapsed_member(&[]);
    club.server.kill();
    let mut expected = Vec::new();
    for _ in 0..4 {
        assert_eq!(club.tap("front", PAID), Seen::Opens);
        assert_eq!(club.tap("back", LAPSED), Seen::Refuses);
        expected.extend([("front", "granted"), ("back", "unknown")]);
    }
    club.server.start();
    club.server.restart();
    assert_eq!(club.tap("front", PAID), Seen::Opens);
    expected.push(("front", "granted"));
    club.server.restart();
    club.badges_are(&expected);
}

#[test]
fn an_end_that_comes_while_nobody_can_be_asked_is_kept_by_the_door() {
    let mut club = Club::open(Way::Webhook);
    club.member("Cleo", ENDING);
    let end = wait::now().as_seconds() + 20;
    club.stripe.begin(end - DAY);
    let subscription = club.subscribe("Cleo", WOOD);
    club.stripe.sim().cancel_at_period_end(&subscription, true);
    club.deliver(Kill::Never);

    club.server.kill();
    assert_eq!(club.tap("front", ENDING), Seen::Opens);
    wait::until("the period is over", || {
        (wait::now() > Timestamp::from_seconds(end)).then_some(())
    });
    assert_eq!(club.tap("front", ENDING), Seen::Refuses);
    // Soon after a badge the agent notes the time; after a restart it is at least that.
    wait::until("the agent has noted the time", || {
        let told = club.agent.decides(ENDING);
        told.contains("front refuses: expired").then_some(())
    });
    club.agent.restart();
    assert_eq!(club.tap("front", ENDING), Seen::Refuses);
    club.server.start();
    club.badges_are(&[
        ("front", "granted"),
        ("front", "expired"),
        ("front", "expired"),
    ]);
}
