//! Explain: a member's standing in words, with the facts it rests on, now or at a moment in the past.

use super::causes::of_cause;
use super::history::{doors_at, rejudge};
use crate::app::App;
use crate::money;
use crate::said::{Part, Said};
use crate::store::ledger::{self, Deed, PaymentRow};
use crate::store::places::{self, NamedSchedule, Zone};
use crate::store::records::{self, Known};
use crate::store::{Result, Tx, cbor, journal, people, reading};
use shared::badge::BadgeEvent;
use shared::ids::{DoorId, MemberId, ZoneId};
use shared::reasons::{Language, Reason};
use shared::rights::{CardState, Entry, Flags, Right};
use shared::standing::missing::{Missing, missing};
use shared::standing::{Access, Because, Standing, State, outlook};
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// A standing in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Whom it is about.
    pub member: MemberId,
    /// The moment it is about.
    pub at: Timestamp,
    /// Standing in one sentence.
    pub standing: Said,
    /// Why: one sentence for each fact.
    pub reasons: Vec<Said>,
    /// What would have to change for good standing; none: nothing.
    pub missing: Option<Said>,
    /// What brought this standing about, and when.
    pub cause: Option<Said>,
    /// What each zone's list says.
    pub zones: Vec<(ZoneId, Said)>,
    /// What each door does with the member's cards.
    pub doors: Vec<(DoorId, Said)>,
    /// What changes next, and when.
    pub next: Option<Said>,
}

/// A member's standing at a moment, in lines of text. None if there is no such member.
pub async fn explain_lines(
    app: &App,
    member: MemberId,
    at: Timestamp,
) -> Result<Option<Vec<String>>> {
    let Some(explained) = explain(app, member, at).await? else {
        return Ok(None);
    };
    let mut lines = vec![format!(
        "Member {member} at {}: {}",
        explained.at,
        explained.standing.english()
    )];
    lines.extend(
        explained
            .reasons
            .iter()
            .map(|reason| format!("  {}", reason.english())),
    );
    let missing = explained.missing;
    lines.extend(missing.map(|missing| format!("To change it: {}", missing.english())));
    let cause = explained.cause;
    lines.extend(cause.map(|cause| format!("Brought about: {}", cause.english())));
    let zones = explained.zones.iter();
    lines.extend(zones.map(|(zone, says)| format!("Zone {zone}: {}", says.english())));
    let doors = explained.doors.iter();
    lines.extend(doors.map(|(door, says)| format!("Door {door}: {}", says.english())));
    lines.push(
        explained
            .next
            .unwrap_or_else(|| Said::of("explain-nothing-next"))
            .english(),
    );
    Ok(Some(lines))
}

/// A member's standing at a moment in words, derived anew from the facts and rules that were known then. None if there
/// is no such member.
pub async fn explain(app: &App, member: MemberId, at: Timestamp) -> Result<Option<Explanation>> {
    explain_to(app, member, at, true).await
}

