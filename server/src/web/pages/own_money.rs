//! What a member does about money, for themselves: pay what is open, see receipts, change card or plan.

use super::form::Form;
use super::look::Look;
use super::own_outlook::{Outlook, look_out};
use super::{see, shown};
use crate::billing::payer_pages::{Errand, PayerPageError};
use crate::money;
use crate::store::catalogue::{self, Sold};
use crate::store::{ledger, mirror, places};
use crate::web::extract::{Asked, At, Body};
use crate::web::own::Own;
use crate::web::plan_changes::{self, PlanChangeBody, PreviewView, When};
use crate::web::problem::{Answer, Problem};
use askama::Template;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use shared::ids::{MembershipTypeId, PaymentId};

/// A sentence, and the way back.
#[derive(Template)]
#[template(path = "own_note.html")]
struct Note {
    look: Look,
    /// What is said.
    key: &'static str,
}

/// That Stripe's page cannot be had now; why is for staff to read.
fn no_page(look: Look, error: &PayerPageError) -> Response {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "a member could not be sent to a page at Stripe"
    );
    let key = "own-stripe-away";
    (StatusCode::SERVICE_UNAVAILABLE, shown(&Note { look, key })).into_response()
}

/// To the page at Stripe where the oldest open invoice is paid. The amount is Stripe's; there is one such page for an
/// invoice, however often this is asked.
pub async fn pay(own: Own, look: Look) -> Answer<Response> {
    let mut tx = own.app.store.begin_read().await?;
    let outlook = look_out(&own, &mut tx).await?;
    drop(tx);
    let Some(open) = outlook.open.first() else {
        return Ok(see(&look.to("/me")));
    };
    let page = match own.app.invoice_page(&open.id, own.now()).await {
        Ok(page) => page,
        Err(error) => return Ok(no_page(look, &error)),
    };
    if let (true, Some(url)) = (page.is_open, page.url) {
        return Ok(see(&url));
    }
    // What is on record is not what Stripe has.
    let mut tx = own.app.store.begin().await?;
    mirror::want_fetch(&mut tx, own.app.account, &open.customer, own.now());
    tx.commit().await?;
    own.bells.fetch.notify_one();
    Ok(see(&look.to("/me")))
}

/// To the receipt of one of one's own payments, at Stripe.
pub async fn receipt(own: Own, look: Look, At(id): At<PaymentId>) -> Answer<Response> {
    let mut tx = own.app.store.begin_read().await?;
    let outlook = look_out(&own, &mut tx).await?;
    let payment = ledger::payment(&mut tx, &own.app.organisation, id).await?;
    drop(tx);
    let invoice = payment.and_then(|payment| {
        let customer = payment.customer?;
        let is_own = payment.member == Some(own.member.0) && outlook.payers.contains(&customer);
        payment.invoice.filter(|_| is_own)
    });
    let invoice = invoice.ok_or(Problem::not_found("receipt"))?;
    match own.app.invoice_page(&invoice, own.now()).await {
        Ok(page) => page
            .url
            .map(|url| see(&url))
            .ok_or(Problem::not_found("receipt")),
        Err(error) => Ok(no_page(look, &error)),
    }
}

/// What somebody wants in the portal.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    #[serde(default)]
    errand: String,
}

/// To the portal at Stripe: the card on file, the end of a subscription.
pub async fn portal(own: Own, look: Look, Asked(wanted): Asked<Wanted>) -> Answer<Response> {
    let mut tx = own.app.store.begin_read().await?;
    let outlook = look_out(&own, &mut tx).await?;
    drop(tx);
    let running = outlook.subscriptions.first();
    let customer = match running {
        Some((_, customer)) => Some(customer),
        None => outlook.payers.first(),
    };
    let customer = customer.ok_or(Problem::not_found("page for payers"))?;
    let errand = match (wanted.errand.as_str(), running) {
        ("card", _) => Errand::Card,
        ("cancel", Some((id, _))) => Errand::Cancel(id.clone()),
        (_, _) => Errand::Any,
    };
    let back = format!("{}/me", own.app.address);
    match own.app.portal(customer, &errand, &back, own.now()).await {
        Ok(url) => Ok(see(&url)),
        Err(error) => Ok(no_page(look, &error)),
    }
}

