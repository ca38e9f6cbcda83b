//! What happened, for staff to read: badge events, the inbox, the attention list, numbers for monitoring.

use super::many::list;
use super::trip::Statement;
use super::{Result, Tx, json, of, on};
use crate::attention::Kind;
use crate::said::Said;
use shared::ids::{AccountId, MemberId, OrganisationId};
use shared::standing::Standing;
use shared::time::Timestamp;

/// A badge event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct BadgeRow {
    /// Our id: the order of arrival.
    pub id: i64,
    /// Whose.
    pub agent: String,
    /// Number within the agent's run.
    pub sequence: i64,
    /// When it happened, in milliseconds since 1970.
    pub at: i64,
    /// Whether that time could be relied on.
    pub trusted: i64,
    /// Where.
    pub door: Option<String>,
    /// What, in one word.
    pub kind: String,
    /// Why a lock was released or not.
    pub reason: Option<String>,
    /// Who, if a listed card was shown.
    pub member: Option<i64>,
    /// Their name.
    pub name: Option<String>,
    /// As it was spooled.
    pub body: Vec<u8>,
    /// When it arrived.
    pub received_at: i64,
}

/// Which badge events are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct BadgeFilter<'a> {
    /// Only at this door.
    pub door: Option<&'a str>,
    /// Only of this member.
    pub member: Option<MemberId>,
    /// Only with this reason.
    pub reason: Option<&'a str>,
    /// Only before this place: a moment, and an id within it.
    pub before: Option<(i64, i64)>,
    /// At most so many.
    pub limit: i64,
}

/// Badge events, newest first.
pub async fn badges(
    tx: &mut Tx,
    organisation: &OrganisationId,
    filter: BadgeFilter<'_>,
) -> Result<Vec<BadgeRow>> {
    let member = filter.member.map(|member| member.0);
    let whose = of(member, "m.id", "$5");
    let sql = format!(
        "SELECT b.id, b.agent, b.sequence, b.at, b.trusted, b.door, b.kind, b.reason, m.id AS member, m.name AS name, b.body, \
         b.received_at FROM badges b LEFT JOIN members m ON m.holder = b.holder \
         WHERE b.organisation = $1 AND (b.at, b.id) < ($2, $3) \
         AND ($4 = '' OR b.door = $4) AND {whose} AND ($6 = '' OR b.reason = $6) ORDER BY b.at DESC, b.id DESC LIMIT $7"
    );
    let (at, id) = filter.before.unwrap_or((i64::MAX, i64::MAX));
    let question = Statement::new(sql).bind(organisation.as_str());
    let question = question.bind(at).bind(id).bind(filter.door.unwrap_or(""));
    let question = question
        .bind(member.unwrap_or(0))
        .bind(filter.reason.unwrap_or(""));
    tx.ask(question.bind(filter.limit)).await
}

/// How often cards met one decision at a door.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct MetRow {
    /// Whose cards; none: cards that no list names.
    pub member: Option<i64>,
    /// Their name.
    pub name: Option<String>,
    /// Why the lock was released or not.
    pub reason: Option<String>,
    /// How often.
    pub times: i64,
    /// When last, in milliseconds since 1970.
    pub last: i64,
}

/// What cards met at a door since a moment, by member and reason, the newest first.
pub async fn met(
    tx: &mut Tx,
    organisation: &OrganisationId,
    door: &str,
    since: Timestamp,
) -> Result<Vec<MetRow>> {
    let sql = "SELECT m.id AS member, m.name AS name, b.reason AS reason, COUNT(*) AS times, MAX(b.at) AS last \
               FROM badges b LEFT JOIN members m ON m.holder = b.holder \
               WHERE b.organisation = $1 AND b.door = $2 AND b.kind = 'card' AND b.at >= $3 \
               GROUP BY m.id, m.name, b.reason ORDER BY last DESC, reason";
    Ok(on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(door).bind(since.0).fetch_all(c).await?))
}

/// One badge event.
pub async fn badge(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: i64,
) -> Result<Option<BadgeRow>> {
    let sql = "SELECT b.id, b.agent, b.sequence, b.at, b.trusted, b.door, b.kind, b.reason, m.id AS member, m.name AS name, b.body, \
               b.received_at FROM badges b LEFT JOIN members m ON m.holder = b.holder \
               WHERE b.organisation = $1 AND b.id = $2";
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(id).fetch_optional(c).await?),
    )
}

