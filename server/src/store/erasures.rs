//! Members who want to be forgotten, and what forgetting them takes out of every table.

use super::members::fold;
use super::trip::Statement;
use super::{Result, Tx, audit, json, letters, on, to_json};
use shared::ids::{AccountId, HoldId, Holder, MemberId, OrganisationId};
use shared::time::Timestamp;

/// How far a member's wish is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Subscriptions still renew.
    Asked,
    /// Nothing renews any more; it can be taken back.
    Waiting,
    /// It was taken back; subscriptions are to renew again.
    TakenBack,
    /// Rows are gone; raw events and the file have yet to be cleaned.
    Forgotten,
    /// Nothing is left.
    Done,
}

impl Stage {
    const ALL: [Self; 5] = [
        Self::Asked,
        Self::Waiting,
        Self::TakenBack,
        Self::Forgotten,
        Self::Done,
    ];

    /// The word in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Waiting => "waiting",
            Self::TakenBack => "taken_back",
            Self::Forgotten => "forgotten",
            Self::Done => "done",
        }
    }

    /// Whether it can be taken back.
    #[must_use]
    pub fn may_end(self) -> bool {
        matches!(self, Self::Asked | Self::Waiting)
    }
}

/// A member's wish to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Who.
    pub member: MemberId,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When it is done.
    pub due_at: Timestamp,
    /// What keeps the cards shut meanwhile.
    pub hold: HoldId,
    /// Subscriptions that no longer renew because of this.
    pub stopped: Vec<String>,
    /// How far it is.
    pub stage: Stage,
}

#[derive(sqlx::FromRow)]
struct Row {
    member: i64,
    asked_at: i64,
    due_at: i64,
    hold: i64,
    stopped: String,
    state: String,
}

impl Row {
    fn read(self) -> Result<Erasure> {
        let stage = Stage::ALL
            .into_iter()
            .find(|stage| stage.word() == self.state);
        Ok(Erasure {
            stopped: json(&self.stopped, "erasures", "stopped", self.member)?,
            stage: stage.ok_or(super::StoreError::Row {
                table: "erasures",
                row: self.member.to_string(),
                column: "state",
            })?,
            member: MemberId(self.member),
            asked_at: Timestamp(self.asked_at),
            due_at: Timestamp(self.due_at),
            hold: HoldId(self.hold),
        })
    }
}

/// A member's wish, if there is one.
pub async fn find(tx: &mut Tx, member: MemberId) -> Result<Option<Erasure>> {
    let sql =
        "SELECT member, asked_at, due_at, hold, stopped, state FROM erasures WHERE member = $1";
    let row: Option<Row> =
        on!(tx, c => sqlx::query_as(sql).bind(member.0).fetch_optional(c).await?);
    row.map(Row::read).transpose()
}

/// Wishes of an organisation whose next step is due.
pub async fn due(
    tx: &mut Tx,
    organisation: &OrganisationId,
    now: Timestamp,
) -> Result<Vec<Erasure>> {
    let sql = "SELECT member, asked_at, due_at, hold, stopped, state FROM erasures \
               WHERE organisation = $1 AND state <> 'done' AND again_at <= $2 ORDER BY again_at, member LIMIT 20";
    let rows: Vec<Row> = on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(now.0).fetch_all(c).await?);
    rows.into_iter().map(Row::read).collect()
}

/// Keeps a fresh wish in place of an older one that came to nothing.
pub async fn ask(
    tx: &mut Tx,
    organisation: &OrganisationId,
    wish: &Erasure,
    asked_by: &str,
) -> Result<()> {
    let sql = "INSERT INTO erasures (member, organisation, asked_by, asked_at, due_at, hold, state, again_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $4) ON CONFLICT (member) DO UPDATE SET asked_by = excluded.asked_by, \
               asked_at = excluded.asked_at, due_at = excluded.due_at, hold = excluded.hold, state = excluded.state, \
               again_at = excluded.again_at";
    on!(tx, c => sqlx::query(sql)
        .bind(wish.member.0).bind(organisation.as_str()).bind(asked_by).bind(wish.asked_at.0).bind(wish.due_at.0)
        .bind(wish.hold.0).bind(wish.stage.word()).execute(c).await?.rows_affected());
    Ok(())
}

