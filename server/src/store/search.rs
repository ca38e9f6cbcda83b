//! Members as they are looked for: by how words of their names begin, by standing, type, and what is odd about them.

use super::many::{list, parts, rows};
use super::people::{PERSON, Person, PersonRow};
use super::trip::{Statement, Value};
use super::{Result, Tx};
use shared::ids::{MemberId, OrganisationId};
use shared::receipts::NO_CURRENCY;
use shared::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// More words than this do not make a search narrower.
const MOST_WORDS: usize = 6;
/// A beginning that so many words have is met soon by whoever looks at members one after the other.
const COMMON: i64 = 20_000;
/// Above every letter there is.
const LAST: char = '\u{10FFFF}';
/// So long after what was paid for somebody counts as paying: renewals take their time.
const PAID_LATELY: Span = Span::days(30);

/// What members are looked for by.
#[derive(Debug, Clone, Copy, Default)]
pub struct Search<'a> {
    /// How words of a name or of a mail address begin; or a member's number.
    pub text: Option<&'a str>,
    /// A standing's word.
    pub state: Option<&'a str>,
    /// A membership type that a member has now.
    pub membership: Option<&'a str>,
    /// What is odd about them.
    pub oddity: Option<Oddity>,
    /// Only after this number.
    pub after: i64,
    /// At most so many.
    pub limit: i64,
}

/// What somebody should perhaps look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// Let in, though no money has come for any of the last days: by a grant, or at no charge.
    PaysNothing,
    /// Without a card that counts.
    NoCard,
}

/// A question that grows.
struct Asking {
    sql: String,
    values: Vec<Value>,
}

impl Asking {
    /// Adds a condition; each `{}` in it is the place of a value.
    fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(" AND ");
        let mut values = values.into_iter();
        for part in condition.split_inclusive("{}") {
            match (part.strip_suffix("{}"), values.next()) {
                (Some(text), Some(value)) => {
                    self.values.push(value);
                    self.sql.push_str(&format!("{text}${}", self.values.len()));
                }
                (_, _) => self.sql.push_str(part),
            }
        }
    }

    fn statement(self) -> Statement {
        let statement = Statement::new(self.sql);
        self.values.into_iter().fold(statement, Statement::bind)
    }
}

/// Members, in the order of their numbers.
pub async fn search(
    tx: &mut Tx,
    organisation: &OrganisationId,
    search: Search<'_>,
    now: Timestamp,
) -> Result<Vec<Person>> {
    let mut asking = Asking {
        sql: format!(
            "SELECT {PERSON} FROM members m WHERE organisation = $1 AND id > $2 AND erased_at IS NULL"
        ),
        values: vec![organisation.as_str().into(), search.after.into()],
    };
    if let Some(text) = search.text {
        by_words(tx, organisation, text, &mut asking).await?;
    }
    if let Some(state) = search.state {
        asking.and("state = {}", [state.into()]);
    }
    if let Some(membership) = search.membership {
        let has = "id IN (SELECT member FROM terms WHERE membership = {} AND closed_at IS NULL)";
        asking.and(has, [membership.into()]);
    }
    match search.oddity {
        Some(Oddity::PaysNothing) => {
            let since = (now - PAID_LATELY).0;
            asking.and(
                PAYS_NOTHING,
                [NO_CURRENCY.into(), since.into(), since.into()],
            );
        }
        Some(Oddity::NoCard) => asking.and(NO_CARD, []),
        None => {}
    }
    asking.values.push(search.limit.into());
    asking
        .sql
        .push_str(&format!(" ORDER BY id LIMIT ${}", asking.values.len()));
    let found: Vec<PersonRow> = tx.ask(asking.statement()).await?;
    found.into_iter().map(PersonRow::read).collect()
}

/// Whose seat somebody else pays for pays, too.
const PAYS_NOTHING: &str = "state IN ('good', 'grace') \
    AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.member = m.id AND p.voided_at IS NULL \
    AND (p.amount > 0 OR p.currency = {}) AND p.period_until > {}) \
    AND NOT EXISTS (SELECT 1 FROM coverage v JOIN payments p ON p.account = v.account AND p.customer = v.customer \
    WHERE v.member = m.id AND p.amount > 0 AND p.period_until > {})";

const NO_CARD: &str = "NOT EXISTS (SELECT 1 FROM cards c WHERE c.member = m.id AND c.state = 'ok')";

