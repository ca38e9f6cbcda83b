//! Build: all waiting changes of a zone become one revision, in the transaction that made them.

use crate::keys::Keys;
use crate::store::lists::ZoneHead;
use crate::store::members::{Card, CardRow, Member};
use crate::store::rulebook::Rulebook;
use crate::store::{Result, Tx, journal, lists};
use shared::allow_list::Delta;
use shared::card::{CardToken, CardUid};
use shared::ids::{CardId, MemberId, OrganisationId, ZoneId};
use shared::pin::PinVerifier;
use shared::rights::{CardState, Entry, Flags, Right, rights};
use shared::standing::{REMEMBERED, Standing};
use shared::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// What is to change in each zone, gathered over many members.
#[derive(Debug, Default)]
pub struct ZoneChanges {
    zones: BTreeMap<ZoneId, BTreeMap<CardToken, Change>>,
    /// What is listed of the cards for which something is or was to change.
    listed: BTreeMap<(ZoneId, CardToken), Entry>,
    /// Everybody who was compared, and where something is to change for it.
    compared: BTreeMap<MemberId, Vec<(ZoneId, CardToken)>>,
}

#[derive(Debug)]
struct Change {
    member: MemberId,
    after: Option<(Entry, CardId)>,
}

/// An entry that a zone should have, and the card it is for.
pub type Wanted = (ZoneId, CardId, Entry);

impl ZoneChanges {
    /// Notes the difference between what is listed of a member and what should be. Of a member who is compared twice the
    /// last word counts: what is listed is still what it was at first.
    pub fn compare(&mut self, member: MemberId, listed: Vec<(ZoneId, Entry)>, wanted: Vec<Wanted>) {
        self.forget(member);
        let mut listed: BTreeMap<(ZoneId, CardToken), Entry> = listed
            .into_iter()
            .map(|(zone, entry)| ((zone, entry.token), entry))
            .collect();
        for (zone, card, entry) in wanted {
            let before = listed.remove(&(zone.clone(), entry.token));
            if before.as_ref() != Some(&entry) {
                self.note(zone, entry.token, member, before, Some((entry, card)));
            }
        }
        for ((zone, token), entry) in listed {
            self.note(zone, token, member, Some(entry), None);
        }
    }

    /// Drops what was noted of a member, who counts as compared.
    fn forget(&mut self, member: MemberId) {
        let noted = self.compared.insert(member, Vec::new()).unwrap_or_default();
        for (zone, token) in noted {
            let Some(changes) = self.zones.get_mut(&zone) else {
                continue;
            };
            if changes
                .get(&token)
                .is_some_and(|change| change.member == member)
            {
                changes.remove(&token);
            }
            if changes.is_empty() {
                self.zones.remove(&zone);
            }
        }
    }

    fn note(
        &mut self,
        zone: ZoneId,
        token: CardToken,
        member: MemberId,
        before: Option<Entry>,
        after: Option<(Entry, CardId)>,
    ) {
        let of_member = self.compared.entry(member).or_default();
        of_member.push((zone.clone(), token));
        self.listed
            .extend(before.map(|before| ((zone.clone(), token), before)));
        let changes = self.zones.entry(zone).or_default();
        // Of a card that changed hands, what counts is the entry of whoever has it.
        let others = |change: &Change| change.member != member && change.after.is_some();
        if after.is_some() || !changes.get(&token).is_some_and(others) {
            changes.insert(token, Change { member, after });
        }
    }

