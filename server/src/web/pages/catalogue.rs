//! What Stripe sells: which membership type each price means, slips, and an admin's own word.

use super::form::Form;
use super::look::Look;
use super::sure::sure;
use super::{see, shown};
use crate::billing::catalogue::UNUSED;
use crate::money;
use crate::store::places::{self, Type};
use crate::web::Here;
use crate::web::catalogue::{
    self, Catalogue, CatalogueSource, Known, Mapping, PriceView, RetrofitBody, Retrofitted,
};
use crate::web::extract::{Asked, At, Body};
use crate::web::organisation::Approval;
use crate::web::problem::Answer;
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::MembershipTypeId;

const HOME: &str = "/admin/stripe/catalogue";

#[derive(Template)]
#[template(path = "catalogue.html")]
struct Page {
    look: Look,
    catalogue: Catalogue,
    /// Prices with something to look at, memberships, and what is sold besides.
    parts: [(&'static str, Vec<PriceView>); 3],
    types: Vec<Type>,
    can_write: bool,
}

impl Page {
    fn part(&self, word: &str) -> String {
        self.look.words.say(&format!("catalogue-{word}"))
    }

    fn called(&self, price: &PriceView) -> String {
        let called = [&price.product_name, &price.nickname];
        let called: Vec<&str> = called.into_iter().flatten().map(String::as_str).collect();
        called.join(" / ")
    }

    fn costs(&self, price: &PriceView) -> String {
        self.look.costs(price)
    }

    fn type_name(&self, id: &str) -> String {
        let known = self.types.iter().find(|known| known.id.as_str() == id);
        known.map_or_else(|| id.to_owned(), |known| known.name.clone())
    }

    fn place(&self, place: &str) -> String {
        self.look
            .words
            .say(&format!("place-{}", place.replace('_', "-")))
    }

    /// Whether nothing says a type yet, so that one may be written at Stripe.
    fn is_bare(&self, price: &PriceView) -> bool {
        let named = price
            .place
            .as_deref()
            .is_some_and(|place| place != "default" && place != "mapping");
        self.can_write && !named && price.gone_at.is_none()
    }
}

impl Look {
    /// What a price costs, in words.
    pub fn costs(&self, price: &PriceView) -> String {
        let money = price.amount.zip(price.currency.as_ref());
        let amount = money.map_or(String::new(), |(amount, currency)| {
            money::in_words(amount, currency)
        });
        match &price.interval {
            Some(interval) => {
                let every =
                    self.words
                        .with(&format!("every-{interval}"), "count", &price.interval_count);
                format!("{amount} {every}")
            }
            None => amount,
        }
    }
}

/// The page, with what is on record.
pub async fn show(state: Here, look: Look) -> Answer<Response> {
    page(state, look, true).await
}

/// The page, after Stripe was asked to list its catalogue.
pub async fn list(state: Here, look: Look) -> Answer<Response> {
    page(state, look, false).await
}

async fn page(state: Here, look: Look, known: bool) -> Answer<Response> {
    let Json(mut catalogue) = catalogue::list(state.clone(), Asked(Known { known })).await?;
    let mut prices = std::mem::take(&mut catalogue.prices);
    let odd = |price: &mut PriceView| price.waiting || is_odd(&price.warnings);
    let odd = prices.extract_if(.., odd).collect();
    let memberships = prices.extract_if(.., |price| price.membership.is_some());
    let memberships = memberships.collect();
    let parts = [
        ("odd", odd),
        ("memberships", memberships),
        ("others", prices),
    ];
    let mut tx = state.app.store.begin_read().await?;
    let types = places::types(&mut tx, &state.app.organisation).await?;
    let can_write = state.app.billing.stripe.is_some();
    Ok(shown(&Page {
        look,
        catalogue,
        parts,
        types,
        can_write,
    }))
}

/// Whether somebody should look at it. That nobody pays by it yet is no slip.
pub fn is_odd(warnings: &[String]) -> bool {
    warnings.iter().any(|warning| warning != UNUSED)
}

/// A price and the type that it is to have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapped {
    price: String,
    membership: MembershipTypeId,
    #[serde(default)]
    approved: bool,
}

/// Gives a price a type, whatever it is called at Stripe.
pub async fn map(state: Here, look: Look, Form(mapped): Form<Mapped>) -> Answer<Response> {
    let Mapped {
        price,
        membership,
        approved,
    } = mapped;
    let approval = Asked(Approval { approved });
    let fields = [
        ("price", price.clone()),
        ("membership", membership.to_string()),
    ];
    let done = catalogue::put_mapping(state, At(price), approval, Body(Mapping { membership }));
    sure(look, done.await, &format!("{HOME}/map"), &fields, HOME)
}

/// A price that is to be what it is called at Stripe.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unmapped {
    price: String,
    #[serde(default)]
    approved: bool,
}

/// Lets a price be what it is called at Stripe.
pub async fn unmap(state: Here, look: Look, Form(unmapped): Form<Unmapped>) -> Answer<Response> {
    let Unmapped { price, approved } = unmapped;
    let approval = Asked(Approval { approved });
    let fields = [("price", price.clone())];
    let done = catalogue::remove_mapping(state, At(price), approval).await;
    sure(look, done, &format!("{HOME}/unmap"), &fields, HOME)
}

/// A type to be written into a price at Stripe.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    price: String,
    membership: MembershipTypeId,
    #[serde(default)]
    metadata: bool,
    #[serde(default)]
    write: bool,
    #[serde(default)]
    approved: bool,
}

#[derive(Template)]
#[template(path = "retrofit.html")]
struct Preview {
    look: Look,
    price: String,
    membership: MembershipTypeId,
    metadata: bool,
    effect: Retrofitted,
}

/// Shows what writing a type into a price at Stripe changes, and writes it after a yes.
pub async fn retrofit(state: Here, look: Look, Form(wish): Form<Written>) -> Answer<Response> {
    let Written {
        price,
        membership,
        metadata,
        write,
        approved,
    } = wish;
    let body = RetrofitBody {
        membership: membership.clone(),
        metadata,
        write,
    };
    let approval = Asked(Approval { approved });
    let done = catalogue::retrofit(state, At(price.clone()), approval, Body(body));
    let Json(effect) = done.await?;
    if effect.written {
        return Ok(see(&look.to(HOME)));
    }
    Ok(shown(&Preview {
        look,
        price,
        membership,
        metadata,
        effect,
    }))
}

/// Words that are put together.
#[cfg(test)]
pub fn words() -> impl Iterator<Item = String> {
    use crate::billing::tag::Place;
    let places = Place::ALL.map(|place| format!("place-{}", place.as_str().replace('_', "-")));
    let further = [
        "place-mapping",
        "place-default",
        "catalogue-odd",
        "catalogue-memberships",
        "catalogue-others",
        "every-day",
        "every-week",
        "every-month",
        "every-year",
    ];
    places.into_iter().chain(further.map(str::to_owned))
}
