//! Publish: what the doors should hold, level-triggered: from last published to current, delta then head.

use crate::keys::Keys;
use crate::store::audit::{self, Link};
use crate::store::lists::ZoneHead;
use crate::store::{Result, Tx, agents, lists, rulebook};
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use shared::allow_list::{Delta, Epoch, Revision};
use shared::ids::{OrganisationId, ZoneId};
use shared::time::Timestamp;
use shared::wire::envelope::MAX_BYTES;
use shared::wire::topics::Channel;
use shared::wire::{
    CARD_KEYS_PURPOSE, CardKeys, Config, Head, PolicyMessage, Topic, ZoneCardKey, seal,
};

/// A message for the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Where.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
    /// Whether the broker keeps it.
    pub retain: bool,
    /// Whether it may wait a moment, in which a newer one may take its place.
    pub may_wait: bool,
}

impl Publication {
    /// Signs a message for its topic.
    #[must_use]
    pub fn new<M: minicbor::Encode<()>>(
        keys: &Keys,
        organisation: &OrganisationId,
        channel: Channel,
        message: &M,
    ) -> Self {
        let kind = channel
            .kind()
            .expect("only decoration has no kind, and only agents publish that");
        let retain = channel.is_retained();
        let topic = Topic::new(organisation, channel).to_string();
        let payload = seal(kind, &topic, message, keys.signer());
        Self {
            topic,
            payload,
            retain,
            may_wait: false,
        }
    }

    /// Whether doors take it: of a longer message they read nothing.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.payload.len() <= MAX_BYTES
    }
}

/// The delta that a revision brought, and the head that names it, which may wait: doors go by the delta. One that is too long
/// for a message stays here, and the head makes them ask.
#[must_use]
pub fn revision(
    keys: &Keys,
    organisation: &OrganisationId,
    zone: &ZoneId,
    delta: &Delta,
    head: &ZoneHead,
    now: Timestamp,
) -> Vec<Publication> {
    let mut head = self::head(keys, organisation, zone, head, now);
    let delta = Publication::new(keys, organisation, Channel::Delta(zone.clone()), delta);
    if !delta.fits() {
        return vec![head];
    }
    head.may_wait = true;
    vec![delta, head]
}

/// A zone's head, signed now.
#[must_use]
pub fn head(
    keys: &Keys,
    organisation: &OrganisationId,
    zone: &ZoneId,
    head: &ZoneHead,
    now: Timestamp,
) -> Publication {
    head_with_audit(keys, (organisation, zone), head, None, now)
}

/// A zone's head, signed now, with the end of the audit log: doors remember it, so that the log cannot be made anew.
fn head_with_audit(
    keys: &Keys,
    (organisation, zone): (&OrganisationId, &ZoneId),
    head: &ZoneHead,
    audit: Option<Link>,
    now: Timestamp,
) -> Publication {
    let message = Head {
        revision: head.revision,
        entries: head.entries,
        digest: head.digest,
        policy: Sha256::digest(&head.policy).into(),
        card_key: head.card_key,
        issued_at: now,
        audit: audit.map(|link| link.written()),
    };
    Publication::new(keys, organisation, Channel::Head(zone.clone()), &message)
}

/// A zone's policy, signed now; none if the stored body is not readable.
#[must_use]
pub fn policy(
    keys: &Keys,
    organisation: &OrganisationId,
    zone: &ZoneId,
    head: &ZoneHead,
    now: Timestamp,
) -> Option<Publication> {
    let message = PolicyMessage {
        revision: Revision {
            epoch: head.revision.epoch,
            number: head.policy_number,
        },
        issued_at: now,
        policy: minicbor::decode(&head.policy).ok()?,
    };
    Some(Publication::new(
        keys,
        organisation,
        Channel::Policy(zone.clone()),
        &message,
    ))
}

