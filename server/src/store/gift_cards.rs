//! Gift cards: issued here, redeemed once as credit of a customer at Stripe.

use super::trip::Statement;
use super::{Result, Tx, on};
use shared::ids::{AccountId, MemberId, OrganisationId};
use shared::time::Timestamp;

/// A gift card; its code is known only to whoever holds it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct GiftCard {
    /// Our number.
    pub id: i64,
    /// SHA-256 of its code.
    pub code_sha256: Vec<u8>,
    /// The last letters of its code, to tell cards apart.
    pub last_letters: String,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// Who bought it.
    pub buyer: String,
    /// A remark.
    pub note: String,
    /// By whom it was issued.
    pub made_by: String,
    /// When, in milliseconds since 1970.
    pub issued_at: i64,
    /// `issued`, `redeeming`, `redeemed` or `void`.
    pub state: String,
    /// How often Stripe refused it.
    pub tries: i64,
    /// `cus_…` who gets the credit.
    pub customer: Option<String>,
    /// For whom.
    pub member: Option<i64>,
    /// When redeeming began.
    pub begun_at: Option<i64>,
    /// Stripe's id of what was added to the balance.
    pub movement: Option<String>,
    /// When it was redeemed or declared void.
    pub settled_at: Option<i64>,
}

/// A gift card to issue.
#[derive(Debug, Clone, Copy)]
pub struct NewGiftCard<'a> {
    /// SHA-256 of its code.
    pub code_sha256: &'a [u8; 32],
    /// The last letters of its code.
    pub last_letters: &'a str,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217, lower case.
    pub currency: &'a str,
    /// Who bought it.
    pub buyer: &'a str,
    /// A remark.
    pub note: &'a str,
    /// By whom it is issued.
    pub made_by: &'a str,
}

const COLUMNS: &str = "id, code_sha256, last_letters, amount, currency, buyer, note, made_by, issued_at, state, tries, \
                       customer, member, begun_at, movement, settled_at";

/// Issues a gift card; returns its number.
pub async fn issue(
    tx: &mut Tx,
    organisation: &OrganisationId,
    card: NewGiftCard<'_>,
    now: Timestamp,
) -> Result<i64> {
    let sql = "INSERT INTO gift_cards (organisation, code_sha256, last_letters, amount, currency, buyer, note, made_by, \
               issued_at, state, tries) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'issued', 0) RETURNING id";
    Ok(on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(card.code_sha256.as_slice()).bind(card.last_letters)
        .bind(card.amount).bind(card.currency).bind(card.buyer).bind(card.note).bind(card.made_by).bind(now.0)
        .fetch_one(c).await?))
}

/// Gift cards, newest first.
pub async fn all(
    tx: &mut Tx,
    organisation: &OrganisationId,
    before: i64,
    limit: i64,
) -> Result<Vec<GiftCard>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM gift_cards WHERE organisation = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
    );
    let question = Statement::new(sql).bind(organisation.as_str());
    tx.ask(question.bind(before).bind(limit)).await
}

/// One gift card.
pub async fn one(tx: &mut Tx, organisation: &OrganisationId, id: i64) -> Result<Option<GiftCard>> {
    let sql = format!("SELECT {COLUMNS} FROM gift_cards WHERE organisation = $1 AND id = $2");
    let question = Statement::new(sql).bind(organisation.as_str()).bind(id);
    Ok(tx.ask(question).await?.pop())
}

/// The gift card of a code.
pub async fn of_code(
    tx: &mut Tx,
    organisation: &OrganisationId,
    code_sha256: &[u8; 32],
) -> Result<Option<GiftCard>> {
    let sql =
        format!("SELECT {COLUMNS} FROM gift_cards WHERE organisation = $1 AND code_sha256 = $2");
    let question = Statement::new(sql).bind(organisation.as_str());
    Ok(tx.ask(question.bind(code_sha256.as_slice())).await?.pop())
}

/// Gift cards whose redeeming was begun and is not known to have ended.
pub async fn redeeming(tx: &mut Tx, account: AccountId) -> Result<Vec<GiftCard>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM gift_cards WHERE state = 'redeeming' AND account = $1 ORDER BY id"
    );
    tx.ask(Statement::new(sql).bind(account.0)).await
}

/// Begins to redeem a card for a customer; false if it is not there to be redeemed any more.
pub async fn begin(
    tx: &mut Tx,
    id: i64,
    (account, customer): (AccountId, &str),
    member: MemberId,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE gift_cards SET state = 'redeeming', account = $2, customer = $3, member = $4, begun_at = $5 \
               WHERE id = $1 AND state = 'issued'";
    let rows = on!(tx, c => sqlx::query(sql)
        .bind(id).bind(account.0).bind(customer).bind(member.0).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Notes that Stripe has added a card's amount; false if that was noted before.
pub async fn redeemed(tx: &mut Tx, id: i64, movement: &str, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE gift_cards SET state = 'redeemed', movement = $2, settled_at = $3 \
               WHERE id = $1 AND state = 'redeeming'";
    let rows = on!(tx, c => sqlx::query(sql).bind(id).bind(movement).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Notes that Stripe refused to add a card's amount at this try, so that it may be redeemed again.
pub async fn refused(tx: &mut Tx, id: i64, tries: i64) -> Result<()> {
    let sql = "UPDATE gift_cards SET state = 'issued', account = NULL, customer = NULL, member = NULL, begun_at = NULL, \
               tries = tries + 1 WHERE id = $1 AND state = 'redeeming' AND tries = $2";
    on!(tx, c => sqlx::query(sql).bind(id).bind(tries).execute(c).await?.rows_affected());
    Ok(())
}

/// Whether the end of this try to redeem a card is not known; until the transaction ends nobody else notes one.
pub async fn is_open(tx: &mut Tx, id: i64, tries: i64) -> Result<bool> {
    // Written, though nothing changes: PostgreSQL then lets others wait.
    let sql =
        "UPDATE gift_cards SET tries = tries WHERE id = $1 AND state = 'redeeming' AND tries = $2";
    let rows =
        on!(tx, c => sqlx::query(sql).bind(id).bind(tries).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Declares a card void; false if it is not there to be redeemed any more.
pub async fn void(tx: &mut Tx, id: i64, now: Timestamp) -> Result<bool> {
    let sql =
        "UPDATE gift_cards SET state = 'void', settled_at = $2 WHERE id = $1 AND state = 'issued'";
    let rows =
        on!(tx, c => sqlx::query(sql).bind(id).bind(now.0).execute(c).await?.rows_affected());
    Ok(rows == 1)
}
