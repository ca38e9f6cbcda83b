//! What the server holds and what Stripe has, put side by side without any of the server's code.

use super::year::Year;
use crate::http::RUNTIME;
use crate::stripe::KEY;
use serde_json::{Value, json};
use shared::time::Timestamp;
use sqlx::{Connection as _, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tests::stripe_sim::Headers;

/// The server's database, open for reading.
pub struct Books(SqliteConnection);

impl Books {
    /// Opens it.
    pub fn open(database: &Path) -> Self {
        let url = format!("sqlite:{}", database.display());
        let connected = RUNTIME.block_on(SqliteConnection::connect(&url));
        Self(connected.expect("the server's database"))
    }

    /// Whether no event waits and nobody's standing is due to change.
    pub fn is_at_rest(&mut self, now: Timestamp) -> bool {
        const SQL: &str = "SELECT (SELECT COUNT(*) FROM inbox WHERE state = 'pending') \
            + (SELECT COUNT(*) FROM members WHERE next_change <= $1)";
        let left: i64 = RUNTIME
            .block_on(sqlx::query_scalar(SQL).bind(now.0).fetch_one(&mut self.0))
            .expect("it answers");
        left == 0
    }

    fn rows(&mut self, sql: &'static str) -> BTreeMap<String, Value> {
        let rows: Vec<(String, String)> = RUNTIME
            .block_on(sqlx::query_as(sql).fetch_all(&mut self.0))
            .expect("it answers");
        let read = |(id, text): (String, String)| (id, serde_json::from_str(&text).expect("JSON"));
        rows.into_iter().map(read).collect()
    }
}

/// Both sides, each thing by its id: Stripe's, and the server's.
pub struct Oracle {
    there: BTreeMap<String, Value>,
    here: BTreeMap<String, Value>,
    /// The subscriptions under which a thing is told of that is not told of by itself.
    heads: BTreeMap<String, Vec<String>>,
    standings: BTreeMap<i64, String>,
    now: Timestamp,
}

impl Oracle {
    /// Asks both.
    pub fn ask(year: &Year) -> Self {
        let mut books = Books::open(&year.database());
        let mut oracle = Self {
            there: BTreeMap::new(),
            here: BTreeMap::new(),
            heads: BTreeMap::new(),
            standings: BTreeMap::new(),
            now: Timestamp::from_seconds(year.sim().now()),
        };
        oracle.ask_stripe(year);
        oracle.ask_stripe_further(year);
        oracle.ask_server(&mut books);
        oracle
    }

    fn ask_stripe(&mut self, year: &Year) {
        for subscription in all(year, "/v1/subscriptions", &[("status", "all")]) {
            self.there
                .insert(id(&subscription), subscription_there(&subscription));
        }
        for invoice in all(year, "/v1/invoices", &[]) {
            let Some(subscription) = invoice
                .pointer("/parent/subscription_details/subscription")
                .and_then(Value::as_str)
            else {
                continue;
            };
            // A draft is not told of: nothing has to be known of it.
            if invoice["status"] == "draft" {
                continue;
            }
            self.heads
                .insert(id(&invoice), vec![subscription.to_owned()]);
            self.there.insert(
                id(&invoice),
                json!([invoice["status"], invoice["amount_paid"]]),
            );
            if invoice["status"] == "paid" {
                let booked = format!("payment of {}", id(&invoice));
                self.heads
                    .insert(booked.clone(), vec![subscription.to_owned()]);
                self.there.insert(booked, invoice["amount_paid"].clone());
            }
        }
    }

    /// Prices and customers. Only who pays for something is compared.
    fn ask_stripe_further(&mut self, year: &Year) {
        for price in all(year, "/v1/prices", &[]) {
            let id = id(&price);
            self.there
                .insert(id, json!([price["nickname"], price["active"]]));
        }
        for person in &year.people {
            let Some(customer) = &person.customer else {
                continue;
            };
            let sim = year.sim();
            let shown = sim.customer(customer);
            self.heads
                .insert(customer.clone(), sim.subscriptions_of(customer));
            self.there.insert(
                customer.clone(),
                json!([
                    shown["email"],
                    shown["name"],
                    shown["metadata"]["goodstanding_member"]
                ]),
            );
        }
    }

    fn ask_server(&mut self, books: &mut Books) {
        const SUBSCRIPTIONS: &str = "SELECT id, body FROM objects WHERE kind = 'subscription'";
        for (id, body) in books.rows(SUBSCRIPTIONS) {
            self.here.insert(id, subscription_here(&body));
        }
        const INVOICES: &str = "SELECT id, body FROM objects WHERE kind = 'invoice'";
        for (id, body) in books.rows(INVOICES) {
            if body["status"] != "draft" {
                self.here
                    .insert(id, json!([body["status"], body["amount_paid"]]));
            }
        }
        const PAYMENTS: &str =
            "SELECT 'payment of ' || invoice, CAST(amount AS TEXT) FROM payments";
        self.here.extend(books.rows(PAYMENTS));
        const PRICES: &str =
            "SELECT id, json_array(face ->> '$.nickname', face -> '$.active') FROM prices";
        for (id, face) in books.rows(PRICES) {
            self.here.insert(
                id,
                json!([
                    face[0],
                    face[1] == 1 || face[1] == "true" || face[1] == true
                ]),
            );
        }
        const CUSTOMERS: &str = "SELECT id, json_array(mail, name, reference) FROM customers";
        for (id, mut customer) in books.rows(CUSTOMERS) {
            let Some(there) = self.there.get(&id) else {
                continue;
            };
            // Stripe does not name the member of everybody who is known to be one.
            if there[2].is_null() {
                customer[2] = Value::Null;
            }
            self.here.insert(id, customer);
        }
        const STANDINGS: &str = "SELECT CAST(id AS TEXT), COALESCE(standing, 'null') FROM members";
        let state = |(id, standing): (String, Value)| {
            (id.parse().expect("a number"), standing["state"].to_string())
        };
        self.standings = books.rows(STANDINGS).into_iter().map(state).collect();
    }

    /// What differs, by the subscription it is told of, in words.
    pub fn differing(&self) -> BTreeMap<String, Vec<String>> {
        let mut differing: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let ids: BTreeSet<&String> = self.there.keys().chain(self.here.keys()).collect();
        for id in ids {
            let (there, here) = (self.there.get(id), self.here.get(id));
            if there != here {
                let show =
                    |side: Option<&Value>| side.map_or("nothing".to_owned(), Value::to_string);
                let words = format!("{id}: {} at Stripe, {} here", show(there), show(here));
                let own = vec![id.clone()];
                for head in self.heads.get(id).unwrap_or(&own) {
                    differing
                        .entry(head.clone())
                        .or_default()
                        .push(words.clone());
                }
            }
        }
        differing
    }

    /// Members who are in without cause or out although paid.
    pub fn misjudged(&self, year: &Year) -> Vec<String> {
        const DAY: i64 = 86_400;
        let sim = year.sim();
        let now = sim.now();
        let mut wrong = Vec::new();
        for person in &year.people {
            let paid = person.subscriptions.iter().filter_map(|id| {
                let shown = sim.subscription(id);
                let left = matches!(sim.status(id).as_str(), "active" | "past_due" | "trialing");
                Some((sim.paid_until(id)?, left, shown["cancel_at"].is_null()))
            });
            let paid: Vec<(i64, bool, bool)> = paid.collect();
            let must = paid
                .iter()
                .any(|(until, left, open)| *left && *open && *until > now);
            // Grace, slack and working days are over by then.
            let may = paid.iter().any(|(until, ..)| until + 21 * DAY > now);
            let is_in = self
                .standings
                .get(&person.member)
                .is_some_and(|state| state.contains("good"));
            if must && !is_in || is_in && !may {
                wrong.push(format!(
                    "member {}: {:?} with {paid:?} at {}",
                    person.member,
                    self.standings.get(&person.member),
                    self.now
                ));
            }
        }
        wrong
    }
}

fn id(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}

/// All of a list of Stripe's.
fn all(year: &Year, path: &str, params: &[(&str, &str)]) -> Vec<Value> {
    let mut entries: Vec<Value> = Vec::new();
    loop {
        let mut asked: Vec<(String, String)> = params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        asked.push(("limit".to_owned(), "100".to_owned()));
        asked.extend(
            entries
                .last()
                .map(|last| ("starting_after".to_owned(), id(last))),
        );
        let (status, mut page) = year
            .sim()
            .request("GET", path, &asked, Headers::with_key(KEY));
        assert_eq!(status, 200, "{page}");
        let Value::Array(more) = page["data"].take() else {
            panic!("{path}: {page}")
        };
        entries.extend(more);
        if page["has_more"] == false {
            return entries;
        }
    }
}

/// What a subscription is, as Stripe shows it; moments in seconds.
fn subscription_there(shown: &Value) -> Value {
    let item = |item: &Value| {
        json!([
            item["id"],
            item["price"]["id"],
            item["quantity"],
            item["current_period_start"],
            item["current_period_end"]
        ])
    };
    let items = shown["items"]["data"].as_array().expect("items");
    json!({
        "customer": shown["customer"], "status": shown["status"], "created": shown["created"],
        "with the period": shown["cancel_at_period_end"], "cancel": shown["cancel_at"], "ended": shown["ended_at"],
        "paused": shown["pause_collection"]["behavior"], "trial": shown["trial_end"],
        "items": items.iter().map(item).collect::<Vec<Value>>(),
    })
}

/// The same, as the server keeps it, in milliseconds.
fn subscription_here(kept: &Value) -> Value {
    let seconds = |value: &Value| value.as_i64().map_or(Value::Null, |at| json!(at / 1000));
    let item = |item: &Value| {
        json!([
            item["id"],
            item["price"],
            item["quantity"],
            seconds(&item["period_start"]),
            seconds(&item["period_end"])
        ])
    };
    let items = kept["items"].as_array().expect("items");
    json!({
        "customer": kept["customer"], "status": kept["status"], "created": seconds(&kept["created"]),
        "with the period": kept["cancel_at_period_end"], "cancel": seconds(&kept["cancel_at"]), "ended": seconds(&kept["ended_at"]),
        "paused": kept["pause"], "trial": seconds(&kept["trial_end"]),
        "items": items.iter().map(item).collect::<Vec<Value>>(),
    })
}
