//! The attention list: each item with what settles it.

use super::form::Form;
use super::look::Look;
use super::{see, shown};
use crate::attention::Resolution;
use crate::rights::of_resolution;
use crate::web::Here;
use crate::web::attention::{self, Attention, AttentionFilter};
use crate::web::cards::TypedUid;
use crate::web::extract::{Asked, At, Body};
use crate::web::organisation::Approval;
use crate::web::problem::Answer;
use crate::web::resolve::{self, Resolve};
use crate::web::values::{Remark, Title};
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::{MemberId, MembershipTypeId};

const LINES: i64 = 100;

#[derive(Template)]
#[template(path = "attention.html")]
struct Page {
    look: Look,
    items: Vec<Attention>,
    next: Option<String>,
}

/// Which part.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    before: Option<i64>,
}

/// The page.
pub async fn show(
    state: Here,
    look: Look,
    Asked(Part { before }): Asked<Part>,
) -> Answer<Response> {
    let filter = AttentionFilter {
        all: false,
        before,
        limit: Some(LINES),
    };
    let Json(found) = attention::list(state, Asked(filter)).await?;
    let (items, next) = (found.items, found.next);
    Ok(shown(&Page { look, items, next }))
}

/// The word of a button.
fn word(action: Resolution) -> &'static str {
    match action {
        Resolution::Seen => "do-seen",
        Resolution::Link => "do-link",
        Resolution::NewMember => "do-new-member",
        Resolution::Confirm => "do-confirm",
        Resolution::GiveCard => "do-give-card",
        Resolution::MakeType => "do-make-type",
        Resolution::DefaultType => "do-default-type",
        Resolution::Map => "do-map",
        Resolution::Accept => "do-accept",
        Resolution::Approve => "do-approve",
        Resolution::Replay => "do-replay",
        Resolution::Retry => "do-retry",
        Resolution::Resend => "do-resend",
        Resolution::EndNow => "do-end-now",
        Resolution::Hold => "do-hold",
        Resolution::EndGrant => "do-end-grant",
        Resolution::Cover => "do-cover",
        Resolution::Uncover => "do-uncover",
        Resolution::Revoke => "do-revoke",
    }
}

/// The field that an action needs besides, and its word.
fn field(action: Resolution) -> Option<(&'static str, &'static str)> {
    match action {
        Resolution::Link | Resolution::Cover | Resolution::Uncover => {
            Some(("member", "field-member"))
        }
        Resolution::GiveCard => Some(("uid", "field-uid")),
        Resolution::DefaultType | Resolution::Map => Some(("membership", "field-membership")),
        Resolution::MakeType => Some(("name", "field-name")),
        Resolution::Hold | Resolution::EndNow => Some(("reason", "field-reason")),
        Resolution::Seen
        | Resolution::NewMember
        | Resolution::Confirm
        | Resolution::Accept
        | Resolution::Approve
        | Resolution::Replay
        | Resolution::Retry
        | Resolution::Resend
        | Resolution::EndGrant
        | Resolution::Revoke => None,
    }
}

impl Page {
    /// What settles an item and is allowed to whoever looks.
    fn actions<'a>(&self, item: &'a Attention) -> impl Iterator<Item = &'a Resolution> {
        let may = |action: &&Resolution| self.look.may(of_resolution(**action));
        item.actions.iter().filter(may)
    }

    fn does(&self, action: &Resolution) -> String {
        self.look.words.say(word(*action))
    }

    /// The word that the form sends.
    fn word_of(&self, action: &Resolution) -> String {
        let word = serde_json::to_value(action).unwrap_or_default();
        word.as_str().unwrap_or_default().to_owned()
    }

    fn asks(&self, action: &Resolution) -> Option<(&'static str, String)> {
        field(*action).map(|(name, key)| (name, self.look.words.say(key)))
    }
}

/// The words of all buttons and of their fields.
#[cfg(test)]
pub fn words() -> Vec<&'static str> {
    let known = Resolution::ALL.iter().filter_map(|(word, _)| {
        serde_json::from_value::<Resolution>(serde_json::Value::String((*word).to_owned())).ok()
    });
    known
        .flat_map(|action| [Some(word(action)), field(action).map(|(_, key)| key)])
        .flatten()
        .collect()
}

/// What is to be done.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    action: Resolution,
    member: Option<i64>,
    membership: Option<MembershipTypeId>,
    name: Option<Title>,
    uid: Option<TypedUid>,
    reason: Option<Remark>,
    #[serde(default)]
    approved: bool,
}

/// Settles an item.
pub async fn resolve(
    state: Here,
    look: Look,
    At(item): At<i64>,
    Form(done): Form<Done>,
) -> Answer<Response> {
    let body = Resolve {
        action: Some(done.action),
        member: done.member.map(MemberId),
        membership: done.membership,
        name: done.name,
        uid: done.uid,
        reason: done.reason,
    };
    let approval = Approval {
        approved: done.approved,
    };
    drop(resolve::resolve(state, At(item), Asked(approval), Body(body)).await?);
    Ok(see(&look.to("/admin/attention")))
}
