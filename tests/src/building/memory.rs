//! What a building remembers, so that many histories can begin alike and soon.

use super::lent::tables;
use super::{Building, on};
use crate::stripe_sim::StripeSim;
use rand_chacha::ChaCha20Rng;
use shared::time::Timestamp;
use sqlx::AssertSqlSafe;

/// A database in memory, Stripe and the clock as they were.
#[derive(Debug)]
pub struct Memory {
    now: Timestamp,
    random: ChaCha20Rng,
    sim: StripeSim,
    back: String,
}

impl Building {
    /// Keeps what there is now, once in a building's life.
    pub fn remember(&mut self) -> Memory {
        if let Some(lent) = &mut self.lent {
            lent.kept = true;
        }
        let tables = self.read(async |tx| Ok(tables(tx).await));
        let keep = tables.iter().map(|(table, columns)| {
            format!("CREATE TABLE kept_{table} AS SELECT {columns} FROM {table};")
        });
        self.run(keep.collect());
        let delete = tables
            .iter()
            .rev()
            .map(|(table, _)| format!("DELETE FROM {table};"));
        let insert = tables.iter().map(|(table, columns)| {
            format!("INSERT INTO {table} ({columns}) SELECT {columns} FROM kept_{table};")
        });
        let back = ["BEGIN;".to_owned()]
            .into_iter()
            .chain(delete)
            .chain(insert)
            .chain(["COMMIT;".to_owned()])
            .collect();
        Memory {
            now: self.now,
            random: self.server.random.clone(),
            sim: self.sim().clone(),
            back,
        }
    }

    /// A fresh server begins again where that was kept.
    pub fn go_back(&mut self, memory: &Memory) {
        self.crash_server();
        self.run(memory.back.clone());
        self.now = memory.now;
        self.server.random = memory.random.clone();
        if self.sim().now() != memory.sim.now() {
            *self.sim() = memory.sim.clone();
        }
        self.start_server();
    }

    fn run(&self, sql: String) {
        self.read(async |tx| {
            on!(tx, c => sqlx::query(AssertSqlSafe(sql)).execute(c).await?.rows_affected());
            Ok(())
        });
    }
}
