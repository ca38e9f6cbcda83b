//! Who passed which door when, to see who was at two of them.

use super::many::{list, parts};
use super::rulebook::name;
use super::trip::Statement;
use super::{Result, Tx};
use shared::ids::{DoorId, Holder, LocationId, MemberId, OrganisationId};
use shared::reasons::Reason;
use shared::time::Timestamp;

/// A door let a member's card in, by a clock that could be relied on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Who.
    pub member: MemberId,
    /// Where.
    pub door: DoorId,
    /// Where the door is.
    pub location: LocationId,
    /// When.
    pub at: Timestamp,
    /// When it was told here.
    pub received_at: Timestamp,
}

/// Passages of holders between two moments, both included, by doors as they are placed today; in the order of their
/// times.
pub async fn of(
    tx: &mut Tx,
    organisation: &OrganisationId,
    holders: &[Holder],
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<Passage>> {
    let grants = Reason::ALL.into_iter().filter(|reason| reason.grants());
    let grants: Vec<String> = grants
        .map(|reason| format!("'{}'", reason.name()))
        .collect();
    let mut passages = Vec::new();
    for part in parts(holders) {
        let sql = format!(
            "SELECT m.id, b.door, z.location, b.at, b.received_at FROM badges b \
             JOIN members m ON m.organisation = b.organisation AND m.holder = b.holder \
             JOIN doors d ON d.organisation = b.organisation AND d.id = b.door AND d.agent = b.agent \
             JOIN zones z ON z.organisation = d.organisation AND z.id = d.zone \
             WHERE b.organisation = $1 AND b.at >= $2 AND b.at <= $3 AND b.trusted = 1 \
             AND b.reason IN ({}) AND b.holder IN ({})",
            grants.join(", "),
            list(4, part.len())
        );
        let question = Statement::new(sql)
            .bind(organisation.as_str())
            .bind(from.0)
            .bind(until.0);
        let ask = |question: Statement, holder: &Holder| question.bind(holder.0);
        let rows: Vec<(i64, String, String, i64, i64)> =
            tx.ask(part.iter().fold(question, ask)).await?;
        for (member, door, location, at, received_at) in rows {
            passages.push(Passage {
                member: MemberId(member),
                door: name(&door, "badges")?,
                location: name(&location, "zones")?,
                at: Timestamp(at),
                received_at: Timestamp(received_at),
            });
        }
    }
    passages.sort_by_key(|passage| passage.at);
    Ok(passages)
}
