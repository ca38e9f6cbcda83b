//! What a server has made of all that it heard.

use super::desk::Payment;
use super::{Building, on};
use shared::allow_list::Digest;
use shared::ids::{Holder, ZoneId};
use shared::rights::Entry;
use shared::standing::Standing;
use std::collections::BTreeMap;

/// What staff are told of doors, which hangs on when messages of theirs come.
const OF_DOORS: [&str; 11] = [
    "audit_rewritten",
    "door_ahead",
    "events_lost",
    "list_not_kept",
    "messages_refused",
    "out_of_contact",
    "pin_locked",
    "revoked_card",
    "stream_withheld",
    "two_agents",
    "two_doors",
];

/// Everything that must not depend on the order in which news came, nor on how often.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Every member's, in the order in which they were entered.
    pub standings: Vec<Option<Standing>>,
    /// What was paid.
    pub ledger: Vec<Payment>,
    /// Money that went back: kind, invoice, amount and state.
    pub reversals: Vec<(String, Option<String>, i64, String)>,
    /// What the doors are told, of members by their numbers: their names at doors are left to chance.
    pub lists: BTreeMap<ZoneId, Digest>,
    /// What payers are told: kind and subject.
    pub notices: Vec<(String, String)>,
    /// What staff are told, but for what they are told of doors: kind and subject.
    pub attention: Vec<(String, String)>,
}

impl Building {
    /// What the server has made of all that it heard so far.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        const SQL: &str = "SELECT standing FROM members ORDER BY id";
        let standings: Vec<Option<String>> =
            self.read(async |tx| on!(tx, c => sqlx::query_scalar(SQL).fetch_all(c).await));
        let standing =
            |text: Option<String>| Some(serde_json::from_str(&text?).expect("a standing"));
        let mut reversals = self.reversals();
        reversals.sort();
        let mut attention = self.attention();
        attention.retain(|(kind, _)| !OF_DOORS.contains(&kind.as_str()));
        for (kind, subject) in &mut attention {
            if kind == "poisoned_event" {
                // The number in the inbox is the order itself.
                subject.clear();
            }
        }
        Outcome {
            standings: standings.into_iter().map(standing).collect(),
            ledger: self.ledger(),
            reversals,
            lists: self.lists(),
            notices: self.notices(),
            attention,
        }
    }

    fn lists(&self) -> BTreeMap<ZoneId, Digest> {
        const SQL: &str = "SELECT zone, member, entry FROM entries";
        let rows: Vec<(String, i64, Vec<u8>)> =
            self.read(async |tx| on!(tx, c => sqlx::query_as(SQL).fetch_all(c).await));
        let mut lists = BTreeMap::new();
        for (zone, member, entry) in rows {
            let mut entry: Entry = minicbor::decode(&entry).expect("an entry");
            entry.holder = Holder(member);
            let list: &mut Digest = lists
                .entry(ZoneId::new(&zone).expect("a name"))
                .or_default();
            *list = list.with(&entry);
        }
        lists
    }
}