/// The rarest beginning says who comes into question; of everybody that has a common one there are too many to list, and
/// one of them is met soon.
async fn by_words(
    tx: &mut Tx,
    organisation: &OrganisationId,
    text: &str,
    asking: &mut Asking,
) -> Result<()> {
    let mut counted = Vec::new();
    for word in words(text).take(MOST_WORDS) {
        let sql = "SELECT COUNT(*) FROM (SELECT 1 AS one FROM member_words \
                   WHERE organisation = $1 AND word >= $2 AND word < $3 LIMIT $4) AS found";
        let end = format!("{word}{LAST}");
        let question = Statement::new(sql).bind(organisation.as_str());
        let question = question.bind(&*word).bind(&*end).bind(COMMON);
        let rows: Vec<(i64,)> = tx.ask(question).await?;
        counted.push((rows.first().map_or(0, |row| row.0), word, end));
    }
    counted.sort();
    for (place, (count, word, end)) in counted.into_iter().enumerate() {
        let condition = if place == 0 && count < COMMON {
            "id IN (SELECT member FROM member_words WHERE organisation = $1 AND word >= {} AND word < {})"
        } else {
            "EXISTS (SELECT 1 FROM member_words w WHERE w.member = m.id AND w.word >= {} AND w.word < {})"
        };
        asking.and(condition, [word.into(), end.into()]);
    }
    Ok(())
}

/// Name and standing's word of members, by their numbers; who does not exist is missing.
pub async fn faces(
    tx: &mut Tx,
    organisation: &OrganisationId,
    members: &[MemberId],
) -> Result<BTreeMap<MemberId, (String, Option<String>)>> {
    let mut faces = BTreeMap::new();
    for part in parts(members) {
        let sql = format!(
            "SELECT id, name, state FROM members WHERE organisation = $1 AND id IN ({})",
            list(2, part.len())
        );
        let question = Statement::new(sql).bind(organisation.as_str());
        let ask = |question: Statement, member: &MemberId| question.bind(member.0);
        let rows: Vec<(i64, String, Option<String>)> =
            tx.ask(part.iter().fold(question, ask)).await?;
        faces.extend(
            rows.into_iter()
                .map(|(id, name, state)| (MemberId(id), (name, state))),
        );
    }
    Ok(faces)
}

/// How many members have a standing of each word.
pub async fn count_by_state(
    tx: &mut Tx,
    organisation: &OrganisationId,
) -> Result<BTreeMap<String, i64>> {
    let sql = "SELECT state, COUNT(*) FROM members WHERE organisation = $1 AND state IS NOT NULL GROUP BY state";
    let rows: Vec<(String, i64)> = tx
        .ask(Statement::new(sql).bind(organisation.as_str()))
        .await?;
    Ok(rows.into_iter().collect())
}

/// Letters and digits that stand together, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    let lower = text.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.into_iter()
}

/// Lets a member be found by this name and mail address, and no longer by others.
pub fn index(
    tx: &mut Tx,
    organisation: &OrganisationId,
    member: MemberId,
    (name, mail): (&str, Option<&str>),
) {
    let before = Statement::new("DELETE FROM member_words WHERE member = $1");
    tx.later(before.bind(member.0));
    let known = words(name).chain(words(mail.unwrap_or_default()));
    let known: BTreeSet<String> = known.chain([member.to_string()]).collect();
    let known: Vec<String> = known.into_iter().collect();
    for part in parts(&known) {
        let sql = format!(
            "INSERT INTO member_words (organisation, word, member) VALUES {}",
            rows(1, part.len(), 3)
        );
        let write = |write: Statement, word: &String| {
            write
                .bind(organisation.as_str())
                .bind(&**word)
                .bind(member.0)
        };
        tx.later(part.iter().fold(Statement::new(sql), write));
    }
}

/// Lets some of those be found who cannot be yet, for they were made by an older version; how many.
pub async fn index_some(tx: &mut Tx, organisation: &OrganisationId) -> Result<usize> {
    let sql = "SELECT id, name, mail FROM members m WHERE organisation = $1 \
               AND NOT EXISTS (SELECT 1 FROM member_words w WHERE w.member = m.id) ORDER BY id LIMIT 500";
    let found: Vec<(i64, String, Option<String>)> = tx
        .ask(Statement::new(sql).bind(organisation.as_str()))
        .await?;
    for (id, name, mail) in &found {
        index(tx, organisation, MemberId(*id), (name, mail.as_deref()));
    }
    Ok(found.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_and_digits_in_lower_case() {
        let all: Vec<String> = words("Öz Müller-Lüdenscheidt, ada@example.org 100%").collect();
        assert_eq!(
            all,
            [
                "öz",
                "müller",
                "lüdenscheidt",
                "ada",
                "example",
                "org",
                "100"
            ]
        );
        assert_eq!(words("%_@ ").count(), 0);
    }

    #[test]
    fn values_take_their_places_in_order() {
        let mut asking = Asking {
            sql: "WHERE a = $1".to_owned(),
            values: vec![1.into()],
        };
        asking.and("b > {} AND c < {}", [2.into(), 3.into()]);
        asking.and("d", []);
        assert_eq!(asking.sql, "WHERE a = $1 AND b > $2 AND c < $3 AND d");
        assert_eq!(asking.values.len(), 3);
    }
}
