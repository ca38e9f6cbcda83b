//! What a human must look at, and the audit log.

use super::many::{parts, rows};
use super::trip::Statement;
use super::{Result, Tx, letters, on};
use crate::attention::Kind;
use crate::said::Said;
use shared::ids::{AccountId, MemberId, OrganisationId};
use shared::time::{Span, Timestamp};

/// Something a human must look at; one open item per kind and subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item<'a> {
    /// What it is.
    pub kind: Kind,
    /// What it is about: an id, never a name or a mail address.
    pub subject: &'a str,
    /// What happened.
    pub sentence: Said,
    /// The one thing to do.
    pub remedy: Said,
    /// Whom it concerns.
    pub member: Option<MemberId>,
}

impl Item<'_> {
    /// As data: what happened, and the one thing to do.
    fn told(&self) -> String {
        serde_json::to_string(&[&self.sentence, &self.remedy]).expect("plain data with text keys")
    }
}

/// Opens an item; false if it is open already, or was accepted and its cause has lasted since.
pub async fn raise(
    tx: &mut Tx,
    organisation: &OrganisationId,
    item: Item<'_>,
    now: Timestamp,
) -> Result<bool> {
    let sql = "INSERT INTO attention (organisation, kind, subject, sentence, remedy, told, member, opened_at) \
               SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE NOT EXISTS (SELECT 1 FROM attention \
               WHERE organisation = $1 AND kind = $2 AND subject = $3 AND accepted = 1) \
               ON CONFLICT (organisation, kind, subject) WHERE resolved_at IS NULL DO NOTHING";
    let rows = on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str())
        .bind(item.kind.word())
        .bind(item.subject)
        .bind(item.sentence.english())
        .bind(item.remedy.english())
        .bind(item.told())
        .bind(item.member.map(|member| member.0))
        .bind(now.0)
        .execute(c).await?.rows_affected());
    if rows == 1 {
        call(tx, organisation, item.kind, item.subject, now);
    }
    Ok(rows == 1)
}

/// Writes to staff if it cannot wait.
fn call(tx: &mut Tx, organisation: &OrganisationId, kind: Kind, subject: &str, now: Timestamp) {
    if let Some(call) = kind.call() {
        letters::call(tx, organisation, (kind, subject, call), now);
    }
}

/// Opens an item unless one of its kind and subject was opened within `rest`; false if it was, or is open still.
pub async fn raise_seldom(
    tx: &mut Tx,
    organisation: &OrganisationId,
    item: Item<'_>,
    rest: Span,
    now: Timestamp,
) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM attention WHERE organisation = $1 AND kind = $2 AND subject = $3 AND opened_at > $4";
    let lately: i64 = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(item.kind.word()).bind(item.subject).bind((now - rest).0)
        .fetch_one(c).await?);
    Ok(lately == 0 && raise(tx, organisation, item, now).await?)
}

/// Opens an item, or lets the one that is open say what is new.
pub async fn raise_newest(
    tx: &mut Tx,
    organisation: &OrganisationId,
    item: Item<'_>,
    now: Timestamp,
) -> Result<()> {
    let (kind, subject) = (item.kind, item.subject);
    let (sentence, told) = (item.sentence.english(), item.told());
    if raise(tx, organisation, item, now).await? {
        return Ok(());
    }
    let sql = "UPDATE attention SET sentence = $4, told = $5 \
               WHERE organisation = $1 AND kind = $2 AND subject = $3 AND resolved_at IS NULL";
    let rows = on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(kind.word()).bind(subject).bind(sentence).bind(told)
        .execute(c).await?.rows_affected());
    if rows == 1 {
        call(tx, organisation, kind, subject, now);
    }
    Ok(())
}

/// Closes the open item of a kind and subject, if there is one: its cause has gone, and may be told when it comes again.
pub async fn settle(
    tx: &mut Tx,
    organisation: &OrganisationId,
    kind: Kind,
    subject: &str,
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE attention SET resolved_at = COALESCE(resolved_at, $4), accepted = 0 \
               WHERE organisation = $1 AND kind = $2 AND subject = $3 AND (resolved_at IS NULL OR accepted = 1)";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(kind.word()).bind(subject).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Closes what asks whose a customer is, or whose its payments are: it was linked.
pub async fn settle_link(
    tx: &mut Tx,
    organisation: &OrganisationId,
    account: AccountId,
    customer: &str,
    now: Timestamp,
) -> Result<()> {
    for kind in [
        Kind::UnmatchedCustomer,
        Kind::ProposedLink,
        Kind::ConfirmLink,
        Kind::NeedsCard,
    ] {
        settle(tx, organisation, kind, customer, now).await?;
    }
    let sql = "UPDATE attention SET resolved_at = COALESCE(resolved_at, $5), accepted = 0 \
               WHERE organisation = $1 AND kind = $2 AND (resolved_at IS NULL OR accepted = 1) \
               AND subject IN (SELECT id FROM objects WHERE account = $3 AND customer = $4)";
    on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(Kind::UnmatchedPayment.word()).bind(account.0).bind(customer).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Writes a line of the audit log.
pub fn audit(tx: &mut Tx, organisation: &OrganisationId, now: Timestamp, line: AuditLine<'_>) {
    audit_all(tx, organisation, now, &[line]);
}

/// The latest moment at which somebody's standing changed.
pub async fn last_derived(tx: &mut Tx, organisation: &OrganisationId) -> Result<Option<Timestamp>> {
    let sql = "SELECT MAX(at) FROM audit WHERE organisation = $1 AND action = 'standing'";
    let latest: Option<i64> =
        on!(tx, c => sqlx::query_scalar(sql).bind(organisation.as_str()).fetch_one(c).await?);
    Ok(latest.map(Timestamp))
}

/// Writes lines of the audit log, in order.
pub fn audit_all(
    tx: &mut Tx,
    organisation: &OrganisationId,
    now: Timestamp,
    lines: &[AuditLine<'_>],
) {
    for part in parts(lines) {
        let sql = format!(
            "INSERT INTO audit (organisation, at, actor, action, member, cause, body) VALUES {}",
            rows(1, part.len(), 7)
        );
        let write = |write: Statement, line: &AuditLine<'_>| {
            write
                .bind(organisation.as_str())
                .bind(now.0)
                .bind(line.actor)
                .bind(line.action)
                .bind(line.member.map(|member| member.0))
                .bind(line.cause)
                .bind(line.body)
        };
        tx.later(part.iter().fold(Statement::new(sql), write));
    }
}

/// A line of the audit log about a member.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Audited {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// `server`, or who was signed in.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// Why.
    pub cause: String,
    /// What it led to, as JSON.
    pub body: Option<String>,
}

/// What the audit log has about a member, oldest first.
pub async fn audited(
    tx: &mut Tx,
    organisation: &OrganisationId,
    member: MemberId,
) -> Result<Vec<Audited>> {
    let sql = "SELECT at, actor, action, cause, body FROM audit WHERE organisation = $1 AND member = $2 ORDER BY id";
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(member.0).fetch_all(c).await?),
    )
}

/// Who did what to whom, and why.
#[derive(Debug, Clone, Copy)]
pub struct AuditLine<'a> {
    /// `server`, or who was signed in.
    pub actor: &'a str,
    /// What was done.
    pub action: &'a str,
    /// To whom.
    pub member: Option<MemberId>,
    /// Why: event ids, a command, the clock.
    pub cause: &'a str,
    /// What it led to, as JSON.
    pub body: Option<&'a str>,
}