    /// Adds another run's changes, which came later.
    pub fn merge(&mut self, other: Self) {
        for member in other.compared.into_keys() {
            self.forget(member);
        }
        self.listed.extend(other.listed);
        for (zone, changes) in other.zones {
            for (token, Change { member, after }) in changes {
                self.note(zone.clone(), token, member, None, after);
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
                if let Some(before) = self.listed.get(&(zone.clone(), token)) {
                    delta.digest = delta.digest.without(before);
                    head.entries -= 1;
                }
                match change.after {
                    Some((entry, card)) => {
                        delta.digest = delta.digest.with(&entry);
                        delta.upserts.push(entry.clone());
                        written.push((change.member, card, entry));
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

/// Whose cards are to be listed.
#[derive(Debug, Clone, Copy)]
pub struct Holding<'a> {
    /// The member.
    pub member: &'a Member,
    /// The member's cards.
    pub cards: &'a [Card],
    /// The zones for which the member has had an induction, and when.
    pub inducted: &'a BTreeMap<ZoneId, Timestamp>,
}

/// What every zone should list of a member's cards.
#[must_use]
pub fn entries(
    whose: Holding<'_>,
    standing: &Standing,
    rulebook: &Rulebook,
    keys: &Keys,
    now: Timestamp,
) -> Vec<Wanted> {
    let Holding {
        member,
        cards,
        inducted,
    } = whose;
    let of = |flag, set| if set { flag } else { Flags::default() };
    let asked = rulebook.zones.values().any(|zone| zone.asks_pin);
    let pin = member.pin.as_ref().filter(|pin| asked && pin.since <= now);
    let pin = pin.and_then(|pin| keys.open_pin(&pin.sealed, member.holder));
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
                CardRow::Ok => match card.lent_until {
                    Some(end) => lent((state, rights), end, zone_rules.offline_grace, now),
                    None => (state, rights),
                },
                CardRow::Lost if now < card.since + REMEMBERED => (CardState::Lost, Vec::new()),
                CardRow::Lost | CardRow::Returned => continue,
            };
            let had = inducted.get(zone).is_some_and(|given_at| *given_at <= now);
            let lacks_induction = zone_rules.needs_induction && !had;
            let flags =
                of(Flags::KEYHOLDER, member.keyholder).and(of(Flags::INDUCTION, lacks_induction));
            let key = keys.card_key(zone, zone_rules.card_key);
            // Where nobody is asked, and for a card that opens nothing, a list tells nothing about PINs.
            let pin = pin
                .as_ref()
                .filter(|_| zone_rules.asks_pin && state == CardState::Ok);
            for seen in as_seen(&uid, &zone_rules.reader_bytes) {
                let token = CardToken::of(&seen, &key);
                wanted.push((
                    zone.clone(),
                    card.id,
                    Entry {
                        token,
                        holder: member.holder,
                        state,
                        rights: rights.clone(),
                        flags,
                        pin: pin.map(|pin| PinVerifier::of(pin, token, &key)),
                    },
                ));
            }
        }
    }
    wanted
}

/// What a fob that is lent opens of what its borrower's own card does: nothing from the end on, whatever a door hears.
fn lent(
    (state, mut rights): (CardState, Vec<Right>),
    end: Timestamp,
    offline_grace: Span,
    now: Timestamp,
) -> (CardState, Vec<Right>) {
    if end <= now && state == CardState::Ok {
        return (CardState::Ended, Vec::new());
    }
    for right in &mut rights {
        let stretch = if right.certain {
            Span(0)
        } else {
            offline_grace
        };
        // A door out of contact stretches an uncertain end: where that might pass the loan's, the loan's counts.
        if right.not_after.is_none_or(|until| end < until + stretch) {
            right.not_after = Some(end);
            right.certain = true;
        }
    }
    rights.sort();
    rights.dedup();
    (state, rights)
}

/// A card's number as the readers of a zone see it: whole, and by those that give only so many of its last bytes.
pub fn as_seen(uid: &CardUid, reader_bytes: &BTreeSet<u8>) -> impl Iterator<Item = CardUid> {
    let cut = reader_bytes
        .iter()
        .filter_map(|count| uid.last_bytes(*count));
    std::iter::once(uid.clone()).chain(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(state: CardState) -> Entry {
        Entry {
            token: CardToken([1; 8]),
            holder: shared::ids::Holder(1),
            state,
            rights: Vec::new(),
            flags: Flags::default(),
            pin: None,
        }
    }

    fn zone() -> ZoneId {
        ZoneId::new("wood").expect("a name")
    }

    fn compare(changes: &mut ZoneChanges, listed: Option<CardState>, wanted: Option<CardState>) {
        let listed = listed.map(|state| (zone(), entry(state)));
        let wanted = wanted.map(|state| (zone(), CardId(1), entry(state)));
        let (listed, wanted) = (listed.into_iter().collect(), wanted.into_iter().collect());
        changes.compare(MemberId(1), listed, wanted);
    }

    #[test]
    fn of_two_comparisons_in_one_transaction_the_last_counts() {
        let states = [None, Some(CardState::Ok), Some(CardState::Lost)];
        for listed in states {
            for (first, last) in states.iter().flat_map(|a| states.map(|b| (*a, b))) {
                for in_a_run in [false, true] {
                    let mut changes = ZoneChanges::default();
                    compare(&mut changes, listed, first);
                    if in_a_run {
                        let mut run = ZoneChanges::default();
                        compare(&mut run, listed, last);
                        changes.merge(run);
                    } else {
                        compare(&mut changes, listed, last);
                    }
                    let known = changes.listed.into_values().next();
                    let known = known.map(|entry| entry.state);
                    let mut noted = changes.zones.into_values().flatten();
                    let noted = noted.next().map(|(_, change)| {
                        let after = change.after.map(|(entry, _)| entry.state);
                        (known, after)
                    });
                    let expected = (listed != last).then_some((listed, last));
                    assert_eq!(noted, expected, "{listed:?}, then {first:?}, then {last:?}");
                }
            }
        }
    }
}
