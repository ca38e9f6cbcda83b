//! Letters on their way: which is due, whom it reaches where, what came of it.

use super::letters::{Content, Reader};
use super::reading::AttentionRow;
use super::trip::Statement;
use super::{Result, StoreError, Tx, json, on};
use shared::ids::{AccountId, CardId, MemberId, OrganisationId};
use shared::standing::Standing;
use shared::time::{Span, Timestamp};

/// A letter that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Our number.
    pub id: i64,
    /// For whom.
    pub reader: Reader,
    /// What it is about.
    pub content: Content,
    /// What its link carries, sealed.
    pub secret: Option<Vec<u8>>,
    /// When there was reason for it.
    pub made_at: Timestamp,
    /// How often it was tried, this time included.
    pub tries: i64,
}

#[derive(sqlx::FromRow)]
struct DueRow {
    id: i64,
    reader: String,
    content: String,
    secret: Option<Vec<u8>>,
    made_at: i64,
    tries: i64,
}

impl DueRow {
    fn read(self) -> Result<Due> {
        Ok(Due {
            reader: Reader::read(&self.reader).ok_or(StoreError::Row {
                table: "letters",
                row: self.id.to_string(),
                column: "reader",
            })?,
            content: json(&self.content, "letters", "content", self.id)?,
            id: self.id,
            secret: self.secret,
            made_at: Timestamp(self.made_at),
            tries: self.tries,
        })
    }
}

/// Whether a letter is due.
pub async fn is_due(tx: &mut Tx, organisation: &OrganisationId, now: Timestamp) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM letters WHERE organisation = $1 AND due_at <= $2";
    let count: i64 = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(now.0).fetch_one(c).await?);
    Ok(count > 0)
}

/// Takes the letter that has waited longest; whoever took it has the lease's time to say what came of it.
pub async fn take(
    tx: &mut Tx,
    organisation: &OrganisationId,
    lease: Span,
    now: Timestamp,
) -> Result<Option<Due>> {
    let sql = "UPDATE letters SET tries = tries + 1, due_at = $3 WHERE due_at <= $2 AND id = (SELECT id FROM letters \
               WHERE organisation = $1 AND due_at <= $2 ORDER BY due_at, id LIMIT 1) \
               RETURNING id, reader, content, secret, made_at, tries";
    loop {
        let row: Option<DueRow> = on!(tx, c => sqlx::query_as(sql)
            .bind(organisation.as_str()).bind(now.0).bind((now + lease).0).fetch_optional(c).await?);
        let Some(row) = row else { return Ok(None) };
        let id = row.id;
        match row.read() {
            Ok(due) => return Ok(Some(due)),
            // Another version wrote it, and the others must not wait for it.
            Err(_) => end(tx, id, "unreadable", None),
        }
    }
}

/// A letter as it was kept.
pub async fn find(tx: &mut Tx, organisation: &OrganisationId, id: i64) -> Result<Option<Due>> {
    let sql = "SELECT id, reader, content, secret, made_at, tries FROM letters WHERE organisation = $1 AND id = $2";
    let row: Option<DueRow> = on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(id).fetch_optional(c).await?);
    row.map(DueRow::read).transpose()
}

/// A letter is tried again.
pub fn put_off(tx: &mut Tx, id: i64, outcome: &str, due: Timestamp) {
    let sql = "UPDATE letters SET due_at = $2, outcome = $3 WHERE id = $1";
    let write = Statement::new(sql).bind(id).bind(due.0).bind(outcome);
    tx.later(write);
}

/// A letter is done with: sent then, or given up. Its secret is forgotten.
pub fn end(tx: &mut Tx, id: i64, outcome: &str, sent: Option<Timestamp>) {
    let sql = "UPDATE letters SET due_at = NULL, secret = NULL, sent_at = COALESCE($2, sent_at), outcome = $3 WHERE id = $1";
    let write = Statement::new(sql)
        .bind(id)
        .bind(sent.map(|at| at.0))
        .bind(outcome);
    tx.later(write);
}

