//! What Stripe sells and which membership type each price has; an admin's own word for it, and the tag written into Stripe.

use super::extract::{Asked, At, Body};
use super::organisation::{Approval, expect_type};
use super::problem::{Answer, Problem};
use super::values::Moment;
use super::{Here, State, through};
use crate::app::Work;
use crate::attention::Kind;
use crate::billing::catalogue::{Listing, Offer};
use crate::billing::retrofit::{Outcome, Retrofit, RetrofitError};
use crate::store::attention::settle;
use crate::store::catalogue;
use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::ids::{MemberId, MembershipTypeId};
use utoipa::{IntoParams, ToSchema};

/// The catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub struct Catalogue {
    /// Whose word it is.
    pub source: CatalogueSource,
    /// Why Stripe did not list it, if it did not.
    pub note: Option<String>,
    /// Every price and plan, in the order of ids.
    pub prices: Vec<PriceView>,
}

/// Whose word the catalogue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CatalogueSource {
    /// Stripe has just listed all of it.
    Stripe,
    /// What events showed; a key would list all of it.
    Events,
    /// What was known before: Stripe has a key and did not list it.
    Before,
}

/// A price or plan.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriceView {
    /// `price_…`, or the id a plan was given.
    pub id: String,
    /// The type that whoever pays by it has; none: it is no membership.
    pub membership: Option<String>,
    /// By which word: `mapping`, `default`, or where the tag stands.
    pub place: Option<String>,
    /// The type that an admin gave it.
    pub mapping: Option<String>,
    /// Whether it names another type now, which waits for an admin's yes.
    pub waiting: bool,
    /// How many customers pay by it now.
    pub payers: usize,
    /// What staff should look at.
    pub warnings: Vec<String>,
    /// The description staff see.
    pub nickname: Option<String>,
    /// `prod_…`
    pub product: Option<String>,
    /// The product's name.
    pub product_name: Option<String>,
    /// Minor units.
    pub amount: Option<i64>,
    /// ISO 4217, lower case.
    pub currency: Option<String>,
    /// `day`, `week`, `month` or `year`; none: it is sold once.
    pub interval: Option<String>,
    /// So many of those.
    pub interval_count: i64,
    /// Still sold.
    pub active: bool,
    /// Since when Stripe does not have it any more; whoever pays by it keeps the type.
    pub gone_at: Option<Moment>,
}

impl From<Offer> for PriceView {
    fn from(offer: Offer) -> Self {
        let Offer {
            sold,
            membership,
            place,
            payers,
            warnings,
        } = offer;
        let face = sold.face;
        Self {
            id: sold.id,
            membership: membership.map(String::from),
            place,
            mapping: sold.mapped.map(String::from),
            waiting: sold.row.waiting,
            payers,
            warnings,
            nickname: face.nickname,
            product: face.product,
            product_name: face.product_name,
            amount: face.amount,
            currency: face.currency,
            interval: face.interval,
            interval_count: face.interval_count,
            active: face.active && sold.gone_at.is_none(),
            gone_at: Moment::maybe(sold.gone_at),
        }
    }
}

/// Whether Stripe is asked.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Known {
    /// Only what is on record, without asking Stripe.
    #[serde(default)]
    pub known: bool,
}

/// Every price and plan, with the membership type it has, why, and what to look at
#[utoipa::path(get, path = "/api/v1/catalogue", tag = "catalogue",
    params(Known), responses((status = OK, body = Catalogue), Problem))]
pub async fn list(state: Here, Asked(Known { known }): Asked<Known>) -> Answer<Json<Catalogue>> {
    if known {
        let mut work = state.look().await?;
        let offers = state.app.offers(&mut work).await?;
        return Ok(Json(Catalogue {
            source: match state.app.billing.stripe {
                Some(_) => CatalogueSource::Before,
                None => CatalogueSource::Events,
            },
            note: None,
            prices: offers.into_iter().map(PriceView::from).collect(),
        }));
    }
    let (held, now) = (state.clone(), state.now());
    let listed = through(async move { held.app.list_catalogue(now).await }).await??;
    let (listing, publications) = listed;
    state.bells.publish(publications);
    let mut work = state.work().await?;
    let offers = state.app.offers(&mut work).await?;
    let (source, note) = match listing {
        Listing::Whole => (CatalogueSource::Stripe, None),
        Listing::Seen => (CatalogueSource::Events, None),
        Listing::Unread(why) => (CatalogueSource::Before, Some(why)),
    };
    Ok(Json(Catalogue {
        source,
        note,
        prices: offers.into_iter().map(PriceView::from).collect(),
    }))
}

/// The type that an admin gives a price.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The type.
    #[schema(value_type = String)]
    pub membership: MembershipTypeId,
}

async fn one(state: &State, work: &mut Work, price: &str) -> Answer<PriceView> {
    let offers = state.app.offers(work).await?;
    let offer = offers.into_iter().find(|offer| offer.sold.id == price);
    Ok(offer.ok_or(Problem::not_found("price"))?.into())
}

/// Give a price a membership type, whatever it is called at Stripe
#[utoipa::path(put, path = "/api/v1/catalogue/{price}/mapping", tag = "catalogue",
    params(("price" = String, Path), Approval), request_body = Mapping,
    responses((status = OK, body = PriceView), Problem))]
