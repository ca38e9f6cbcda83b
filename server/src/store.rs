//! All SQL. One query text serves SQLite and PostgreSQL; times are milliseconds, ids are Stripe's or ours.

use sqlx::{PgPool, Postgres};

pub mod accounts;
pub mod agents;
pub mod attention;
pub mod audit;
pub mod catalogue;
pub mod erasures;
mod facts;
pub mod file;
pub mod gift_cards;
pub mod idempotency_keys;
pub mod identities;
pub mod imports;
pub mod inbox;
pub mod inductions;
pub mod journal;
pub mod ledger;
pub mod letters;
pub mod lists;
pub mod loaners;
pub mod many;
pub mod member_notes;
pub mod member_sessions;
pub mod members;
pub mod mirror;
pub mod notices;
pub mod passages;
pub mod passkeys;
pub mod payers;
pub mod people;
pub mod pins;
pub mod places;
pub mod plan_changes;
pub mod post;
pub mod prices;
pub mod reading;
pub mod records;
pub mod reversals;
pub mod rulebook;
pub mod search;
pub mod staff;
pub mod terms;
pub mod trip;
pub mod visits;
pub mod weeks;

use file::{File, Transaction};
use trip::{Statement, Trip};

static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/sqlite");
static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/postgres");

/// The database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It could not be reached, or refused.
    #[error("the database did not answer a query")]
    Query(#[from] sqlx::Error),
    /// Its tables could not be brought up to date.
    #[error("the database could not be brought to this version")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A row holds what this version cannot read.
    #[error("table {table}, row {row}: column {column} is not readable")]
    Row {
        /// The table.
        table: &'static str,
        /// Its key.
        row: String,
        /// What is wrong in it.
        column: &'static str,
    },
    /// A row that must be there is not.
    #[error("table {table}: there is no row {row}")]
    Missing {
        /// The table.
        table: &'static str,
        /// Its key.
        row: String,
    },
    /// An earlier statement of the transaction failed.
    #[error("an earlier statement of this transaction failed, so it cannot be committed")]
    Broken,
    /// The address is of a kind that is not known.
    #[error("`{0}` is no database address: it begins with sqlite: or postgres:")]
    Address(String),
}

/// A result of the store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The database.
#[derive(Debug, Clone)]
pub enum Store {
    /// One file.
    Sqlite(File),
    /// A server.
    Postgres(PgPool),
}

/// A transaction; dropped without [`Tx::commit`], nothing happened.
#[derive(Debug)]
pub struct Tx {
    /// What carries it.
    pub connection: Connection,
    trip: Trip,
}

/// What carries a transaction.
#[derive(Debug)]
pub enum Connection {
    /// In a file.
    Sqlite(Transaction),
    /// On a server.
    Postgres(sqlx::Transaction<'static, Postgres>),
}

/// Runs one body on whichever connection the transaction has, after what waits was written.
macro_rules! on {
    ($tx:expr, $connection:ident => $body:expr) => {{
        let tx: &mut $crate::store::Tx = $tx;
        tx.carry().await?;
        match &mut tx.connection {
            $crate::store::Connection::Sqlite(transaction) => {
                let $connection = &mut **transaction;
                $body
            }
            $crate::store::Connection::Postgres(transaction) => {
                let $connection = &mut **transaction;
                $body
            }
        }
    }};
}
pub(crate) use on;

/// The condition that a column names a member who is asked for at this place, for whom an index is used; if nobody is, it
/// always holds.
pub(crate) fn of(member: Option<i64>, column: &str, place: &str) -> String {
    match member {
        Some(_) => format!("{column} = {place}"),
        None => format!("CAST({place} AS BIGINT) = 0"),
    }
}

/// Decodes a JSON column, naming the row if that fails.
pub(crate) fn json<T: serde::de::DeserializeOwned>(
    text: &str,
    table: &'static str,
    column: &'static str,
    row: impl ToString,
) -> Result<T> {
    serde_json::from_str(text).map_err(|_| StoreError::Row {
        table,
        column,
        row: row.to_string(),
    })
}

/// Encodes plain data for a JSON column.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain data with text keys")
}

/// Decodes a CBOR column, naming the row if that fails.
pub(crate) fn cbor<'b, T: minicbor::Decode<'b, ()>>(
    bytes: &'b [u8],
    table: &'static str,
    column: &'static str,
    row: impl ToString,
) -> Result<T> {
    minicbor::decode(bytes).map_err(|_| StoreError::Row {
        table,
        column,
        row: row.to_string(),
    })
}