/// Whether a card of a member ever opened a door.
pub async fn has_passed(tx: &mut Tx, organisation: &OrganisationId) -> Result<bool> {
    let sql = "SELECT CASE WHEN EXISTS (SELECT 1 FROM badges WHERE organisation = $1 AND holder IS NOT NULL \
               AND reason IN ('granted', 'granted_offline', 'granted_clock_unsure', 'granted_again')) THEN 1 ELSE 0 END";
    let passed: i64 =
        on!(tx, c => sqlx::query_scalar(sql).bind(organisation.as_str()).fetch_one(c).await?);
    Ok(passed == 1)
}

/// An event in the inbox.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct InboxRow {
    /// Our id: the order of arrival.
    pub id: i64,
    /// `evt_…`
    pub event: String,
    /// `customer.subscription.updated` and the like.
    pub kind: String,
    /// When Stripe made it, in milliseconds since 1970.
    pub created: i64,
    /// When it came.
    pub received_at: i64,
    /// `pending`, `applied`, `ignored` or `poisoned`.
    pub state: String,
    /// How often applying it failed.
    pub tries: i64,
    /// Why.
    pub note: Option<String>,
    /// As Stripe sent it.
    pub body: Vec<u8>,
}

/// Events in the inbox, newest first.
pub async fn inbox(
    tx: &mut Tx,
    account: AccountId,
    state: Option<&str>,
    before: i64,
    limit: i64,
) -> Result<Vec<InboxRow>> {
    let sql = "SELECT id, event, kind, created, received_at, state, tries, note, body FROM inbox \
               WHERE account = $1 AND id < $2 AND ($3 = '' OR state = $3) ORDER BY id DESC LIMIT $4";
    Ok(on!(tx, c => sqlx::query_as(sql)
        .bind(account.0).bind(before).bind(state.unwrap_or("")).bind(limit).fetch_all(c).await?))
}

/// One event of the inbox.
pub async fn inbox_one(tx: &mut Tx, account: AccountId, id: i64) -> Result<Option<InboxRow>> {
    let sql = "SELECT id, event, kind, created, received_at, state, tries, note, body FROM inbox \
               WHERE account = $1 AND id = $2";
    Ok(on!(tx, c => sqlx::query_as(sql).bind(account.0).bind(id).fetch_optional(c).await?))
}

/// One event's raw body.
pub async fn inbox_body(tx: &mut Tx, account: AccountId, id: i64) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT body FROM inbox WHERE account = $1 AND id = $2";
    Ok(on!(tx, c => sqlx::query_scalar(sql).bind(account.0).bind(id).fetch_optional(c).await?))
}

/// A change of a member's standing that an event brought about: when, and the standing.
pub async fn standings_by(
    tx: &mut Tx,
    member: MemberId,
    event: &str,
    since: Timestamp,
) -> Result<Vec<(Timestamp, Standing)>> {
    // The causes of a change are the events' ids, with spaces between them.
    let sql = "SELECT id, at, body FROM audit WHERE member = $1 AND at >= $2 AND action = 'standing' \
               AND body IS NOT NULL AND (' ' || cause || ' ') LIKE $3 ESCAPE '!' ORDER BY at, id";
    let escaped = event
        .replace('!', "!!")
        .replace('_', "!_")
        .replace('%', "!%");
    let rows: Vec<(i64, i64, String)> = on!(tx, c => sqlx::query_as(sql)
        .bind(member.0).bind(since.0).bind(format!("% {escaped} %")).fetch_all(c).await?);
    rows.into_iter()
        .map(|(id, at, body)| Ok((Timestamp(at), json(&body, "audit", "body", id)?)))
        .collect()
}

/// How many events of an account wait, by what for.
pub async fn waiting_events(tx: &mut Tx, account: AccountId) -> Result<[i64; 3]> {
    // Each part has an index of its own: the inbox is long.
    let sql = "SELECT (SELECT COUNT(*) FROM inbox WHERE state = 'pending' AND account = $1), \
               (SELECT COUNT(*) FROM inbox WHERE state = 'asking' AND account = $1), \
               (SELECT COUNT(*) FROM inbox WHERE state = 'held' AND account = $1)";
    let row: (i64, i64, i64) =
        on!(tx, c => sqlx::query_as(sql).bind(account.0).fetch_one(c).await?);
    Ok(row.into())
}

