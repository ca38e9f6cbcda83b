//! Everything that a derivation reads of members, in one statement.

use super::facts::{Objects, Seats};
use super::journal::{self, FactSet};
use super::many::{list, parts};
use super::members::{Card, CardRow, Member};
use super::pins::SealedPin;
use super::rulebook::{Rulebook, name};
use super::terms::Open;
use super::trip::Statement;
use super::{Result, StoreError, Tx, cbor, json, reversals};
use shared::facts::{Facts, Grant, HandPayment, Hold, Rules, Unread};
use shared::ids::{
    AccountId, CardId, GrantId, HoldId, Holder, MemberId, OrganisationId, PaymentId, ZoneId,
};
use shared::reversals::Returned;
use shared::rights::Entry;
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// What is on record of a member.
#[derive(Debug, Default)]
pub struct Record {
    /// The member's own row, if there is such a member.
    pub member: Option<Member>,
    /// The facts that standing rests on.
    pub facts: Facts,
    /// The cards, by their numbers.
    pub cards: Vec<Card>,
    /// The entries of the member's cards in all zones.
    pub listed: Vec<(ZoneId, Entry)>,
    /// The zones for which the member has had an induction, and when.
    pub inducted: BTreeMap<ZoneId, Timestamp>,
    /// The terms that have not ended, oldest first.
    pub open: Vec<Open>,
    /// The facts for the journal, with their SHA-256, if they are not those that it has.
    pub news: Option<(String, [u8; 32])>,
}

/// A row of any kind; what its columns hold depends on the kind.
#[derive(sqlx::FromRow)]
struct Row {
    kind: String,
    whom: i64,
    n1: Option<i64>,
    n2: Option<i64>,
    n3: Option<i64>,
    t1: Option<String>,
    t2: Option<String>,
    t3: Option<String>,
    bytes: Option<Vec<u8>>,
    n4: Option<i64>,
    pin: Option<Vec<u8>>,
}

/// What is on record of members; who does not exist is missing.
pub async fn records(
    tx: &mut Tx,
    members: &[MemberId],
    rulebook: &Rulebook,
) -> Result<BTreeMap<MemberId, Record>> {
    let mut gathered: BTreeMap<MemberId, Gathered> = BTreeMap::new();
    for part in parts(members) {
        let question = Statement::new(sql(part.len()));
        let ask = |question: Statement, member: &MemberId| question.bind(member.0);
        let rows: Vec<Row> = tx.ask(part.iter().fold(question, ask)).await?;
        for row in rows {
            gathered.entry(MemberId(row.whom)).or_default().take(row)?;
        }
    }
    let records = gathered
        .into_iter()
        .map(|(member, gathered)| (member, gathered.finish(member, rulebook)));
    Ok(records.collect())
}

/// The facts a member's standing rests on.
pub async fn facts(tx: &mut Tx, member: MemberId, rulebook: &Rulebook) -> Result<Facts> {
    let mut records = records(tx, &[member], rulebook).await?;
    Ok(records.remove(&member).unwrap_or_default().facts)
}

/// What was known of a member at a moment.
#[derive(Debug)]
pub struct Known {
    /// The facts.
    pub facts: Facts,
    /// The rules of then.
    pub rules: Rules,
    /// How many cards counted, if that is on record.
    pub cards: Option<usize>,
}

/// What was known of a member at a moment; none if nothing was.
pub async fn facts_at(
    tx: &mut Tx,
    organisation: &OrganisationId,
    member: MemberId,
    at: Timestamp,
) -> Result<Option<Known>> {
    let Some(set) = journal::facts_at(tx, member, at).await? else {
        return Ok(None);
    };
    let Some((rules, prices)) = journal::rules_at(tx, organisation, at).await? else {
        return Ok(None);
    };
    let mut objects = Objects::default();
    for (account, customer, owner, unread) in set.customers {
        let account = AccountId(account);
        for (id, kind, body) in journal::objects_at(tx, account, &customer, at).await? {
            objects.add(account, &id, &kind, &body, (owner, unread))?;
        }
    }
    for (account, invoice, id, returned) in set.returned {
        objects.returned(AccountId(account), invoice, id, returned);
    }
    let seats = set.seats.into_iter().enumerate();
    let seats: Seats = seats
        .map(|(at, (account, item, seat, covered))| {
            let named_at = set.named_at.get(at).copied();
            ((account, item, seat), (covered, named_at))
        })
        .collect();
    let (coverage, open_seats) = objects.coverage(member, &seats, &prices);
    let facts = Facts {
        coverage,
        payments: set.payments,
        grants: set.grants,
        holds: set.holds,
        open_seats,
    };
    let cards = set.cards;
    Ok(Some(Known {
        facts,
        rules,
        cards,
    }))
}

