//! A SQLite file: one connection writes, several read.

use super::Result;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection as _, Sqlite, SqlitePool};
use std::ops::{Deref, DerefMut};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard, mpsc};
use tokio::time::{Interval, MissedTickBehavior};

/// So often at most what was committed is copied from the log (WAL) to the file, beside the writer: else every few
/// hundred events the one whose commit fills the log waits for all of it (sqlite.org/wal.html, section 3.3).
const CHECKPOINT_EVERY: Duration = Duration::from_millis(100);
/// Pages; with so many in the log a commit does wait, so that the log ends somewhere while writing never does.
const LONGEST_LOG: &str = "4000";

/// An open file.
#[derive(Debug, Clone)]
pub struct File {
    /// None once it was closed. Not of a pool: that would try it after every transaction.
    write: Arc<Mutex<Option<Writer>>>,
    /// None for a database in memory, which belongs to its only connection.
    read: Option<SqlitePool>,
    copy: Copier,
}

/// The connection that copies the log to the file; none in memory, or once it was closed.
type Copier = Arc<Mutex<Option<SqliteConnection>>>;

/// The connection that writes.
#[derive(Debug)]
pub struct Writer {
    connection: SqliteConnection,
    /// Whether a transaction of it has not ended.
    pub open: bool,
    /// Rung when something may have been written.
    written: mpsc::Sender<()>,
}

/// A transaction; dropped before it has ended, nothing happened.
#[derive(Debug)]
pub enum Transaction {
    /// Of a reader.
    Read(sqlx::Transaction<'static, Sqlite>),
    /// Of the writer; what begins and ends it are statements like any other.
    Write(Writing),
}

/// The writer, taken until this is dropped.
#[derive(Debug)]
pub struct Writing(Option<Guard>);

type Guard = OwnedMappedMutexGuard<Option<Writer>, Writer>;

impl File {
    /// Opens a file, creating it if it is missing.
    pub async fn open(address: &str) -> Result<Self> {
        let options = SqliteConnectOptions::from_str(address)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .pragma("wal_autocheckpoint", LONGEST_LOG)
            .statement_cache_capacity(400);
        // KiB: without it a batch of thousands of members is read from the file again and again.
        let writing = options.clone().pragma("cache_size", "-16000");
        let memory = address.contains(":memory:");
        let (written, writes) = mpsc::channel(1);
        let writer = Writer {
            connection: SqliteConnection::connect_with(&writing).await?,
            open: false,
            written,
        };
        let copy = Copier::default();
        if !memory {
            *copy.lock().await = Some(SqliteConnection::connect_with(&options).await?);
            let mut pace = tokio::time::interval(CHECKPOINT_EVERY);
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            tokio::spawn(checkpoint(copy.clone(), writes, pace));
        }
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false);
        Ok(Self {
            write: Arc::new(Mutex::new(Some(writer))),
            read: (!memory).then(|| pool.connect_lazy_with(options)),
            copy,
        })
    }

    /// The connection that writes, once it is free, with no transaction begun.
    pub async fn writer(&self) -> Result<Transaction> {
        let guard = self.write.clone().lock_owned().await;
        let mut writer =
            OwnedMutexGuard::try_map(guard, Option::as_mut).map_err(|_| sqlx::Error::PoolClosed)?;
        writer.undo().await;
        Ok(Transaction::Write(Writing(Some(writer))))
    }

    /// A transaction that only reads; none if the writer has to do it.
    pub async fn reader(&self) -> Result<Option<Transaction>> {
        Ok(match &self.read {
            Some(read) => Some(Transaction::Read(read.begin().await?)),
            None => None,
        })
    }

    /// Writes the file anew without what was deleted, and empties the log (sqlite.org/lang_vacuum.html,
    /// sqlite.org/pragma.html#pragma_wal_checkpoint); false if a reader kept the log.
    pub async fn clean(&self) -> Result<bool> {
        let mut writer = self.writer().await?;
        sqlx::query("VACUUM").execute(&mut *writer).await?;
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let (busy, ..): (i64, i64, i64) = sqlx::query_as(sql).fetch_one(&mut *writer).await?;
        Ok(busy == 0)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        if let Some(read) = &self.read {
            read.close().await;
        }
        // The last one to close leaves a file without a log.
        let copy = self.copy.lock().await.take();
        let writer = self.write.lock().await.take();
        for connection in copy
            .into_iter()
            .chain(writer.map(|writer| writer.connection))
        {
            if let Err(error) = connection.close().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the database could not be closed"
                );
            }
        }
    }
}

