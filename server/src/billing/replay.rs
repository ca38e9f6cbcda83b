//! Replay: every stored event is applied once more, all in one transaction; standings are derived when all have been.
//!
//! What is known stays, and nothing is doubled. Who would lose access by it waits for an admin's yes if they are many:
//! then nothing is changed.

use super::sheet::{Line, Sheet};
use crate::app::{App, Work};
use crate::doors::publish::Publication;
use crate::membership::clock::Run;
use crate::store::inbox::{self, Fate, Stored};
use crate::store::{Result, StoreError, mirror};
use shared::ids::MemberId;
use shared::time::Timestamp;
use std::collections::BTreeSet;

/// So many events are in memory at once.
const PART: i64 = 1000;

/// What came of a replay.
#[derive(Debug, Default)]
pub struct Replayed {
    /// How many events were applied.
    pub events: usize,
    /// Numbers in the inbox of events that cannot be read.
    pub unreadable: Vec<i64>,
    /// Who comes in by it.
    pub gained: Vec<MemberId>,
    /// Who goes out by it.
    pub lost: Vec<MemberId>,
    /// What to publish.
    pub publications: Vec<Publication>,
}

/// Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Too many members would lose access.
    #[error("{} members would lose access at once: nothing was changed", .0.len())]
    Braked(Vec<MemberId>),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Applies every stored event once more; `approved` whoever loses access by it.
    pub async fn replay(
        &self,
        approved: bool,
        now: Timestamp,
    ) -> std::result::Result<Replayed, ReplayError> {
        let mut work = self.work(now).await?;
        let mut done = Replayed::default();
        let mut customers = BTreeSet::new();
        let (mut after, mut priced) = (0, false);
        loop {
            let part = inbox::stored(&mut work.tx, self.account, after, PART).await?;
            let Some(last) = part.last() else { break };
            after = last.id;
            priced |= self
                .replay_part(&mut work, &part, &mut customers, &mut done)
                .await?;
        }
        if priced {
            self.reread(&mut work).await?;
        }
        let customers: Vec<&str> = customers.iter().map(String::as_str).collect();
        let rows = mirror::ask_customers(&mut work.tx, self.account, &customers);
        let rows = mirror::customers(&mut work.tx, rows).await?;
        let rows: Vec<&mirror::Customer> = rows.iter().collect();
        self.link_all(&mut work, self.account, &rows).await?;
        match self.derive_all(&mut work, "replay", approved).await? {
            Run::Braked { lost } => return Err(ReplayError::Braked(lost)),
            Run::Done { lost, gained, .. } => (done.lost, done.gained) = (lost, gained),
        }
        done.publications = self.finish(work).await?;
        Ok(done)
    }

    /// Puts what events say into the mirror, and notes their customers; whether prices changed by it.
    async fn replay_part(
        &self,
        work: &mut Work,
        part: &[Stored],
        customers: &mut BTreeSet<String>,
        done: &mut Replayed,
    ) -> Result<bool> {
        let mut lines = Vec::with_capacity(part.len());
        let mut closed: [(Fate, Vec<i64>); 2] =
            [Fate::Applied, Fate::Ignored].map(|fate| (fate, Vec::new()));
        for row in part {
            let Ok(line) = Line::read(self.account, &row.body) else {
                done.unreadable.push(row.id);
                continue;
            };
            // What a thin event is about was asked when it came, or will be.
            let fate = line.fate();
            if fate == Fate::Asking {
                continue;
            }
            if row.state != fate.word() {
                let of = closed.iter_mut().filter(|(of, _)| *of == fate);
                of.for_each(|(_, rows)| rows.push(row.id));
            }
            lines.push(line);
        }
        for (fate, rows) in closed {
            inbox::finish_all(&mut work.tx, &rows, fate);
        }
        done.events += lines.len();
        let asked = Sheet::ask(&mut work.tx, &lines);
        let sheet = Sheet::read(&mut work.tx, asked, work.now).await?;
        let batch = self.absorb(work, lines, sheet).await?;
        customers.extend(batch.customers.into_values().flatten().map(|(id, _)| id));
        Ok(!batch.prices.is_empty())
    }
}
