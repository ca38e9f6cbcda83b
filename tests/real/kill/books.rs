//! What a server's database says: while it runs, right after it was killed, and in the end, to be compared.

use crate::http::RUNTIME;
use crate::wait;
use serde_json::{Value, json};
use shared::badge::{BadgeEvent, What};
use shared::reasons::Reason;
use shared::rights::Entry;
use shared::time::Timestamp;
use sqlx::{Connection as _, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tempfile::TempDir;

/// A database that is open for reading.
pub struct Books {
    connection: SqliteConnection,
    _copy: Option<TempDir>,
}

/// What is written once and stays: a row that is missing is lost, one that is there too often is doubled. The first
/// column says what it is about; numbers that the database gave are replaced by what they stand for.
const LEDGERS: [(&str, &str); 12] = [
    ("inbox", "SELECT json_array(event, state) FROM inbox"),
    (
        "payments",
        "SELECT json_array(COALESCE(p.invoice, p.note), p.source, p.customer, m.name, p.membership, p.amount, p.currency, \
         p.reason, p.period_from, p.period_until) FROM payments p LEFT JOIN members m ON m.id = p.member",
    ),
    (
        "reversals",
        "SELECT json_array(id, kind, payment, invoice, customer, amount, currency, status, reason) FROM reversals",
    ),
    (
        "notices",
        "SELECT json_array(subject, kind, customer) FROM notices",
    ),
    (
        // What was heard of late may have ended a term for a moment; what counts is which there were, and whether one is open.
        "terms",
        "SELECT json_array(m.name, COALESCE((SELECT note FROM payments p WHERE t.source = 'payment ' || p.id), \
         (SELECT reason FROM grants g WHERE t.source = 'grant ' || g.id), t.source), t.membership, MAX(t.closed_at IS NULL)) \
         FROM terms t JOIN members m ON m.id = t.member GROUP BY m.name, t.source, t.membership",
    ),
    (
        "holds",
        "SELECT json_array(h.reason, m.name, h.starts_at, h.ends_at) FROM holds h JOIN members m ON m.id = h.member",
    ),
    (
        "grants",
        "SELECT json_array(g.reason, m.name, g.membership, g.starts_at, g.ends_at) FROM grants g \
         JOIN members m ON m.id = g.member",
    ),
    (
        "cards",
        "SELECT json_array(m.name, c.label, c.last_digits, c.state) FROM cards c JOIN members m ON m.id = c.member",
    ),
    (
        "coverage",
        "SELECT json_array(c.item, c.seat, m.name) FROM coverage c JOIN members m ON m.id = c.member",
    ),
    (
        "gift cards",
        "SELECT json_array(note, state, customer, movement) FROM gift_cards",
    ),
    ("members", "SELECT json_array(name, mail) FROM members"),
    (
        "audit",
        "SELECT json_array(m.name, a.actor, a.action) FROM audit a LEFT JOIN members m ON m.id = a.member \
         WHERE a.action != 'standing'",
    ),
];

/// What is kept up to date: a row that differs is wrong.
const STATES: [(&str, &str); 5] = [
    (
        "customers",
        "SELECT json_array(c.id, m.name, c.link, c.confirmed, c.mail, c.name, c.reference, c.deleted_at) \
         FROM customers c LEFT JOIN members m ON m.id = c.member",
    ),
    (
        "objects",
        "SELECT json_array(id, kind, customer, json(body)) FROM objects",
    ),
    ("prices", "SELECT json_array(id, x, place) FROM prices"),
    (
        // Messages pass each other on their way to a door, which then refuses the older one; and a door that was shown a
        // card before it had its list turned it away, or let in whose card had just been lost.
        "attention",
        "SELECT json_array(a.subject, a.kind, m.name) FROM attention a LEFT JOIN members m ON m.id = a.member \
         WHERE a.resolved_at IS NULL AND a.kind NOT IN ('messages_refused', 'paid_but_refused', 'revoked_card')",
    ),
    (
        "standing",
        "SELECT json_array(name, json(standing), next_change, json(concerns)) FROM members",
    ),
];

/// Everything that must be the same in the end.
pub struct Outcome {
    ledgers: BTreeMap<&'static str, Vec<String>>,
    states: BTreeMap<&'static str, BTreeSet<String>>,
}

/// What should not be.
#[derive(Debug, Default)]
pub struct Faults {
    /// What was answered, told or paid, and is not there.
    pub lost: Vec<String>,
    /// What is there too often.
    pub doubled: Vec<String>,
    /// What is another than without any kill.
    pub wrong: BTreeSet<String>,
}

impl Books {
    /// Of a server that runs.
    pub fn live(database: &Path) -> Self {
        Self::open(database, None)
    }

    /// Of a server that was killed; it is left as it lies, so that the next start finds what a kill leaves.
    pub fn dead(database: &Path) -> Self {
        let folder = wait::scratch();
        let copy = folder.path().join("copy.db");
        for end in ["", "-wal"] {
            let with = |path: &Path| format!("{}{end}", path.display());
            if Path::new(&with(database)).exists() {
                std::fs::copy(with(database), with(&copy)).expect("a copy");
            }
        }
        Self::open(&copy, Some(folder))
    }

    fn open(path: &Path, copy: Option<TempDir>) -> Self {
        let address = format!("sqlite:{}", path.display());
        let opened = RUNTIME.block_on(SqliteConnection::connect(&address));
        Self {
            connection: opened.expect("a database"),
            _copy: copy,
        }
    }

    /// Whether nothing is left to do at this moment, nor soon.
    pub fn is_at_rest(&mut self, now: Timestamp) -> bool {
        const SQL: &str = "SELECT (SELECT COUNT(*) FROM inbox WHERE state = 'pending') \
            + (SELECT COUNT(*) FROM customers WHERE wants_fetch IS NOT NULL) \
            + (SELECT COUNT(*) FROM members WHERE next_change <= $1) \
            + (SELECT COUNT(*) FROM gift_cards WHERE state = 'redeeming') \
            + (SELECT COUNT(*) FROM reversals WHERE invoice IS NULL AND payment IS NOT NULL AND tries < 5 \
               AND trace_at <= $1)";
        let query = sqlx::query_scalar(SQL).bind(now.0);
        let left: i64 = RUNTIME
            .block_on(query.fetch_one(&mut self.connection))
            .expect("it answers");
        left == 0
    }

    /// Counts by a query with one text in it.
    pub fn count(&mut self, (sql, text): &(&'static str, String)) -> i64 {
        let query = sqlx::query_scalar(*sql).bind(text);
        RUNTIME
            .block_on(query.fetch_one(&mut self.connection))
            .expect("it answers")
    }

    fn rows(&mut self, sql: &'static str) -> Vec<String> {
        let query = sqlx::query_scalar(sql);
        RUNTIME
            .block_on(query.fetch_all(&mut self.connection))
            .expect("it answers")
    }

    /// Every event in the inbox, as often as it is there.
    pub fn events(&mut self) -> Vec<String> {
        self.rows("SELECT event FROM inbox")
    }

    /// The paid invoices in the ledger, with what was paid.
    pub fn paid(&mut self) -> Vec<String> {
        self.rows("SELECT invoice || ' ' || amount FROM payments WHERE invoice IS NOT NULL")
    }

    /// Terms of one fact that run at the same time.
    pub fn overlaps(&mut self) -> Vec<String> {
        self.rows(
            "SELECT json_array(a.member, a.source) FROM terms a JOIN terms b ON b.member = a.member AND b.source = a.source \
             AND b.id > a.id WHERE a.closed_at IS NULL OR b.opened_at < a.closed_at",
        )
    }

    /// What doors told of cards, door and reason; of unknown cards the first time.
    pub fn badges(&mut self) -> Vec<String> {
        let query =
            sqlx::query_as("SELECT door || ' ' || reason, body FROM badges WHERE kind = 'card'");
        let mut rows: Vec<(String, Vec<u8>)> = RUNTIME
            .block_on(query.fetch_all(&mut self.connection))
            .expect("it answers");
        let mut unknown = BTreeSet::new();
        let is_first = |(told, body): &(String, Vec<u8>)| {
            let event: BadgeEvent = minicbor::decode(body).expect("an event");
            let What::Card { token, reason, .. } = event.what else {
                return true;
            };
            reason != Reason::Unknown || unknown.insert((told.clone(), token))
        };
        rows.retain(is_first);
        rows.into_iter().map(|(told, _)| told).collect()
    }

    /// The newest revision of each zone's list, as doors show it.
    pub fn revisions(&mut self) -> BTreeMap<String, i64> {
        let query = sqlx::query_as("SELECT id, number FROM zones");
        let rows: Vec<(String, i64)> = RUNTIME
            .block_on(query.fetch_all(&mut self.connection))
            .expect("it answers");
        rows.into_iter().collect()
    }

    /// What is to be compared, with what doors did at last.
    pub fn outcome(&mut self, taps: Vec<String>) -> Outcome {
        let mut ledgers: BTreeMap<_, _> = LEDGERS.map(|(name, sql)| (name, self.rows(sql))).into();
        ledgers.insert("taps", taps);
        let mut states: BTreeMap<&str, BTreeSet<String>> = STATES
            .map(|(name, sql)| (name, self.rows(sql).into_iter().collect()))
            .into();
        let standings = states.remove("standing").unwrap_or_default();
        let named = self.named();
        states.insert(
            "standing",
            standings.iter().map(|row| named.put(row)).collect(),
        );
        states.insert("entries", self.entries());
        Outcome { ledgers, states }
    }

    fn named(&mut self) -> Named {
        let mut of = |sql| {
            let query = sqlx::query_as(sql);
            let rows: Vec<(i64, String)> = RUNTIME
                .block_on(query.fetch_all(&mut self.connection))
                .expect("it answers");
            rows.into_iter().collect()
        };
        Named {
            payments: of("SELECT id, note FROM payments"),
            grants: of("SELECT id, reason FROM grants"),
            holds: of("SELECT id, reason FROM holds"),
        }
    }

    /// The lists, without the random numbers by which doors know people.
    fn entries(&mut self) -> BTreeSet<String> {
        const SQL: &str = "SELECT e.zone || ' ' || m.name || ' ' || c.last_digits, e.entry FROM entries e \
                           JOIN members m ON m.id = e.member JOIN cards c ON c.id = e.card";
        let query = sqlx::query_as(SQL);
        let rows: Vec<(String, Vec<u8>)> = RUNTIME
            .block_on(query.fetch_all(&mut self.connection))
            .expect("it answers");
        let shown = |(about, entry): (String, Vec<u8>)| {
            let entry: Entry = minicbor::decode(&entry).expect("an entry");
            let Entry { state, rights, .. } = entry;
            json!([about, format!("{state:?} {rights:?}")]).to_string()
        };
        rows.into_iter().map(shown).collect()
    }
}

/// What the database's own numbers stand for.
struct Named {
    payments: BTreeMap<i64, String>,
    grants: BTreeMap<i64, String>,
    holds: BTreeMap<i64, String>,
}

impl Named {
    /// A standing with words in place of numbers, its access in their order.
    fn put(&self, row: &str) -> String {
        let mut row: Value = serde_json::from_str(row).expect("JSON");
        let standing = &mut row[1];
        let name =
            |of: &BTreeMap<i64, String>, id: &Value| json!(id.as_i64().and_then(|id| of.get(&id)));
        let hold = name(&self.holds, &standing["state"]["hold"]);
        if !hold.is_null() {
            standing["state"]["hold"] = hold;
        }
        if let Some(access) = standing["access"].as_array_mut() {
            for window in access.iter_mut() {
                let because = &mut window["because"];
                match because["kind"].as_str() {
                    Some("payment") => because["id"] = name(&self.payments, &because["id"]),
                    Some("grant") => because["id"] = name(&self.grants, &because["id"]),
                    Some(_) | None => {}
                }
            }
            access.sort_by_key(Value::to_string);
        }
        row.to_string()
    }
}

impl Faults {
    /// Notes what is there too often or not often enough.
    pub fn compare(&mut self, what: &str, is: &[String], should: &[String]) {
        let mut counts: BTreeMap<&String, i64> = BTreeMap::new();
        is.iter()
            .for_each(|row| *counts.entry(row).or_default() += 1);
        should
            .iter()
            .for_each(|row| *counts.entry(row).or_default() -= 1);
        for (row, count) in counts {
            let times = usize::try_from(count.unsigned_abs()).expect("few");
            let list = if count > 0 {
                &mut self.doubled
            } else {
                &mut self.lost
            };
            list.extend(std::iter::repeat_n(format!("{what}: {row}"), times));
        }
    }

    /// Compares a server that was killed with one that was not.
    pub fn compare_all(&mut self, is: &Outcome, should: &Outcome) {
        for (name, rows) in &should.ledgers {
            self.compare(name, &is.ledgers[name], rows);
        }
        for (name, rows) in &should.states {
            for row in is.states[name].symmetric_difference(rows) {
                let about: Value = serde_json::from_str(row).expect("JSON");
                let whose = if rows.contains(row) { "not" } else { "is" };
                self.wrong.insert(format!("{name} of {}", about[0]));
                println!("{name} {whose}: {row}");
            }
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.wrong.is_empty()
    }
}
