//! Build: all waiting changes of a zone become one revision, in the transaction that made them.

use crate::keys::Keys;
use crate::store::lists::ZoneHead;
use crate::store::members::{Card, CardRow, Member};
use crate::store::rulebook::Rulebook;
use crate::store::{Result, Tx, journal, lists};
use shared::allow_list::Delta;
use shared::card::CardToken;
use shared::ids::{CardId, MemberId, OrganisationId, ZoneId};
use shared::rights::{CardState, Entry, Flags, rights};
use shared::standing::{REMEMBERED, Standing};
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// What is to change in each zone, gathered over many members.
#[derive(Debug, Default)]
pub struct ZoneChanges {
    zones: BTreeMap<ZoneId, BTreeMap<CardToken, Change>>,
}

#[derive(Debug)]
struct Change {
    before: Option<Entry>,
    after: Option<(Entry, MemberId, CardId)>,
}

/// An entry that a zone should have, and the card it is for.
pub type Wanted = (ZoneId, CardId, Entry);

impl ZoneChanges {
    /// Notes the difference between what is listed of a member and what should be.
    pub fn compare(&mut self, member: MemberId, listed: Vec<(ZoneId, Entry)>, wanted: Vec<Wanted>) {
        let mut listed: BTreeMap<(ZoneId, CardToken), Entry> = listed
            .into_iter()
            .map(|(zone, entry)| ((zone, entry.token), entry))
            .collect();
        for (zone, card, entry) in wanted {
            let before = listed.remove(&(zone.clone(), entry.token));
            if before.as_ref() != Some(&entry) {
                self.note(zone, entry.token, before, Some((entry, member, card)));
            }
        }
        for ((zone, token), entry) in listed {
            self.note(zone, token, Some(entry), None);
        }
    }

    fn note(
        &mut self,
        zone: ZoneId,
        token: CardToken,
        before: Option<Entry>,
        after: Option<(Entry, MemberId, CardId)>,
    ) {
        let changes = self.zones.entry(zone).or_default();
        // A member derived twice in one run: what is in the database is still what it was at first.
        let before = changes
            .remove(&token)
            .map_or(before, |earlier| earlier.before);
        changes.insert(token, Change { before, after });
    }

    /// Adds another run's changes.
    pub fn merge(&mut self, other: Self) {
        for (zone, changes) in other.zones {
            for (token, change) in changes {
                self.note(zone.clone(), token, change.before, change.after);
            }
        }
    }

    /// Writes one revision for each zone that changed, from where it stands as read `ahead` or now; returns what led to
    /// it, and where the zone stands then.
    pub async fn build(
        self,
        tx: &mut Tx,
        organisation: &OrganisationId,
        mut ahead: BTreeMap<ZoneId, ZoneHead>,
        now: Timestamp,
    ) -> Result<Vec<(ZoneId, Delta, ZoneHead)>> {
        let mut deltas = Vec::new();
        for (zone, changes) in self.zones {
            let mut head = match ahead.remove(&zone) {
                Some(head) => head,
                None => lists::lock_zone(tx, organisation, &zone).await?,
            };
            let mut delta = Delta {
                epoch: head.revision.epoch,
                base: head.revision.number,
                number: head.revision.number + 1,
                upserts: Vec::new(),
                removals: Vec::new(),
                digest: head.digest,
            };
            let mut written = Vec::new();
            for (token, change) in changes {
                if let Some(before) = &change.before {
                    delta.digest = delta.digest.without(before);
                    head.entries -= 1;
                }
                match change.after {
                    Some((entry, member, card)) => {
                        delta.digest = delta.digest.with(&entry);
                        delta.upserts.push(entry.clone());
                        written.push((member, card, entry));
                        head.entries += 1;
                    }
                    None => {
                        lists::remove(tx, organisation, &zone, token);
                        delta.removals.push(token);
                    }
                }
            }
            lists::put_all(tx, organisation, &zone, &written);
            let removed = &delta.removals;
            journal::entries(
                tx,
                (organisation, &zone),
                delta.revision(),
                &written,
                removed,
                now,
            );
            lists::advance(tx, organisation, &zone, &delta, head.entries, now);
            head.revision = delta.revision();
            head.digest = delta.digest;
            deltas.push((zone, delta, head));
        }
        Ok(deltas)
    }
}

/// What every zone should list of a member's cards.
#[must_use]
pub fn entries(
    member: &Member,
    standing: &Standing,
    cards: &[Card],
    rulebook: &Rulebook,
    keys: &Keys,
    now: Timestamp,
) -> Vec<Wanted> {
    let flags = if member.keyholder {
        Flags::KEYHOLDER
    } else {
        Flags::default()
    };
    let mut wanted = Vec::new();
    for card in cards {
        let Some(uid) = keys.open_uid(&card.uid_sealed) else {
            continue;
        };
        for (zone, zone_rules) in &rulebook.zones {
            let Some((state, rights)) = rights(standing, &zone_rules.access, now) else {
                continue;
            };
            let (state, rights) = match card.state {
                CardRow::Ok => (state, rights),
                CardRow::Lost if now < card.since + REMEMBERED => (CardState::Lost, Vec::new()),
                CardRow::Lost | CardRow::Returned => continue,
            };
            let token = CardToken::of(&uid, &keys.card_key(zone, zone_rules.card_key));
            wanted.push((
                zone.clone(),
                card.id,
                Entry {
                    token,
                    holder: member.holder,
                    state,
                    rights,
                    flags,
                },
            ));
        }
    }
    wanted
}