/// Customers whose objects matter to a member: the member's own, and those whose seats an admin gave the member. Seats
/// that matter: those named of the items that the member has one of, and those named of the member's own customers.
fn sql(members: usize) -> String {
    let whom = list(1, members);
    // The first rows of a union give its columns their types.
    format!(
        "SELECT 'card' AS kind, member AS whom, id AS n1, state_since AS n2, \
         (SELECT MAX(l.ends_at) FROM loans l WHERE l.card = cards.id AND l.returned_at IS NULL) AS n3, state AS t1, NULL AS t2, \
         NULL AS t3, uid_sealed AS bytes, NULL AS n4, NULL AS pin FROM cards WHERE member IN ({whom}) \
         UNION ALL SELECT 'member', id, holder, keyholder, next_change, organisation, standing, concerns, facts_sha256, \
         pin_since, pin_sealed FROM members WHERE id IN ({whom}) \
         UNION ALL SELECT 'object', c.member, o.account, c.member, c.unread_since, o.id, \
         o.kind || ' ' || COALESCE(CAST(c.fetched_at AS TEXT), ''), o.body, NULL, NULL, NULL \
         FROM customers c JOIN objects o ON o.account = c.account AND o.customer = c.id WHERE c.member IN ({whom}) \
         UNION ALL SELECT 'object', v.member, o.account, c.member, c.unread_since, o.id, \
         o.kind || ' ' || COALESCE(CAST(c.fetched_at AS TEXT), ''), o.body, NULL, NULL, NULL \
         FROM coverage v JOIN objects o ON o.account = v.account AND o.customer = v.customer \
         JOIN customers c ON c.account = o.account AND c.id = o.customer WHERE v.member IN ({whom}) \
         UNION ALL SELECT 'seat', own.member, v.account, v.seat, v.member, v.item, CAST(v.named_at AS TEXT), NULL, NULL, NULL, NULL \
         FROM coverage own JOIN coverage v ON v.account = own.account AND v.item = own.item WHERE own.member IN ({whom}) \
         UNION ALL SELECT 'seat', c.member, v.account, v.seat, v.member, v.item, CAST(v.named_at AS TEXT), NULL, NULL, NULL, NULL \
         FROM coverage v JOIN customers c ON c.account = v.account AND c.id = v.customer WHERE c.member IN ({whom}) \
         UNION ALL SELECT 'reversal', c.member, r.account, r.amount, r.made_at, r.invoice, r.kind || ' ' || r.id, r.status, NULL, NULL, NULL \
         FROM customers c JOIN reversals r ON r.account = c.account AND r.customer = c.id WHERE c.member IN ({whom}) \
         UNION ALL SELECT 'reversal', v.member, r.account, r.amount, r.made_at, r.invoice, r.kind || ' ' || r.id, r.status, NULL, NULL, NULL \
         FROM coverage v JOIN reversals r ON r.account = v.account AND r.customer = v.customer \
         WHERE v.member IN ({whom}) \
         UNION ALL SELECT 'grant', member, id, starts_at, ends_at, membership, NULL, NULL, NULL, NULL, NULL \
         FROM grants WHERE member IN ({whom}) \
         UNION ALL SELECT 'hold', member, id, starts_at, ends_at, subscription, NULL, NULL, NULL, NULL, NULL \
         FROM holds WHERE member IN ({whom}) \
         UNION ALL SELECT 'payment', member, id, period_from, period_until, membership, NULL, NULL, NULL, NULL, NULL \
         FROM payments WHERE member IN ({whom}) AND account IS NULL AND period_from IS NOT NULL \
         AND voided_at IS NULL \
         UNION ALL SELECT 'entry', member, NULL, NULL, NULL, zone, NULL, NULL, entry, NULL, NULL \
         FROM entries WHERE member IN ({whom}) \
         UNION ALL SELECT 'induction', member, given_at, NULL, NULL, zone, NULL, NULL, NULL, NULL, NULL \
         FROM inductions WHERE member IN ({whom}) \
         UNION ALL SELECT 'term', member, id, NULL, NULL, source, membership, NULL, NULL, NULL, NULL \
         FROM terms WHERE closed_at IS NULL AND member IN ({whom})"
    )
}

/// A record whose rows are still coming.
#[derive(Default)]
struct Gathered {
    record: Record,
    journaled: Option<Vec<u8>>,
    objects: Objects,
    seats: Seats,
}

