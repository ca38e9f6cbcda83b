//! The same done to many members at once, with what it does to each, under the mass brake.

use super::clock::{self, Run, brake_limit, members_in};
use super::derive::Context;
use crate::app::{App, Step, Work};
use crate::location_calendar::{Periods, end_of_periods};
use crate::store::attention::{AuditLine, audit};
use crate::store::ledger::{self, PaymentRow, Stretch};
use crate::store::members::CardRow;
use crate::store::{members, people, places, search};
use shared::ids::{CardId, HoldId, MemberId, MembershipTypeId, PaymentId};
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Access is withheld from now on.
    Hold {
        /// First moment after it; none: until lifted.
        until: Option<Timestamp>,
        /// Why.
        reason: String,
    },
    /// Every hold is lifted.
    EndHolds,
    /// Access is given from now on.
    Grant {
        /// As which type.
        membership: MembershipTypeId,
        /// First moment after it; none: until ended.
        until: Option<Timestamp>,
        /// Why.
        reason: String,
    },
    /// Exempt from lockdown and staleness, or no longer.
    Keyholder(bool),
    /// What people call the cards that count.
    Label(String),
    /// What was paid by hand and runs pays for another type.
    ChangeType(MembershipTypeId),
    /// What was paid by hand last pays for so many days more.
    Extend(u16),
    /// Every card that counts is lost.
    CardsLost,
}

/// Why nothing is done to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unaffected {
    /// No hold runs.
    NoHold,
    /// No card counts.
    NoCard,
    /// Nothing that was paid by hand runs.
    NoCash,
    /// It is so already.
    AlreadySo,
}

/// What became of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Who.
    pub member: MemberId,
    /// The name.
    pub name: String,
    /// Standing's word before; none: it was never derived.
    pub before: Option<String>,
    /// And after.
    pub after: Option<String>,
    /// Why nothing was done; none: something was.
    pub unaffected: Option<Unaffected>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// To each, in the order of their numbers.
    pub effects: Vec<Effect>,
    /// Who lost access.
    pub lost: Vec<MemberId>,
    /// Whether so many may not lose it by one cause without a yes.
    pub needs_yes: bool,
}

impl App {
    /// Does something to members, who all have to exist, and derives them; to be dropped with its transaction if it is only
    /// told, or if it needs a yes that nobody gave.
    pub async fn in_bulk(
        &self,
        work: &mut Work,
        whom: &[MemberId],
        deed: &Deed,
        actor: &str,
    ) -> Step<Done> {
        members::lock_all(&mut work.tx, whom);
        let before = search::faces(&mut work.tx, &self.organisation, whom).await?;
        let mut unaffected = BTreeMap::new();
        for member in whom {
            let done = self.one(work, *member, deed, actor).await?;
            unaffected.insert(*member, done.err());
        }
        let touched = unaffected.iter().filter(|(_, why)| why.is_none());
        let touched: Vec<MemberId> = touched.map(|(member, _)| *member).collect();
        let lost = self.derive_touched(work, &touched).await?;
        let inside = members_in(&mut work.tx, &self.organisation).await? + lost.len();
        let mut after = search::faces(&mut work.tx, &self.organisation, whom).await?;
        let effects = before.into_iter().map(|(member, (name, before))| Effect {
            member,
            name,
            before,
            after: after.remove(&member).and_then(|(_, state)| state),
            unaffected: unaffected.get(&member).copied().flatten(),
        });
        Ok(Done {
            effects: effects.collect(),
            needs_yes: lost.len() > brake_limit(inside),
            lost,
        })
    }

    /// Who lost access by it. Whoever commits has looked at that first.
    async fn derive_touched(&self, work: &mut Work, touched: &[MemberId]) -> Step<Vec<MemberId>> {
        let rulebook = work.rulebook.clone();
        let context = Context {
            rulebook: &rulebook,
            keys: &self.keys,
            now: work.now,
            cause: "done to many members at once",
        };
        let run = clock::run(&mut work.tx, touched, context, true, &mut work.changes).await?;
        Ok(match run {
            Run::Done { lost, .. } | Run::Braked { lost } => lost,
        })
    }

    /// Does it to one member, without deriving.
    async fn one(
        &self,
        work: &mut Work,
        member: MemberId,
        deed: &Deed,
        actor: &str,
    ) -> Step<Result<(), Unaffected>> {
        let now = work.now;
        let stretch = |until: &Option<Timestamp>, reason| Stretch {
            from: now,
            until: *until,
            reason,
            made_by: actor,
        };
        let what = match deed {
            Deed::Hold { until, reason } => {
                let stretch = stretch(until, reason);
                let hold = ledger::hold(&mut work.tx, member, None, stretch).await?;
                vec![("hold.create", format!("hold {hold}"))]
            }
            Deed::Grant {
                membership,
                until,
                reason,
            } => {
                let stretch = stretch(until, reason);
                let grant = ledger::grant(&mut work.tx, member, membership, stretch).await?;
                vec![("grant.create", format!("grant {grant}"))]
            }
            Deed::EndHolds => self.end_holds(work, member).await?,
            Deed::Keyholder(on) => self.name_keyholder(work, member, *on).await?,
            Deed::Label(_) | Deed::CardsLost => self.cards(work, member, deed).await?,
            Deed::ChangeType(_) | Deed::Extend(_) => self.payments(work, member, deed).await?,
        };
        for (action, cause) in &what {
            let line = AuditLine {
                actor,
                action,
                member: Some(member),
                cause,
                body: None,
            };
            audit(&mut work.tx, &self.organisation, now, line);
        }
        Ok(match (what.is_empty(), deed) {
            (false, _) => Ok(()),
            (true, Deed::EndHolds) => Err(Unaffected::NoHold),
            (true, Deed::Label(_) | Deed::CardsLost) => Err(Unaffected::NoCard),
            (true, Deed::ChangeType(_) | Deed::Extend(_)) => Err(Unaffected::NoCash),
            (true, Deed::Keyholder(_) | Deed::Hold { .. } | Deed::Grant { .. }) => {
                Err(Unaffected::AlreadySo)
            }
        })
    }

