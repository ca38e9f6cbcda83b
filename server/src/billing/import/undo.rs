//! Undoing what was taken over: as a whole, but for members whom something has happened to since.

use crate::app::{App, Step, Work};
use crate::membership::clock::{brake_limit, members_in};
use crate::store::attention::{AuditLine, audit};
use crate::store::imports::{self, ImportRow, Made, Since};
use crate::store::members::{self, CardRow};
use crate::store::people;
use shared::ids::{CardId, MemberId};
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// What is undone, and what is left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    /// What the import made for members to whom nothing has happened since.
    pub things: BTreeMap<MemberId, Vec<Made>>,
    /// Who is left as they are, and why: `changed` by staff since, `came` to a door since, or `pays` by Stripe.
    pub left: Vec<(MemberId, &'static str)>,
}

fn why_left(since: Since, made_here: bool) -> Option<&'static str> {
    match since {
        Since { deeds: 1.., .. } => Some("changed"),
        Since { badges: 1.., .. } => Some("came"),
        Since { payers: 1.., .. } if made_here => Some("pays"),
        Since { .. } => None,
    }
}

impl App {
    /// What of an import can be undone.
    pub async fn undoable(&self, work: &mut Work, import: &ImportRow) -> Step<Undone> {
        let mut things: BTreeMap<MemberId, Vec<Made>> = BTreeMap::new();
        for made in imports::made(&mut work.tx, import.id).await? {
            let member = MemberId(made.member);
            things.entry(member).or_default().push(made);
        }
        let mut undone = Undone::default();
        for (member, things) in things {
            let then = (import.id, Timestamp(import.made_at));
            let since = imports::since(&mut work.tx, member, then).await?;
            let made_here = things.iter().any(|made| made.kind == "member");
            match why_left(since, made_here) {
                Some(why) => undone.left.push((member, why)),
                None => drop(undone.things.insert(member, things)),
            }
        }
        Ok(undone)
    }

    /// Takes cards from the doors and payments from the ledger; what lists have named is forgotten after they are built.
    /// Answers who loses access by it, and whether so many may not by one cause without a yes.
    pub async fn withdraw(
        &self,
        work: &mut Work,
        (import, undone): (i64, &Undone),
        actor: &str,
    ) -> Step<(Vec<MemberId>, bool)> {
        let (now, cause) = (work.now, imports::cause(import));
        for (member, things) in &undone.things {
            for made in things {
                match made.kind.as_str() {
                    "card" => {
                        let card = CardId(made.thing);
                        people::mark_card(&mut work.tx, card, CardRow::Returned, now).await?;
                    }
                    "payment" => imports::remove_payment(&mut work.tx, made.thing),
                    _ => {}
                }
            }
            let line = AuditLine {
                actor,
                action: "import.undo",
                member: Some(*member),
                cause: &cause,
                body: None,
            };
            audit(&mut work.tx, &self.organisation, now, line);
        }
        let members = undone.things.keys();
        let whom: BTreeMap<MemberId, String> =
            members.map(|member| (*member, cause.clone())).collect();
        let derived = self.derive_each(work, &whom).await?;
        let lost = derived.into_iter().filter(|(_, derived)| derived.lost());
        let lost: Vec<MemberId> = lost.map(|(member, _)| member).collect();
        let inside = members_in(&mut work.tx, &self.organisation).await? + lost.len();
        let needs_yes = lost.len() > brake_limit(inside);
        Ok((lost, needs_yes))
    }

    /// Forgets what was withdrawn.
    pub async fn forget_withdrawn(
        &self,
        work: &mut Work,
        (import, undone): (i64, &Undone),
        actor: &str,
    ) -> Step<()> {
        let things = undone.things.values().flatten();
        for made in things.clone().filter(|made| made.kind == "card") {
            imports::remove_card(&mut work.tx, made.thing);
        }
        for made in things.filter(|made| made.kind == "member") {
            members::forget_if_empty(&mut work.tx, MemberId(made.thing)).await?;
        }
        imports::undone(&mut work.tx, import, actor, work.now);
        Ok(())
    }
}
