//! Members and their cards as staff see and change them, and what the audit log says of their standing.

use super::many::{list, parts};
use super::members::{CardRow, fold};
use super::trip::Statement;
use super::{Result, StoreError, Tx, json, of, on, search};
use shared::ids::{CardId, MemberId, OrganisationId};
use shared::standing::Standing;
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A member as staff see one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Which.
    pub id: MemberId,
    /// As doors know the person.
    pub holder: i64,
    /// The name.
    pub name: String,
    /// The mail address.
    pub mail: Option<String>,
    /// Exempt from lockdown and staleness.
    pub keyholder: bool,
    /// When the PIN was set; none: there is none.
    pub pin_since: Option<Timestamp>,
    /// Since when.
    pub created_at: Timestamp,
    /// Whether the person was forgotten.
    pub erased: bool,
    /// As last derived.
    pub standing: Option<Standing>,
    /// When the clock changes it next.
    pub next_change: Option<Timestamp>,
    /// How many cards count.
    pub cards: i64,
}

/// The columns of a person, of the table of members as `m`.
pub(super) const PERSON: &str = "id, holder, name, mail, keyholder, pin_since, created_at, erased_at, standing, next_change, \
    (SELECT COUNT(*) FROM cards c WHERE c.member = m.id AND c.state = 'ok') AS cards";

#[derive(sqlx::FromRow)]
pub(super) struct PersonRow {
    id: i64,
    holder: i64,
    name: String,
    mail: Option<String>,
    keyholder: i64,
    pin_since: Option<i64>,
    created_at: i64,
    erased_at: Option<i64>,
    standing: Option<String>,
    next_change: Option<i64>,
    cards: i64,
}

impl PersonRow {
    pub(super) fn read(self) -> Result<Person> {
        let standing = self
            .standing
            .map(|text| json(&text, "members", "standing", self.id))
            .transpose()?;
        Ok(Person {
            id: MemberId(self.id),
            holder: self.holder,
            name: self.name,
            mail: self.mail,
            keyholder: self.keyholder != 0,
            pin_since: self.pin_since.map(Timestamp),
            created_at: Timestamp(self.created_at),
            erased: self.erased_at.is_some(),
            standing,
            next_change: self.next_change.map(Timestamp),
            cards: self.cards,
        })
    }
}

/// One member.
pub async fn find(
    tx: &mut Tx,
    organisation: &OrganisationId,
    member: MemberId,
) -> Result<Option<Person>> {
    let sql = format!("SELECT {PERSON} FROM members m WHERE organisation = $1 AND id = $2");
    let question = Statement::new(sql).bind(organisation.as_str());
    let rows: Vec<PersonRow> = tx.ask(question.bind(member.0)).await?;
    rows.into_iter().next().map(PersonRow::read).transpose()
}

/// All members with their names, as last derived.
pub async fn standings(
    tx: &mut Tx,
    organisation: &OrganisationId,
) -> Result<Vec<(MemberId, String, Option<Standing>)>> {
    let sql = "SELECT id, name, standing FROM members WHERE organisation = $1 ORDER BY id";
    let rows: Vec<(i64, String, Option<String>)> =
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?);
    rows.into_iter()
        .map(|(id, name, standing)| {
            let standing = standing.map(|text| json(&text, "members", "standing", id));
            Ok((MemberId(id), name, standing.transpose()?))
        })
        .collect()
}

/// The names of members, by their numbers.
pub async fn names(
    tx: &mut Tx,
    organisation: &OrganisationId,
    members: &BTreeSet<i64>,
) -> Result<BTreeMap<i64, String>> {
    let members: Vec<i64> = members.iter().copied().collect();
    let statements = parts(&members).map(|part| {
        let sql = format!(
            "SELECT id, name FROM members WHERE organisation = $1 AND id IN ({})",
            list(2, part.len())
        );
        let ask = Statement::new(sql).bind(organisation.as_str());
        part.iter().fold(ask, |ask, id| ask.bind(*id))
    });
    let asked = tx.put(statements);
    Ok(tx.answer(asked).await?.into_iter().collect())
}

fn within(text: &str) -> String {
    let escaped: String = text
        .chars()
        .flat_map(|letter| {
            matches!(letter, '%' | '_' | '!')
                .then_some('!')
                .into_iter()
                .chain([letter])
        })
        .collect();
    format!("%{escaped}%")
}