/// Open items of these kinds, newest first.
pub async fn open_of(
    tx: &mut Tx,
    organisation: &OrganisationId,
    kinds: &[Kind],
) -> Result<Vec<AttentionRow>> {
    let sql = format!(
        "SELECT id, kind, subject, sentence, remedy, told, member, opened_at, resolved_at FROM attention \
         WHERE organisation = $1 AND resolved_at IS NULL AND kind IN ({}) ORDER BY id DESC",
        list(2, kinds.len())
    );
    let ask = Statement::new(sql).bind(organisation.as_str());
    tx.ask(kinds.iter().fold(ask, |ask, kind| ask.bind(kind.word())))
        .await
}

/// Something a human must look at.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct AttentionRow {
    /// Our id.
    pub id: i64,
    /// A short word, the same everywhere.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// What happened, in English.
    pub sentence: String,
    /// The one thing to do, in English.
    pub remedy: String,
    /// Both as data; none: an earlier version wrote it.
    pub told: Option<String>,
    /// Whom it concerns.
    pub member: Option<i64>,
    /// Since when, in milliseconds since 1970.
    pub opened_at: i64,
    /// When it was settled.
    pub resolved_at: Option<i64>,
}

impl AttentionRow {
    /// What happened, and the one thing to do.
    pub fn said(&self) -> [Said; 2] {
        let told = self.told.as_deref();
        let told = told.and_then(|told| serde_json::from_str(told).ok());
        let told = told.filter(|both: &[Said; 2]| both.iter().all(Said::is_known));
        told.unwrap_or_else(|| [&self.sentence, &self.remedy].map(|text| text.as_str().into()))
    }
}

/// The attention list, newest first; only what is open, or all of it.
pub async fn attention(
    tx: &mut Tx,
    organisation: &OrganisationId,
    open: bool,
    before: i64,
    limit: i64,
) -> Result<Vec<AttentionRow>> {
    let sql = "SELECT id, kind, subject, sentence, remedy, told, member, opened_at, resolved_at FROM attention \
               WHERE organisation = $1 AND id < $2 AND ($3 = 0 OR resolved_at IS NULL) ORDER BY id DESC LIMIT $4";
    Ok(on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(before).bind(i64::from(open)).bind(limit).fetch_all(c).await?))
}

/// One item of the attention list.
pub async fn attention_one(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: i64,
) -> Result<Option<AttentionRow>> {
    let sql = "SELECT id, kind, subject, sentence, remedy, told, member, opened_at, resolved_at FROM attention \
               WHERE organisation = $1 AND id = $2";
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(id).fetch_optional(c).await?),
    )
}

/// Counted things, by name.
pub async fn numbers(
    tx: &mut Tx,
    organisation: &OrganisationId,
    account: AccountId,
) -> Result<Vec<(String, i64)>> {
    let sql = "SELECT 'inbox_' || state, COUNT(*) FROM inbox WHERE account = $2 GROUP BY state \
               UNION ALL SELECT 'attention_' || kind, COUNT(*) FROM attention \
               WHERE organisation = $1 AND resolved_at IS NULL GROUP BY kind \
               UNION ALL SELECT 'members', COUNT(*) FROM members WHERE organisation = $1 \
               UNION ALL SELECT 'badges', COUNT(*) FROM badges WHERE organisation = $1";
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(account.0).fetch_all(c).await?),
    )
}

/// Whether the database answers.
pub async fn answers(tx: &mut Tx) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM organisations";
    let count: i64 = on!(tx, c => sqlx::query_scalar(sql).fetch_one(c).await?);
    Ok(count > 0)
}

/// Subjects of the open items of a kind about a member.
pub async fn open_items(
    tx: &mut Tx,
    organisation: &OrganisationId,
    kind: Kind,
    member: MemberId,
) -> Result<Vec<String>> {
    let sql = "SELECT subject FROM attention WHERE organisation = $1 AND kind = $2 AND member = $3 \
               AND resolved_at IS NULL ORDER BY id";
    Ok(on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(kind.word()).bind(member.0).fetch_all(c).await?))
}

/// How many items are open.
pub async fn waiting(tx: &mut Tx, organisation: &OrganisationId) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM attention WHERE organisation = $1 AND resolved_at IS NULL";
    Ok(on!(tx, c => sqlx::query_scalar(sql).bind(organisation.as_str()).fetch_one(c).await?))
}

/// Settles an item by its number; false if it was settled before. What is `accepted` is not opened again while its cause
/// lasts.
pub async fn settle_one(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: i64,
    accepted: bool,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE attention SET resolved_at = $3, accepted = $4 \
               WHERE organisation = $1 AND id = $2 AND resolved_at IS NULL";
    let rows = on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(id).bind(now.0).bind(i64::from(accepted))
        .execute(c).await?.rows_affected());
    Ok(rows == 1)
}
