//! What the server signed, and what it was told of the door.

use crate::http::RUNTIME;
use server::keys::Keys;
use shared::allow_list::{AllowList, Delta, Digest, Epoch, Revision};
use shared::badge::{BadgeEvent, What};
use shared::card::{CardKey, CardToken, CardUid};
use shared::decide::{Knowledge, Policy, decide};
use shared::door_clock::Reading;
use shared::ids::{OrganisationId, ZoneId};
use shared::reasons::Reason;
use shared::time::Timestamp;
use shared::wire::{Kept, Report};
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection as _, Row as _, SqliteConnection};
use std::collections::BTreeMap;
use std::path::Path;

/// The zone whose list the door follows.
pub const ZONE: &str = "wood";

/// The database of a server that runs, and its keys.
pub struct Books {
    connection: SqliteConnection,
    key: CardKey,
    /// What each revision of the list contains, by its number.
    signed: Vec<Delta>,
}

/// What should not be.
#[derive(Debug, Default)]
pub struct Faults {
    /// Badges that the server does not have.
    pub lost: Vec<String>,
    /// Badges that it has too often.
    pub doubled: Vec<String>,
    /// Lists that were never signed, or were older; decisions that no list explains.
    pub wrong: Vec<String>,
}

impl Faults {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.wrong.is_empty()
    }
}

/// A card that was shown.
#[derive(Debug)]
pub struct Tap {
    /// Which; each is shown once.
    pub uid: CardUid,
    /// Whether the lock was released; none: the agent was killed before it answered.
    pub released: Option<bool>,
}

/// A badge as the server has it.
struct Badge {
    boot: Vec<u8>,
    sequence: i64,
    event: BadgeEvent,
}

impl Books {
    /// Opens those of a server.
    pub fn open(data: &Path) -> Self {
        let address = format!("sqlite:{}", data.join("goodstanding.db").display());
        let connection = RUNTIME.block_on(SqliteConnection::connect(&address));
        let organisation = OrganisationId::new("main").expect("a name");
        let mut random = door_agent::clock::randomness();
        let keys = Keys::load_or_create(&data.join("keys"), &organisation, &mut random);
        let zone = ZoneId::new(ZONE).expect("a name");
        Self {
            connection: connection.expect("a database"),
            key: keys.expect("the server's keys").card_key(&zone, 1),
            signed: Vec::new(),
        }
    }

    fn rows(&mut self, sql: &'static str) -> Vec<SqliteRow> {
        let rows = RUNTIME.block_on(sqlx::query(sql).fetch_all(&mut self.connection));
        rows.expect("it answers")
    }

    /// The cards, by the server's numbers, with their last digits.
    pub fn cards(&mut self) -> Vec<(i64, String)> {
        let rows = self.rows("SELECT id, last_digits FROM cards ORDER BY id");
        let rows = rows.iter();
        rows.map(|row| (row.get("id"), row.get("last_digits")))
            .collect()
    }

    /// The newest list.
    pub fn newest(&mut self) -> (Revision, Digest) {
        let rows = self.rows("SELECT epoch_number, epoch_id, number, digest FROM zones");
        let row = rows.first().expect("there is one zone");
        let fixed = |column| row.get::<Vec<u8>, _>(column);
        let epoch = Epoch {
            number: u32::try_from(row.get::<i64, _>("epoch_number")).expect("a number"),
            id: fixed("epoch_id").try_into().expect("eight bytes"),
        };
        let number = u64::try_from(row.get::<i64, _>("number")).expect("a number");
        let digest = Digest(fixed("digest").try_into().expect("32 bytes"));
        (Revision { epoch, number }, digest)
    }

    /// The list that a boot of the agent reported to have stored, if it is the one that reported last.
    pub fn reported(&mut self, boot: Option<&str>) -> Option<Revision> {
        let rows = self.rows("SELECT report FROM agents WHERE report IS NOT NULL");
        let body: Vec<u8> = rows.first()?.get("report");
        let report: Report = minicbor::decode(&body).expect("a report");
        let held = report.zones.first().and_then(|zone| zone.list)?;
        let is_own = boot == Some(&*report.boot.to_string());
        (is_own && held.kept == Kept::Stored).then_some(held.revision)
    }

    /// Whether the server was told of a card.
    pub fn knows(&mut self, uid: &CardUid) -> bool {
        let token = CardToken::of(uid, &self.key);
        let is = |badge: &Badge| matches!(badge.event.what, What::Card { token: told, .. } if told == token);
        self.badges().iter().any(is)
    }

    /// Every change of the list, oldest first.
    fn signed(&mut self) -> &[Delta] {
        let known = i64::try_from(self.signed.len()).expect("few");
        let sql = "SELECT delta FROM revisions WHERE number > $1 ORDER BY number";
        let query = sqlx::query_scalar(sql).bind(known);
        let rows: Vec<Vec<u8>> = RUNTIME
            .block_on(query.fetch_all(&mut self.connection))
            .expect("it answers");
        let deltas = rows.iter().map(|row| minicbor::decode(row));
        let deltas = deltas.map(|delta| delta.expect("a change of the list"));
        self.signed.extend(deltas);
        let numbers = self.signed.iter().map(|delta| delta.number);
        assert!(
            numbers.eq(1..=self.signed.len() as u64),
            "no revision is missing"
        );
        &self.signed
    }

