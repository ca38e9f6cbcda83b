//! Taking over the members of another system: the good rows of its table, and Stripe is not asked.

use super::rows::Booked;
use crate::app::{App, Step, Work};
use crate::billing::foreign::{Fault, Table, Trouble, Understood};
use crate::billing::roll::Row;
use crate::membership::cards::looks_like;
use crate::store::attention::{AuditLine, audit};
use crate::store::imports::{self, Thing};
use crate::store::people;
use shared::ids::{CardId, MemberId, PaymentId};
use std::collections::{BTreeMap, BTreeSet};

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Where it stands in the file.
    pub line: u64,
    /// The name there.
    pub name: String,
    /// Whose row it is.
    pub member: MemberId,
    /// Whether the member was made.
    pub made: bool,
    /// Cards that are new.
    pub cards: Vec<CardId>,
    /// What was booked.
    pub payment: Option<PaymentId>,
    /// What is to be known besides.
    pub note: Option<String>,
}

impl Taken {
    /// Whether anything is new.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.made || !self.cards.is_empty() || self.payment.is_some()
    }

    fn things(&self) -> Vec<(Thing, i64)> {
        let member = self.made.then_some((Thing::Member, self.member.0));
        let cards = self.cards.iter().map(|card| (Thing::Card, card.0));
        let payment = self.payment.map(|payment| (Thing::Payment, payment.0));
        member.into_iter().chain(cards).chain(payment).collect()
    }
}

/// What was taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenOver {
    /// Under which number; none: nothing was new.
    pub import: Option<i64>,
    /// The good rows.
    pub taken: Vec<Taken>,
    /// What is wrong with the others.
    pub faults: Vec<Fault>,
}

impl App {
    /// Tells what taking a table over would do; to be dropped with its transaction.
    pub async fn look_at_table(
        &self,
        work: &mut Work,
        table: &Table,
        understood: Understood,
    ) -> Step<TakenOver> {
        self.take_rows(work, table, &understood, "looked at").await
    }

    /// The good rows, each after the one before it.
    async fn take_rows(
        &self,
        work: &mut Work,
        table: &Table,
        understood: &Understood,
        cause: &str,
    ) -> Step<TakenOver> {
        let (mut taken, mut faults) = (Vec::new(), understood.faults.clone());
        for row in &understood.rows {
            match self.take_row(work, row, cause).await? {
                Ok(row) => taken.push(row),
                Err(what) => faults.push(understood.fault(table, row.line, what)),
            }
        }
        faults.sort_by_key(|fault| fault.line);
        Ok(TakenOver {
            import: None,
            taken,
            faults,
        })
    }

    /// Takes the good rows over.
    pub async fn take_table(
        &self,
        work: &mut Work,
        table: &Table,
        understood: Understood,
        actor: &str,
    ) -> Step<TakenOver> {
        let (organisation, now) = (&self.organisation, work.now);
        let import = imports::begin(&mut work.tx, organisation, actor, now).await?;
        let cause = imports::cause(import);
        let over = self.take_rows(work, table, &understood, &cause).await?;
        for row in &over.taken {
            let things = row.things();
            for (thing, id) in &things {
                let what = format!("{} {id}", thing.word());
                let line = AuditLine {
                    actor,
                    action: thing.action(),
                    member: Some(row.member),
                    cause: &cause,
                    body: Some(&what),
                };
                audit(&mut work.tx, organisation, now, line);
            }
            imports::note(&mut work.tx, import, &things);
        }
        let touched = over.taken.iter().filter(|row| row.is_new());
        let touched = touched.map(|row| (row.member, cause.clone()));
        let touched: BTreeMap<MemberId, String> = touched.collect();
        self.derive_each(work, &touched).await?;
        if touched.is_empty() {
            imports::forget(&mut work.tx, import);
        }
        Ok(TakenOver {
            import: (!touched.is_empty()).then_some(import),
            ..over
        })
    }

    /// A row, unless something about it is wrong; then nothing of it was done.
    async fn take_row(
        &self,
        work: &mut Work,
        row: &Row,
        cause: &str,
    ) -> Step<Result<Taken, Trouble>> {
        let known = match self.find(work, row, &BTreeSet::new()).await? {
            Ok(known) => known,
            Err(wrong) => return Ok(Err(wrong)),
        };
        for card in &row.cards {
            let index = self.keys.uid_index(card);
            let owned = people::card_by_index(&mut work.tx, &self.organisation, &index).await?;
            let is_new = owned.is_none_or(|card| card.state == "returned");
            if is_new && looks_like(self, work, card).await?.is_some() {
                return Ok(Err(Trouble::Alike));
            }
        }
        let (made, member) = match known {
            Some(member) => (false, member),
            None => (true, self.make(work, row).await?),
        };
        // Two cards of one row may look alike: then the second is left out.
        let (cards, mut note) = match self.equip(work, row, member, cause).await? {
            Ok(cards) => (cards, None),
            Err(what) => (Vec::new(), Some(what.to_owned())),
        };
        let mut payment = None;
        if let Some(paid) = &row.paid {
            match self.book(work, paid, member).await? {
                Booked::Nothing => {}
                Booked::New(id) => payment = Some(id),
                Booked::Voided(told) => note = Some(told),
            }
        }
        Ok(Ok(Taken {
            line: row.line,
            name: row.name.clone(),
            member,
            made,
            cards,
            payment,
            note,
        }))
    }
}
