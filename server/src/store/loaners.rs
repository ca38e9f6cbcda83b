//! Fobs that are lent: the pool, and who has which until when.

use super::{Result, Tx, on};
use shared::ids::{CardId, LoanerId, MemberId, OrganisationId};
use shared::time::Timestamp;

/// A fob of the pool, and the loan that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Loaner {
    /// Which.
    pub id: i64,
    /// What people call it.
    pub label: String,
    /// The last digits of its number.
    pub last_digits: String,
    /// As which card it is lent; none: it is there.
    pub card: Option<i64>,
    /// That card's state.
    pub state: Option<String>,
    /// To whom.
    pub member: Option<i64>,
    /// Their name.
    pub name: Option<String>,
    /// Since when, in milliseconds since 1970.
    pub lent_at: Option<i64>,
    /// First moment at which it opens nothing any more.
    pub ends_at: Option<i64>,
}

/// The pool, in the order of labels.
pub async fn all(tx: &mut Tx, organisation: &OrganisationId) -> Result<Vec<Loaner>> {
    let sql = "SELECT f.id, f.label, f.last_digits, l.card, c.state, l.member, m.name, l.lent_at, l.ends_at \
               FROM loaners f LEFT JOIN loans l ON l.loaner = f.id AND l.returned_at IS NULL \
               LEFT JOIN cards c ON c.id = l.card LEFT JOIN members m ON m.id = l.member \
               WHERE f.organisation = $1 AND f.removed_at IS NULL ORDER BY f.label, f.id";
    Ok(on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?))
}

/// The sealed number of a fob.
pub async fn sealed(tx: &mut Tx, loaner: LoanerId) -> Result<Vec<u8>> {
    let sql = "SELECT uid_sealed FROM loaners WHERE id = $1";
    Ok(on!(tx, c => sqlx::query_scalar(sql).bind(loaner.0).fetch_one(c).await?))
}

/// Whether the pool has a fob with this number, by its keyed index.
pub async fn is_pooled(tx: &mut Tx, organisation: &OrganisationId, index: &[u8]) -> Result<bool> {
    let sql =
        "SELECT id FROM loaners WHERE organisation = $1 AND uid_index = $2 AND removed_at IS NULL";
    let row: Option<i64> = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(index).fetch_optional(c).await?);
    Ok(row.is_some())
}

/// What a fob is stored as.
#[derive(Debug, Clone, Copy)]
pub struct NewLoaner<'a> {
    /// What people call it.
    pub label: &'a str,
    /// Its number, sealed.
    pub uid_sealed: &'a [u8],
    /// By which it is found.
    pub uid_index: &'a [u8],
    /// For people to compare.
    pub last_digits: &'a str,
}

/// Adds a fob to the pool.
pub async fn add(
    tx: &mut Tx,
    organisation: &OrganisationId,
    new: NewLoaner<'_>,
    now: Timestamp,
) -> Result<LoanerId> {
    let sql = "INSERT INTO loaners (organisation, label, uid_sealed, uid_index, last_digits, added_at) \
               VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
    let id: i64 = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(new.label).bind(new.uid_sealed).bind(new.uid_index)
        .bind(new.last_digits).bind(now.0).fetch_one(c).await?);
    Ok(LoanerId(id))
}

/// Takes a fob out of the pool; what was lent stays on record.
pub async fn remove(tx: &mut Tx, loaner: LoanerId, now: Timestamp) -> Result<()> {
    let sql = "UPDATE loaners SET removed_at = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(loaner.0).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Writes down that a fob is lent, as a card of a member.
pub async fn lend(
    tx: &mut Tx,
    loaner: LoanerId,
    (card, member): (CardId, MemberId),
    ends_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let sql =
        "INSERT INTO loans (loaner, card, member, lent_at, ends_at) VALUES ($1, $2, $3, $4, $5)";
    on!(tx, c => sqlx::query(sql)
        .bind(loaner.0).bind(card.0).bind(member.0).bind(now.0).bind(ends_at.0)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Moves the end of a loan.
pub async fn extend(tx: &mut Tx, loaner: LoanerId, ends_at: Timestamp) -> Result<()> {
    let sql = "UPDATE loans SET ends_at = $2 WHERE loaner = $1 AND returned_at IS NULL";
    on!(tx, c => sqlx::query(sql).bind(loaner.0).bind(ends_at.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Ends the loan of a card, if it is a lent fob.
pub async fn give_back(tx: &mut Tx, card: CardId, now: Timestamp) -> Result<()> {
    let sql = "UPDATE loans SET returned_at = $2 WHERE card = $1 AND returned_at IS NULL";
    on!(tx, c => sqlx::query(sql).bind(card.0).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// A fob that a member had or has.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PastLoan {
    /// What people call it.
    pub label: String,
    /// Since when, in milliseconds since 1970.
    pub lent_at: i64,
    /// Until when.
    pub ends_at: i64,
    /// When it came back.
    pub returned_at: Option<i64>,
}

/// All loans of a member, newest first.
pub async fn of_member(tx: &mut Tx, member: MemberId) -> Result<Vec<PastLoan>> {
    let sql = "SELECT f.label, l.lent_at, l.ends_at, l.returned_at FROM loans l \
               JOIN loaners f ON f.id = l.loaner WHERE l.member = $1 ORDER BY l.lent_at DESC, f.label";
    Ok(on!(tx, c => sqlx::query_as(sql).bind(member.0).fetch_all(c).await?))
}