/// Somebody as a letter reaches them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addressee {
    /// The name.
    pub name: String,
    /// The mail address.
    pub mail: Option<String>,
    /// The language; none: the organisation's.
    pub language: Option<String>,
    /// Which member it is.
    pub member: Option<MemberId>,
    /// The member's standing as last derived.
    pub standing: Option<Standing>,
}

/// A member as letters reach them.
pub async fn member(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: MemberId,
) -> Result<Option<Addressee>> {
    let sql =
        "SELECT name, mail, language, standing FROM members WHERE organisation = $1 AND id = $2";
    type Row = (String, Option<String>, Option<String>, Option<String>);
    let row: Option<Row> = on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(id.0).fetch_optional(c).await?);
    let Some((name, mail, language, standing)) = row else {
        return Ok(None);
    };
    let standing = standing.map(|text| json(&text, "members", "standing", id));
    Ok(Some(Addressee {
        name,
        mail,
        language,
        member: Some(id),
        standing: standing.transpose()?,
    }))
}

/// Lets letters to a member be written in a language; none: in the organisation's.
pub async fn put_member_language(
    tx: &mut Tx,
    member: MemberId,
    language: Option<&str>,
) -> Result<()> {
    let sql = "UPDATE members SET language = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(member.0).bind(language).execute(c).await?.rows_affected());
    Ok(())
}

/// A payer as letters reach them: as the member that they are, else as Stripe knows them.
pub async fn payer(
    tx: &mut Tx,
    organisation: &OrganisationId,
    (account, customer): (AccountId, &str),
) -> Result<Option<Addressee>> {
    let sql = "SELECT member, name, mail FROM customers WHERE account = $1 AND id = $2 AND deleted_at IS NULL";
    let row: Option<(Option<i64>, Option<String>, Option<String>)> = on!(tx, c => sqlx::query_as(sql)
        .bind(account.0).bind(customer).fetch_optional(c).await?);
    let Some((linked, name, mail)) = row else {
        return Ok(None);
    };
    let known = match linked {
        Some(id) => member(tx, organisation, MemberId(id)).await?,
        None => None,
    };
    let mut payer = known.unwrap_or_default();
    // A firm or a parent who pays for others is written to where Stripe sends its receipts.
    if payer.mail.is_none() {
        payer.mail = mail;
    }
    if payer.name.is_empty() {
        payer.name = name.unwrap_or_default();
    }
    Ok(Some(payer))
}

/// Somebody with rights as letters reach them.
pub async fn staff(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: i64,
) -> Result<Option<Addressee>> {
    let sql =
        "SELECT name, mail FROM staff WHERE organisation = $1 AND id = $2 AND removed_at IS NULL";
    let row: Option<(String, String)> = on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(id).fetch_optional(c).await?);
    Ok(row.map(|(name, mail)| Addressee {
        name,
        mail: Some(mail),
        ..Addressee::default()
    }))
}

/// The language in which an organisation writes.
pub async fn language(tx: &mut Tx, organisation: &OrganisationId) -> Result<String> {
    let sql = "SELECT language FROM organisations WHERE id = $1";
    Ok(on!(tx, c => sqlx::query_scalar(sql).bind(organisation.as_str()).fetch_one(c).await?))
}

/// Lets an organisation write in a language.
pub async fn put_language(
    tx: &mut Tx,
    organisation: &OrganisationId,
    language: &str,
) -> Result<()> {
    let sql = "UPDATE organisations SET language = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(language).execute(c).await?.rows_affected());
    Ok(())
}

/// Whether somebody with rights is written to of what cannot wait.
pub async fn is_mailed(tx: &mut Tx, staff: i64) -> Result<bool> {
    let sql = "SELECT mailed FROM staff WHERE id = $1";
    let mailed: Option<i64> =
        on!(tx, c => sqlx::query_scalar(sql).bind(staff).fetch_optional(c).await?);
    Ok(mailed == Some(1))
}