/// Writes what staff may change of a member.
pub async fn put(
    tx: &mut Tx,
    organisation: &OrganisationId,
    member: MemberId,
    name: &str,
    mail: Option<&str>,
    keyholder: bool,
) -> Result<()> {
    let sql =
        "UPDATE members SET name = $2, mail = $3, mail_folded = $4, keyholder = $5 WHERE id = $1";
    on!(tx, c => sqlx::query(sql)
        .bind(member.0).bind(name).bind(mail).bind(mail.map(fold)).bind(i64::from(keyholder))
        .execute(c).await?.rows_affected());
    search::index(tx, organisation, member, (name, mail));
    Ok(())
}

/// A card as staff see it; never its number.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CardFace {
    /// Which.
    pub id: i64,
    /// Whose.
    pub member: i64,
    /// Their name.
    pub name: String,
    /// The last digits of its number.
    pub last_digits: String,
    /// What people call it.
    pub label: String,
    /// `ok`, `lost` or `returned`.
    pub state: String,
    /// Since when, in milliseconds since 1970.
    pub state_since: i64,
    /// When it opens nothing any more, if it is a fob that is lent.
    pub lent_until: Option<i64>,
}

/// A question for cards, as staff see them; the rest of it says which.
macro_rules! faces {
    ($rest:literal) => {
        concat!(
            "SELECT id, member, (SELECT m.name FROM members m WHERE m.id = cards.member) AS name, last_digits, label, state, \
             state_since, \
             (SELECT MAX(l.ends_at) FROM loans l WHERE l.card = cards.id AND l.returned_at IS NULL) AS lent_until \
             FROM cards ",
            $rest
        )
    };
}

/// What cards are looked for by.
#[derive(Debug, Clone, Copy, Default)]
pub struct CardSearch<'a> {
    /// Only of this member.
    pub member: Option<MemberId>,
    /// Part of the label or of the last digits.
    pub text: Option<&'a str>,
    /// Only in this state.
    pub state: Option<CardRow>,
    /// Only after this number.
    pub after: i64,
    /// At most so many.
    pub limit: i64,
}

impl CardSearch<'_> {
    /// All of one member.
    #[must_use]
    pub fn of(member: MemberId) -> Self {
        Self {
            member: Some(member),
            limit: i64::MAX,
            ..Self::default()
        }
    }
}

/// Cards, in the order of their numbers.
pub async fn cards(
    tx: &mut Tx,
    organisation: &OrganisationId,
    search: CardSearch<'_>,
) -> Result<Vec<CardFace>> {
    let member = search.member.map(|member| member.0);
    let whose = of(member, "member", "$3");
    let faces = faces!("");
    let sql = format!(
        "{faces} WHERE organisation = $1 AND id > $2 AND {whose} AND ($4 = '' OR state = $4) \
         AND (LOWER(label) LIKE LOWER($5) ESCAPE '!' OR LOWER(last_digits) LIKE LOWER($5) ESCAPE '!') \
         ORDER BY id LIMIT $6"
    );
    let question = Statement::new(sql)
        .bind(organisation.as_str())
        .bind(search.after);
    let question = question
        .bind(member.unwrap_or(0))
        .bind(search.state.map_or("", CardRow::word));
    let within = within(search.text.unwrap_or(""));
    tx.ask(question.bind(within).bind(search.limit)).await
}

/// One card.
pub async fn card(
    tx: &mut Tx,
    organisation: &OrganisationId,
    card: CardId,
) -> Result<Option<CardFace>> {
    let sql = faces!("WHERE organisation = $1 AND id = $2");
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(card.0).fetch_optional(c).await?),
    )
}

/// The card with a number, by its keyed index.
pub async fn card_by_index(
    tx: &mut Tx,
    organisation: &OrganisationId,
    index: &[u8],
) -> Result<Option<CardFace>> {
    let sql = faces!("WHERE organisation = $1 AND uid_index = $2");
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(index).fetch_optional(c).await?),
    )
}

/// The sealed numbers of the cards that were not given back, in the order of their numbers here.
pub async fn sealed_cards(
    tx: &mut Tx,
    organisation: &OrganisationId,
) -> Result<Vec<(CardId, Vec<u8>)>> {
    let sql =
        "SELECT id, uid_sealed FROM cards WHERE organisation = $1 AND state <> $2 ORDER BY id";
    let rows: Vec<(i64, Vec<u8>)> = on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(CardRow::Returned.word()).fetch_all(c).await?);
    Ok(rows
        .into_iter()
        .map(|(id, sealed)| (CardId(id), sealed))
        .collect())
}

