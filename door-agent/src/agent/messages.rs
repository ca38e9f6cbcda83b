//! What comes by the broker: nothing is believed before its signature, its topic and its time are checked.

use super::Agent;
use shared::badge::What;
use shared::door_clock::Sources;
use shared::ids::ZoneId;
use shared::keys::{KeyId, PublicKey};
use shared::time::Timestamp;
use shared::wire::topics::Channel;
use shared::wire::{Kind, RefusedWhy, Sync, Topic, open};

impl Agent {
    /// Hears a message; one that is refused changes nothing but the count of the refused.
    pub(super) fn message(&mut self, topic: &str, payload: &[u8], sources: Sources) {
        let parsed = Topic::parse(topic)
            .filter(|parsed| parsed.organisation == self.paired.pairing.organisation);
        let name = parsed
            .as_ref()
            .map_or("message", |parsed| name(&parsed.channel));
        if let Err(why) = self.try_message(parsed, topic, payload, sources) {
            self.refuse(name, why, sources);
        }
    }

    fn try_message(
        &mut self,
        parsed: Option<Topic>,
        topic: &str,
        payload: &[u8],
        sources: Sources,
    ) -> Result<(), RefusedWhy> {
        let channel = parsed.ok_or(RefusedWhy::NotOurs)?.channel;
        self.check_ours(&channel)?;
        let may_sign = |id| self.signer(id, &channel);
        let opened = open(payload, topic, may_sign).map_err(|error| RefusedWhy::from(&error))?;
        let unreadable = |error: shared::wire::WireError| RefusedWhy::from(&error);
        match channel {
            Channel::Head(zone) => {
                self.head(&zone, opened.read(Kind::Head).map_err(unreadable)?, sources)
            }
            Channel::Policy(zone) => {
                let message: shared::wire::PolicyMessage =
                    opened.read(Kind::Policy).map_err(unreadable)?;
                self.policy(&zone, message.issued_at, &opened.body, sources)
            }
            Channel::Delta(zone) => self.delta(
                &zone,
                opened.read(Kind::Delta).map_err(unreadable)?,
                sources,
            ),
            Channel::Sync(_) => match opened.read(Kind::Sync).map_err(unreadable)? {
                Sync::Delta { zone, nonce, delta } => {
                    self.answer_delta(&zone, nonce, delta, sources)
                }
                Sync::Snapshot { zone, nonce, part } => {
                    self.answer_part(&zone, nonce, &part, sources)
                }
            },
            Channel::Config(_) => {
                let config: shared::wire::Config = opened.read(Kind::Config).map_err(unreadable)?;
                self.configuration(config.issued_at, &opened.body, sources)
            }
            Channel::Ack(_) => {
                self.acknowledged(&opened.read(Kind::Ack).map_err(unreadable)?, sources)
            }
            Channel::Command(_) => {
                self.command(opened.read(Kind::Command).map_err(unreadable)?, sources)
            }
            Channel::Request(_)
            | Channel::Report(_)
            | Channel::Events(_)
            | Channel::Result(_)
            | Channel::Status(_) => Err(RefusedWhy::NotOurs),
        }
    }

    /// Whether the agent listens to this channel at all.
    fn check_ours(&self, channel: &Channel) -> Result<(), RefusedWhy> {
        let ours = match channel {
            Channel::Head(zone) | Channel::Policy(zone) | Channel::Delta(zone) => {
                self.zones.contains_key(zone) && !self.storing.is_loading(zone)
            }
            Channel::Config(agent)
            | Channel::Sync(agent)
            | Channel::Ack(agent)
            | Channel::Command(agent) => *agent == self.paired.pairing.agent,
            Channel::Request(_)
            | Channel::Report(_)
            | Channel::Events(_)
            | Channel::Result(_)
            | Channel::Status(_) => false,
        };
        if ours {
            Ok(())
        } else {
            Err(RefusedWhy::NotOurs)
        }
    }

    /// Whose signature counts: the signers of the configuration; for a new configuration also the recovery key.
    fn signer(&self, id: KeyId, channel: &Channel) -> Option<PublicKey> {
        let recovery =
            matches!(channel, Channel::Config(_)).then_some(self.paired.pairing.recovery);
        let signers = self.config.config.signers.iter().copied().chain(recovery);
        signers.into_iter().find(|key| key.id() == id)
    }

    /// Takes the time of a verified message as the floor of this agent's time.
    pub(super) fn hear_time(
        &mut self,
        issued_at: Timestamp,
        sources: Sources,
    ) -> Result<(), RefusedWhy> {
        self.clock
            .hear(issued_at, sources)
            .map_err(|_| RefusedWhy::FarAhead)
    }

    /// Counts a refused message; the badge log and the server are told, but not as often as somebody may send.
    pub(super) fn refuse(&mut self, name: &'static str, why: RefusedWhy, sources: Sources) {
        if self.reports.refuse(why, sources.uptime) {
            let why = format!("{name}: {}", words(why));
            tracing::warn!(message = name, reason = %why, "a message was refused");
            self.log_event(None, What::Rejected { why }, sources);
        }
    }

    pub(super) fn has_zone(&self, zone: &ZoneId) -> Result<(), RefusedWhy> {
        if self.zones.contains_key(zone) {
            Ok(())
        } else {
            Err(RefusedWhy::NotOurs)
        }
    }
}

fn name(channel: &Channel) -> &'static str {
    match channel {
        Channel::Head(_) => "head",
        Channel::Policy(_) => "policy",
        Channel::Delta(_) => "delta",
        Channel::Config(_) => "config",
        Channel::Sync(_) => "sync",
        Channel::Request(_) => "request",
        Channel::Report(_) => "report",
        Channel::Events(_) => "events",
        Channel::Ack(_) => "ack",
        Channel::Command(_) => "command",
        Channel::Result(_) => "result",
        Channel::Status(_) => "status",
    }
}

fn words(why: RefusedWhy) -> &'static str {
    match why {
        RefusedWhy::Unreadable => "not readable, too large or not signed",
        RefusedWhy::Version => "of an unknown version or kind",
        RefusedWhy::Key => "signed by a key that does not count",
        RefusedWhy::Signature => "the signature does not fit",
        RefusedWhy::Older => "older than what is held",
        RefusedWhy::Conflict => "two contents claim one revision",
        RefusedWhy::Digest => "the result is not what was signed",
        RefusedWhy::FarAhead => "issued more than a day ahead of a trusted clock",
        RefusedWhy::Expired => "for another run, used before, or too late",
        RefusedWhy::NotOurs => "not for this agent",
    }
}
