//! What a running agent says of itself, read back from its own words.

use shared::ids::{DoorId, ZoneId};

/// So long after its start an agent may still wait for the broker, its lists and the first sign of the server.
const SETTLING_SECONDS: u64 = 60;

/// The answer of a running agent to *status*.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live(String);

impl Live {
    /// Of the answer's text.
    pub fn new(status: String) -> Self {
        Self(status)
    }

    /// Whether it was started so lately that what is missing may be on its way.
    pub fn settles(&self) -> bool {
        self.word("running for ", " s,")
            .and_then(|seconds| seconds.parse().ok())
            .is_some_and(|seconds: u64| seconds < SETTLING_SECONDS)
    }

    /// Whether the broker has let it in.
    pub fn connected(&self) -> bool {
        self.0.lines().any(|line| line == "broker: connected")
    }

    /// Whether the reader of a door answers, as far as that can be noticed.
    pub fn has_reader(&self, door: &DoorId) -> bool {
        let start = format!("door {door}: ");
        let of_door = self.0.lines().find(|line| line.starts_with(&start));
        of_door.is_none_or(|line| !line.ends_with(", its reader does not answer"))
    }

    /// The seconds since the newest head of a zone was signed, if one has come.
    pub fn contact_age(&self, zone: &ZoneId) -> Option<i64> {
        let zone = self
            .0
            .lines()
            .find_map(|line| line.strip_prefix(&format!("zone {zone}: ")))?;
        Self(zone.to_owned())
            .word(", last contact ", " s ago")?
            .parse()
            .ok()
    }

    fn word(&self, before: &str, after: &str) -> Option<&str> {
        let (_, rest) = self.0.split_once(before)?;
        Some(rest.split_once(after)?.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_young_agent_settles_and_an_old_one_should_have() {
        let live = |seconds| {
            Live::new(format!(
                "door-agent 0.1.0, running for {seconds} s, boot 01\nbroker: not connected\n\
                 zone wood: list 1/2 with 3 cards, last contact 12 s ago\nzone metal: no list, no contact yet"
            ))
        };
        assert!(live(3).settles() && !live(60).settles());
        assert!(!live(3).connected());
        let zone = |name| ZoneId::new(name).expect("a name");
        let ages = ["wood", "metal", "none"].map(|name| live(3).contact_age(&zone(name)));
        assert_eq!(ages, [Some(12), None, None]);
        let doors = Live::new("door a: wood\ndoor b: wood, its reader does not answer".to_owned());
        let has_reader = |name| doors.has_reader(&DoorId::new(name).expect("a name"));
        assert_eq!(["a", "b", "c"].map(has_reader), [true, false, true]);
        assert!(Live::new("broker: connected".to_owned()).connected());
    }
}
