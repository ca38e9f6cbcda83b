//! Explain: a member's standing in words, with the facts it rests on, now or at a moment in the past.

use super::history::{doors_at, rejudge};
use crate::app::App;
use crate::money;
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
use std::fmt::Write as _;

/// A standing in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Whom it is about.
    pub member: MemberId,
    /// The moment it is about.
    pub at: Timestamp,
    /// Standing in one sentence.
    pub standing: String,
    /// Why: one sentence for each fact.
    pub reasons: Vec<String>,
    /// What would have to change for good standing; none: nothing.
    pub missing: Option<String>,
    /// What brought this standing about, and when.
    pub cause: Option<String>,
    /// What each zone's list says.
    pub zones: Vec<(ZoneId, String)>,
    /// What each door does with the member's cards.
    pub doors: Vec<(DoorId, String)>,
    /// What changes next, and when.
    pub next: Option<String>,
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
        explained.at, explained.standing
    )];
    lines.extend(explained.reasons.iter().map(|reason| format!("  {reason}")));
    let missing = explained.missing;
    lines.extend(missing.map(|missing| format!("To change it: {missing}")));
    let cause = explained.cause;
    lines.extend(cause.map(|cause| format!("Brought about: {cause}")));
    let zones = explained.zones.iter();
    lines.extend(zones.map(|(zone, says)| format!("Zone {zone}: {says}")));
    let doors = explained.doors.iter();
    lines.extend(doors.map(|(door, says)| format!("Door {door}: {says}")));
    lines.push(
        explained
            .next
            .unwrap_or("Nothing changes by the clock.".to_owned()),
    );
    Ok(Some(lines))
}

