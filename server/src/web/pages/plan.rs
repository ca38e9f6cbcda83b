//! A member's plan: what a change costs by Stripe's own preview, and the change itself after a yes.

use super::form::Form;
use super::look::Look;
use super::{see, shown};
use crate::money;
use crate::store::places::{self, Type};
use crate::web::Here;
use crate::web::catalogue::{self, Known, PriceView};
use crate::web::extract::{Asked, At, Body};
use crate::web::members::{self, MemberView};
use crate::web::paid_items::{self, PaidItem};
use crate::web::plan_changes::{self, PlanChangeBody, PlanChangeView, PreviewView, When};
use crate::web::problem::Answer;
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::MemberId;

#[derive(Template)]
#[template(path = "plan.html")]
struct Page {
    look: Look,
    member: MemberView,
    /// What the member pays for.
    items: Vec<PaidItem>,
    /// What a member can be moved to.
    prices: Vec<PriceView>,
    types: Vec<Type>,
    /// What a change would cost, if that was asked.
    preview: Option<(PlanChangeView, PreviewView)>,
}

impl Page {
    fn type_name(&self, id: &str) -> String {
        let known = self.types.iter().find(|known| known.id.as_str() == id);
        known.map_or_else(|| id.to_owned(), |known| known.name.clone())
    }

    fn type_of(&self, price: &PriceView) -> String {
        self.type_name(price.membership.as_deref().unwrap_or_default())
    }

    fn amount(&self, amount: &i64, currency: &str) -> String {
        money::in_words(*amount, currency)
    }

    fn is_now(&self, change: &PlanChangeView) -> bool {
        change.when == When::Now
    }
}

/// The page.
pub async fn show(state: Here, look: Look, At(member): At<MemberId>) -> Answer<Response> {
    page(state, look, member, None).await
}

async fn page(
    state: Here,
    look: Look,
    id: MemberId,
    preview: Option<(PlanChangeView, PreviewView)>,
) -> Answer<Response> {
    let Json(member) = members::show(state.clone(), At(id)).await?;
    let Json(items) = paid_items::list(state.clone(), At(id)).await?;
    let known = Asked(Known { known: true });
    let Json(catalogue) = catalogue::list(state.clone(), known).await?;
    let mut prices = catalogue.prices;
    let here = |price: &str| items.len() == 1 && items.iter().any(|item| item.price == price);
    prices.retain(|price| price.active && price.membership.is_some() && !here(&price.id));
    let mut tx = state.app.store.begin_read().await?;
    let types = places::types(&mut tx, &state.app.organisation).await?;
    Ok(shown(&Page {
        look,
        member,
        items,
        prices,
        types,
        preview,
    }))
}

/// A change: to be previewed, or to be made as it was previewed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    price: String,
    when: When,
    subscription: Option<String>,
    confirm: Option<String>,
}

/// Shows what a change costs; makes it if it was previewed.
pub async fn change(
    state: Here,
    look: Look,
    At(member): At<MemberId>,
    Form(change): Form<Change>,
) -> Answer<Response> {
    let body = PlanChangeBody {
        price: change.price,
        when: change.when,
        subscription: change.subscription,
        confirm: change.confirm,
    };
    let Json(mut change) = plan_changes::change(state.clone(), At(member), Body(body)).await?;
    match change.preview.take() {
        Some(preview) => page(state, look, member, Some((change, preview))).await,
        None => Ok(see(&look.to(&format!("/admin/members/{member}#paying")))),
    }
}
