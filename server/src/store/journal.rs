//! The journal: what was known when, so that a past moment can be judged by the facts of then.

use super::lists::Owned;
use super::many::{parts, rows};
use super::mirror::Kept;
use super::rulebook::{Rulebook, name};
use super::trip::Statement;
use super::{Result, Tx, cbor, json, on, to_json};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shared::allow_list::Revision;
use shared::calendar::Calendar;
use shared::card::CardToken;
use shared::decide::Policy;
use shared::facts::{Grant, HandPayment, Hold, Rules, TypePolicy, Unread};
use shared::ids::{AccountId, MemberId, MembershipTypeId, OrganisationId, ZoneId};
use shared::reversals::Returned;
use shared::rights::Entry;
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The facts of a member, but for Stripe's objects, which have versions of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactSet {
    /// Customers whose subscriptions count: account, id, whose it is, and how long Stripe could not be read for it.
    pub customers: BTreeSet<(i64, String, Option<i64>, Option<Unread>)>,
    /// Named seats: account, item, seat, and whom each covers.
    pub seats: Vec<(i64, String, i64, i64)>,
    /// Since when each of these seats is named; not on record of facts that are older than this field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named_at: Vec<i64>,
    /// Money that went back: account, invoice, record.
    pub returned: Vec<(i64, String, String, Returned)>,
    /// Access given by an admin.
    pub grants: Vec<Grant>,
    /// Access withheld by an admin.
    pub holds: Vec<Hold>,
    /// Payments recorded by hand.
    pub payments: Vec<HandPayment>,
    /// How many cards count; not on record of facts that are older than this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cards: Option<usize>,
}

impl FactSet {
    /// As it is kept, with its SHA-256.
    #[must_use]
    pub fn written(&self) -> (String, [u8; 32]) {
        let body = to_json(self);
        let digest = Sha256::digest(body.as_bytes()).into();
        (body, digest)
    }
}

/// Keeps a member's facts, which changed.
pub fn facts(tx: &mut Tx, member: MemberId, (body, sha256): (&str, &[u8]), now: Timestamp) {
    let sql = "INSERT INTO fact_versions (member, body, known_at) VALUES ($1, $2, $3)";
    tx.later(Statement::new(sql).bind(member.0).bind(body).bind(now.0));
    let sql = "UPDATE members SET facts_sha256 = $2 WHERE id = $1";
    tx.later(Statement::new(sql).bind(member.0).bind(sha256));
}

/// A member's facts at a moment; none if none were known.
pub async fn facts_at(tx: &mut Tx, member: MemberId, at: Timestamp) -> Result<Option<FactSet>> {
    let sql = "SELECT id, body FROM fact_versions WHERE member = $1 AND known_at <= $2 ORDER BY id DESC LIMIT 1";
    let row: Option<(i64, String)> =
        on!(tx, c => sqlx::query_as(sql).bind(member.0).bind(at.0).fetch_optional(c).await?);
    row.map(|(id, body)| json(&body, "fact_versions", "body", id))
        .transpose()
}

/// Keeps those of the objects that are new or changed; before they are written themselves.
pub fn objects(tx: &mut Tx, objects: &[(AccountId, &str, &Kept)], now: Timestamp) {
    for part in parts(objects) {
        let sql = format!(
            "INSERT INTO object_versions (account, customer, object, kind, body, known_at) \
             SELECT v.column1, v.column2, v.column3, v.column4, v.column5, v.column6 FROM (VALUES {}) AS v \
             WHERE NOT EXISTS (SELECT 1 FROM objects o WHERE o.account = v.column1 AND o.id = v.column3 \
             AND o.customer = v.column2 AND o.body = v.column5)",
            rows(1, part.len(), 6)
        );
        let write = |write: Statement, row: &(AccountId, &str, &Kept)| {
            let (account, customer, kept) = row;
            write
                .bind(account.0)
                .bind(*customer)
                .bind(kept.object.id())
                .bind(kept.object.kind())
                .bind(kept.object.body())
                .bind(now.0)
        };
        tx.later(part.iter().fold(Statement::new(sql), write));
    }
}