pub async fn put_mapping(
    state: Here,
    At(price): At<String>,
    Asked(Approval { approved }): Asked<Approval>,
    Body(body): Body<Mapping>,
) -> Answer<Json<PriceView>> {
    let mut work = state.work().await?;
    expect_type(&work.rulebook, "membership", &body.membership)?;
    map_price(&state, &mut work, &price, &body.membership, approved).await?;
    let answer = one(&state, &mut work, &price).await?;
    state.done(work).await?;
    Ok(Json(answer))
}

/// Gives a price a type, whatever it is called, and derives everybody.
pub async fn map_price(
    state: &Here,
    work: &mut Work,
    price: &str,
    membership: &MembershipTypeId,
    approved: bool,
) -> Answer<()> {
    let (account, now) = (state.app.account, work.now);
    let known = catalogue::one(&mut work.tx, account, price).await?;
    known.ok_or(Problem::not_found("price"))?;
    catalogue::map(
        &mut work.tx,
        (account, price),
        membership,
        state.actor(),
        now,
    )
    .await?;
    let organisation = &state.app.organisation;
    settle(&mut work.tx, organisation, Kind::NearMiss, price, now).await?;
    let cause = format!("price {price} was given the type {membership}");
    state.derive_all(work, &cause, approved).await?;
    state.note(work, "catalogue.map", None, &cause);
    Ok(())
}

/// Let a price be what it is called at Stripe again
#[utoipa::path(delete, path = "/api/v1/catalogue/{price}/mapping", tag = "catalogue",
    params(("price" = String, Path), Approval), responses((status = NO_CONTENT), Problem))]
pub async fn remove_mapping(
    state: Here,
    At(price): At<String>,
    Asked(Approval { approved }): Asked<Approval>,
) -> Answer<StatusCode> {
    let mut work = state.work().await?;
    if !catalogue::unmap(&mut work.tx, state.app.account, &price).await? {
        return Err(Problem::not_found("price with a type given by an admin"));
    }
    let cause = format!("price {price} lost the type that an admin gave it");
    state.derive_all(&mut work, &cause, approved).await?;
    state.note(&mut work, "catalogue.unmap", None, &cause);
    state.done(work).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A type to be written into a price at Stripe.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetrofitBody {
    /// The type.
    #[schema(value_type = String)]
    pub membership: MembershipTypeId,
    /// Into the metadata rather than in front of the nickname.
    #[serde(default)]
    pub metadata: bool,
    /// Write it; left out: only tell what would be written and changed.
    #[serde(default)]
    pub write: bool,
}

/// What a retrofit writes and changes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Retrofitted {
    /// Whether it was written.
    pub written: bool,
    /// What stood there before.
    pub before: Option<String>,
    /// What stands there then.
    pub after: String,
    /// Members who gain access.
    #[schema(value_type = Vec<i64>)]
    pub gained: Vec<MemberId>,
    /// Members who lose access.
    #[schema(value_type = Vec<i64>)]
    pub lost: Vec<MemberId>,
    /// How many members' standing changes in any way.
    pub changed: usize,
}

impl Retrofitted {
    fn of(outcome: Outcome, written: bool) -> Self {
        let Outcome {
            before,
            after,
            gained,
            lost,
            changed,
        } = outcome;
        Self {
            written,
            before,
            after,
            gained,
            lost,
            changed,
        }
    }
}

impl From<RetrofitError> for Problem {
    fn from(error: RetrofitError) -> Self {
        let said = error.to_string();
        match error {
            RetrofitError::NoKey => Self::conflict("STRIPE_SECRET_KEY", said),
            RetrofitError::UnknownType(_) | RetrofitError::NoTag(_) => {
                Self::field("membership", said)
            }
            RetrofitError::Named { .. } | RetrofitError::Mapped(_) => Self::conflict("price", said),
            RetrofitError::Braked(lost) => Self::braked(lost),
            RetrofitError::Stripe(error) => Self::stripe(&error, said),
            RetrofitError::Store(error) => error.into(),
        }
    }
}

/// Have a membership type written into a price at Stripe, or see first what that would change
#[utoipa::path(post, path = "/api/v1/catalogue/{price}/retrofit", tag = "catalogue",
    params(("price" = String, Path), Approval), request_body = RetrofitBody,
    responses((status = OK, body = Retrofitted), Problem))]
pub async fn retrofit(
    state: Here,
    At(price): At<String>,
    Asked(Approval { approved }): Asked<Approval>,
    Body(body): Body<RetrofitBody>,
) -> Answer<Json<Retrofitted>> {
    let wish = Retrofit {
        price,
        membership: body.membership,
        metadata: body.metadata,
        approved,
    };
    let (held, now) = (state.clone(), state.now());
    if !body.write {
        let outcome = held.app.preview_retrofit(&wish, now).await?;
        return Ok(Json(Retrofitted::of(outcome, false)));
    }
    let written = through(async move { held.app.retrofit(&wish, held.actor(), now).await }).await?;
    let (outcome, publications) = written?;
    state.bells.publish(publications);
    Ok(Json(Retrofitted::of(outcome, true)))
}