/// Copies what was committed to the file, until it is closed or the writer is gone.
async fn checkpoint(copy: Copier, mut writes: mpsc::Receiver<()>, mut pace: Interval) {
    while writes.recv().await.is_some() {
        pace.tick().await;
        let mut copy = copy.lock().await;
        let Some(connection) = copy.as_mut() else {
            return;
        };
        let passive = "PRAGMA wal_checkpoint(PASSIVE)";
        if let Err(error) = sqlx::query(passive).execute(connection).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "the log could not be copied; a commit does it"
            );
        }
    }
}

impl Writer {
    /// Undoes a transaction that has not ended.
    async fn undo(&mut self) {
        if self.open {
            // After some errors SQLite has done it already (sqlite.org/lang_transaction.html, section 3).
            let undone = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
            tracing::debug!(undone = undone.is_ok(), "a transaction was dropped");
            self.open = false;
        }
    }
}

impl Drop for Writing {
    /// Other processes write too: the file's lock is given back now, not when somebody here writes again.
    fn drop(&mut self) {
        let Some(mut writer) = self.0.take() else {
            return;
        };
        // Rung already, or nobody hears it.
        _ = writer.written.try_send(());
        if writer.open
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(async move { writer.undo().await });
        }
    }
}

impl Deref for Writing {
    type Target = Writer;

    fn deref(&self) -> &Writer {
        self.0.as_ref().expect("it is held until it is dropped")
    }
}

impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut Writer {
        self.0.as_mut().expect("it is held until it is dropped")
    }
}

impl Deref for Transaction {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Read(transaction) => transaction,
            Self::Write(writer) => &writer.connection,
        }
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Read(transaction) => &mut *transaction,
            Self::Write(writer) => &mut writer.connection,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_closed_file_has_no_log() {
        let directory = tempfile::tempdir().expect("a directory");
        let address = format!("sqlite://{}/club.db", directory.path().display());
        let file = File::open(&address).await.expect("opens");
        let mut writing = file.writer().await.expect("a writer");
        let write = "CREATE TABLE paid (paid INTEGER)";
        let written = sqlx::query(write).execute(&mut *writing).await;
        written.expect("written");
        drop(writing);
        file.close().await;
        let left = std::fs::read_dir(directory.path()).expect("a directory");
        assert_eq!(left.count(), 1);
    }

    #[tokio::test]
    async fn what_was_committed_is_copied_to_the_file_itself() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("club.db");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .pragma("wal_autocheckpoint", "0");
        let mut writer = SqliteConnection::connect_with(&options)
            .await
            .expect("opens");
        let write = "CREATE TABLE paid (paid INTEGER)";
        sqlx::query(write)
            .execute(&mut writer)
            .await
            .expect("written");
        let (written, writes) = mpsc::channel(1);
        written.try_send(()).expect("rung");
        drop(written);
        let connection = SqliteConnection::connect_with(&options)
            .await
            .expect("opens");
        let connection = Arc::new(Mutex::new(Some(connection)));
        checkpoint(connection, writes, tokio::time::interval(CHECKPOINT_EVERY)).await;

        let alone = directory.path().join("without-its-log.db");
        std::fs::copy(&path, &alone).expect("copied");
        let mut alone = SqliteConnection::connect_with(&options.filename(alone))
            .await
            .expect("opens");
        let read = sqlx::query("SELECT paid FROM paid")
            .execute(&mut alone)
            .await;
        read.expect("the table is in the file");
    }

    #[tokio::test]
    async fn a_transaction_that_was_dropped_leaves_the_file_to_other_processes() {
        let directory = tempfile::tempdir().expect("a directory");
        let address = format!("sqlite://{}/club.db", directory.path().display());
        let file = File::open(&address).await.expect("opens");
        let begin = "BEGIN IMMEDIATE";
        let mut dropped = file.writer().await.expect("a writer");
        let Transaction::Write(writing) = &mut dropped else {
            panic!("it writes");
        };
        writing.open = true;
        let begun = sqlx::query(begin).execute(&mut *dropped).await;
        begun.expect("begun");
        drop(dropped);
        // Free again once it is undone; nobody asks for it.
        assert!(!file.write.lock().await.as_ref().expect("open").open);
        let other = SqliteConnectOptions::from_str(&address).expect("an address");
        let other = other.busy_timeout(Duration::ZERO);
        let mut other = SqliteConnection::connect_with(&other).await.expect("opens");
        sqlx::query(begin)
            .execute(&mut other)
            .await
            .expect("nobody writes");
    }
}
