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
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};

/// An open file.
#[derive(Debug, Clone)]
pub struct File {
    /// None once it was closed. Not of a pool: that would try it after every transaction.
    write: Arc<Mutex<Option<Writer>>>,
    /// None for a database in memory, which belongs to its only connection.
    read: Option<SqlitePool>,
}

/// The connection that writes.
#[derive(Debug)]
pub struct Writer {
    connection: SqliteConnection,
    /// Whether a transaction of it has not ended.
    pub open: bool,
}

/// A transaction; dropped before it has ended, nothing happened.
#[derive(Debug)]
pub enum Transaction {
    /// Of a reader.
    Read(sqlx::Transaction<'static, Sqlite>),
    /// Of the writer; what begins and ends it are statements like any other.
    Write(OwnedMappedMutexGuard<Option<Writer>, Writer>),
}

impl File {
    /// Opens a file, creating it if it is missing.
    pub async fn open(address: &str) -> Result<Self> {
        let options = SqliteConnectOptions::from_str(address)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .pragma("wal_autocheckpoint", "4000")
            // KiB: without it a club of thousands is read from the file again and again.
            .pragma("cache_size", "-16000")
            .statement_cache_capacity(400);
        let writer = Writer {
            connection: SqliteConnection::connect_with(&options).await?,
            open: false,
        };
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false);
        let memory = address.contains(":memory:");
        Ok(Self {
            write: Arc::new(Mutex::new(Some(writer))),
            read: (!memory).then(|| pool.connect_lazy_with(options)),
        })
    }

    /// The connection that writes, once it is free, with no transaction begun. One that was dropped is undone here,
    /// which is soon: somebody writes every second.
    pub async fn writer(&self) -> Result<Transaction> {
        let guard = self.write.clone().lock_owned().await;
        let mut writer =
            OwnedMutexGuard::try_map(guard, Option::as_mut).map_err(|_| sqlx::Error::PoolClosed)?;
        if std::mem::take(&mut writer.open) {
            // After some errors SQLite has done it already (sqlite.org/lang_transaction.html, section 3).
            let undone = sqlx::query("ROLLBACK")
                .execute(&mut writer.connection)
                .await;
            tracing::debug!(undone = undone.is_ok(), "a transaction did not end");
        }
        Ok(Transaction::Write(writer))
    }

    /// A transaction that only reads; none if the writer has to do it.
    pub async fn reader(&self) -> Result<Option<Transaction>> {
        Ok(match &self.read {
            Some(read) => Some(Transaction::Read(read.begin().await?)),
            None => None,
        })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        if let Some(read) = &self.read {
            read.close().await;
        }
        let writer = self.write.lock().await.take();
        if let Some(writer) = writer
            && let Err(error) = writer.connection.close().await
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the database could not be closed"
            );
        }
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