impl Store {
    /// Opens the database at an address, creating a missing SQLite file, and brings its tables up to date.
    pub async fn open(address: &str) -> Result<Self> {
        if address.starts_with("postgres:") || address.starts_with("postgresql:") {
            let pool = PgPool::connect(address).await?;
            POSTGRES.run(&pool).await?;
            return Ok(Self::Postgres(pool));
        }
        if !address.starts_with("sqlite:") {
            return Err(StoreError::Address(address.to_owned()));
        }
        let file = File::open(address).await?;
        SQLITE.run(&mut *file.writer().await?).await?;
        Ok(Self::Sqlite(file))
    }

    /// Begins a transaction that may write.
    pub async fn begin(&self) -> Result<Tx> {
        let connection = match self {
            Self::Sqlite(file) => Connection::Sqlite(file.writer().await?),
            Self::Postgres(pool) => Connection::Postgres(pool.begin().await?),
        };
        Ok(Tx::new(connection))
    }

    /// Begins a transaction that only reads.
    pub async fn begin_read(&self) -> Result<Tx> {
        if let Self::Sqlite(file) = self
            && let Some(transaction) = file.reader().await?
        {
            return Ok(Tx::new(Connection::Sqlite(transaction)));
        }
        self.begin().await
    }

    /// Takes what was deleted out of the file itself, and out of its log; false if somebody read meanwhile: then it has to
    /// be done again. A server gives the space back that rows had; its own log and backups are its operator's.
    pub async fn clean(&self) -> Result<bool> {
        match self {
            Self::Sqlite(file) => file.clean().await,
            Self::Postgres(pool) => {
                sqlx::query("VACUUM").execute(pool).await?;
                Ok(true)
            }
        }
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(file) => file.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    fn new(connection: Connection) -> Self {
        let mut tx = Self {
            connection,
            trip: Trip::default(),
        };
        if let Connection::Sqlite(Transaction::Write(writer)) = &mut tx.connection {
            writer.open = true;
            tx.later(Statement::new("BEGIN IMMEDIATE"));
        }
        tx
    }

    /// Makes what happened last.
    pub async fn commit(mut self) -> Result<()> {
        if let Connection::Sqlite(Transaction::Write(_)) = self.connection {
            self.later(Statement::new("COMMIT"));
        }
        self.carry().await?;
        match self.connection {
            Connection::Sqlite(Transaction::Write(mut writer)) => writer.open = false,
            Connection::Sqlite(Transaction::Read(transaction)) => transaction.commit().await?,
            Connection::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }

    /// A part that may fail alone: undone by [`Tx::undo`], kept by [`Tx::keep`].
    pub async fn part(&mut self) -> Result<()> {
        on!(self, c => sqlx::query("SAVEPOINT part").execute(c).await?.rows_affected());
        Ok(())
    }

    /// Keeps the part.
    pub async fn keep(&mut self) -> Result<()> {
        on!(self, c => sqlx::query("RELEASE SAVEPOINT part").execute(c).await?.rows_affected());
        Ok(())
    }

    /// Undoes the part.
    pub async fn undo(&mut self) -> Result<()> {
        on!(self, c => sqlx::query("ROLLBACK TO SAVEPOINT part").execute(c).await?.rows_affected());
        self.keep().await
    }

    /// The next value of a named counter, from 1.
    pub async fn count(&mut self, name: &str) -> Result<i64> {
        let sql = "INSERT INTO counters (name, value) VALUES ($1, 1) \
                   ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value";
        Ok(on!(self, c => sqlx::query_scalar(sql).bind(name).fetch_one(c).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(tx: &mut Tx, sql: &'static str) -> Result<u64> {
        Ok(on!(tx, c => sqlx::query(sql).execute(c).await?.rows_affected()))
    }

    #[tokio::test]
    async fn after_a_full_disk_it_writes_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let address = format!("sqlite://{}/club.db", directory.path().display());
        let store = Store::open(&address).await.expect("opens");
        let mut tx = store.begin().await.expect("begins");
        run(&mut tx, "CREATE TABLE heap (bytes BLOB NOT NULL)")
            .await
            .expect("made");
        tx.commit().await.expect("committed");

        let mut tx = store.begin().await.expect("begins");
        // No file may grow beyond what it is: the same error as a full disk.
        run(&mut tx, "PRAGMA max_page_count = 1")
            .await
            .expect("set");
        let full = run(&mut tx, "INSERT INTO heap VALUES (zeroblob(1000000))").await;
        assert!(full.is_err());
        drop(tx);

        let mut tx = store.begin().await.expect("begins again");
        run(&mut tx, "PRAGMA max_page_count = 1000000")
            .await
            .expect("there is room again");
        run(&mut tx, "INSERT INTO heap VALUES (zeroblob(1000000))")
            .await
            .expect("written");
        tx.commit().await.expect("committed");
    }
}