/// The same, without amounts of money unless whoever asks may see them.
pub async fn explain_to(
    app: &App,
    member: MemberId,
    at: Timestamp,
    sees_money: bool,
) -> Result<Option<Explanation>> {
    let mut tx = app.store.begin_read().await?;
    if people::find(&mut tx, &app.organisation, member)
        .await?
        .is_none()
    {
        return Ok(None);
    }
    let known = records::facts_at(&mut tx, &app.organisation, member, at).await?;
    let Some(Known {
        facts,
        rules,
        cards,
    }) = known
    else {
        return Ok(Some(Explanation {
            member,
            at,
            standing: Said::of("explain-unknown"),
            reasons: Vec::new(),
            missing: None,
            cause: None,
            zones: Vec::new(),
            doors: Vec::new(),
            next: None,
        }));
    };
    let outlook = outlook(&facts, &rules, at);
    let standing = &outlook.standing;
    let told = people::standing_at(&mut tx, member, at).await?;
    let changed = people::changed_after(&mut tx, member, at).await?;
    let mut words = Words::read(&mut tx, app, member, at).await?;
    if !sees_money {
        words.payments.clear();
    }
    let entries = journal::entries_at(&mut tx, &app.organisation, member, at).await?;
    let without = match cards {
        Some(0) => Said::of("explain-no-card"),
        Some(_) => Said::of("explain-no-type"),
        None => Said::of("explain-no-card-or-type"),
    };
    let doors = doors_at(&mut tx, &app.organisation, member, at).await?;
    let doors = doors.into_iter().map(|said| {
        let says = match said.reason {
            Some(Reason::PinNeeded) => Said::of("explain-door-pin"),
            Some(reason) => {
                let says = if reason.grants() {
                    Said::of("explain-door-opens")
                } else {
                    Said::of("explain-door-shut")
                };
                let remedy = reason.row(Language::En).remedy;
                let remedy = (!remedy.is_empty()).then_some(Said::Remedy(reason));
                let says = says.put("why", Said::Reason(reason));
                Said::chain("sentences", std::iter::once(says.clone()).chain(remedy))
                    .unwrap_or(says)
            }
            None => Said::of("explain-door-without").put("why", without.clone()),
        };
        (said.door.id, says)
    });
    let next = match changed {
        Some((when, cause)) => {
            let said = Said::of("explain-changed").put("at", when);
            Some(said.put("cause", cause))
        }
        None => outlook
            .next
            .map(|when| Said::of("explain-next").put("at", when)),
    };
    Ok(Some(Explanation {
        member,
        at,
        standing: words.state(&standing.state),
        reasons: words.reasons(standing, at),
        missing: missing(standing, &facts, &rules).map(|missing| in_words(missing, sees_money)),
        cause: told.map(|(since, cause, _)| {
            Said::of("explain-cause")
                .put("cause", cause)
                .put("at", since)
        }),
        zones: words.zones(&entries, &without),
        doors: doors.collect(),
        next,
    }))
}

/// A card that was shown, in lines of text: what the door did, what it went by, what was known here. None if there is no
/// such badge event.
pub async fn badge_lines(app: &App, badge: i64) -> Result<Option<Vec<String>>> {
    let mut tx = app.store.begin_read().await?;
    let Some(row) = reading::badge(&mut tx, &app.organisation, badge).await? else {
        return Ok(None);
    };
    let event: BadgeEvent = cbor(&row.body, "badges", "body", row.id)?;
    let Some(rejudged) = rejudge(&mut tx, &app.organisation, &event).await? else {
        return Ok(Some(vec!["No card was judged.".to_owned()]));
    };
    let mut lines = vec![format!(
        "Door {} at {}: {}",
        rejudged.door,
        rejudged.at,
        rejudged.recorded.row(Language::En).staff
    )];
    lines.push(match (&rejudged.list, rejudged.judged) {
        (None, _) => "The door had no list.".to_owned(),
        (Some(list), None) => {
            format!("It went by revision {list}; it did not say by which policy.")
        }
        (Some(list), Some(judged)) if judged == rejudged.recorded => {
            format!("It went by revision {list}, which says the same here.")
        }
        (Some(list), Some(judged)) => format!(
            "It went by revision {list}, which says otherwise here: {}",
            judged.row(Language::En).staff
        ),
    });
    let Some(member) = row.member.map(MemberId) else {
        return Ok(Some(lines));
    };
    drop(tx);
    if let Some(known) = explain_lines(app, member, rejudged.at).await? {
        lines.push("Here it was known:".to_owned());
        lines.extend(known);
    }
    Ok(Some(lines))
}

fn in_words(missing: Missing, sees_money: bool) -> Said {
    match missing {
        Missing::Lifted(hold) => Said::of("missing-lifted").put("hold", Part::word(hold)),
        Missing::Paid(owed) => {
            let owed = owed.iter().filter(|_| sees_money).map(|owed| {
                Said::of("missing-owed")
                    .put("invoice", owed.invoice.as_str())
                    .put("amount", money::in_words(owed.amount, &owed.currency))
            });
            match Said::chain("both", owed) {
                Some(owed) => Said::of("missing-paid").put("owed", owed),
                None => Said::of("missing-due"),
            }
        }
        Missing::Begun(from) => Said::of("missing-begun").put("from", from),
        Missing::FirstPayment => Said::of("missing-first-payment"),
        Missing::Named(id) => Said::of("missing-named").put("subscription", id),
        Missing::Seated(id) => Said::of("missing-seated").put("subscription", id),
        Missing::Resumed(id) => Said::of("missing-resumed").put("subscription", id),
        Missing::Renewed => Said::of("missing-renewed"),
        Missing::AnyFact => Said::of("missing-any-fact"),
    }
}

