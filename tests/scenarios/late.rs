//! What Stripe said while nobody listened, and what was stored long ago.

use server::billing::replay::ReplayError;
use shared::time::Span;
use tests::building::post::Letter;
use tests::building::story::{METAL, WOOD, Who};
use tests::building::{Building, WayIn};
use tests::stripe_sim::Subscribe;

/// Eight members, of whom seven are cancelled for a dispute; what Stripe says of that.
fn cancelled(b: &mut Building) -> (Vec<Who>, Vec<Letter>) {
    let all: Vec<(Who, String)> = (0..8)
        .map(|at| {
            let who = b.member(&format!("Member{at}"), &format!("04A1B2{at:02X}"));
            (who, b.subscribe(who, WOOD))
        })
        .collect();
    b.settle();
    b.advance(Span::days(3));
    b.hold_events();
    for (_, subscription) in &all[..7] {
        b.sim().cancel_because(subscription, "payment_disputed");
    }
    b.work();
    let letters = b.held_events();
    (all.into_iter().map(|(who, _)| who).collect(), letters)
}

fn inside(b: &mut Building, all: &[Who]) -> usize {
    b.settle();
    let opens = all.iter().filter(|who| b.tap(**who, "front").opens());
    let count = opens.count();
    b.settle();
    count
}

stories! {
    fn old_news_that_would_lock_out_many_waits_for_a_yes(way: WayIn) {
        let mut b = Building::club(way);
        let (all, letters) = cancelled(&mut b);
        b.advance(Span::hours(1));
        b.release_events(letters);
        assert!(inside(&mut b, &all) >= 3, "five may lose access by one cause, and no more");
        assert!(b.attends("late_news"));
        b.release_late();
        assert!(!b.attends("late_news"));
        assert_eq!(inside(&mut b, &all), 1, "an admin said yes");
    }

    fn who_paid_meanwhile_comes_in_while_others_wait_for_a_yes(way: WayIn) {
        let mut b = Building::club(way);
        let (all, mut letters) = cancelled(&mut b);
        let ida = b.member("Ida", "04A1B2D1");
        b.hold_events();
        let customer = b.customer(ida);
        b.sim().subscribe(&customer, &[(WOOD, 1)], Subscribe::default());
        b.work();
        letters.extend(b.held_events());
        b.advance(Span::hours(1));
        // They come in a crowd, and are applied together.
        b.keep_all(&letters);
        let left = inside(&mut b, &all);
        assert!((1..=8).contains(&left), "{left} of eight are in");
        assert!(b.tap(ida, "front").opens(), "she paid and costs nobody anything");
        b.settle();
    }

    fn fresh_news_counts_at_once_whoever_it_concerns(way: WayIn) {
        let mut b = Building::club(way);
        let (all, letters) = cancelled(&mut b);
        b.release_events(letters);
        assert_eq!(inside(&mut b, &all), 1);
        assert!(!b.attends("late_news"));
    }

    fn applying_everything_once_more_changes_nothing(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let ben = b.member("Ben", "04A1B2C4");
        let subscription = b.subscribe(ada, WOOD);
        b.subscribe(ben, METAL);
        b.advance(Span::days(40));
        b.sim().change_price(&subscription, 0, METAL, tests::stripe_sim::Proration::CreateProrations);
        b.settle();
        b.advance(Span::days(3));
        let known = |b: &Building| (b.heads(), b.ledger(), b.standing(ada), b.standing(ben), b.story(ada), b.notices());
        let before = known(&b);
        let done = b.replay(false).expect("nobody loses access");
        assert!(done.events >= 8, "{done:?}");
        assert_eq!((done.lost, done.gained, done.unreadable), (vec![], vec![], vec![]));
        b.settle();
        assert_eq!(known(&b), before);
    }

    fn what_an_older_version_passed_over_is_understood_by_applying_it_once_more(way: WayIn) {
        let mut b = Building::club(way);
        let (all, letters) = cancelled(&mut b);
        b.lay_aside(&letters);
        assert_eq!(inside(&mut b, &all), 8);
        let Err(ReplayError::Braked(lost)) = b.replay(false) else { panic!("it would lock out many") };
        assert_eq!(lost.len(), 7);
        assert_eq!(inside(&mut b, &all), 8, "nothing was changed");
        let done = b.replay(true).expect("an admin said yes");
        assert_eq!(done.lost, lost);
        assert_eq!(inside(&mut b, &all), 1);
    }

    fn old_news_is_counted_over_a_restart(way: WayIn) {
        // Whoever reads Stripe's list can ask as well.
        if way == WayIn::Pull {
            return;
        }
        let mut b = Building::club(way);
        let (all, letters) = cancelled(&mut b);
        b.advance(Span::hours(1));
        if way.has_key() {
            b.set_stripe_out(true);
        }
        let (first, second) = letters.split_at(letters.len() / 2);
        b.release_events(first.to_vec());
        b.settle();
        b.restart_server();
        b.release_events(second.to_vec());
        b.settle();
        let lost = all.len() - inside(&mut b, &all);
        assert!(lost <= 5, "{lost} lost access by one backlog without a yes");
        assert!(b.attends("late_news"));
        b.excuse();
    }

    fn what_waits_for_a_yes_is_not_applied_by_a_replay_without_one(way: WayIn) {
        let mut b = Building::club(way);
        let (all, letters) = cancelled(&mut b);
        b.advance(Span::hours(1));
        b.release_events(letters);
        b.settle();
        assert!(b.attends("late_news"));
        let before = inside(&mut b, &all);
        b.replay(false).expect("nobody loses anything");
        b.settle();
        assert_eq!(inside(&mut b, &all), before);
        assert!(b.attends("late_news"));
        b.release_late();
        assert_eq!(inside(&mut b, &all), 1, "an admin said yes");
    }
}
