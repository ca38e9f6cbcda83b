//! Files of members that were taken over, and what each of them made.

use super::many::{parts, rows};
use super::trip::Statement;
use super::{Result, Tx, on};
use shared::ids::{MemberId, OrganisationId};
use shared::time::Timestamp;

/// A file that was taken over.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ImportRow {
    /// Our id.
    pub id: i64,
    /// By whom, as the audit log has it.
    pub made_by: String,
    /// When, in milliseconds since 1970.
    pub made_at: i64,
    /// Who undid it.
    pub undone_by: Option<String>,
    /// When.
    pub undone_at: Option<i64>,
    /// How many members it made that are there.
    pub members: i64,
    /// How many cards.
    pub cards: i64,
    /// How many payments.
    pub payments: i64,
}

/// What an import makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// A member.
    Member,
    /// A card.
    Card,
    /// A payment.
    Payment,
}

impl Thing {
    /// The word in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Card => "card",
            Self::Payment => "payment",
        }
    }

    /// What the audit log calls its making.
    #[must_use]
    pub fn action(self) -> &'static str {
        match self {
            Self::Member => "member.create",
            Self::Card => "card.give",
            Self::Payment => "payment.record",
        }
    }
}

/// By which the audit log tells what an import did.
#[must_use]
pub fn cause(import: i64) -> String {
    format!("import {import}")
}

/// Begins an import.
pub async fn begin(
    tx: &mut Tx,
    organisation: &OrganisationId,
    made_by: &str,
    now: Timestamp,
) -> Result<i64> {
    let sql =
        "INSERT INTO imports (organisation, made_by, made_at) VALUES ($1, $2, $3) RETURNING id";
    Ok(on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(made_by).bind(now.0).fetch_one(c).await?))
}

/// Notes what an import made.
pub fn note(tx: &mut Tx, import: i64, things: &[(Thing, i64)]) {
    for part in parts(things) {
        let sql = format!(
            "INSERT INTO import_things (import, kind, thing) VALUES {}",
            rows(1, part.len(), 3)
        );
        let write = |write: Statement, (kind, thing): &(Thing, i64)| {
            write.bind(import).bind(kind.word()).bind(*thing)
        };
        tx.later(part.iter().fold(Statement::new(sql), write));
    }
}

/// Forgets an import that made nothing.
pub fn forget(tx: &mut Tx, import: i64) {
    tx.later(Statement::new("DELETE FROM imports WHERE id = $1").bind(import));
}

/// Imports, newest first.
pub async fn all(tx: &mut Tx, organisation: &OrganisationId) -> Result<Vec<ImportRow>> {
    let sql = "SELECT id, made_by, made_at, undone_by, undone_at, \
               (SELECT COUNT(*) FROM import_things t WHERE t.import = i.id AND t.kind = 'member') AS members, \
               (SELECT COUNT(*) FROM import_things t WHERE t.import = i.id AND t.kind = 'card') AS cards, \
               (SELECT COUNT(*) FROM import_things t WHERE t.import = i.id AND t.kind = 'payment') AS payments \
               FROM imports i WHERE organisation = $1 ORDER BY id DESC";
    Ok(on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?))
}

/// What an import made for one member.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Made {
    /// For whom.
    pub member: i64,
    /// `member`, `card` or `payment`.
    pub kind: String,
    /// Its number.
    pub thing: i64,
}

/// What an import made and is there still.
pub async fn made(tx: &mut Tx, import: i64) -> Result<Vec<Made>> {
    let sql = "SELECT m.id AS member, t.kind, t.thing FROM import_things t JOIN members m ON m.id = t.thing \
               WHERE t.import = $1 AND t.kind = 'member' \
               UNION ALL SELECT c.member, t.kind, t.thing FROM import_things t JOIN cards c ON c.id = t.thing \
               WHERE t.import = $1 AND t.kind = 'card' \
               UNION ALL SELECT p.member, t.kind, t.thing FROM import_things t JOIN payments p ON p.id = t.thing \
               WHERE t.import = $1 AND t.kind = 'payment' ORDER BY 1, 2, 3";
    tx.ask(Statement::new(sql).bind(import)).await
}

/// What has happened to a member since an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Since {
    /// How often somebody of the staff did something.
    pub deeds: i64,
    /// How often a card was shown at a door.
    pub badges: i64,
    /// How many customers and seats at Stripe are the member's.
    pub payers: i64,
}

/// What has happened to a member since an import that was made then.
pub async fn since(
    tx: &mut Tx,
    member: MemberId,
    (import, made_at): (i64, Timestamp),
) -> Result<Since> {
    let sql = "SELECT (SELECT COUNT(*) FROM audit WHERE member = $1 AND at >= $2 AND action <> 'standing' AND cause <> $3) \
               AS deeds, \
               (SELECT COUNT(*) FROM badges b JOIN members m ON m.holder = b.holder WHERE m.id = $1 AND b.at >= $2) AS badges, \
               (SELECT COUNT(*) FROM customers WHERE member = $1) + (SELECT COUNT(*) FROM coverage WHERE member = $1) AS payers";
    let question = Statement::new(sql).bind(member.0).bind(made_at.0);
    let rows: Vec<Since> = tx.ask(question.bind(&*cause(import))).await?;
    rows.into_iter()
        .next()
        .ok_or(super::members::missing(member))
}

/// Takes a payment out of the ledger that an import made by mistake.
pub fn remove_payment(tx: &mut Tx, payment: i64) {
    let sql = "DELETE FROM payments WHERE id = $1 AND account IS NULL";
    tx.later(Statement::new(sql).bind(payment));
}

/// Forgets a card that no list names any more.
pub fn remove_card(tx: &mut Tx, card: i64) {
    let sql = "DELETE FROM cards WHERE id = $1 AND state = 'returned' \
               AND NOT EXISTS (SELECT 1 FROM entries e WHERE e.card = $1)";
    tx.later(Statement::new(sql).bind(card));
}

/// Notes that an import was undone.
pub fn undone(tx: &mut Tx, import: i64, by: &str, now: Timestamp) {
    let sql = "UPDATE imports SET undone_by = $2, undone_at = $3 WHERE id = $1";
    tx.later(Statement::new(sql).bind(import).bind(by).bind(now.0));
}
