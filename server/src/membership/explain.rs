//! Explain: a member's standing in words, with the facts it rests on, now or at a moment in the past.

use crate::app::App;
use crate::store::ledger::{self, Deed, PaymentRow};
use crate::store::people;
use crate::store::places::{self, NamedSchedule, Zone};
use crate::store::{Result, Tx, lists};
use shared::ids::{MemberId, ScheduleId, ZoneId};
use shared::rights::{CardState, Entry, Right, ZoneAccess, rights};
use shared::standing::{Access, Because, Standing, State};
use shared::time::Timestamp;
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
    /// What brought this standing about, and when.
    pub cause: Option<String>,
    /// What each zone's list says.
    pub zones: Vec<(ZoneId, String)>,
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
    lines.extend(
        explained
            .cause
            .map(|cause| format!("Brought about: {cause}")),
    );
    lines.extend(
        explained
            .zones
            .iter()
            .map(|(zone, says)| format!("Zone {zone}: {says}")),
    );
    lines.push(
        explained
            .next
            .unwrap_or("Nothing changes by the clock.".to_owned()),
    );
    Ok(Some(lines))
}

/// A member's standing at a moment in words, from the audit log where it changed since. None if there is no such member.
pub async fn explain(app: &App, member: MemberId, at: Timestamp) -> Result<Option<Explanation>> {
    let mut tx = app.store.begin_read().await?;
    let Some(person) = people::find(&mut tx, &app.organisation, member).await? else {
        return Ok(None);
    };
    let told = people::standing_at(&mut tx, member, at).await?;
    let changed = people::changed_after(&mut tx, member, at).await?;
    let Some((since, cause, standing)) = told else {
        let standing = "nothing was known of this member's standing then.".to_owned();
        let (reasons, zones) = (Vec::new(), Vec::new());
        return Ok(Some(Explanation {
            member,
            at,
            standing,
            reasons,
            cause: None,
            zones,
            next: None,
        }));
    };
    let words = Words::read(&mut tx, app, member).await?;
    let zones = match changed {
        Some(_) => words.zones_then(&standing, at),
        None => words.zones_now(&mut tx, member, person.cards).await?,
    };
    let next = match changed {
        Some((when, cause)) => Some(format!("It changed on {when}: {cause}.")),
        None => person
            .next_change
            .map(|when| format!("By the clock it is looked at again on {when}.")),
    };
    Ok(Some(Explanation {
        member,
        at,
        standing: words.state(&standing.state),
        reasons: words.reasons(&standing, at),
        cause: Some(format!("{cause}, on {since}.")),
        zones,
        next,
    }))
}

/// What words are made from.
struct Words {
    holds: Vec<Deed>,
    grants: Vec<Deed>,
    payments: Vec<PaymentRow>,
    zones: Vec<Zone>,
    schedules: Vec<NamedSchedule>,
    types: Vec<places::Type>,
}

