//! Statements that travel together. A trip to SQLite's thread costs more than most statements, so writes wait for the
//! next question, and questions for each other; they go as one text. PostgreSQL takes them one by one.

use super::{Connection, Result, StoreError, Tx};
use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Either, Encode, Executor as _, FromRow, Type};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::Range;

/// Wider statements travel alone: they are of too many lengths for their joined texts to be met again.
const NARROW: usize = 16;
/// So many statements travel together at most.
const TOGETHER: usize = 8;

/// A statement with what is bound to its places, `$1` and on.
#[derive(Debug)]
pub struct Statement {
    sql: Cow<'static, str>,
    values: Vec<Value>,
}

/// What can be bound.
#[derive(Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(Option<i64>),
    /// A text.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Some(bytes))
    }
}

impl From<Option<Vec<u8>>> for Value {
    fn from(bytes: Option<Vec<u8>>) -> Self {
        Self::Bytes(bytes)
    }
}

impl Statement {
    /// A statement of which nothing is bound yet.
    pub fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Self {
            sql: sql.into(),
            values: Vec::new(),
        }
    }

    /// Binds the next place.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }
}

/// A question that waits for its answer: rows of any number of statements, to be read as `T`.
#[derive(Debug)]
#[must_use]
pub struct Question<T> {
    numbers: Range<usize>,
    rows: PhantomData<fn() -> T>,
}

/// What is to be carried, and what was brought back.
#[derive(Debug, Default)]
pub struct Trip {
    waiting: Vec<(Statement, Option<usize>)>,
    answers: BTreeMap<usize, Rows>,
    asked: usize,
    /// Whether a trip failed or was given up: what was on it may be lost.
    broken: bool,
}

#[derive(Debug)]
enum Rows {
    Sqlite(Vec<SqliteRow>),
    Postgres(Vec<PgRow>),
}

impl Tx {
    /// Writes something before the next question is answered, or before the commit.
    pub fn later(&mut self, write: Statement) {
        self.trip.waiting.push((write, None));
    }

    /// Puts a question, to be carried with what was put before and what is put before an answer is wanted.
    pub fn put<T>(&mut self, question: impl IntoIterator<Item = Statement>) -> Question<T> {
        let first = self.trip.asked;
        for statement in question {
            self.trip.waiting.push((statement, Some(self.trip.asked)));
            self.trip.asked += 1;
        }
        Question {
            numbers: first..self.trip.asked,
            rows: PhantomData,
        }
    }

    /// The answer to a question.
    pub async fn answer<T>(&mut self, question: Question<T>) -> Result<Vec<T>>
    where
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
    {
        self.carry().await?;
        let mut answer = Vec::new();
        for number in question.numbers {
            match self.trip.answers.remove(&number) {
                Some(Rows::Sqlite(rows)) => {
                    for row in &rows {
                        answer.push(T::from_row(row)?);
                    }
                }
                Some(Rows::Postgres(rows)) => {
                    for row in &rows {
                        answer.push(T::from_row(row)?);
                    }
                }
                None => return Err(StoreError::Broken),
            }
        }
        Ok(answer)
    }

    /// Puts a question and waits for the answer.
    pub async fn ask<T>(&mut self, question: Statement) -> Result<Vec<T>>
    where
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
    {
        let question = self.put([question]);
        self.answer(question).await
    }

    /// Carries what waits to the database; once that failed, the transaction can only be dropped.
    pub async fn carry(&mut self) -> Result<()> {
        if self.trip.broken {
            return Err(StoreError::Broken);
        }
        if self.trip.waiting.is_empty() {
            return Ok(());
        }
        self.trip.broken = true;
        self.carry_all().await?;
        self.trip.broken = false;
        Ok(())
    }

    async fn carry_all(&mut self) -> Result<()> {
        let mut waiting = std::mem::take(&mut self.trip.waiting)
            .into_iter()
            .peekable();
        let answers = &mut self.trip.answers;
        while let Some((first, number)) = waiting.next() {
            match &mut self.connection {
                Connection::Sqlite(connection) => {
                    let mut numbers = vec![number];
                    let mut group = vec![first];
                    while group.len() < TOGETHER
                        && group[0].values.len() <= NARROW
                        && let Some((next, number)) =
                            waiting.next_if(|(next, _)| next.values.len() <= NARROW)
                    {
                        numbers.push(number);
                        group.push(next);
                    }
                    let sql = joined(&group);
                    let values = group.into_iter().flat_map(|statement| statement.values);
                    let arguments: SqliteArguments = arguments(values)?;
                    let query = sqlx::query_with(AssertSqlSafe(sql), arguments);
                    let mut numbers = numbers.into_iter();
                    let mut rows = Vec::new();
                    let mut results = (&mut **connection).fetch_many(query);
                    while let Some(result) = results.try_next().await? {
                        match result {
                            Either::Right(row) => rows.push(row),
                            // A statement has ended.
                            Either::Left(_) => {
                                let rows = std::mem::take(&mut rows);
                                if let Some(number) = numbers.next().flatten() {
                                    answers.insert(number, Rows::Sqlite(rows));
                                }
                            }
                        }
                    }
                    // An end that nobody told, such as that of SQLite's thread.
                    if numbers.next().is_some() {
                        return Err(StoreError::Broken);
                    }
                }
                Connection::Postgres(connection) => {
                    let arguments: PgArguments = arguments(first.values)?;
                    let sql = AssertSqlSafe(first.sql.into_owned());
                    let query = sqlx::query_with(sql, arguments);
                    let rows = query.fetch_all(&mut **connection).await?;
                    if let Some(number) = number {
                        answers.insert(number, Rows::Postgres(rows));
                    }
                }
            }
        }
        Ok(())
    }
}

