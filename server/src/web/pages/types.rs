//! Membership types: what each is called, whether members may choose it, and every knob in plain words.

use super::form::Form;
use super::look::Look;
use super::sure::sure;
use super::{see, shown};
use crate::said::Said;
use crate::web::Here;
use crate::web::extract::{Asked, At, Body};
use crate::web::organisation::{self, Approval, OrganisationChange};
use crate::web::problem::{Answer, Problem};
use crate::web::types::{self, MembershipType, PolicyBody, TypeBody};
use crate::web::values::Title;
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::MembershipTypeId;

const HOME: &str = "/admin/types";

#[derive(Template)]
#[template(path = "types.html")]
struct Page {
    look: Look,
    types: Vec<MembershipType>,
    /// What stands in for types that are not here.
    stand_in: Option<String>,
}

impl Page {
    fn stands_in(&self, known: &MembershipType) -> bool {
        self.stand_in.as_ref() == Some(&known.id)
    }
}

/// All types.
pub async fn show(state: Here, look: Look) -> Answer<Response> {
    let Json(types) = types::list(state.clone()).await?;
    let Json(club) = organisation::show(state).await?;
    Ok(shown(&Page {
        look,
        types,
        stand_in: club.default_type,
    }))
}

#[derive(Template)]
#[template(path = "type.html")]
struct TypePage {
    look: Look,
    known: MembershipType,
}

impl TypePage {
    fn named(&self) -> String {
        format!("membertype_{}", self.known.id)
    }

    fn days(&self, days: &Option<i64>) -> i64 {
        days.unwrap_or_default()
    }
}

/// One type.
pub async fn one(state: Here, look: Look, At(id): At<MembershipTypeId>) -> Answer<Response> {
    let Json(known) = types::show(state, At(id)).await?;
    Ok(shown(&TypePage { look, known }))
}

/// A new type.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    id: MembershipTypeId,
    name: Title,
}

/// Makes a type.
pub async fn make(state: Here, New { id, name }: New) -> Answer<()> {
    let Json(known) = types::list(state.clone()).await?;
    if known.iter().any(|known| known.id == id.as_str()) {
        let detail = Said::of("refused-type-name");
        return Err(Problem::conflict("id", detail));
    }
    let body = TypeBody {
        name,
        rank: 0,
        policy: None,
        members_choose: None,
    };
    let approval = Approval { approved: false };
    drop(types::put(state, At(id), Asked(approval), Body(body)).await?);
    Ok(())
}

/// Makes a type, and shows it.
pub async fn create(state: Here, look: Look, Form(new): Form<New>) -> Answer<Response> {
    let path = look.to(&format!("{HOME}/{}", new.id));
    make(state, new).await?;
    Ok(see(&path))
}

/// Which type stands in for those that are not here; left out: none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandIn {
    membership: Option<MembershipTypeId>,
    #[serde(default)]
    approved: bool,
}

/// Chooses the stand-in; if that takes access from many, it is asked first.
pub async fn stand_in(state: Here, look: Look, Form(chosen): Form<StandIn>) -> Answer<Response> {
    let StandIn {
        membership,
        approved,
    } = chosen;
    let fields = membership.iter().map(|id| ("membership", id.to_string()));
    let fields: Vec<_> = fields.collect();
    let change = OrganisationChange {
        name: None,
        language: None,
        default_type: Some(membership),
    };
    let done = organisation::change(state, Asked(Approval { approved }), Body(change)).await;
    sure(look, done, "/admin/types/stand-in", &fields, HOME)
}

/// A type as the form has it: a box without a tick is not sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    name: Title,
    rank: Option<i64>,
    slack_days: Option<i64>,
    grace_days: Option<i64>,
    #[serde(default)]
    trial_access: bool,
    #[serde(default)]
    upgrade_needs_payment: bool,
    #[serde(default)]
    refund_revokes: bool,
    #[serde(default)]
    dispute_revokes: bool,
    #[serde(default)]
    members_choose: bool,
    #[serde(default)]
    approved: bool,
}

impl Changed {
    fn policy(&self) -> PolicyBody {
        PolicyBody {
            slack_days: self.slack_days,
            grace_days: self.grace_days,
            trial_access: Some(self.trial_access),
            upgrade_needs_payment: Some(self.upgrade_needs_payment),
            refund_revokes: Some(self.refund_revokes),
            dispute_revokes: Some(self.dispute_revokes),
        }
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let number = |name, value: Option<i64>| value.map(|value| (name, value.to_string()));
        let tick = |name, set: bool| set.then(|| (name, "true".to_owned()));
        let name = Some(("name", self.name.as_str().to_owned()));
        let fields = [
            name,
            number("rank", self.rank),
            number("slack_days", self.slack_days),
            number("grace_days", self.grace_days),
            tick("trial_access", self.trial_access),
            tick("upgrade_needs_payment", self.upgrade_needs_payment),
            tick("refund_revokes", self.refund_revokes),
            tick("dispute_revokes", self.dispute_revokes),
            tick("members_choose", self.members_choose),
        ];
        fields.into_iter().flatten().collect()
    }
}

/// Changes a type; if that takes access from many, it is asked first.
pub async fn change(
    state: Here,
    look: Look,
    At(id): At<MembershipTypeId>,
    Form(changed): Form<Changed>,
) -> Answer<Response> {
    drop(types::show(state.clone(), At(id.clone())).await?);
    // Knobs that are as by default stay so when defaults change, as when a key is given to the server.
    let policy = types::unless_standard(&state, changed.policy())?;
    let body = TypeBody {
        name: changed.name.clone(),
        rank: changed.rank.unwrap_or_default(),
        policy,
        members_choose: Some(changed.members_choose),
    };
    let approval = Approval {
        approved: changed.approved,
    };
    let path = format!("{HOME}/{id}");
    let done = types::put(state, At(id), Asked(approval), Body(body)).await;
    sure(look, done, &path, &changed.fields(), &path)
}