impl Words {
    async fn read(tx: &mut Tx, app: &App, member: MemberId) -> Result<Self> {
        let organisation = &app.organisation;
        Ok(Self {
            holds: ledger::holds(tx, member).await?,
            grants: ledger::grants(tx, member).await?,
            payments: ledger::payments(tx, organisation, Some(member), i64::MAX, i64::MAX).await?,
            zones: places::zones(tx, organisation).await?,
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
                    Some(payment) => format!(
                        "Payment {id}: {} of {} on {}.",
                        payment.source,
                        money(payment.amount, &payment.currency),
                        Timestamp(payment.paid_at)
                    ),
                    None => format!("Payment {id}."),
                }
            }
            Because::Grant { id } => match self.grants.iter().find(|deed| deed.id == id.0) {
                Some(deed) => format!("Grant {id} by {}: {}", deed.made_by, deed.reason),
                None => format!("Grant {id}."),
            },
        }
    }

    /// What was listed: the truth that doors go by.
    async fn zones_now(
        &self,
        tx: &mut Tx,
        member: MemberId,
        cards: i64,
    ) -> Result<Vec<(ZoneId, String)>> {
        let listed = lists::of_member(tx, member).await?;
        let says = |zone: &Zone| {
            let entries: Vec<&Entry> = listed
                .iter()
                .filter(|(listed, _)| *listed == zone.id)
                .map(|(_, entry)| entry)
                .collect();
            if entries.is_empty() {
                let why = if cards == 0 {
                    "the member has no card"
                } else {
                    "the member's types do not open it"
                };
                return format!("nothing is listed: {why}.");
            }
            let cards = entries
                .iter()
                .map(|entry| self.entry(entry.state, &entry.rights))
                .collect::<Vec<_>>();
            format!("revision {}: {}.", zone.head.revision, cards.join("; "))
        };
        Ok(self
            .zones
            .iter()
            .map(|zone| (zone.id.clone(), says(zone)))
            .collect())
    }

    /// What a card of the member would have been listed as, by the zones as they are today.
    fn zones_then(&self, standing: &Standing, at: Timestamp) -> Vec<(ZoneId, String)> {
        let says = |zone: &Zone| match rights(standing, &self.access(zone), at) {
            Some((state, rights)) => format!("by today's zones: {}.", self.entry(state, &rights)),
            None => "by today's zones, nothing was listed.".to_owned(),
        };
        self.zones
            .iter()
            .map(|zone| (zone.id.clone(), says(zone)))
            .collect()
    }

    fn access(&self, zone: &Zone) -> Vec<ZoneAccess> {
        let number = |schedule: &Option<ScheduleId>| match schedule {
            None => 0,
            Some(id) => self
                .schedules
                .iter()
                .find(|known| known.id == *id)
                .map_or(u16::MAX, |known| known.number),
        };
        let opens = zone.access.iter();
        opens
            .map(|(membership, schedule)| ZoneAccess {
                membership: membership.clone(),
                schedule: number(schedule),
            })
            .collect()
    }

    fn entry(&self, state: CardState, rights: &[Right]) -> String {
        match state {
            CardState::Ok => rights
                .iter()
                .map(|right| self.right(right))
                .collect::<Vec<_>>()
                .join(", or "),
            CardState::Lapsed => "a card is refused as lapsed".to_owned(),
            CardState::Ended => "a card is refused, for access to this zone has ended".to_owned(),
            CardState::Held => "a card is refused as held".to_owned(),
            CardState::Lost => "a card is refused as lost".to_owned(),
        }
    }

    fn right(&self, right: &Right) -> String {
        let schedule = self
            .schedules
            .iter()
            .find(|schedule| schedule.number == right.schedule);
        let hours = match schedule {
            Some(schedule) => format!("on schedule `{}`", schedule.id),
            None if right.schedule == 0 => "at all hours".to_owned(),
            None => "never, its schedule is gone".to_owned(),
        };
        match right.not_after {
            Some(until) => format!("a card opens {hours} until {until}"),
            None => format!("a card opens {hours}"),
        }
    }
}

/// An amount in minor units as people write it: currencies have two places, some none or three
/// (docs.stripe.com/currencies, "zero-decimal" and "three-decimal currencies").
fn money(amount: i64, currency: &str) -> String {
    let places = match currency {
        "bif" | "clp" | "djf" | "gnf" | "jpy" | "kmf" | "krw" | "mga" | "pyg" | "rwf" | "vnd"
        | "vuv" | "xaf" | "xof" | "xpf" => 0,
        "bhd" | "jod" | "kwd" | "omr" | "tnd" => 3,
        _ => 2,
    };
    let sign = if amount < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", amount.unsigned_abs(), width = places + 1);
    let (whole, part) = digits.split_at(digits.len() - places);
    let point = if places == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{part} {}", currency.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::money;

    #[test]
    fn money_is_written_with_the_places_of_its_currency() {
        for (amount, currency, text) in [
            (4000, "eur", "40.00 EUR"),
            (5, "usd", "0.05 USD"),
            (-250, "chf", "-2.50 CHF"),
            (500, "jpy", "500 JPY"),
            (1500, "kwd", "1.500 KWD"),
        ] {
            assert_eq!(money(amount, currency), text);
        }
    }
}