/// A member's standing at a moment in words, derived anew from the facts and rules that were known then. None if there
/// is no such member.
pub async fn explain(app: &App, member: MemberId, at: Timestamp) -> Result<Option<Explanation>> {
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
            standing: "nothing was known of this member's standing then.".to_owned(),
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
    let words = Words::read(&mut tx, app, member, at).await?;
    let entries = journal::entries_at(&mut tx, &app.organisation, member, at).await?;
    let without = match cards {
        Some(0) => "the member has no card",
        Some(_) => "the member's types do not open it",
        None => "the member has no card, or types that do not open it",
    };
    let doors = doors_at(&mut tx, &app.organisation, member, at).await?;
    let doors = doors.into_iter().map(|said| {
        let says = match said.reason {
            Some(Reason::PinNeeded) => {
                "asks for a PIN, and opens when the right one is typed.".to_owned()
            }
            Some(reason) => {
                let row = reason.row(Language::En);
                let does = if reason.grants() {
                    "opens"
                } else {
                    "stays shut"
                };
                format!("{does}. {} {}", row.staff, row.remedy)
                    .trim_end()
                    .to_owned()
            }
            None => format!("stays shut: {without}."),
        };
        (said.door.id, says)
    });
    let next = match changed {
        Some((when, cause)) => Some(format!("It changed on {when}: {cause}.")),
        None => outlook
            .next
            .map(|when| format!("By the clock it is looked at again on {when}.")),
    };
    Ok(Some(Explanation {
        member,
        at,
        standing: words.state(&standing.state),
        reasons: words.reasons(standing, at),
        missing: missing(standing, &facts, &rules).map(|missing| in_words(&missing)),
        cause: told.map(|(since, cause, _)| format!("{cause}, on {since}.")),
        zones: words.zones(&entries, without),
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

fn in_words(missing: &Missing) -> String {
    match missing {
        Missing::Lifted(hold) => format!("hold {hold} must be lifted."),
        Missing::Paid(owed) if owed.is_empty() => "what is due must be paid at Stripe.".to_owned(),
        Missing::Paid(owed) => {
            let each = owed
                .iter()
                .map(|owed| format!("{} of {}", owed.invoice, money::in_words(owed.amount, &owed.currency)));
            let each: Vec<String> = each.collect();
            format!("invoice {} must be paid.", each.join(" and "))
        }
        Missing::Begun(from) => format!("nothing has to; it begins on {from}."),
        Missing::FirstPayment => "the first payment must arrive.".to_owned(),
        Missing::Named(id) => {
            format!("the plan of subscription {id} must name a membership type.")
        }
        Missing::Seated(id) => format!("the seat of subscription {id} must be paid for again."),
        Missing::Resumed(id) => format!("subscription {id} must be resumed at Stripe."),
        Missing::Renewed => {
            "it takes a new subscription, a payment by hand or a grant.".to_owned()
        }
        Missing::AnyFact => "it takes a subscription whose customer is linked to the member, a payment by hand or a grant."
            .to_owned(),
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

    fn state(&self, state: &State) -> String {
        match state {
            State::Good { until: None } => "in good standing, until ended.".to_owned(),
            State::Good { until: Some(until) } => {
                format!("in good standing, as things stand until {until}.")
            }
            State::Grace { until } => format!("in, but a payment is missing; out from {until} on."),
            State::Held { hold, until } => {
                let reason = self.holds.iter().find(|deed| deed.id == hold.0);
                let reason =
                    reason.map_or(String::new(), |deed| format!(" Reason: {}", deed.reason));
                match until {
                    Some(until) => format!("on hold until {until} (hold {hold}).{reason}"),
                    None => format!("on hold until lifted (hold {hold}).{reason}"),
                }
            }
            State::Pending { from: Some(from) } => format!("not in yet; in from {from} on."),
            State::Pending { from: None } => {
                "not in yet: the first payment has not arrived.".to_owned()
            }
            State::Lapsed { since } => format!("out since {since}."),
            State::Stranger => "out: no fact gives access.".to_owned(),
        }
    }

    fn reasons(&self, standing: &Standing, at: Timestamp) -> Vec<String> {
        standing
            .access
            .iter()
            .map(|access| self.reason(access, at))
            .collect()
    }

    fn reason(&self, access: &Access, at: Timestamp) -> String {
        let known = self
            .types
            .iter()
            .find(|known| known.id == access.membership);
        let mut text = match known {
            Some(known) => format!("`{}` ({})", known.name, known.id),
            None => format!("`{}`", access.membership),
        };
        if let Some(from) = access.from {
            write!(text, " from {from}").expect("writing to memory cannot fail");
        }
        let end = match (access.until, access.certain) {
            (None, _) => " until ended".to_owned(),
            (Some(until), true) => format!(" until {until}"),
            (Some(until), false) => format!(" until {until}, unless it is renewed"),
        };
        let holds = if access.holds(at) {
            ""
        } else {
            ", which does not hold at this moment"
        };
        format!("{text}{end}{holds}. {}", self.because(&access.because))
    }

    fn because(&self, because: &Because) -> String {
        match because {
            Because::Subscription { id, cause, .. } => {
                format!("Subscription {id}: {}", cause.sentence())
            }
            Because::Payment { id } => {
                match self.payments.iter().find(|payment| payment.id == id.0) {
                    Some(payment) => {
                        let much = match payment.money() {
                            Some((amount, currency)) => money::in_words(amount, currency),
                            None => "an unknown amount".to_owned(),
                        };
                        let (source, at) = (&payment.source, Timestamp(payment.paid_at));
                        format!("Payment {id}: {source} of {much} on {at}.")
                    }
                    None => format!("Payment {id}."),
                }
            }
            Because::Grant { id } => match self.grants.iter().find(|deed| deed.id == id.0) {
                Some(deed) => format!("Grant {id} by {}: {}", deed.made_by, deed.reason),
                None => format!("Grant {id}."),
            },
        }
    }

    /// What the lists say of the member's cards; `without` an entry, why there is none.
    fn zones(&self, entries: &[(ZoneId, i64, Entry)], without: &str) -> Vec<(ZoneId, String)> {
        let says = |zone: &Zone| {
            let of_zone = || entries.iter().filter(|(listed, ..)| *listed == zone.id);
            let Some(revision) = of_zone().map(|(_, revision, _)| revision).max() else {
                return format!("nothing is listed: {without}.");
            };
            let said = |(.., entry): &(ZoneId, i64, Entry)| self.entry(&zone.id, entry);
            let mut cards: Vec<String> = of_zone().map(said).collect();
            // Several cards, or one card as several kinds of readers see it.
            cards.sort();
            cards.dedup();
            format!("since revision {revision}: {}.", cards.join("; "))
        };
        let zones = self.zones.iter();
        zones.map(|zone| (zone.id.clone(), says(zone))).collect()
    }

    fn entry(&self, zone: &ZoneId, entry: &Entry) -> String {
        match entry.state {
            CardState::Ok if entry.flags.has(Flags::INDUCTION) => {
                "a card is refused until an induction is noted".to_owned()
            }
            CardState::Ok => {
                let rights = entry.rights.iter().map(|right| self.right(right));
                let rights: Vec<String> = rights.collect();
                format!("{}{}", rights.join(", or "), self.pin(zone, entry))
            }
            CardState::Lapsed => "a card is refused as lapsed".to_owned(),
            CardState::Ended => "a card is refused, for access to this zone has ended".to_owned(),
            CardState::Held => "a card is refused as held".to_owned(),
            CardState::Lost => "a card is refused as lost".to_owned(),
        }
    }

    /// What must be typed after the card.
    fn pin(&self, zone: &ZoneId, entry: &Entry) -> String {
        let always = entry.flags.has(Flags::PIN).then_some(0);
        let Some(asked) = always.or(self.pins.get(zone).copied()) else {
            return String::new();
        };
        let asks = format!("the door asks for a PIN {}", self.hours(asked));
        match entry.pin {
            Some(_) => format!(", and {asks}"),
            None => format!(", but {asks}, and the member has none"),
        }
    }

    fn hours(&self, number: u16) -> String {
        let mut schedules = self.schedules.iter();
        match schedules.find(|schedule| schedule.number == number) {
            Some(schedule) => format!("on schedule `{}`", schedule.id),
            None if number == 0 => "at all hours".to_owned(),
            None => "never, its schedule is gone".to_owned(),
        }
    }

    fn right(&self, right: &Right) -> String {
        let hours = self.hours(right.schedule);
        match right.not_after {
            Some(until) => format!("a card opens {hours} until {until}"),
            None => format!("a card opens {hours}"),
        }
    }
}
