//! Everything is compared with Stripe: what was missed is found, told in words, and mended with care.

use server::billing::reconcile::Repair;
use shared::standing::State;
use shared::time::Span;
use tests::building::Building;
use tests::building::post::Mood;
use tests::building::story::{METAL, WOOD, Who};

/// So many members who pay.
fn members(b: &mut Building, count: usize) -> Vec<(Who, String)> {
    let join = |at: usize| {
        let who = b.member(&format!("Member{at}"), &format!("0400{at:04X}"));
        (who, b.subscribe(who, WOOD))
    };
    (0..count).map(join).collect()
}

stories! {
    fn where_nothing_was_missed_there_is_no_difference(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let mut b = Building::club(way);
        let all = members(&mut b, 4);
        b.advance(Span::days(33));
        b.change_plan(&all[1].1, METAL);
        b.sim().cancel_at_period_end(&all[2].1, true);
        b.sim().cancel_now(&all[3].1);
        b.advance(Span::days(2));
        for repair in [Repair::No, Repair::Careful, Repair::No] {
            let done = b.reconcile(repair);
            assert_eq!((done.listed, done.differences), (4, Vec::new()));
        }
    }

    fn what_was_missed_is_told_in_words_then_mended_and_is_no_difference_any_more(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let mut b = Building::club(way);
        let all = members(&mut b, 3);
        let [(ada, upgraded), (ben, ended), (cleo, _)] = &all[..] else { panic!("three") };
        let newcomer = b.member("Dora", "04D0D0D0");
        b.advance(Span::days(3));
        b.hold_events();
        b.sim().change_price(upgraded, 0, METAL, tests::stripe_sim::Proration::AlwaysInvoice);
        b.sim().cancel_because(ended, "payment_disputed");
        let customer = b.customer(newcomer);
        let joined = b.sim().subscribe(&customer, &[(WOOD, 1)], tests::stripe_sim::Subscribe::default());
        b.work();
        b.forget_held_events();
        b.settle();
        assert!(!b.tap(newcomer, "front").opens() && !b.tap(*ada, "back").opens());

        let told = b.reconcile(Repair::No);
        let mut differing: Vec<&str> = told.differences.iter().map(|found| found.subject.as_str()).collect();
        differing.sort_unstable();
        let mut expected = [upgraded.as_str(), ended.as_str(), joined.as_str()];
        expected.sort_unstable();
        assert_eq!(differing, expected, "{:?}", told.differences);
        let of = |id: &str| told.differences.iter().find(|found| found.subject == id).expect("told");
        assert_eq!(of(ended).lost, [b.id(*ben)]);
        assert_eq!(of(&joined).gained, [b.id(newcomer)]);
        assert!(of(upgraded).words.iter().any(|words| words.contains(METAL)), "{:?}", of(upgraded));
        assert!(b.tap(*ben, "front").opens(), "telling changes nothing");
        assert!(!b.tap(newcomer, "front").opens());

        b.reconcile(Repair::Careful);
        assert!(b.tap(newcomer, "front").opens());
        assert!(b.tap(*ada, "back").opens());
        assert!(!b.tap(*ben, "front").opens());
        assert!(b.tap(*cleo, "front").opens());
        assert_eq!(b.reconcile(Repair::No).differences, []);
        b.settle();
    }

    fn a_comparison_that_would_lock_out_many_waits_for_a_yes(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let mut b = Building::club(way);
        let all = members(&mut b, 8);
        b.advance(Span::days(3));
        b.hold_events();
        for (_, subscription) in &all[..7] {
            b.sim().cancel_because(subscription, "payment_disputed");
        }
        b.work();
        b.forget_held_events();
        b.settle();

        let done = b.reconcile(Repair::Careful);
        assert_eq!((done.differences.len(), done.held.len()), (7, 7));
        assert!(b.attends("reconciliation_brake"));
        for (who, _) in &all {
            assert!(matches!(b.state(*who), State::Good { .. }));
            assert!(b.tap(*who, "front").opens());
        }

        b.reconcile(Repair::Approved);
        assert!(!b.attends("reconciliation_brake"));
        for (at, (who, _)) in all.iter().enumerate() {
            assert_eq!(b.tap(*who, "front").opens(), at == 7);
        }
        b.settle();
    }

    fn an_empty_list_ends_nothing(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let mut b = Building::club(way);
        let all = members(&mut b, 2);
        b.advance(Span::days(3));
        b.stripe.wire().empty = true;
        let done = b.reconcile(Repair::Approved);
        assert_eq!((done.listed, done.differences.len()), (0, 2));
        for (who, _) in &all {
            assert!(b.tap(*who, "front").opens());
        }
        b.stripe.wire().empty = false;
        b.advance(Span::minutes(11));
        assert_eq!(b.reconcile(Repair::No).differences, []);
        b.settle();
    }

    fn a_clock_that_was_ahead_once_stops_no_nightly_comparison(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        b.advance(Span::days(1));
        let ahead = b.now + Span::days(400);
        b.step(async |app| app.keep_reconciled(|| ahead).await);
        b.post.set_mood(Mood::Lost);
        b.hold_events();
        b.sim().cancel_because(&subscription, "payment_disputed");
        b.work();
        b.advance(Span::days(1));
        assert!(b.tap(ada, "front").opens(), "nobody has heard of it");
        let now = b.now;
        b.step(async |app| app.keep_reconciled(|| now).await);
        b.settle();
        assert!(!b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.settle();
    }
}
