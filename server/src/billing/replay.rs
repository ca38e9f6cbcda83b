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
use shared::ids::{AccountId, MemberId};
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
        let mut before = None;
        loop {
            let rows = inbox::stored(&mut work.tx, self.account, after, PART).await?;
            after = rows.last().map_or(after, |last| last.id);
            // While one part is put into the mirror, the next is read.
            let account = self.account;
            let reading = (!rows.is_empty())
                .then(|| tokio::task::spawn_blocking(move || Part::read(account, rows)));
            if let Some(part) = before.take() {
                priced |= self
                    .replay_part(&mut work, part, &mut customers, &mut done)
                    .await?;
            }
            let Some(reading) = reading else { break };
            before = Some(reading.await.expect("reading does not panic"));
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
        part: Part,
        customers: &mut BTreeSet<String>,
        done: &mut Replayed,
    ) -> Result<bool> {
        let Part {
            lines,
            closed,
            unreadable,
        } = part;
        done.unreadable.extend(unreadable);
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

/// Some stored events, read.
struct Part {
    lines: Vec<Line>,
    /// Which of them end otherwise than they did when they came.
    closed: [(Fate, Vec<i64>); 2],
    unreadable: Vec<i64>,
}

impl Part {
    fn read(account: AccountId, rows: Vec<Stored>) -> Self {
        let mut part = Self {
            lines: Vec::with_capacity(rows.len()),
            closed: [Fate::Applied, Fate::Ignored].map(|fate| (fate, Vec::new())),
            unreadable: Vec::new(),
        };
        for row in rows {
            let Ok(line) = Line::read(account, &row.body) else {
                part.unreadable.push(row.id);
                continue;
            };
            // What a thin event is about was asked when it came, or will be.
            let fate = line.fate();
            if fate == Fate::Asking {
                continue;
            }
            if row.state != fate.word() {
                let of = part.closed.iter_mut().filter(|(of, _)| *of == fate);
                of.for_each(|(_, rows)| rows.push(row.id));
            }
            part.lines.push(line);
        }
        part
    }
}
