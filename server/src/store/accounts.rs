//! Stripe accounts: which one is on record, how far its events were pulled, when all of it was last compared.

use super::trip::Statement;
use super::{Result, Tx, on};
use crate::app::Mode;
use shared::ids::{AccountId, OrganisationId};
use shared::time::Timestamp;

/// Our row for a Stripe account.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Account {
    /// Our id.
    pub id: i64,
    /// `acct_…`, once a key has named it.
    pub stripe_id: Option<String>,
    /// When a key last proved to be of this account.
    pub confirmed_at: Option<i64>,
    /// Events made before this were pulled, in milliseconds since 1970.
    pub pull_created: i64,
    /// Events made before this were looked through for deliveries that failed; none: never.
    pub swept_created: Option<i64>,
    /// When its catalogue was last listed.
    pub listed_at: Option<i64>,
    /// When everything was last compared with Stripe.
    pub reconciled_at: Option<i64>,
}

/// The account of an organisation by its name, `direct` or `acct_…`, in a mode.
pub async fn find(
    tx: &mut Tx,
    organisation: &OrganisationId,
    name: &str,
    mode: Mode,
) -> Result<Account> {
    let sql = "SELECT id, stripe_id, confirmed_at, pull_created, swept_created, listed_at, reconciled_at FROM accounts \
               WHERE organisation = $1 AND name = $2 AND mode = $3";
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(name).bind(mode.word()).fetch_one(c).await?),
    )
}

/// Makes sure that there is a row for the account; what happened before `now` is not pulled.
pub fn meet(tx: &mut Tx, organisation: &OrganisationId, name: &str, mode: Mode, now: Timestamp) {
    // What was reached by its own key and is by a platform's now is the same account, with all its books.
    let sql = "UPDATE accounts SET name = $2 WHERE organisation = $1 AND mode = $3 AND name = 'direct' AND stripe_id = $2 \
               AND NOT EXISTS (SELECT 1 FROM accounts other \
               WHERE other.organisation = $1 AND other.mode = $3 AND other.name = $2)";
    let write = Statement::new(sql)
        .bind(organisation.as_str())
        .bind(name)
        .bind(mode.word());
    tx.later(write);
    let sql = "INSERT INTO accounts (organisation, name, mode, pull_created) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (organisation, name, mode) DO NOTHING";
    let write = Statement::new(sql)
        .bind(organisation.as_str())
        .bind(name)
        .bind(mode.word())
        .bind(now.0);
    tx.later(write);
}

/// Records which account a key belongs to; false if another one is on record.
pub async fn confirm(
    tx: &mut Tx,
    account: AccountId,
    stripe_id: &str,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE accounts SET stripe_id = $2, confirmed_at = $3 \
               WHERE id = $1 AND (stripe_id IS NULL OR stripe_id = $2)";
    let rows = on!(tx, c => sqlx::query(sql).bind(account.0).bind(stripe_id).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Moves the cursor of the events that were pulled; never back.
pub async fn pulled(tx: &mut Tx, account: AccountId, created: Timestamp) -> Result<()> {
    let sql = "UPDATE accounts SET pull_created = $2 WHERE id = $1 AND pull_created < $2";
    on!(tx, c => sqlx::query(sql).bind(account.0).bind(created.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Moves the cursor of the look for deliveries that failed.
pub async fn swept(tx: &mut Tx, account: AccountId, created: Timestamp) -> Result<()> {
    let sql = "UPDATE accounts SET swept_created = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(account.0).bind(created.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Whether everything should be compared with Stripe: it was not since a moment, as far as a clock that is right can
/// say, and there is something to compare.
pub async fn wants_reconciliation(
    tx: &mut Tx,
    account: AccountId,
    since: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM accounts a WHERE a.id = $1 \
               AND (COALESCE(a.reconciled_at, 0) < $2 OR a.reconciled_at > $3) \
               AND EXISTS (SELECT 1 FROM customers c WHERE c.account = a.id)";
    let due: i64 = on!(tx, c => sqlx::query_scalar(sql).bind(account.0).bind(since.0).bind(now.0).fetch_one(c).await?);
    Ok(due > 0)
}

/// Notes that everything was compared with Stripe.
pub fn reconciled(tx: &mut Tx, account: AccountId, now: Timestamp) {
    let sql = "UPDATE accounts SET reconciled_at = $2 WHERE id = $1";
    tx.later(Statement::new(sql).bind(account.0).bind(now.0));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[tokio::test]
    async fn an_account_keeps_its_books_when_a_platform_reads_it() {
        let store = Store::open("sqlite::memory:").await.expect("opens");
        let (main, now) = ("main".parse().expect("a name"), Timestamp(0));
        let mut tx = store.begin().await.expect("begins");
        crate::setup::organisation(&mut tx, &main, now)
            .await
            .expect("founded");
        let mut rows = Vec::new();
        for name in ["direct", "acct_1", "acct_1", "acct_2"] {
            meet(&mut tx, &main, name, Mode::Test, now);
            let row = find(&mut tx, &main, name, Mode::Test).await;
            let id = AccountId(row.expect("found").id);
            confirm(&mut tx, id, "acct_1", now)
                .await
                .expect("confirmed");
            rows.push(id);
        }
        assert_eq!(rows[..3], [rows[0]; 3]);
        assert_ne!(rows[3], rows[0], "of another account nothing is taken over");
    }
}