/// What words are made from.
struct Words {
    holds: Vec<Deed>,
    grants: Vec<Deed>,
    payments: Vec<PaymentRow>,
    zones: Vec<Zone>,
    /// Of every zone, the schedule at which its doors asked for a PIN then.
    pins: BTreeMap<ZoneId, u16>,
    schedules: Vec<NamedSchedule>,
    types: Vec<places::Type>,
}

impl Words {
    async fn read(tx: &mut Tx, app: &App, member: MemberId, at: Timestamp) -> Result<Self> {
        let organisation = &app.organisation;
        let zones = places::zones(tx, organisation).await?;
        let mut pins = BTreeMap::new();
        for zone in &zones {
            let policy = journal::policy_at(tx, organisation, &zone.id, at).await?;
            let schedule = policy.and_then(|policy| policy.pin_schedule);
            pins.extend(schedule.map(|schedule| (zone.id.clone(), schedule)));
        }
        Ok(Self {
            holds: ledger::holds(tx, member).await?,
            grants: ledger::grants(tx, member).await?,
            payments: ledger::payments(tx, organisation, Some(member), i64::MAX, i64::MAX).await?,
            zones,
            pins,
            schedules: places::schedules(tx, organisation).await?,
            types: places::types(tx, organisation).await?,
        })
    }

    fn state(&self, state: &State) -> Said {
        match state {
            State::Good { until: None } => Said::of("explain-good"),
            State::Good { until: Some(until) } => {
                Said::of("explain-good-until").put("until", *until)
            }
            State::Grace { until } => Said::of("explain-grace").put("until", *until),
            State::Held { hold, until } => {
                let held = match until {
                    Some(until) => Said::of("explain-held-until").put("until", *until),
                    None => Said::of("explain-held"),
                };
                let held = held.put("hold", Part::word(hold));
                let deed = self.holds.iter().find(|deed| deed.id == hold.0);
                match deed {
                    Some(deed) => Said::of("explain-held-why")
                        .put("held", held)
                        .put("reason", deed.reason.as_str()),
                    None => held,
                }
            }
            State::Pending { from: Some(from) } => {
                Said::of("explain-pending-from").put("from", *from)
            }
            State::Pending { from: None } => Said::of("explain-pending"),
            State::Lapsed { since } => Said::of("explain-lapsed").put("since", *since),
            State::Stranger => Said::of("explain-stranger"),
        }
    }

    fn reasons(&self, standing: &Standing, at: Timestamp) -> Vec<Said> {
        standing
            .access
            .iter()
            .map(|access| self.reason(access, at))
            .collect()
    }

    fn reason(&self, access: &Access, at: Timestamp) -> Said {
        let known = self
            .types
            .iter()
            .find(|known| known.id == access.membership);
        let named = match known {
            Some(known) => Said::of("explain-type").put("name", known.name.as_str()),
            None => Said::of("explain-type-gone"),
        };
        let named = named.put("id", Part::word(&access.membership));
        let end = match (access.until, access.certain) {
            (None, _) => Said::of("explain-until-ended"),
            (Some(until), true) => Said::of("explain-until").put("until", until),
            (Some(until), false) => Said::of("explain-until-renewed").put("until", until),
        };
        let span = match access.from {
            Some(from) => Said::of("explain-from").put("from", from).put("end", end),
            None => end,
        };
        let said = match access.holds(at) {
            true => Said::of("explain-access"),
            false => Said::of("explain-access-not-now"),
        };
        said.put("type", named)
            .put("span", span)
            .put("because", self.because(&access.because))
    }

