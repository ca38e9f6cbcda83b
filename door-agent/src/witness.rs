//! What this agent saw of the server's audit log. Each head of a list may carry the head of that log; the agent keeps some
//! and reports them, so that whoever makes the log anew is found out by doors that remember the old one.

use serde::{Deserialize, Serialize};
use shared::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// The first of each hour is kept, of so many hours.
const HOURS: usize = 24;
/// Longer ones are none.
const LONGEST: usize = 64;

/// Heads of the audit log by the hour since 1970 in which they were signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness(BTreeMap<i64, Vec<u8>>);

impl Witness {
    /// Takes what came with a head that was signed then.
    pub fn see(&mut self, issued_at: Timestamp, audit: &[u8]) {
        if audit.len() > LONGEST {
            return;
        }
        let hour = issued_at.0.div_euclid(Span::hours(1).0);
        self.0.entry(hour).or_insert_with(|| audit.to_vec());
        while self.0.len() > HOURS {
            self.0.pop_first();
        }
    }

    /// Takes what another copy knows, too.
    pub fn join(&mut self, other: Self) {
        for (hour, audit) in other.0 {
            self.0.entry(hour).or_insert(audit);
        }
        while self.0.len() > HOURS {
            self.0.pop_first();
        }
    }

    /// What was seen, oldest first.
    pub fn seen(&self) -> impl Iterator<Item = &[u8]> {
        self.0.values().map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_each_hour_of_a_day_is_kept() {
        let mut witness = Witness::default();
        for minute in 0..30 * 60_u16 {
            let at = Timestamp(0) + Span::minutes(i64::from(minute));
            witness.see(at, &minute.to_be_bytes());
        }
        let kept: Vec<Vec<u8>> = witness.seen().map(<[u8]>::to_vec).collect();
        let first_of = |hour: u16| (hour * 60).to_be_bytes().to_vec();
        assert_eq!(kept, (6..30).map(first_of).collect::<Vec<_>>());
        witness.see(Timestamp(0) + Span::hours(40), &[0; 65]);
        assert_eq!(witness.seen().count(), 24, "too long to be one");
    }

    #[test]
    fn of_two_copies_nothing_is_lost() {
        let (mut one, mut other) = (Witness::default(), Witness::default());
        one.see(Timestamp(0), b"a");
        other.see(Timestamp(0) + Span::minutes(1), b"b");
        other.see(Timestamp(0) + Span::hours(1), b"c");
        one.join(other);
        assert_eq!(one.seen().collect::<Vec<_>>(), [b"a", b"c"]);
    }
}