/// A plan that the member may change to.
pub struct Offer {
    price: String,
    name: String,
    amount: String,
    interval: &'static str,
    /// When it would begin: a higher type at once, any other with the next period.
    when: When,
}

impl Offer {
    fn is_now(&self) -> bool {
        self.when == When::Now
    }
}

#[derive(Template)]
#[template(path = "own_plan.html")]
struct Plans {
    look: Look,
    offers: Vec<Offer>,
    /// What the chosen one costs, in Stripe's numbers, and what performs exactly that.
    preview: Option<(Offer, PreviewView, String)>,
}

impl Plans {
    fn much(&self, amount: &i64, currency: &str) -> String {
        money::in_words(*amount, currency)
    }
}

/// The plans that the admin lets members change to, without the one they have.
async fn offers(own: &Own, outlook: &Outlook) -> Answer<Vec<Offer>> {
    if outlook.subscriptions.is_empty() || own.app.billing.stripe.is_none() {
        return Ok(Vec::new());
    }
    let mut work = own.work().await?;
    let types = places::types(&mut work.tx, &own.app.organisation).await?;
    let chosen = places::members_choose(&mut work.tx, &own.app.organisation).await?;
    let rank = |id: &MembershipTypeId| {
        let known = types.iter().find(|known| known.id == *id);
        known.map(|known| (known.rank, known.name.clone()))
    };
    let held = outlook
        .standing
        .access
        .iter()
        .filter_map(|access| rank(&access.membership));
    let held = held.map(|(rank, _)| rank).max().unwrap_or(i64::MIN);
    let sold = catalogue::all(&mut work.tx, own.app.account).await?;
    let offer = |sold: Sold| {
        let membership = work
            .rulebook
            .prices
            .get(&(own.app.account, sold.id.clone()))?;
        let (rank, name) = rank(membership).filter(|_| chosen.contains(membership))?;
        let interval = match (sold.face.interval.as_deref()?, sold.face.interval_count) {
            ("month", 1) => "own-per-month",
            ("year", 1) => "own-per-year",
            (_, _) => "own-per-period",
        };
        let is_sold = sold.face.active && sold.gone_at.is_none();
        let is_had = outlook.prices.contains(&sold.id);
        let when = if rank > held {
            When::Now
        } else {
            When::PeriodEnd
        };
        let (amount, currency) = (sold.face.amount?, sold.face.currency?);
        (is_sold && !is_had).then(|| Offer {
            price: sold.id,
            name,
            amount: money::in_words(amount, &currency),
            interval,
            when,
        })
    };
    Ok(sold.into_iter().filter_map(offer).collect())
}

/// The plans to choose from.
pub async fn plans(own: Own, look: Look) -> Answer<Response> {
    let mut tx = own.app.store.begin_read().await?;
    let outlook = look_out(&own, &mut tx).await?;
    drop(tx);
    let offers = offers(&own, &outlook).await?;
    let preview = None;
    Ok(shown(&Plans {
        look,
        offers,
        preview,
    }))
}

/// A plan that was chosen; with the token of its preview: that is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    price: String,
    confirm: Option<String>,
}

/// Shows what a plan costs, then changes to it.
pub async fn change(own: Own, look: Look, Form(chosen): Form<Chosen>) -> Answer<Response> {
    let mut tx = own.app.store.begin_read().await?;
    let outlook = look_out(&own, &mut tx).await?;
    drop(tx);
    let offers = offers(&own, &outlook).await?;
    let offer = offers.into_iter().find(|offer| offer.price == chosen.price);
    let offer = offer.ok_or(Problem::unknown("price", "plan"))?;
    let subscription = outlook.subscriptions.first().map(|(id, _)| id.clone());
    let body = PlanChangeBody {
        price: chosen.price,
        when: offer.when,
        subscription,
        confirm: chosen.confirm,
    };
    let Json(view) = plan_changes::change(own.here.clone(), At(own.member), Body(body)).await?;
    let Some(preview) = view.preview else {
        return Ok(see(&look.to("/me")));
    };
    Ok(shown(&Plans {
        look,
        offers: Vec::new(),
        preview: Some((offer, preview, view.token)),
    }))
}