/// One text, its places counted on from statement to statement. Places that stand in their order go without a number:
/// SQLite looks the names of places up one by one.
fn joined(group: &[Statement]) -> String {
    let mut sql =
        String::with_capacity(group.iter().map(|statement| statement.sql.len() + 16).sum());
    let in_order = group.iter().all(|statement| {
        let places = places(&statement.sql).map(|(place, _)| place);
        places.eq(1..=statement.values.len())
    });
    let mut before = 0;
    for Statement { sql: text, values } in group {
        let mut highest = 0;
        sql.extend(text.split('$').next());
        for (place, rest) in places(text) {
            highest = highest.max(place);
            if in_order {
                sql.push('?');
            } else {
                sql.push('$');
                sql.push_str(&(before + place).to_string());
            }
            sql.push_str(rest);
        }
        sql.push(';');
        // One too few, and it would be given the next statement's first.
        debug_assert_eq!(highest, values.len(), "values bound to {text}");
        before += values.len();
    }
    sql
}

/// The places of a text, each with what follows it.
fn places(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split('$').skip(1).map(|piece| {
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        let (place, rest) = piece.split_at(digits);
        (place.parse().expect("a place has a number"), rest)
    })
}

fn arguments<A: Arguments>(values: impl IntoIterator<Item = Value>) -> Result<A>
where
    Option<i64>: for<'q> Encode<'q, A::Database> + Type<A::Database>,
    Option<String>: for<'q> Encode<'q, A::Database> + Type<A::Database>,
    Option<Vec<u8>>: for<'q> Encode<'q, A::Database> + Type<A::Database>,
{
    let mut arguments = A::default();
    for value in values {
        match value {
            Value::Number(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text),
            Value::Bytes(bytes) => arguments.add(bytes),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    /// A store with an empty table, and a transaction that has begun.
    async fn table() -> (Store, Tx) {
        let store = Store::open("sqlite::memory:").await.expect("opens");
        let mut tx = store.begin().await.expect("begins");
        tx.later(Statement::new("CREATE TABLE n (n INTEGER NOT NULL UNIQUE)"));
        tx.commit().await.expect("made");
        let tx = store.begin().await.expect("begins");
        (store, tx)
    }

    async fn count(store: &Store) -> i64 {
        let mut tx = store.begin_read().await.expect("begins");
        let count = tx.ask::<(i64,)>(Statement::new(COUNT)).await;
        count.expect("counted")[0].0
    }

    fn insert(tx: &mut Tx, numbers: Range<i64>) {
        for number in numbers {
            tx.later(Statement::new("INSERT INTO n VALUES ($1)").bind(number));
        }
    }

    const COUNT: &str = "SELECT COUNT(*) FROM n";

    #[tokio::test]
    async fn a_question_sees_what_was_put_before_it_and_nothing_later() {
        let (_store, mut tx) = table().await;
        insert(&mut tx, 0..1);
        let one = tx.put::<(i64,)>([Statement::new(COUNT)]);
        insert(&mut tx, 1..20);
        let above = "SELECT n FROM n WHERE n > $1 ORDER BY n";
        let two = tx.put::<(i64,)>([17, 18].map(|n| Statement::new(above).bind(n)));
        let wide = Statement::new("SELECT $17 + COUNT(*) FROM n");
        let wide = (1..=17).fold(wide, Statement::bind);
        assert_eq!(tx.ask::<(i64,)>(wide).await.expect("asked"), [(37,)]);
        let two = tx.answer(two).await.expect("answered");
        assert_eq!(two, [(18,), (19,), (19,)]);
        assert_eq!(tx.answer(one).await.expect("answered"), [(1,)]);
    }

    #[tokio::test]
    async fn after_a_statement_that_failed_nothing_is_committed() {
        let (store, mut tx) = table().await;
        insert(&mut tx, 0..2);
        insert(&mut tx, 0..3);
        let failed = tx.ask::<(i64,)>(Statement::new(COUNT)).await;
        assert!(matches!(failed, Err(StoreError::Query(_))), "{failed:?}");
        let committed = tx.commit().await;
        assert!(
            matches!(committed, Err(StoreError::Broken)),
            "{committed:?}"
        );
        assert_eq!(count(&store).await, 0);
    }

    #[tokio::test]
    async fn what_was_dropped_did_not_happen_and_what_was_committed_did() {
        let (store, mut tx) = table().await;
        insert(&mut tx, 0..3);
        tx.carry().await.expect("carried");
        drop(tx);
        let mut tx = store.begin().await.expect("begins");
        insert(&mut tx, 5..7);
        tx.commit().await.expect("committed");
        assert_eq!(count(&store).await, 2);
    }

    #[test]
    fn places_are_counted_on_from_statement_to_statement() {
        let narrow = |sql: &'static str| Statement::new(sql).bind(1).bind("two");
        let group = [
            narrow("UPDATE a SET b = $2 WHERE c = $1 AND d > $2"),
            narrow("SELECT $1, $2"),
        ];
        assert_eq!(
            joined(&group),
            "UPDATE a SET b = $2 WHERE c = $1 AND d > $2;SELECT $3, $4;"
        );
        let group = ["SELECT $1, $2", "SELECT $1 + 1, $2"].map(narrow);
        assert_eq!(joined(&group), "SELECT ?, ?;SELECT ? + 1, ?;");
    }
}
