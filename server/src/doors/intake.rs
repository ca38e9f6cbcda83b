//! Intake: what agents say. Unsigned, wrongly signed or moved messages change nothing and are counted.

use super::alarms;
use super::publish::{self, Publication, merge};
use super::refused::Refusal;
use crate::attention;
use crate::keys::Keys;
use crate::said::{Part, Said};
use crate::store::agents::{self, Agent, Badge};
use crate::store::attention::{Item, raise, raise_newest, settle};
use crate::store::audit::{self, Link};
use crate::store::{Result, Tx, lists};
use sha2::{Digest as _, Sha256};
use shared::badge::{BadgeEvent, What, chain};
use shared::ids::{AgentId, BootId, OrganisationId, ZoneId};
use shared::time::Timestamp;
use shared::wire::topics::Channel;
use shared::wire::{
    Events, Kept, Kind, Report, Request, SnapshotPart, Sync, Topic, WireError, open,
};

/// What came of a message.
#[derive(Debug, Default)]
pub struct Taken {
    /// What to answer.
    pub answers: Vec<Publication>,
    /// Why the message changed nothing.
    pub refused: Option<Refused>,
    /// A command's result, for whoever waits for it.
    pub result: Option<(AgentId, shared::wire::CommandResult)>,
    /// Cards that were turned away, told for the first time.
    pub refusals: Vec<Refusal>,
}

/// Why an agent's message changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not one of our topics, or one that only the server writes.
    #[error("not a topic that agents write")]
    Topic,
    /// No such agent, not paired, or revoked.
    #[error("no paired agent of this name")]
    Agent,
    /// The envelope.
    #[error("the message is not to be trusted")]
    Wire(#[from] WireError),
    /// A report older than one that is kept.
    #[error("an older report")]
    Older,
}

/// Takes one message from the broker.
pub async fn take(
    tx: &mut Tx,
    keys: &Keys,
    organisation: &OrganisationId,
    (topic, payload): (&str, &[u8]),
    now: Timestamp,
) -> Result<Taken> {
    let refuse = |refused| {
        Ok(Taken {
            refused: Some(refused),
            ..Taken::default()
        })
    };
    let Some(parsed) = Topic::parse(topic).filter(|parsed| parsed.organisation == *organisation)
    else {
        return refuse(Refused::Topic);
    };
    let (agent, kind) = match &parsed.channel {
        Channel::Request(agent) => (agent, Kind::Request),
        Channel::Report(agent) => (agent, Kind::Report),
        Channel::Events(agent) => (agent, Kind::Events),
        Channel::Result(agent) => (agent, Kind::Result),
        Channel::Head(_)
        | Channel::Policy(_)
        | Channel::Delta(_)
        | Channel::Config(_)
        | Channel::Sync(_)
        | Channel::Ack(_)
        | Channel::Command(_)
        | Channel::Status(_) => return refuse(Refused::Topic),
    };
    let Some(agent) = agents::find(tx, organisation, agent).await? else {
        return refuse(Refused::Agent);
    };
    let Some(key) = agent.key.filter(|_| agent.revoked_at.is_none()) else {
        return refuse(Refused::Agent);
    };
    let opened = match open(payload, topic, |id| (id == key.id()).then_some(key)) {
        Ok(opened) => opened,
        Err(error) => return refuse(error.into()),
    };
    let context = Context {
        keys,
        organisation,
        agent: &agent,
        now,
    };
    let taken = match kind {
        Kind::Request => match opened.read::<Request>(kind) {
            Ok(request) => context.answer(tx, &request).await?,
            Err(error) => return refuse(error.into()),
        },
        Kind::Report => match opened.read::<Report>(kind) {
            Ok(report) => context.report(tx, &report, &opened.body).await?,
            Err(error) => return refuse(error.into()),
        },
        Kind::Events => match opened.read::<Events>(kind) {
            Ok(events) => context.events(tx, &events).await?,
            Err(error) => return refuse(error.into()),
        },
        Kind::Result => match opened.read(kind) {
            Ok(result) => Taken {
                result: Some((agent.id.clone(), result)),
                ..Taken::default()
            },
            Err(error) => return refuse(error.into()),
        },
        Kind::Head
        | Kind::Policy
        | Kind::Delta
        | Kind::Config
        | Kind::Sync
        | Kind::Ack
        | Kind::Command
        | Kind::Pairing => return refuse(Refused::Topic),
    };
    Ok(taken)
}

