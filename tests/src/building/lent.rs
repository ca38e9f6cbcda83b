//! Databases in memory that are emptied and lent again: opening one takes longer than many a story lasts.

use super::on;
use server::store::trip::Statement;
use server::store::{Store, Tx};
use sqlx::AssertSqlSafe;
use std::cell::RefCell;
use std::sync::{Arc, OnceLock};
use tokio::runtime::Runtime;

thread_local! {
    // A database works on a thread of its own, which stays on the core of the one that opened it.
    static FREE: RefCell<Vec<Store>> = const { RefCell::new(Vec::new()) };
}
static EMPTYING: OnceLock<String> = OnceLock::new();

/// A database in memory, empty; it goes back when this is dropped.
pub struct Lent {
    store: Store,
    runtime: Arc<Runtime>,
    /// Its schema is not that of the others.
    pub kept: bool,
}

impl Lent {
    /// Borrows one, or opens one if all are lent.
    pub fn borrow(runtime: &Arc<Runtime>) -> Self {
        let free = FREE.with_borrow_mut(Vec::pop);
        let store = free.unwrap_or_else(|| runtime.block_on(open()));
        Self {
            store,
            runtime: runtime.clone(),
            kept: false,
        }
    }

    /// What was borrowed.
    pub fn store(&self) -> Store {
        self.store.clone()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.kept || std::thread::panicking() {
            return;
        }
        self.runtime.block_on(empty(&self.store));
        FREE.with_borrow_mut(|free| free.push(self.store.clone()));
    }
}

async fn open() -> Store {
    let store = Store::open("sqlite::memory:").await;
    let store = store.expect("a database in memory");
    let mut tx = store.begin().await.expect("the database answers");
    // What empties it must empty the audit log, too; the trigger has tests of its own, in the server.
    tx.later(Statement::new("DROP TRIGGER audit_stays"));
    tx.commit().await.expect("committed");
    store
}

async fn empty(store: &Store) {
    let mut tx = store.begin().await.expect("the database answers");
    if EMPTYING.get().is_none() {
        let delete = |(table, _): &(String, _)| format!("DELETE FROM {table};");
        let sql = tables(&mut tx).await.iter().rev().map(delete).collect();
        EMPTYING.get_or_init(|| sql);
    }
    let sql = EMPTYING.get().expect("it is there");
    let run = async |tx: &mut Tx| {
        on!(tx, c => sqlx::query(AssertSqlSafe(sql.as_str())).execute(c).await?.rows_affected());
        Ok::<_, sqlx::Error>(())
    };
    run(&mut tx).await.expect("every row goes");
    tx.commit().await.expect("committed");
}

/// The tables with rows of ours and the columns that are written (not those made of others), parents before their
/// children. A pragma would do without that order, and throw every prepared statement away.
pub async fn tables(tx: &mut Tx) -> Vec<(String, String)> {
    const TABLES: &str = "SELECT name, (SELECT group_concat(c.name) FROM pragma_table_info(s.name) c) FROM sqlite_schema s WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' \
                          AND name NOT IN ('sqlite_stat1', 'sqlite_stat4') ORDER BY rowid";
    let asked =
        async { Ok::<_, sqlx::Error>(on!(tx, c => sqlx::query_as(TABLES).fetch_all(c).await?)) };
    asked.await.expect("there is a schema")
}