/// Writes to somebody with rights of what cannot wait, or no more.
pub async fn put_mailed(tx: &mut Tx, staff: i64, mailed: bool) -> Result<()> {
    let sql = "UPDATE staff SET mailed = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(staff).bind(i64::from(mailed)).execute(c).await?.rows_affected());
    Ok(())
}

/// What a card is called: its label, else its last digits.
pub async fn card_name(tx: &mut Tx, card: CardId) -> Result<Option<String>> {
    let sql = "SELECT CASE WHEN label = '' THEN '…' || last_digits ELSE label END FROM cards WHERE id = $1";
    Ok(on!(tx, c => sqlx::query_scalar(sql).bind(card.0).fetch_optional(c).await?))
}

/// The open item of a kind and subject.
pub async fn open_item(
    tx: &mut Tx,
    organisation: &OrganisationId,
    (kind, subject): (&str, &str),
) -> Result<Option<AttentionRow>> {
    let sql = "SELECT id, kind, subject, sentence, remedy, told, member, opened_at, resolved_at FROM attention \
               WHERE organisation = $1 AND kind = $2 AND subject = $3 AND resolved_at IS NULL";
    Ok(on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(kind).bind(subject).fetch_optional(c).await?))
}

/// What an organisation writes in place of our own text of a kind: subject and body.
pub async fn text(
    tx: &mut Tx,
    organisation: &OrganisationId,
    (kind, language): (&str, &str),
) -> Result<Option<(String, String)>> {
    let sql = "SELECT subject, body FROM letter_texts WHERE organisation = $1 AND kind = $2 AND language = $3";
    Ok(on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(kind).bind(language).fetch_optional(c).await?))
}

/// Keeps an organisation's own text of a kind; none: our own again.
pub async fn put_text(
    tx: &mut Tx,
    organisation: &OrganisationId,
    (kind, language): (&str, &str),
    text: Option<(&str, &str)>,
) -> Result<()> {
    let Some((subject, body)) = text else {
        let sql =
            "DELETE FROM letter_texts WHERE organisation = $1 AND kind = $2 AND language = $3";
        on!(tx, c => sqlx::query(sql)
            .bind(organisation.as_str()).bind(kind).bind(language).execute(c).await?.rows_affected());
        return Ok(());
    };
    let sql = "INSERT INTO letter_texts (organisation, kind, language, subject, body) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (organisation, kind, language) DO UPDATE SET subject = excluded.subject, body = excluded.body";
    on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(kind).bind(language).bind(subject).bind(body)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// A letter for the interface.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LetterRow {
    /// Our number.
    pub id: i64,
    /// For whom: `member 5`, `payer 1 cus_…`, `staff 2`.
    pub reader: String,
    /// Its kind's word.
    pub kind: String,
    /// When there was reason for it, in milliseconds since 1970.
    pub made_at: i64,
    /// When it is tried next.
    pub due_at: Option<i64>,
    /// How often it was tried.
    pub tries: i64,
    /// When it went out last.
    pub sent_at: Option<i64>,
    /// What came of the last try.
    pub outcome: Option<String>,
}

/// Letters, newest first.
pub async fn list(
    tx: &mut Tx,
    organisation: &OrganisationId,
    (before, limit): (i64, i64),
) -> Result<Vec<LetterRow>> {
    let sql = "SELECT id, reader, kind, made_at, due_at, tries, sent_at, outcome FROM letters \
               WHERE organisation = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    Ok(on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(before).bind(limit).fetch_all(c).await?))
}

/// All letters to a reader, newest first.
pub async fn to(
    tx: &mut Tx,
    organisation: &OrganisationId,
    reader: &Reader,
) -> Result<Vec<LetterRow>> {
    let sql = "SELECT id, reader, kind, made_at, due_at, tries, sent_at, outcome FROM letters \
               WHERE organisation = $1 AND reader = $2 ORDER BY id DESC";
    Ok(on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(reader.to_string()).fetch_all(c).await?))
}
