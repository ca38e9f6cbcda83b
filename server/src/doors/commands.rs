//! Commands: told once, to one run of one agent, within five seconds.

use crate::keys::Keys;
use crate::store::agents::Agent;
use crate::store::{Result, Tx, on};
use shared::card::CardUid;
use shared::ids::{AgentId, DoorId, MemberId, OrganisationId};
use shared::time::Timestamp;
use shared::wire::{Action, Command, CommandResult, ENROL_PURPOSE, Outcome};

/// What becomes of the card that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enrolment {
    /// It is a member's.
    Of(MemberId),
    /// It is a fob of the pool, called so.
    Pool(String),
}

impl Enrolment {
    /// Whose card it will be, if it is a member's.
    #[must_use]
    pub fn member(&self) -> Option<MemberId> {
        match self {
            Self::Of(member) => Some(*member),
            Self::Pool(_) => None,
        }
    }

    fn fob(&self) -> Option<&str> {
        match self {
            Self::Of(_) => None,
            Self::Pool(label) => Some(label),
        }
    }

    fn read(member: Option<i64>, fob: Option<String>) -> Option<Self> {
        match (member, fob) {
            (Some(member), None) => Some(Self::Of(MemberId(member))),
            (None, Some(label)) => Some(Self::Pool(label)),
            (_, _) => None,
        }
    }
}

/// Who asked for a command, and for what a card is enrolled.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Who was signed in.
    pub by: &'a str,
    /// What becomes of the card.
    pub enrolment: Option<&'a Enrolment>,
}

/// Writes a command down and makes it; none while the agent has not announced its run.
pub async fn issue(
    tx: &mut Tx,
    organisation: &OrganisationId,
    agent: &Agent,
    action: Action,
    asked: Asked<'_>,
    now: Timestamp,
) -> Result<Option<Command>> {
    let Some(boot) = agent.boot else {
        return Ok(None);
    };
    let sql = "UPDATE agents SET command_counter = command_counter + 1 WHERE organisation = $1 AND id = $2 \
               RETURNING command_counter";
    let counter: i64 = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(agent.id.as_str()).fetch_one(c).await?);
    let (word, door) = match &action {
        Action::Unlock { door } => ("unlock", Some(door)),
        Action::Enrol { door } => ("enrol", Some(door)),
        Action::Identify { door } => ("identify", Some(door)),
        Action::Diagnostics => ("diagnostics", None),
        Action::Restart => ("restart", None),
    };
    let member = asked.enrolment.and_then(Enrolment::member);
    let sql = "INSERT INTO commands (organisation, agent, counter, action, door, asked_by, subject, issued_at, fob) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(agent.id.as_str()).bind(counter).bind(word)
        .bind(door.map(DoorId::as_str)).bind(asked.by).bind(member.map(|member| member.0)).bind(now.0)
        .bind(asked.enrolment.and_then(Enrolment::fob))
        .execute(c).await?.rows_affected());
    Ok(Some(Command {
        boot,
        counter: counter.unsigned_abs(),
        issued_at: now,
        action,
    }))
}

/// What came of a command, for staff and for the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// Done.
    Done,
    /// Not done, and why.
    Refused(String),
    /// A card was shown twice.
    Card {
        /// Its number.
        uid: CardUid,
        /// What becomes of it.
        enrolment: Enrolment,
        /// Who asked for it.
        by: String,
    },
    /// No card was shown twice in time, or its number did not open.
    NoCard,
    /// The agent about itself.
    Diagnostics(String),
}

/// Records a result once; none if the command is unknown or was answered before.
pub async fn record(
    tx: &mut Tx,
    keys: &Keys,
    organisation: &OrganisationId,
    agent: &AgentId,
    result: &CommandResult,
) -> Result<Option<Came>> {
    let counter = i64::try_from(result.counter).unwrap_or(i64::MAX);
    let word = match &result.outcome {
        Outcome::Done => "done",
        Outcome::Refused { .. } => "refused",
        Outcome::Enrolled { .. } => "enrolled",
        Outcome::NoCard => "no card",
        Outcome::Diagnostics { .. } => "diagnostics",
    };
    let sql = "UPDATE commands SET outcome = $4 WHERE organisation = $1 AND agent = $2 AND counter = $3 \
               AND outcome IS NULL RETURNING subject, fob, asked_by";
    let asked: Option<(Option<i64>, Option<String>, String)> = on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(agent.as_str()).bind(counter).bind(word).fetch_optional(c).await?);
    let Some((member, fob, by)) = asked else {
        return Ok(None);
    };
    Ok(Some(match &result.outcome {
        Outcome::Done => Came::Done,
        Outcome::Refused { why } => Came::Refused(why.clone()),
        Outcome::Enrolled { sealed_uid } => {
            let uid = keys.open(ENROL_PURPOSE, sealed_uid).ok();
            let uid = uid.and_then(|uid| CardUid::from_bytes(&uid).ok());
            match (uid, Enrolment::read(member, fob)) {
                (Some(uid), Some(enrolment)) => Came::Card { uid, enrolment, by },
                (_, _) => Came::NoCard,
            }
        }
        Outcome::NoCard => Came::NoCard,
        Outcome::Diagnostics { text } => Came::Diagnostics(text.clone()),
    }))
}
