//! What a change of who may enter when would do to whom.

use super::problem::{Answer, Problem};
use crate::app::Work;
use crate::membership::clock::{brake_limit, members_in};
use crate::membership::entrance::{Difference, Opening, difference};
use crate::store::people;
use serde::Serialize;
use shared::ids::{MemberId, OrganisationId};
use shared::standing::Standing;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What a change would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    /// Who could enter only after it.
    pub gain: Vec<Concerned>,
    /// Who could enter only before it.
    pub lose: Vec<Concerned>,
    /// Who could enter at other hours.
    pub other_hours: Vec<Concerned>,
    /// Whether so many lose access that it waits for a yes.
    pub waits: bool,
}

/// A member whom a change concerns.
#[derive(Debug, Serialize, ToSchema)]
pub struct Concerned {
    /// The member's number.
    pub id: i64,
    /// The name.
    pub name: String,
}

impl Preview {
    /// Whether it concerns nobody.
    pub fn is_empty(&self) -> bool {
        [&self.gain, &self.lose, &self.other_hours]
            .iter()
            .all(|list| list.is_empty())
    }

    /// Goes on unless it takes access from many and nobody said yes.
    pub fn expect(&self, approved: bool) -> Answer<()> {
        if self.waits && !approved {
            let members = self.lose.iter().map(|member| MemberId(member.id));
            return Err(Problem::braked(members.collect()));
        }
        Ok(())
    }
}

/// Weighs a change, given as every zone's opening before and after it.
pub async fn weigh(
    work: &mut Work,
    organisation: &OrganisationId,
    zones: &[[Opening<'_>; 2]],
) -> Answer<Preview> {
    let mut names = BTreeMap::new();
    let mut members: Vec<(MemberId, Standing)> = Vec::new();
    for (member, name, standing) in people::standings(&mut work.tx, organisation).await? {
        names.insert(member, name);
        members.extend(standing.map(|standing| (member, standing)));
    }
    let each = zones
        .iter()
        .map(|opening| difference(&members, *opening, work.now));
    let all = each.fold(Difference::default(), Difference::and);
    let inside = members_in(&mut work.tx, organisation).await?;
    let mut concerned = |list: Vec<MemberId>| -> Vec<Concerned> {
        let named = |member: MemberId| Concerned {
            id: member.0,
            name: names.remove(&member).unwrap_or_default(),
        };
        list.into_iter().map(named).collect()
    };
    Ok(Preview {
        waits: all.lose.len() > brake_limit(inside),
        gain: concerned(all.gain),
        lose: concerned(all.lose),
        other_hours: concerned(all.other_hours),
    })
}
