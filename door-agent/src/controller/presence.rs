//! Which cards lie on a reader: readers report a resting card many times a second.

use shared::card::CardUid;
use shared::time::Span;

/// A card that was away for so long has come back.
const AWAY: Span = Span::seconds(1);

/// The cards seen a moment ago.
#[derive(Debug, Default)]
pub struct Presence {
    seen: Vec<(CardUid, Span)>,
}

impl Presence {
    /// Whether this card has just come; false while it rests.
    pub fn is_new(&mut self, uid: &CardUid, uptime: Span) -> bool {
        self.seen.retain(|(_, last)| uptime.0 - last.0 < AWAY.0);
        match self.seen.iter_mut().find(|(card, _)| card == uid) {
            Some((_, last)) => {
                *last = uptime;
                false
            }
            None => {
                self.seen.push((uid.clone(), uptime));
                true
            }
        }
    }

    /// The card was not judged: it comes anew as long as it rests.
    pub fn forget(&mut self, uid: &CardUid) {
        self.seen.retain(|(card, _)| card != uid);
    }
}
