//! The past, judged again: every standing follows from the facts known then, every decision from what the door went by.

use super::server::organisation;
use super::{Building, on};
use server::membership::history::rejudge;
use server::store::records;
use shared::badge::BadgeEvent;
use shared::ids::MemberId;
use shared::standing::{Standing, outlook};
use shared::time::Timestamp;
use std::collections::BTreeMap;

impl Building {
    /// Fails if a standing on record does not follow anew from the journal, or a decision at a door from what the door
    /// held; how many of both were looked at.
    pub fn history_holds(&self) -> (usize, usize) {
        const STANDINGS: &str =
            "SELECT member, at, body FROM audit WHERE action = 'standing' ORDER BY id";
        const BADGES: &str = "SELECT body FROM badges WHERE kind = 'card' ORDER BY id";
        let told: Vec<(i64, i64, String)> =
            self.read(async |tx| on!(tx, c => sqlx::query_as(STANDINGS).fetch_all(c).await));
        // Of one moment the last word counts.
        let told: BTreeMap<(i64, i64), String> = told
            .into_iter()
            .map(|(member, at, body)| ((member, at), body))
            .collect();
        let badges: Vec<Vec<u8>> =
            self.read(async |tx| on!(tx, c => sqlx::query_scalar(BADGES).fetch_all(c).await));
        self.runtime.block_on(async {
            let tx = self.server.store.begin_read().await;
            let mut tx = tx.expect("the database answers");
            for ((member, at), body) in &told {
                let (member, at) = (MemberId(*member), Timestamp(*at));
                let known = records::facts_at(&mut tx, &organisation(), member, at).await;
                let known = known.expect("it is readable").expect("it was journaled");
                let then: Standing = serde_json::from_str(body).expect("a standing");
                let again = outlook(&known.facts, &known.rules, at).standing;
                assert_eq!(again, then, "member {member} at {at}: {:#?}", known.facts);
            }
            for body in &badges {
                let event: BadgeEvent = minicbor::decode(body).expect("an event");
                let rejudged = rejudge(&mut tx, &organisation(), &event).await;
                let rejudged = rejudged.expect("it is readable").expect("a card");
                if rejudged.list.is_some() {
                    assert_eq!(rejudged.judged, Some(rejudged.recorded), "{rejudged:#?}");
                }
            }
        });
        (told.len(), badges.len())
    }
}