struct Context<'a> {
    keys: &'a Keys,
    organisation: &'a OrganisationId,
    agent: &'a Agent,
    now: Timestamp,
}

impl Context<'_> {
    /// A merged delta if history reaches back that far, else the whole list.
    async fn answer(&self, tx: &mut Tx, request: &Request) -> Result<Taken> {
        let doors = agents::doors(tx, self.organisation, &self.agent.id).await?;
        if !doors.iter().any(|door| door.zone == request.zone) {
            return Ok(Taken {
                refused: Some(Refused::Topic),
                ..Taken::default()
            });
        }
        let head = lists::lock_zone(tx, self.organisation, &request.zone).await?;
        if head.stopped.is_some() {
            return Ok(Taken::default());
        }
        let mut answers: Vec<Publication> =
            publish::policy(self.keys, self.organisation, &request.zone, &head, self.now)
                .into_iter()
                .collect();
        answers.extend(self.catch_up(tx, request, &head).await?);
        answers.push(publish::head(
            self.keys,
            self.organisation,
            &request.zone,
            &head,
            self.now,
        ));
        Ok(Taken {
            answers,
            ..Taken::default()
        })
    }

    async fn catch_up(
        &self,
        tx: &mut Tx,
        request: &Request,
        head: &lists::ZoneHead,
    ) -> Result<Vec<Publication>> {
        let (zone, nonce) = (request.zone.clone(), request.nonce);
        let same_history = request
            .holds
            .filter(|held| held.epoch == head.revision.epoch);
        if same_history == Some(head.revision) {
            return Ok(Vec::new());
        }
        if let Some(held) = same_history.filter(|held| held.number < head.revision.number) {
            let deltas =
                lists::deltas_after(tx, self.organisation, &zone, held, publish::MERGED_LIMIT)
                    .await?;
            let merged = merge(held, &deltas).filter(|delta| delta.revision() == head.revision);
            let zone = zone.clone();
            let answer = merged.map(|delta| self.sync(&Sync::Delta { zone, nonce, delta }));
            if let Some(answer) = answer.filter(Publication::fits) {
                return Ok(vec![answer]);
            }
        }
        let list = lists::list(tx, self.organisation, &zone, head.revision).await?;
        Ok(SnapshotPart::cut(&list)
            .into_iter()
            .map(|part| {
                self.sync(&Sync::Snapshot {
                    zone: zone.clone(),
                    nonce,
                    part,
                })
            })
            .collect())
    }

    fn sync(&self, message: &Sync) -> Publication {
        Publication::new(
            self.keys,
            self.organisation,
            Channel::Sync(self.agent.id.clone()),
            message,
        )
    }

    /// The only proof of what a door holds.
    async fn report(&self, tx: &mut Tx, report: &Report, body: &[u8]) -> Result<Taken> {
        let kept = agents::put_report(
            tx,
            self.organisation,
            &self.agent.id,
            report.boot,
            report.counter,
            body,
            self.now,
        );
        if !kept.await? {
            return Ok(Taken {
                refused: Some(Refused::Older),
                ..Taken::default()
            });
        }
        settle(
            tx,
            self.organisation,
            attention::Kind::OutOfContact,
            self.agent.id.as_str(),
            self.now,
        )
        .await?;
        // An agent has no say about zones that it does not serve.
        let doors = agents::doors(tx, self.organisation, &self.agent.id).await?;
        let served = |zone: &ZoneId| doors.iter().any(|door| door.zone == *zone);
        for zone in report.zones.iter().filter(|zone| served(&zone.zone)) {
            self.check_zone(tx, zone, report.boot).await?;
        }
        if let Some(seen) = &report.audit {
            let seen: Vec<Link> = seen.iter().filter_map(|seen| Link::read(seen)).collect();
            let agent = self.agent.id.as_str();
            audit::witness(tx, self.organisation, agent, &seen, self.now).await?;
        }
        let refused: u64 = report.refused.iter().map(|refused| refused.count).sum();
        if refused > 0 {
            let item = Item {
                kind: attention::Kind::MessagesRefused,
                subject: self.agent.id.as_str(),
                sentence: Said::of("attention-messages-refused").put("count", Part::count(refused)),
                remedy: Said::of("remedy-messages-refused"),
                member: None,
            };
            raise(tx, self.organisation, item, self.now).await?;
        }
        Ok(Taken::default())
    }

    /// A door that is ahead of us has seen a future that we lost: publishing on would roll it back.
    async fn check_zone(
        &self,
        tx: &mut Tx,
        zone: &shared::wire::ZoneReport,
        boot: BootId,
    ) -> Result<()> {
        let Some(held) = zone.list else { return Ok(()) };
        self.check_kept(tx, &zone.zone, held.kept).await?;
        let head = lists::lock_zone(tx, self.organisation, &zone.zone).await?;
        let ahead = held.revision.epoch.number > head.revision.epoch.number
            || (held.revision.epoch == head.revision.epoch
                && held.revision.number > head.revision.number);
        let other = held.revision.epoch.number == head.revision.epoch.number
            && (held.revision.epoch.id != head.revision.epoch.id
                || (held.revision.number == head.revision.number && held.digest != head.digest));
        if ahead || other {
            let why = "a door holds a newer or another list than this server has";
            lists::stop(tx, self.organisation, &zone.zone, Some(why)).await?;
            let item = Item {
                kind: attention::Kind::DoorAhead,
                subject: zone.zone.as_str(),
                sentence: Said::of("attention-door-ahead"),
                remedy: Said::of("remedy-door-ahead"),
                member: None,
            };
            raise(tx, self.organisation, item, self.now).await?;
        }
        self.check_contact(tx, &zone.zone, zone.newest_head, boot)
            .await
    }

    /// A disk that fails is noticed only by what it does not keep.
    async fn check_kept(&self, tx: &mut Tx, zone: &ZoneId, kept: Kept) -> Result<()> {
        let subject = format!("{} {zone}", self.agent.id);
        let kind = attention::Kind::ListNotKept;
        let sentence = match kept {
            Kept::Stored => return settle(tx, self.organisation, kind, &subject, self.now).await,
            Kept::Volatile => Said::of("attention-list-not-kept-volatile"),
            Kept::Degraded => Said::of("attention-list-not-kept-degraded"),
        };
        let item = Item {
            kind,
            subject: &subject,
            sentence,
            remedy: Said::of("remedy-list-not-kept"),
            member: None,
        };
        raise_newest(tx, self.organisation, item, self.now).await
    }

    /// Somebody between us and the door may withhold heads while the link looks alive. An agent that was away, or has
    /// just started, has not had the time to hear one.
    async fn check_contact(
        &self,
        tx: &mut Tx,
        zone: &ZoneId,
        newest: Option<Timestamp>,
        boot: BootId,
    ) -> Result<()> {
        let subject = format!("{} {zone}", self.agent.id);
        if newest.is_some_and(|newest| newest + OUT_OF_CONTACT >= self.now) {
            return settle(
                tx,
                self.organisation,
                attention::Kind::StreamWithheld,
                &subject,
                self.now,
            )
            .await;
        }
        let before = self.agent.report_at;
        let was_away = before.is_none_or(|before| before + OUT_OF_CONTACT < self.now);
        if was_away || self.agent.boot != Some(boot) {
            return Ok(());
        }
        let item = Item {
            kind: attention::Kind::StreamWithheld,
            subject: &subject,
            sentence: Said::of("attention-stream-withheld"),
            remedy: Said::of("remedy-stream-withheld"),
            member: None,
        };
        raise(tx, self.organisation, item, self.now).await?;
        Ok(())
    }

    /// Commits events, then acknowledges how far they are contiguous.
    async fn events(&self, tx: &mut Tx, events: &Events) -> Result<Taken> {
        let agent = &self.agent.id;
        let mut ack = agents::committed(tx, self.organisation, agent, events.boot).await?;
        let before = ack.up_to;
        let mut fresh = Vec::new();
        for body in &events.events {
            let Ok(event) = minicbor::decode::<BadgeEvent>(body) else {
                return Ok(Taken {
                    refused: Some(Refused::Wire(WireError::Body)),
                    ..Taken::default()
                });
            };
            let badge = Badge {
                agent,
                boot: events.boot,
                event: &event,
                body,
                sha256: Sha256::digest(&**body).into(),
            };
            let is_new = agents::put_badge(tx, self.organisation, badge, self.now).await?;
            if event.sequence <= before
                && agents::claimed_twice(tx, self.organisation, badge).await?
            {
                self.two_agents(tx).await?;
            }
            // What the agent no longer keeps will never come: the gap is told by a gap event of its own.
            let follows = event.sequence == ack.up_to + 1
                || (events.lowest_kept > ack.up_to + 1 && event.sequence == events.lowest_kept);
            if follows {
                ack.digest = chain(ack.digest, events.boot, body);
                ack.up_to = event.sequence;
            }
            if is_new {
                fresh.push(event);
            }
        }
        let refusals = self.look_at(tx, &fresh).await?;
        agents::commit_up_to(tx, self.organisation, agent, &ack).await?;
        let answer = Publication::new(
            self.keys,
            self.organisation,
            Channel::Ack(agent.clone()),
            &ack,
        );
        Ok(Taken {
            answers: vec![answer],
            refusals,
            ..Taken::default()
        })
    }

    /// Tells staff what new events want a human for; answers where cards were turned away, and why.
    async fn look_at(&self, tx: &mut Tx, events: &[BadgeEvent]) -> Result<Vec<Refusal>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let doors = agents::doors(tx, self.organisation, &self.agent.id).await?;
        let source = alarms::Source {
            organisation: self.organisation,
            agent: &self.agent.id,
            doors: &doors,
            now: self.now,
        };
        alarms::tell(tx, source, events).await?;
        let refusal = |event: &BadgeEvent| {
            let What::Card { token, reason, .. } = event.what else {
                return None;
            };
            let mut doors = doors.iter();
            let door = doors.find(|door| Some(&door.door) == event.door.as_ref())?;
            (!reason.grants()).then(|| Refusal {
                door: door.door.clone(),
                zone: door.zone.clone(),
                at: event.at,
                token,
                reason,
            })
        };
        Ok(events.iter().filter_map(refusal).collect())
    }

    async fn two_agents(&self, tx: &mut Tx) -> Result<()> {
        let item = Item {
            kind: attention::Kind::TwoAgents,
            subject: self.agent.id.as_str(),
            sentence: Said::of("attention-two-agents"),
            remedy: Said::of("remedy-two-agents"),
            member: None,
        };
        raise(tx, self.organisation, item, self.now).await?;
        Ok(())
    }
}

/// Without a fresh report, or a fresh head at the door, for so long, staff are told.
pub const OUT_OF_CONTACT: shared::time::Span = shared::time::Span::minutes(10);

/// Tells staff about paired agents that have not reported for ten minutes.
pub async fn watch(tx: &mut Tx, organisation: &OrganisationId, now: Timestamp) -> Result<()> {
    for agent in agents::all(tx, organisation).await? {
        let silent = agent.report_at.is_none_or(|at| at + OUT_OF_CONTACT < now);
        if agent.key.is_none() || agent.revoked_at.is_some() || !silent {
            continue;
        }
        let item = Item {
            kind: attention::Kind::OutOfContact,
            subject: agent.id.as_str(),
            sentence: Said::of("attention-out-of-contact"),
            remedy: Said::of("remedy-out-of-contact"),
            member: None,
        };
        raise(tx, organisation, item, now).await?;
    }
    Ok(())
}