/// What a card is stored as.
#[derive(Debug, Clone, Copy)]
pub struct NewCard<'a> {
    /// Whose.
    pub member: MemberId,
    /// Its number, sealed.
    pub uid_sealed: &'a [u8],
    /// By which it is found.
    pub uid_index: &'a [u8],
    /// For people to compare.
    pub last_digits: &'a str,
    /// What people call it.
    pub label: &'a str,
}

/// Makes a card.
pub async fn add_card(
    tx: &mut Tx,
    organisation: &OrganisationId,
    new: NewCard<'_>,
    now: Timestamp,
) -> Result<CardId> {
    let sql = "INSERT INTO cards (organisation, member, uid_sealed, uid_index, last_digits, label, state, state_since) \
               VALUES ($1, $2, $3, $4, $5, $6, 'ok', $7) RETURNING id";
    let id: i64 = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(new.member.0).bind(new.uid_sealed).bind(new.uid_index)
        .bind(new.last_digits).bind(new.label).bind(now.0)
        .fetch_one(c).await?);
    Ok(CardId(id))
}

/// Gives a card that was returned to another member.
pub async fn hand_on_card(
    tx: &mut Tx,
    card: CardId,
    member: MemberId,
    label: &str,
    now: Timestamp,
) -> Result<()> {
    let sql =
        "UPDATE cards SET member = $2, label = $3, state = 'ok', state_since = $4 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(card.0).bind(member.0).bind(label).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Names a card.
pub async fn name_card(tx: &mut Tx, card: CardId, label: &str) -> Result<()> {
    let sql = "UPDATE cards SET label = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(card.0).bind(label).execute(c).await?.rows_affected());
    Ok(())
}

/// The sealed number of a card.
pub async fn sealed_card(tx: &mut Tx, card: CardId) -> Result<Vec<u8>> {
    let sql = "SELECT uid_sealed FROM cards WHERE id = $1";
    Ok(on!(tx, c => sqlx::query_scalar(sql).bind(card.0).fetch_one(c).await?))
}

/// Marks a card.
pub async fn mark_card(tx: &mut Tx, card: CardId, state: CardRow, now: Timestamp) -> Result<()> {
    let sql = "UPDATE cards SET state = $2, state_since = $3 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(card.0).bind(state.word()).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Says what people call a card.
pub fn label_card(tx: &mut Tx, card: CardId, label: &str) {
    let sql = "UPDATE cards SET label = $2 WHERE id = $1";
    tx.later(Statement::new(sql).bind(card.0).bind(label));
}

/// The audit line that told a member's standing at a moment: its time, its cause and the standing.
pub async fn standing_at(
    tx: &mut Tx,
    member: MemberId,
    at: Timestamp,
) -> Result<Option<(Timestamp, String, Standing)>> {
    let sql = "SELECT id, at, cause, body FROM audit WHERE member = $1 AND action = 'standing' AND at <= $2 \
               AND body IS NOT NULL ORDER BY at DESC, id DESC LIMIT 1";
    let row: Option<(i64, i64, String, String)> =
        on!(tx, c => sqlx::query_as(sql).bind(member.0).bind(at.0).fetch_optional(c).await?);
    row.map(|(id, at, cause, body)| Ok((Timestamp(at), cause, json(&body, "audit", "body", id)?)))
        .transpose()
}

/// When a member's standing changed next after a moment, and why.
pub async fn changed_after(
    tx: &mut Tx,
    member: MemberId,
    at: Timestamp,
) -> Result<Option<(Timestamp, String)>> {
    let sql = "SELECT at, cause FROM audit WHERE member = $1 AND action = 'standing' AND at > $2 \
               ORDER BY at, id LIMIT 1";
    let row: Option<(i64, String)> =
        on!(tx, c => sqlx::query_as(sql).bind(member.0).bind(at.0).fetch_optional(c).await?);
    Ok(row.map(|(at, cause)| (Timestamp(at), cause)))
}

impl CardFace {
    /// Whether it counts.
    pub fn row(&self) -> Result<CardRow> {
        [CardRow::Ok, CardRow::Lost, CardRow::Returned]
            .into_iter()
            .find(|known| known.word() == self.state)
            .ok_or(StoreError::Row {
                table: "cards",
                row: self.id.to_string(),
                column: "state",
            })
    }
}
