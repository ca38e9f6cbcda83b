//! Many members at once: no single cause locks out many.

use server::membership::clock::Run;
use shared::time::Span;
use tests::building::Building;
use tests::building::story::{WOOD, Who};

fn members(b: &mut Building, count: usize) -> Vec<Who> {
    (0..count)
        .map(|at| {
            let who = b.member(&format!("Member{at}"), &format!("04A1B2{at:02X}"));
            b.subscribe(who, WOOD);
            who
        })
        .collect()
}

stories! {
    fn one_cause_that_would_lock_out_many_waits_for_a_yes(way: WayIn) {
        let mut b = Building::club(way);
        let all = members(&mut b, 8);
        let before = b.heads();
        b.untag(WOOD);
        let run = b.derive_all("the catalogue was edited", false);
        let Run::Braked { lost } = run else { panic!("{run:?}") };
        assert_eq!(lost.len(), 8);
        assert!(b.attends("mass_brake"));
        assert_eq!(b.heads(), before, "members keep what they had");
        for who in &all {
            assert!(b.tap(*who, "front").opens());
        }
        b.settle();
        let run = b.derive_all("the catalogue was edited", true);
        assert!(matches!(run, Run::Done { .. }), "{run:?}");
        b.settle();
        for who in &all {
            // Faster, so many unknown cards would be taken for somebody who guesses.
            b.advance(Span::seconds(15));
            assert!(!b.tap(*who, "front").opens(), "an admin said yes");
        }
        b.settle();
        b.badges_arrived_once_each();
    }

    fn a_few_at_once_need_no_yes(way: WayIn) {
        let mut b = Building::club(way);
        members(&mut b, 5);
        b.untag(WOOD);
        let run = b.derive_all("the catalogue was edited", false);
        assert!(matches!(&run, Run::Done { lost, .. } if lost.len() == 5), "{run:?}");
        b.settle();
    }

    fn members_who_renew_on_the_same_day_all_stay_in(way: WayIn) {
        let mut b = Building::club(way);
        let all = members(&mut b, 12);
        b.advance(Span::days(33));
        for who in &all {
            assert!(b.tap(*who, "front").opens());
        }
        b.settle();
        b.badges_arrived_once_each();
    }
}