/// Notes how far a wish is and when its next step is tried.
pub async fn put(
    tx: &mut Tx,
    member: MemberId,
    (stage, stopped): (Stage, &[String]),
    again_at: Timestamp,
) -> Result<()> {
    let sql = "UPDATE erasures SET state = $2, stopped = $3, again_at = $4 WHERE member = $1";
    on!(tx, c => sqlx::query(sql).bind(member.0).bind(stage.word()).bind(to_json(&stopped)).bind(again_at.0)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Removes a wish that was taken back and undone.
pub async fn end(tx: &mut Tx, member: MemberId) -> Result<()> {
    let sql = "DELETE FROM erasures WHERE member = $1";
    on!(tx, c => sqlx::query(sql).bind(member.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Takes away what lets a member in: cards count as given back, grants end, seats are free.
pub async fn shut_out(tx: &mut Tx, member: MemberId, now: Timestamp) -> Result<()> {
    for sql in [
        "UPDATE cards SET state = 'returned', state_since = $2 WHERE member = $1 AND state <> 'returned'",
        "UPDATE grants SET ends_at = $2 WHERE member = $1 AND (ends_at IS NULL OR ends_at > $2)",
    ] {
        on!(tx, c => sqlx::query(sql).bind(member.0).bind(now.0).execute(c).await?.rows_affected());
    }
    let sql = "DELETE FROM coverage WHERE member = $1";
    on!(tx, c => sqlx::query(sql).bind(member.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Forgets the person; numbers, payments, amounts and dates stay. Badge events no longer lead to the member, who is known
/// to doors by another number from now on.
pub async fn forget(
    tx: &mut Tx,
    organisation: &OrganisationId,
    (member, holder): (MemberId, Holder),
    (name, mail): (&str, Option<&str>),
    now: Timestamp,
) -> Result<()> {
    for sql in [
        "DELETE FROM member_sessions WHERE member = $1",
        "DELETE FROM inductions WHERE member = $1",
        "DELETE FROM entry_versions WHERE member = $1",
        "DELETE FROM fact_versions WHERE member = $1",
        // A fob that others had before is their card, too.
        "DELETE FROM loans WHERE member = $1 OR card IN (SELECT id FROM cards WHERE member = $1)",
        "DELETE FROM cards WHERE member = $1",
        "DELETE FROM member_words WHERE member = $1",
        "UPDATE member_notes SET text = NULL WHERE member = $1",
        "UPDATE payments SET note = '', void_reason = NULL WHERE member = $1",
        "UPDATE grants SET reason = '' WHERE member = $1",
        "UPDATE holds SET reason = '' WHERE member = $1",
    ] {
        tx.later(Statement::new(sql).bind(member.0));
    }
    let sql = "UPDATE members SET name = $2, mail = NULL, mail_folded = NULL, language = NULL, keyholder = 0, holder = $3, \
               pin_sealed = NULL, pin_since = NULL, facts_sha256 = NULL, erased_at = $4 WHERE id = $1";
    let number = format!("#{member}");
    tx.later(
        Statement::new(sql)
            .bind(member.0)
            .bind(number)
            .bind(holder.0)
            .bind(now.0),
    );
    let sql = "UPDATE customers SET mail = NULL, name = NULL, reference = NULL, erased_at = $2 WHERE member = $1";
    tx.later(Statement::new(sql).bind(member.0).bind(now.0));
    let sql = "UPDATE attention SET sentence = '', remedy = '', told = NULL, resolved_at = COALESCE(resolved_at, $2) WHERE member = $1";
    tx.later(Statement::new(sql).bind(member.0).bind(now.0));
    let sql = "UPDATE gift_cards SET buyer = '', note = '' WHERE organisation = $1 \
               AND (member = $2 OR LOWER(buyer) = LOWER($3) OR LOWER(buyer) = $4)";
    let folded = mail.map(fold).unwrap_or_default();
    let write = Statement::new(sql)
        .bind(organisation.as_str())
        .bind(member.0);
    tx.later(write.bind(name).bind(folded.as_str()));
    let sql = "DELETE FROM member_links WHERE organisation = $1 AND mail_folded = $2";
    tx.later(Statement::new(sql).bind(organisation.as_str()).bind(folded));
    forget_answers(tx, organisation, member).await?;
    letters::forget(tx, organisation, member);
    audit::forget(tx, organisation, member).await
}

/// Answers that are kept for requests that come again tell of payments, with their remarks.
async fn forget_answers(
    tx: &mut Tx,
    organisation: &OrganisationId,
    member: MemberId,
) -> Result<()> {
    let sql = "SELECT key, answer FROM idempotency_keys WHERE organisation = $1 AND answer LIKE $2";
    let about = format!("%\"member\":{member}%");
    let asked = Statement::new(sql).bind(organisation.as_str()).bind(about);
    let rows: Vec<(String, String)> = tx.ask(asked).await?;
    for (key, answer) in rows {
        let answer: serde_json::Value = json(&answer, "idempotency_keys", "answer", &key)?;
        if answer["member"] == member.0 {
            let sql = "DELETE FROM idempotency_keys WHERE organisation = $1 AND key = $2";
            tx.later(Statement::new(sql).bind(organisation.as_str()).bind(key));
        }
    }
    Ok(())
}

/// The customers of an account whose payers were forgotten.
pub async fn forgotten_customers(tx: &mut Tx, account: AccountId) -> Result<Vec<String>> {
    let sql = "SELECT id FROM customers WHERE account = $1 AND erased_at IS NOT NULL ORDER BY id";
    Ok(on!(tx, c => sqlx::query_scalar(sql).bind(account.0).fetch_all(c).await?))
}

/// Up to which event an account's inbox was looked through for them.
pub async fn scrubbed_to(tx: &mut Tx, account: AccountId) -> Result<i64> {
    let sql = "SELECT scrubbed_to FROM accounts WHERE id = $1";
    Ok(on!(tx, c => sqlx::query_scalar(sql).bind(account.0).fetch_one(c).await?))
}

/// Notes that.
pub fn put_scrubbed_to(tx: &mut Tx, account: AccountId, event: i64) {
    let sql = "UPDATE accounts SET scrubbed_to = $2 WHERE id = $1";
    tx.later(Statement::new(sql).bind(account.0).bind(event));
}

/// Raw events of an account after one, in the order of arrival.
pub async fn raw_events(
    tx: &mut Tx,
    account: AccountId,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, Vec<u8>)>> {
    let sql = "SELECT id, body FROM inbox WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3";
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(account.0).bind(after).bind(limit).fetch_all(c).await?),
    )
}

/// Writes another body in place of a raw event's.
pub fn put_raw_event(tx: &mut Tx, event: i64, body: &[u8]) {
    let sql = "UPDATE inbox SET body = $2 WHERE id = $1";
    tx.later(Statement::new(sql).bind(event).bind(body));
}