    /// Whether the server signed that list.
    pub fn has_signed(&mut self, (revision, digest): (Revision, Digest)) -> bool {
        let signed = self.signed().iter();
        let mut signed = signed.map(|delta| (delta.revision(), delta.digest));
        signed.any(|signed| signed == (revision, digest))
    }

    fn badges(&mut self) -> Vec<Badge> {
        let rows = self.rows("SELECT boot, sequence, body FROM badges ORDER BY boot, sequence");
        let badge = |row: &SqliteRow| Badge {
            boot: row.get("boot"),
            sequence: row.get("sequence"),
            event: minicbor::decode(row.get("body")).expect("an event"),
        };
        rows.iter().map(badge).collect()
    }

    /// Holds what the server was told against what happened at the door.
    pub fn compare(&mut self, taps: &[Tap], faults: &mut Faults) {
        let badges = self.badges();
        numbers(&badges, faults);
        let mut told: BTreeMap<CardToken, Vec<Reason>> = BTreeMap::new();
        for badge in &badges {
            if let What::Card { token, reason, .. } = badge.event.what {
                told.entry(token).or_default().push(reason);
            }
        }
        for tap in taps {
            let card = tap.uid.last_digits();
            let reasons = told
                .remove(&CardToken::of(&tap.uid, &self.key))
                .unwrap_or_default();
            match (&reasons[..], tap.released) {
                ([], None) | ([_], None) => {}
                ([], Some(released)) => faults.lost.push(format!("{card}: released {released}")),
                ([reason], Some(released)) if reason.grants() == released => {}
                ([reason], Some(released)) => faults
                    .wrong
                    .push(format!("{card}: {reason:?}, released {released}")),
                (_, _) => faults.doubled.push(format!("{card}: {reasons:?}")),
            }
        }
        let others = told.into_values().flatten();
        faults
            .doubled
            .extend(others.map(|reason| format!("nobody's card: {reason:?}")));
        self.decisions(&badges, faults);
        let alarms = self.rows(
            "SELECT kind || ': ' || subject AS alarm FROM attention WHERE kind IN ('two_agents', 'door_ahead')",
        );
        let alarms = alarms.iter().map(|row| row.get("alarm"));
        faults.wrong.extend(alarms);
    }

    /// Decides for each badge anew, by the list that it names.
    fn decisions(&mut self, badges: &[Badge], faults: &mut Faults) {
        let policies = self.rows("SELECT policy FROM zones");
        let policy = policies.first().expect("there is one zone").get("policy");
        let policy: Policy = minicbor::decode(policy).expect("a policy");
        let (signed, mut explained) = (self.signed(), 0);
        let epoch = signed.first().expect("the list has cards").epoch;
        let mut list = AllowList::build(Revision { epoch, number: 0 }, []);
        let cards = || {
            badges
                .iter()
                .filter(|badge| matches!(badge.event.what, What::Card { .. }))
        };
        let mut judge = |list: Option<&AllowList>| {
            for badge in cards() {
                let What::Card {
                    token,
                    reason,
                    list: held,
                    policy: by,
                    contact,
                    ..
                } = badge.event.what
                else {
                    continue;
                };
                if held != list.map(AllowList::revision) {
                    continue;
                }
                explained += 1;
                let knowledge = list.map(|list| Knowledge {
                    list,
                    policy: &policy,
                    policy_revision: by.unwrap_or(list.revision()),
                    contact: contact.unwrap_or(Timestamp::MIN),
                });
                let reading = Reading {
                    time: badge.event.at,
                    quality: badge.event.quality,
                };
                let right = decide(token, None, knowledge, reading).reason;
                if right != reason {
                    faults
                        .wrong
                        .push(format!("{right:?} would be right: {:?}", badge.event));
                }
            }
        };
        judge(None);
        for delta in signed {
            list.apply(delta).expect("as it was signed");
            judge(Some(&list));
        }
        let all = cards().count();
        if explained < all {
            faults.wrong.push(format!(
                "{} badges name no list that was signed",
                all - explained
            ));
        }
    }
}

/// A boot's events are numbered without gaps, each once, and none was given up.
fn numbers(badges: &[Badge], faults: &mut Faults) {
    let mut expected: BTreeMap<&[u8], i64> = BTreeMap::new();
    for badge in badges {
        let next = expected.entry(&badge.boot).or_insert(1);
        for missing in *next..badge.sequence {
            faults.lost.push(format!("number {missing} of a boot"));
        }
        if badge.sequence < *next {
            faults
                .doubled
                .push(format!("number {} of a boot", badge.sequence));
        }
        *next = badge.sequence + 1;
        if let What::Gap { lost, .. } = badge.event.what {
            faults.lost.push(format!("{lost} events were given up"));
        }
    }
}
