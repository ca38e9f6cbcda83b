use super::*;

fn at(milliseconds: i64) -> Timestamp {
    Timestamp(milliseconds)
}

fn membership(name: &str) -> MembershipTypeId {
    MembershipTypeId::new(name).expect("valid")
}

fn mark(milliseconds: i64) -> Mark {
    Mark {
        at: at(milliseconds),
        cause: format!("evt_{milliseconds}"),
    }
}

fn source(text: &str) -> Source {
    Source::read(text).expect("a source")
}

/// A type of `sub_1`, from then to then.
fn step(name: &str, from: i64, to: Option<i64>) -> Written {
    Written {
        source: source("subscription 1 sub_1"),
        membership: membership(name),
        opened: mark(from),
        closed: to.map(|to| (mark(to), Last::Gone)),
    }
}

/// Type, begin and end of each term.
fn told(written: Vec<Written>) -> Vec<(String, i64, Option<i64>)> {
    let term = |term: Term| {
        let end = term.closed.map(|closed| closed.mark.at.0);
        (term.membership.into(), term.opened.at.0, end)
    };
    terms(written).into_iter().map(term).collect()
}

const DAY: i64 = 86_400_000;

#[test]
fn an_upgrade_told_in_four_steps_is_one_change() {
    let written = vec![
        step("5", 0, Some(DAY)),
        step("7", DAY, Some(DAY + 300)),
        step("5", DAY + 300, Some(DAY + 600)),
        step("7", DAY + 600, None),
    ];
    // While it is being told, the last word counts.
    let mut half = written[..3].to_vec();
    half[2].closed = None;
    assert_eq!(told(half), [("5".to_owned(), 0, None)]);
    let story = terms(written);
    assert_eq!(story.len(), 2);
    assert_eq!(story[0].opened, mark(0));
    assert_eq!(
        story[0].closed,
        Some(Closed {
            mark: mark(DAY + 600),
            end: End::Changed(membership("7"))
        })
    );
    assert_eq!(
        (&story[1].opened, &story[1].instead_of, &story[1].closed),
        (&mark(DAY + 600), &Some(membership("5")), &None)
    );
}

#[test]
fn what_lasted_longer_is_history() {
    let minute = SETTLING.0;
    let written = |length: i64| {
        vec![
            step("5", 0, Some(DAY)),
            step("7", DAY, Some(DAY + length)),
            step("5", DAY + length, None),
        ]
    };
    assert_eq!(told(written(minute - 1)), [("5".to_owned(), 0, None)]);
    assert_eq!(
        told(written(minute)),
        [
            ("5".to_owned(), 0, Some(DAY)),
            ("7".to_owned(), DAY, Some(DAY + minute)),
            ("5".to_owned(), DAY + minute, None),
        ]
    );
}

#[test]
fn a_change_right_after_the_beginning_is_one_and_so_is_one_that_goes_on_to_another_type() {
    let quick = vec![
        step("5", 0, Some(20_000)),
        step("7", 20_000, Some(40_000)),
        step("9", 40_000, None),
    ];
    let types: Vec<String> = told(quick).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(types, ["5", "7", "9"]);
}

#[test]
fn a_gap_of_a_moment_is_none_and_a_longer_one_is_a_return() {
    let back = |after: i64| vec![step("5", 0, Some(DAY)), step("5", DAY + after, None)];
    assert_eq!(told(back(1000)).len(), 1);
    assert_eq!(told(back(SETTLING.0)).len(), 2);
}

#[test]
fn two_types_of_one_subscription_are_told_side_by_side() {
    let story = terms(vec![
        step("5", 0, None),
        step("7", 0, Some(DAY)),
        step("9", DAY, None),
    ]);
    let types: Vec<&str> = story.iter().map(|term| term.membership.as_str()).collect();
    assert_eq!(types, ["5", "7", "9"]);
    assert_eq!((&story[0].instead_of, &story[0].closed), (&None, &None));
    assert_eq!(story[2].instead_of, Some(membership("7")));
}

#[test]
fn another_subscription_is_another_term() {
    let mut other = step("5", DAY, None);
    other.source = source("subscription 1 sub_2");
    assert_eq!(told(vec![step("5", 0, Some(DAY)), other]).len(), 2);
}

#[test]
fn payments_by_hand_go_on_from_one_to_the_next() {
    let by_hand = |id: i64, name: &str, from: i64, to: i64| Written {
        source: source(&format!("payment {id}")),
        ..step(name, from, Some(to))
    };
    // The slack of each reaches into the next.
    let year = vec![
        by_hand(1, "5", 0, 33 * DAY),
        by_hand(2, "5", 30 * DAY, 63 * DAY),
        by_hand(3, "7", 60 * DAY, 93 * DAY),
        by_hand(4, "7", 200 * DAY, 230 * DAY),
    ];
    assert_eq!(
        told(year),
        [
            ("5".to_owned(), 0, Some(63 * DAY)),
            ("7".to_owned(), 60 * DAY, Some(93 * DAY)),
            ("7".to_owned(), 200 * DAY, Some(230 * DAY)),
        ]
    );
}

/// At any moment with no change nearby, the story says what was written down.
#[test]
fn the_story_says_the_same_as_the_steps_but_for_moments_of_change() {
    let lengths = [200, SETTLING.0 - 1, SETTLING.0, 10 * SETTLING.0];
    let names = ["", "5", "7"];
    let choices = lengths.len() * names.len();
    for seed in 0..choices.pow(4) {
        let (mut rest, mut now, mut written) = (seed, 0, Vec::new());
        let mut changes = vec![0];
        for last in [false, false, false, true] {
            let (length, name) = (
                lengths[rest % choices / names.len()],
                names[rest % names.len()],
            );
            rest /= choices;
            if !name.is_empty() {
                let to = (!last).then_some(now + length);
                written.push(step(name, now, to));
            }
            now += length;
            changes.push(now);
        }
        let runs = |from: i64, to: Option<i64>, moment: i64| {
            from <= moment && to.is_none_or(|to| moment < to)
        };
        let story = told(written.clone());
        for moment in (0..now + 3 * SETTLING.0).step_by(5000) {
            let near = |change: &i64| (moment - change).abs() <= SETTLING.0;
            if changes.iter().any(near) {
                continue;
            }
            let was: Vec<&str> = written
                .iter()
                .filter(|step| {
                    let to = step.closed.as_ref().map(|(mark, _)| mark.at.0);
                    runs(step.opened.at.0, to, moment)
                })
                .map(|step| step.membership.as_str())
                .collect();
            let is: Vec<&str> = story
                .iter()
                .filter(|(_, from, to)| runs(*from, *to, moment))
                .map(|(name, ..)| name.as_str())
                .collect();
            assert_eq!(is, was, "at {moment} of {written:?}");
        }
    }
}