    fn because(&self, because: &Because) -> Said {
        match because {
            Because::Subscription { id, cause, .. } => Said::of("because-subscription")
                .put("id", id.as_str())
                .put("why", of_cause(*cause)),
            Because::Payment { id } => {
                let known = self.payments.iter().find(|payment| payment.id == id.0);
                let said = match known {
                    Some(payment) => {
                        let much = match payment.money() {
                            Some((amount, currency)) => money::in_words(amount, currency).into(),
                            None => Said::of("amount-unknown"),
                        };
                        Said::of("because-payment")
                            .put("source", source(&payment.source))
                            .put("amount", much)
                            .put("at", Timestamp(payment.paid_at))
                    }
                    None => Said::of("because-payment-gone"),
                };
                said.put("id", Part::word(id))
            }
            Because::Grant { id } => {
                let said = match self.grants.iter().find(|deed| deed.id == id.0) {
                    Some(deed) => Said::of("because-grant")
                        .put("who", deed.made_by.as_str())
                        .put("reason", deed.reason.as_str()),
                    None => Said::of("because-grant-gone"),
                };
                said.put("id", Part::word(id))
            }
        }
    }

    /// What the lists say of the member's cards; `without` an entry, why there is none.
    fn zones(&self, entries: &[(ZoneId, i64, Entry)], without: &Said) -> Vec<(ZoneId, Said)> {
        let says = |zone: &Zone| {
            let of_zone = || entries.iter().filter(|(listed, ..)| *listed == zone.id);
            let mut cards: Vec<Said> = Vec::new();
            for (.., entry) in of_zone() {
                let said = self.entry(&zone.id, entry);
                // Several cards, or one card as several kinds of readers see it.
                if !cards.contains(&said) {
                    cards.push(said);
                }
            }
            cards.sort_by_cached_key(Said::english);
            let revision = of_zone().map(|(_, revision, _)| revision).max();
            match (revision, Said::chain("and-further", cards)) {
                (Some(revision), Some(cards)) => Said::of("explain-listed")
                    .put("revision", Part::word(revision))
                    .put("cards", cards),
                (_, _) => Said::of("explain-unlisted").put("why", without.clone()),
            }
        };
        let zones = self.zones.iter();
        zones.map(|zone| (zone.id.clone(), says(zone))).collect()
    }

    fn entry(&self, zone: &ZoneId, entry: &Entry) -> Said {
        match entry.state {
            CardState::Ok if entry.flags.has(Flags::INDUCTION) => Said::of("entry-induction"),
            CardState::Ok => {
                let rights = entry.rights.iter().map(|right| self.right(right));
                let rights = Said::chain("either", rights);
                self.pin(zone, entry, rights.unwrap_or_else(|| "".into()))
            }
            CardState::Lapsed => Said::of("entry-lapsed"),
            CardState::Ended => Said::of("entry-ended"),
            CardState::Held => Said::of("entry-held"),
            CardState::Lost => Said::of("entry-lost"),
        }
    }

    /// What must be typed after the card.
    fn pin(&self, zone: &ZoneId, entry: &Entry, rights: Said) -> Said {
        let always = entry.flags.has(Flags::PIN).then_some(0);
        let Some(asked) = always.or(self.pins.get(zone).copied()) else {
            return rights;
        };
        let said = match entry.pin {
            Some(_) => Said::of("entry-pin"),
            None => Said::of("entry-pin-none"),
        };
        said.put("rights", rights).put("hours", self.hours(asked))
    }

    fn hours(&self, number: u16) -> Said {
        let mut schedules = self.schedules.iter();
        match schedules.find(|schedule| schedule.number == number) {
            Some(schedule) => Said::of("hours-of").put("schedule", Part::word(&schedule.id)),
            None if number == 0 => Said::of("hours-all"),
            None => Said::of("hours-gone"),
        }
    }

    fn right(&self, right: &Right) -> Said {
        let said = match right.not_after {
            Some(until) => Said::of("entry-opens-until").put("until", until),
            None => Said::of("entry-opens"),
        };
        said.put("hours", self.hours(right.schedule))
    }
}

fn source(word: &str) -> Said {
    match word {
        "cash" => Said::of("source-cash"),
        "transfer" => Said::of("source-transfer"),
        other => other.into(),
    }
}