/// Every zone's policy and head, for a broker that may have forgotten them.
pub async fn zones(
    tx: &mut Tx,
    keys: &Keys,
    organisation: &OrganisationId,
    now: Timestamp,
) -> Result<Vec<Publication>> {
    let mut out = Vec::new();
    let audit = audit::end(tx, organisation).await?;
    for (zone, state) in lists::zones(tx, organisation).await? {
        if state.stopped.is_none() {
            out.extend(policy(keys, organisation, &zone, &state, now));
            let place = (organisation, &zone);
            out.push(head_with_audit(keys, place, &state, audit, now));
        }
    }
    Ok(out)
}

/// Every paired agent's configuration; card keys sealed to it anew.
pub async fn configs(
    tx: &mut Tx,
    keys: &Keys,
    organisation: &OrganisationId,
    now: Timestamp,
    random: &mut impl CryptoRng,
) -> Result<Vec<Publication>> {
    let mut out = Vec::new();
    for agent in agents::all(tx, organisation).await? {
        if agent.revoked_at.is_some() {
            continue;
        }
        if let Some(config) = config(tx, keys, organisation, &agent, now, random).await? {
            out.push(Publication::new(
                keys,
                organisation,
                Channel::Config(agent.id.clone()),
                &config,
            ));
        }
    }
    Ok(out)
}

/// One agent's configuration; none before it is paired.
pub async fn config(
    tx: &mut Tx,
    keys: &Keys,
    organisation: &OrganisationId,
    agent: &agents::Agent,
    now: Timestamp,
    random: &mut impl CryptoRng,
) -> Result<Option<Config>> {
    let Some(sealing) = agent.sealing else {
        return Ok(None);
    };
    let doors = agents::doors(tx, organisation, &agent.id).await?;
    let mut card_keys = CardKeys { keys: Vec::new() };
    for (zone, state) in lists::zones(tx, organisation).await? {
        if doors.iter().any(|door| door.zone == zone) {
            let key = keys.card_key(&zone, state.card_key);
            card_keys.keys.push(ZoneCardKey {
                zone,
                id: state.card_key,
                key: key.0,
            });
        }
    }
    let plain = minicbor::to_vec(&card_keys).expect("writing to memory cannot fail");
    let Ok(card_keys) = sealing.seal(CARD_KEYS_PURPOSE, &plain, random) else {
        return Ok(None);
    };
    Ok(Some(Config {
        revision: Revision {
            epoch: Epoch {
                number: 1,
                id: [0; 8],
            },
            number: agent.config_number,
        },
        issued_at: now,
        doors,
        signers: keys.signers(),
        sealing: keys.opening().public(),
        card_keys,
    }))
}

/// Writes a zone's policy anew from its settings, its location and the schedules; true if it changed.
pub async fn refresh_policy(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
    now: Timestamp,
) -> Result<bool> {
    let policy = rulebook::policy(tx, organisation, zone, now).await?;
    let body = minicbor::to_vec(&policy).expect("writing to memory cannot fail");
    let held = lists::lock_zone(tx, organisation, zone).await?;
    if held.policy == body {
        return Ok(false);
    }
    lists::set_policy(tx, organisation, zone, &body, now).await?;
    Ok(true)
}

/// Of so many revisions the deltas are put together; whoever is further behind gets the whole list.
pub const MERGED_LIMIT: i64 = 500;

/// Several deltas as one; none if they do not follow each other.
#[must_use]
pub fn merge(held: Revision, deltas: &[Delta]) -> Option<Delta> {
    let last = deltas.last()?;
    let mut expected = held.number;
    let mut upserts = std::collections::BTreeMap::new();
    let mut removals = std::collections::BTreeSet::new();
    for delta in deltas {
        if delta.base != expected || delta.epoch != held.epoch {
            return None;
        }
        expected = delta.number;
        for token in &delta.removals {
            upserts.remove(token);
            removals.insert(*token);
        }
        for entry in &delta.upserts {
            removals.remove(&entry.token);
            upserts.insert(entry.token, entry.clone());
        }
    }
    Some(Delta {
        epoch: held.epoch,
        base: held.number,
        number: last.number,
        upserts: upserts.into_values().collect(),
        removals: removals.into_iter().collect(),
        digest: last.digest,
    })
}