    async fn end_holds(&self, work: &mut Work, member: MemberId) -> Step<Vec<Told>> {
        let now = work.now;
        let mut told = Vec::new();
        for hold in ledger::holds(&mut work.tx, member).await? {
            if hold.ends_at.is_none_or(|ends| ends > now.0) {
                ledger::end_hold(&mut work.tx, HoldId(hold.id), now).await?;
                told.push(("hold.end", format!("hold {}", hold.id)));
            }
        }
        Ok(told)
    }

    async fn name_keyholder(&self, work: &mut Work, member: MemberId, on: bool) -> Step<Vec<Told>> {
        let person = people::find(&mut work.tx, &self.organisation, member).await?;
        let Some(person) = person.filter(|person| person.keyholder != on) else {
            return Ok(Vec::new());
        };
        let (name, mail) = (person.name.as_str(), person.mail.as_deref());
        people::put(&mut work.tx, &self.organisation, member, name, mail, on).await?;
        let what = if on {
            "keyholder"
        } else {
            "no longer keyholder"
        };
        Ok(vec![("member.change", what.to_owned())])
    }

    async fn cards(&self, work: &mut Work, member: MemberId, deed: &Deed) -> Step<Vec<Told>> {
        let now = work.now;
        let theirs = people::CardSearch::of(member);
        let cards = people::cards(&mut work.tx, &self.organisation, theirs).await?;
        let mut told = Vec::new();
        for card in cards.iter().filter(|card| card.state == CardRow::Ok.word()) {
            let (id, what) = (CardId(card.id), format!("card {}", card.id));
            if let Deed::Label(label) = deed {
                people::label_card(&mut work.tx, id, label);
                told.push(("card.label", what));
            } else {
                people::mark_card(&mut work.tx, id, CardRow::Lost, now).await?;
                told.push(("card.lost", what));
            }
        }
        Ok(told)
    }

    /// Changes what was paid by hand in its place: the audit log and the journal keep how it was.
    async fn payments(&self, work: &mut Work, member: MemberId, deed: &Deed) -> Step<Vec<Told>> {
        let (organisation, now) = (&self.organisation, work.now);
        let all = ledger::payments(&mut work.tx, organisation, Some(member), i64::MAX, i64::MAX);
        let all = all.await?.into_iter();
        let by_hand: Vec<PaymentRow> = all
            .filter(|row| row.source != "stripe" && row.voided_at.is_none())
            .collect();
        let zone = places::time_zone(&mut work.tx, organisation).await?;
        let mut told = Vec::new();
        match deed {
            Deed::Extend(days) => {
                let last = by_hand.iter().max_by_key(|row| row.period_until);
                let longer = last.and_then(|row| longer(row, &zone, *days));
                if let Some((row, from, until)) = longer.filter(|(_, _, until)| *until > now) {
                    ledger::put_until(&mut work.tx, PaymentId(row.id), until);
                    let what = format!("payment {}: until {until} instead of {from}", row.id);
                    told.push(("payment.extend", what));
                }
            }
            Deed::ChangeType(to) => {
                let runs = |row: &&PaymentRow| row.period_until.is_some_and(|until| until > now.0);
                for row in by_hand.iter().filter(runs) {
                    let from = row.membership.as_deref().unwrap_or_default();
                    if from != to.as_str() {
                        ledger::put_membership(&mut work.tx, PaymentId(row.id), to);
                        let what = format!("payment {}: {to} instead of {from}", row.id);
                        told.push(("payment.change", what));
                    }
                }
            }
            Deed::Hold { .. }
            | Deed::EndHolds
            | Deed::Grant { .. }
            | Deed::Keyholder(_)
            | Deed::Label(_)
            | Deed::CardsLost => {}
        }
        Ok(told)
    }
}

/// An action of the audit log, and what it was done to.
type Told = (&'static str, String);

fn longer<'a>(
    row: &'a PaymentRow,
    zone: &str,
    days: u16,
) -> Option<(&'a PaymentRow, Timestamp, Timestamp)> {
    let from = Timestamp(row.period_until?);
    let (_, until) = end_of_periods(zone, (from, from), Periods::Days(days))?;
    Some((row, from, until))
}
