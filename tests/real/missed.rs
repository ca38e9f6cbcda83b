//! A year of five hundred members in which every twentieth delivery is lost for good: comparing finds what that did and
//! nothing else, mends it, and finds nothing more.
//!
//! The built server has no key that year, so no safety net catches anything before: nothing is pulled, fetched, swept or
//! compared at night. What it holds in the end and what Stripe has are told apart by `oracle`, which shares no code with
//! the comparison.

mod oracle;
mod year;

use crate::wait;
use oracle::Oracle;
use std::collections::BTreeSet;
use year::Year;

const MEMBERS: usize = 500;

#[test]
fn what_lost_deliveries_did_in_a_year_is_found_mended_and_gone() {
    let seed = wait::number("GS_SEED");
    let seed = seed.unwrap_or_else(|| wait::now().0.unsigned_abs() % 1_000_000);
    println!("seed {seed}: the same year again with GS_SEED={seed} tests/run missed");
    let year = Year::live(seed, MEMBERS);
    println!("{}", year.deeds());
    let oracle = Oracle::ask(&year);
    let planted: BTreeSet<String> = oracle.differing().into_keys().collect();

    let told = year.reconcile(&["--dry-run"]);
    let untouched = Oracle::ask(&year).differing();
    assert_eq!(untouched, oracle.differing(), "telling changes nothing");

    let mut mended = year.reconcile(&[]);
    if mended.waits_for_a_yes {
        mended = year.reconcile(&["--yes"]);
    }
    let left = year.reconcile(&["--dry-run"]);
    println!(
        "members {MEMBERS} dropped {} differences {} found {} left {}",
        year.dropped,
        planted.len(),
        told.differing.len(),
        left.differing.len()
    );
    assert!(planted.len() > 20, "too quiet a year: {planted:?}");
    let missed: Vec<_> = planted.difference(&told.differing).collect();
    let words = oracle.differing();
    let missed: Vec<_> = missed.into_iter().map(|id| (id, &words[id])).collect();
    assert!(missed.is_empty(), "not found: {missed:#?}");
    let invented: Vec<_> = told.differing.difference(&planted).collect();
    let invented: Vec<_> = told
        .lines
        .iter()
        .filter(|line| invented.iter().any(|id| line.starts_with(id.as_str())))
        .collect();
    assert!(invented.is_empty(), "no difference: {invented:#?}");
    assert!(!mended.waits_for_a_yes && mended.differing.is_subset(&planted));
    assert!(left.differing.is_empty(), "left: {:#?}", left.lines);
    let after = Oracle::ask(&year);
    assert!(after.differing().is_empty(), "{:#?}", after.differing());
    assert_eq!(after.misjudged(&year), [] as [String; 0]);
}