impl Gathered {
    fn take(&mut self, row: Row) -> Result<()> {
        let Row {
            kind,
            whom,
            n1,
            n2,
            n3,
            t1,
            t2,
            t3,
            bytes,
            n4,
            pin,
        } = row;
        let lacks = |column: &'static str| StoreError::Row {
            table: "records",
            row: format!("{kind} of member {whom}"),
            column,
        };
        let n1 = || n1.ok_or_else(|| lacks("n1"));
        let second = || n2.ok_or_else(|| lacks("n2"));
        let t1 = || t1.ok_or_else(|| lacks("t1"));
        let journaled = (kind == "member").then(|| bytes.clone()).flatten();
        let bytes = || bytes.ok_or_else(|| lacks("bytes"));
        let Record {
            member,
            facts,
            cards,
            listed,
            inducted,
            open,
            news: _,
        } = &mut self.record;
        match kind.as_str() {
            "member" => {
                self.journaled = journaled;
                let standing = t2.map(|text| json(&text, "members", "standing", whom));
                *member = Some(Member {
                    organisation: name(&t1()?, "members")?,
                    holder: Holder(n1()?),
                    keyholder: second()? != 0,
                    pin: pin.zip(n4).map(|(sealed, since)| SealedPin {
                        sealed,
                        since: Timestamp(since),
                    }),
                    standing: standing.transpose()?,
                    next_change: n3.map(Timestamp),
                    concerns: json(&t3.ok_or_else(|| lacks("t3"))?, "members", "concerns", whom)?,
                });
            }
            "card" => cards.push(Card {
                id: CardId(n1()?),
                uid_sealed: bytes()?,
                state: CardRow::read(&t1()?, whom)?,
                since: Timestamp(second()?),
                lent_until: n3.map(Timestamp),
            }),
            "object" => {
                let (id, kind) = (t1()?, t2.ok_or_else(|| lacks("t2"))?);
                let (kind, read_at) = kind.split_once(' ').ok_or_else(|| lacks("t2"))?;
                let unread = n3.map(|since| Unread {
                    since: Timestamp(since),
                    read_at: read_at.parse().ok().map(Timestamp),
                });
                let body = t3.ok_or_else(|| lacks("t3"))?;
                self.objects
                    .add(AccountId(n1()?), &id, kind, &body, (n2, unread))?;
            }
            // Of whose invoice nobody knows yet, nothing follows.
            "reversal" => {
                if let Ok(invoice) = t1() {
                    let named = t2.ok_or_else(|| lacks("t2"))?;
                    let (kind, id) = named.split_once(' ').ok_or_else(|| lacks("t2"))?;
                    let returned = Returned {
                        kind: reversals::kind(kind, id)?,
                        status: t3.unwrap_or_default(),
                        amount: second()?,
                        at: Timestamp(n3.ok_or_else(|| lacks("n3"))?),
                    };
                    self.objects
                        .returned(AccountId(n1()?), invoice, id.to_owned(), returned);
                }
            }
            "seat" => {
                let covered = n3.ok_or_else(|| lacks("n3"))?;
                let named_at = t2.and_then(|named_at| named_at.parse().ok());
                let seat = (n1()?, t1()?, second()?);
                self.seats.insert(seat, (covered, named_at));
            }
            "grant" => facts.grants.push(Grant {
                id: GrantId(n1()?),
                membership: name(&t1()?, "grants")?,
                from: Timestamp(second()?),
                until: n3.map(Timestamp),
            }),
            "hold" => facts.holds.push(Hold {
                id: HoldId(n1()?),
                from: Timestamp(second()?),
                until: n3.map(Timestamp),
                subscription: t1().ok(),
            }),
            "payment" => facts.payments.push(HandPayment {
                id: PaymentId(n1()?),
                membership: name(&t1()?, "payments")?,
                from: Timestamp(second()?),
                until: Timestamp(n3.unwrap_or(second()?)),
            }),
            "entry" => {
                let zone = t1()?;
                let entry = cbor(&bytes()?, "entries", "entry", &zone)?;
                listed.push((name(&zone, "entries")?, entry));
            }
            "induction" => {
                inducted.insert(name(&t1()?, "inductions")?, Timestamp(n1()?));
            }
            "term" => open.push(Open {
                id: n1()?,
                source: t1()?,
                membership: t2.ok_or_else(|| lacks("t2"))?,
            }),
            _ => return Err(lacks("kind")),
        }
        Ok(())
    }

    /// In an order that does not depend on the database.
    fn finish(self, member: MemberId, rulebook: &Rulebook) -> Record {
        let Self {
            mut record,
            journaled,
            objects,
            seats,
        } = self;
        record.cards.sort_by_key(|card| card.id);
        record.open.sort_by_key(|term| term.id);
        let facts = &mut record.facts;
        facts.grants.sort_by_key(|grant| grant.id);
        facts.holds.sort_by_key(|hold| hold.id);
        facts.payments.sort_by_key(|payment| payment.id);
        let cards = record.cards.iter();
        let usable = cards.filter(|card| card.state == CardRow::Ok);
        let mut set = FactSet {
            seats: seats
                .iter()
                .map(|((account, item, seat), (covered, _))| {
                    (*account, item.clone(), *seat, *covered)
                })
                .collect(),
            named_at: seats
                .values()
                .filter_map(|(_, named_at)| *named_at)
                .collect(),
            grants: facts.grants.clone(),
            holds: facts.holds.clone(),
            payments: facts.payments.clone(),
            cards: Some(usable.count()),
            ..FactSet::default()
        };
        objects.tell(&mut set);
        let written = set.written();
        record.news = (journaled.as_deref() != Some(&written.1[..])).then_some(written);
        (facts.coverage, facts.open_seats) = objects.coverage(member, &seats, &rulebook.prices);
        record
    }
}