/// A customer's objects as they were known at a moment: id, kind and body.
pub async fn objects_at(
    tx: &mut Tx,
    account: AccountId,
    customer: &str,
    at: Timestamp,
) -> Result<Vec<(String, String, String)>> {
    let sql = "SELECT object, kind, body FROM object_versions WHERE account = $1 AND customer = $2 AND known_at <= $3 \
               ORDER BY id";
    let rows: Vec<(String, String, String)> = on!(tx, c => sqlx::query_as(sql)
        .bind(account.0).bind(customer).bind(at.0).fetch_all(c).await?);
    let newest: BTreeMap<String, (String, String)> = rows
        .into_iter()
        .map(|(id, kind, body)| (id, (kind, body)))
        .collect();
    let newest = newest.into_iter();
    Ok(newest.map(|(id, (kind, body))| (id, kind, body)).collect())
}

/// The rules as they are kept.
#[derive(Serialize, Deserialize)]
struct RuleSet {
    types: BTreeMap<MembershipTypeId, TypePolicy>,
    calendar: Calendar,
    /// In the order of their ids, so that the same rules are written the same.
    prices: BTreeSet<(i64, String, MembershipTypeId)>,
}

/// Keeps the rules if they are not the last that were kept.
pub fn rules(tx: &mut Tx, rulebook: &Rulebook, now: Timestamp) {
    let prices = rulebook.prices.iter();
    let set = RuleSet {
        types: rulebook.rules.types.clone(),
        calendar: rulebook.rules.calendar.clone(),
        prices: prices
            .map(|((account, price), membership)| (account.0, price.clone(), membership.clone()))
            .collect(),
    };
    let sql = "INSERT INTO rule_versions (organisation, body, known_at) SELECT v.column1, v.column2, v.column3 \
               FROM (VALUES ($1, $2, $3)) AS v WHERE NOT EXISTS (SELECT 1 FROM rule_versions r \
               WHERE r.id = (SELECT MAX(id) FROM rule_versions WHERE organisation = v.column1) AND r.body = v.column2)";
    let write = Statement::new(sql)
        .bind(rulebook.organisation.as_str())
        .bind(to_json(&set))
        .bind(now.0);
    tx.later(write);
}

/// The types that prices name.
pub type Prices = HashMap<(AccountId, String), MembershipTypeId>;

/// The rules at a moment, with what prices named; none if none were known.
pub async fn rules_at(
    tx: &mut Tx,
    organisation: &OrganisationId,
    at: Timestamp,
) -> Result<Option<(Rules, Prices)>> {
    let sql = "SELECT id, body FROM rule_versions WHERE organisation = $1 AND known_at <= $2 ORDER BY id DESC LIMIT 1";
    let row: Option<(i64, String)> = on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(at.0).fetch_optional(c).await?);
    let Some((id, body)) = row else {
        return Ok(None);
    };
    let set: RuleSet = json(&body, "rule_versions", "body", id)?;
    let rules = Rules {
        types: set.types,
        calendar: set.calendar,
    };
    let prices = set.prices.into_iter();
    let prices =
        prices.map(|(account, price, membership)| ((AccountId(account), price), membership));
    Ok(Some((rules, prices.collect())))
}

/// Keeps a zone's policy as it is from now on.
pub fn policy(tx: &mut Tx, organisation: &OrganisationId, zone: &ZoneId, now: Timestamp) {
    let sql = "INSERT INTO policy_versions (organisation, zone, number, policy, known_at) \
               SELECT organisation, id, policy_number, policy, $3 FROM zones WHERE organisation = $1 AND id = $2";
    let write = Statement::new(sql)
        .bind(organisation.as_str())
        .bind(zone.as_str())
        .bind(now.0);
    tx.later(write);
}

/// The policy that a zone had at a moment; none before the zone was made.
pub async fn policy_at(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
    at: Timestamp,
) -> Result<Option<Policy>> {
    let sql = "SELECT policy FROM policy_versions WHERE organisation = $1 AND zone = $2 AND known_at <= $3 \
               ORDER BY number DESC LIMIT 1";
    let row: Option<Vec<u8>> = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(zone.as_str()).bind(at.0).fetch_optional(c).await?);
    row.map(|body| cbor(&body, "policy_versions", "policy", zone))
        .transpose()
}

/// A policy of a zone by its number.
pub async fn policy_numbered(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
    number: u64,
) -> Result<Option<Policy>> {
    let sql =
        "SELECT policy FROM policy_versions WHERE organisation = $1 AND zone = $2 AND number = $3";
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let row: Option<Vec<u8>> = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(zone.as_str()).bind(number).fetch_optional(c).await?);
    row.map(|body| cbor(&body, "policy_versions", "policy", zone))
        .transpose()
}

