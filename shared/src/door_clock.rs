//! What time it is at a door whose clock may be wrong.

use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// A signed head counts as fresh, and a wall clock as near it, for so long.
pub const FRESH: Span = Span::minutes(10);
/// A signed head may be ahead of a trusted clock by so much.
pub const AHEAD: Span = Span::days(1);

/// The time a decision is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub struct Reading {
    /// Never below the floor.
    #[n(0)]
    pub time: Timestamp,
    /// Whether schedules can be judged by it.
    #[n(1)]
    pub quality: Quality,
}

/// Whether a door's clock can be relied on.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    minicbor::Encode,
    minicbor::Decode,
)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Synchronised, or near a fresh signed head.
    #[n(0)]
    Trusted,
    /// Only the floor is certain.
    #[n(1)]
    Untrusted,
}

/// What the machine's clocks say at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sources {
    /// The wall clock.
    pub wall: Timestamp,
    /// Time since the agent started, never stopping and never jumping.
    pub uptime: Span,
    /// Whether the kernel says that the wall clock is synchronised.
    pub synchronised: bool,
}

/// The floor under a door's time: the newest signed server time plus the time run since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoorClock {
    floor: Timestamp,
    floor_uptime: Span,
    heard_uptime: Option<Span>,
}

/// A signed head claims a time that a trusted clock contradicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("issued {} ahead of a clock that is trusted", days(.0))]
pub struct FarAhead(Span);

fn days(span: &Span) -> String {
    format!("{} days", span.0 / Span::days(1).0)
}

impl DoorClock {
    /// Starts from the floor that was stored, at this uptime.
    #[must_use]
    pub fn start(stored_floor: Timestamp, uptime: Span) -> Self {
        Self {
            floor: stored_floor,
            floor_uptime: uptime,
            heard_uptime: None,
        }
    }

    /// The floor now; store it with each list and badge, and hourly.
    #[must_use]
    pub fn floor(&self, uptime: Span) -> Timestamp {
        self.floor + Span((uptime.0 - self.floor_uptime.0).max(0))
    }

    /// What time it is, and whether it can be relied on.
    #[must_use]
    pub fn read(&self, sources: Sources) -> Reading {
        let floor = self.floor(sources.uptime);
        let fresh = self
            .heard_uptime
            .is_some_and(|heard| sources.uptime.0 - heard.0 <= FRESH.0);
        let near = (sources.wall - floor).0.abs() <= FRESH.0;
        if sources.synchronised || (fresh && near) {
            Reading {
                time: sources.wall.max(floor),
                quality: Quality::Trusted,
            }
        } else {
            Reading {
                time: floor,
                quality: Quality::Untrusted,
            }
        }
    }

    /// Hears the issue time of a verified message; refuses one far ahead of a trusted clock.
    pub fn hear(&mut self, issued_at: Timestamp, sources: Sources) -> Result<(), FarAhead> {
        let reading = self.read(sources);
        if reading.quality == Quality::Trusted && issued_at > reading.time + AHEAD {
            return Err(FarAhead(issued_at - reading.time));
        }
        // An older message says nothing about now.
        if issued_at >= self.floor {
            let floor = self.floor(sources.uptime).max(issued_at);
            *self = Self {
                floor,
                floor_uptime: sources.uptime,
                heard_uptime: Some(sources.uptime),
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn sources(wall: Timestamp, uptime: i64, synchronised: bool) -> Sources {
        Sources {
            wall,
            uptime: Span::seconds(uptime),
            synchronised,
        }
    }

    #[test]
    fn without_a_battery_time_goes_on_from_the_floor_untrusted() {
        let clock = DoorClock::start(NOON, Span(0));
        let reading = clock.read(sources(Timestamp(0), 60, false));
        assert_eq!(
            reading,
            Reading {
                time: NOON + Span::seconds(60),
                quality: Quality::Untrusted
            }
        );
    }

    #[test]
    fn a_wall_clock_far_ahead_is_untrusted_and_does_not_expire_everyone() {
        let clock = DoorClock::start(NOON, Span(0));
        let reading = clock.read(sources(NOON + Span::days(4000), 60, false));
        assert_eq!(reading.time, NOON + Span::seconds(60));
        assert_eq!(reading.quality, Quality::Untrusted);
    }

    #[test]
    fn a_fresh_signed_head_makes_a_near_wall_clock_trusted_for_ten_minutes() {
        let mut clock = DoorClock::start(NOON, Span(0));
        clock
            .hear(NOON + Span::hours(2), sources(NOON, 60, false))
            .expect("untrusted clocks hear all");
        let wall = NOON + Span::hours(2) + Span::minutes(5);
        assert_eq!(
            clock.read(sources(wall, 90, false)).quality,
            Quality::Trusted
        );
        assert_eq!(
            clock.read(sources(wall, 61 + 600, false)).quality,
            Quality::Untrusted
        );
    }

    #[test]
    fn a_synchronised_clock_never_falls_below_the_floor() {
        let clock = DoorClock::start(NOON, Span(0));
        assert_eq!(
            clock.read(sources(NOON - Span::days(30), 0, true)).time,
            NOON
        );
    }

    #[test]
    fn a_head_more_than_a_day_ahead_of_a_trusted_clock_is_refused() {
        let mut clock = DoorClock::start(NOON, Span(0));
        let now = sources(NOON, 0, true);
        assert!(clock.hear(NOON + Span::days(2), now).is_err());
        assert_eq!(clock.floor(Span(0)), NOON);
        assert!(clock.hear(NOON + Span::hours(23), now).is_ok());
    }

    #[test]
    fn an_older_head_does_not_refresh_the_clock() {
        let mut clock = DoorClock::start(NOON, Span(0));
        clock
            .hear(NOON - Span::days(1), sources(NOON, 5, false))
            .expect("heard");
        assert_eq!(
            clock.read(sources(NOON, 6, false)).quality,
            Quality::Untrusted
        );
    }
}