/// Keeps what a revision changed in a zone's list.
pub fn entries(
    tx: &mut Tx,
    (organisation, zone): (&OrganisationId, &ZoneId),
    revision: Revision,
    upserts: &[Owned],
    removals: &[CardToken],
    now: Timestamp,
) {
    let added = upserts.iter().map(|(member, _, entry)| {
        let encoded = minicbor::to_vec(entry).expect("writing to memory cannot fail");
        (entry.token, Some(member.0), Some(encoded))
    });
    let removed = removals.iter().map(|token| (*token, None, None));
    let all: Vec<(CardToken, Option<i64>, Option<Vec<u8>>)> = added.chain(removed).collect();
    for part in parts(&all) {
        let sql = format!(
            "INSERT INTO entry_versions (organisation, zone, token, member, epoch_number, number, entry, known_at) \
             VALUES {}",
            rows(1, part.len(), 8)
        );
        let write = |write: Statement, row: &(CardToken, Option<i64>, Option<Vec<u8>>)| {
            let (token, member, entry) = row;
            write
                .bind(organisation.as_str())
                .bind(zone.as_str())
                .bind(token.0.as_slice())
                .bind(*member)
                .bind(i64::from(revision.epoch.number))
                .bind(i64::try_from(revision.number).unwrap_or(i64::MAX))
                .bind(entry.clone())
                .bind(now.0)
        };
        tx.later(part.iter().fold(Statement::new(sql), write));
    }
}

/// What a zone's list said of a card in a revision; none if nothing.
pub async fn entry_in(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
    token: CardToken,
    revision: Revision,
) -> Result<Option<Entry>> {
    let sql = "SELECT entry FROM entry_versions WHERE organisation = $1 AND zone = $2 AND token = $3 \
               AND (epoch_number < $4 OR (epoch_number = $4 AND number <= $5)) ORDER BY id DESC LIMIT 1";
    let row: Option<Option<Vec<u8>>> = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(zone.as_str()).bind(token.0.as_slice())
        .bind(i64::from(revision.epoch.number)).bind(i64::try_from(revision.number).unwrap_or(i64::MAX))
        .fetch_optional(c).await?);
    row.flatten()
        .map(|entry| cbor(&entry, "entry_versions", "entry", zone))
        .transpose()
}

/// What a zone's list says of a card since which revision, by number; none if it never said anything of it.
pub async fn said_since(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
    token: CardToken,
) -> Result<Option<(u64, Option<Entry>)>> {
    let sql = "SELECT number, entry FROM entry_versions WHERE organisation = $1 AND zone = $2 AND token = $3 \
               ORDER BY id DESC LIMIT 1";
    let row: Option<(i64, Option<Vec<u8>>)> = on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(zone.as_str()).bind(token.0.as_slice()).fetch_optional(c).await?);
    row.map(|(number, entry)| {
        let entry = entry.map(|entry| cbor(&entry, "entry_versions", "entry", zone));
        Ok((number.unsigned_abs(), entry.transpose()?))
    })
    .transpose()
}

/// What the lists said of a member's cards at a moment, with the number of the revision that said it.
pub async fn entries_at(
    tx: &mut Tx,
    organisation: &OrganisationId,
    member: MemberId,
    at: Timestamp,
) -> Result<Vec<(ZoneId, i64, Entry)>> {
    type Row = (String, Vec<u8>, Option<i64>, i64, Option<Vec<u8>>);
    type Said = (Option<i64>, i64, Option<Vec<u8>>);
    let sql = "SELECT zone, token, member, number, entry FROM entry_versions WHERE organisation = $1 AND known_at <= $3 \
               AND token IN (SELECT token FROM entry_versions WHERE member = $2) ORDER BY id";
    let rows: Vec<Row> = on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(member.0).bind(at.0).fetch_all(c).await?);
    let newest: BTreeMap<(String, Vec<u8>), Said> = rows
        .into_iter()
        .map(|(zone, token, whose, number, entry)| ((zone, token), (whose, number, entry)))
        .collect();
    newest
        .into_iter()
        .filter(|(_, (whose, ..))| *whose == Some(member.0))
        .filter_map(|((zone, _), (_, number, entry))| Some((zone, number, entry?)))
        .map(|(zone, number, entry)| {
            let entry = cbor(&entry, "entry_versions", "entry", &zone)?;
            Ok((name(&zone, "entry_versions")?, number, entry))
        })
        .collect()
}
