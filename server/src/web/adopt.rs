//! Membership types that Stripe's prices name and that are not there yet are taken over all at once.

use super::Here;
use super::extract::Asked;
use super::organisation::Approval;
use super::problem::{Answer, Problem};
use crate::billing::catalogue::Offer;
use crate::billing::tag::PREFIX;
use crate::setup;
use axum::Json;
use serde::Serialize;
use shared::ids::MembershipTypeId;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A type that was made.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Adopted {
    /// The `X` of `membertype_X`.
    pub id: String,
    /// What it is called now: as Stripe calls what is sold.
    pub name: String,
}

/// Make every membership type that a price names which is sold or paid by, and that is not there
#[utoipa::path(post, path = "/api/v1/catalogue/types", tag = "catalogue", params(Approval),
    responses((status = OK, body = Vec<Adopted>), Problem))]
pub async fn adopt(
    state: Here,
    Asked(Approval { approved }): Asked<Approval>,
) -> Answer<Json<Vec<Adopted>>> {
    let mut work = state.work().await?;
    let offers = state.app.offers(&mut work).await?;
    let found = named(&offers, |x| work.rulebook.unknown.contains(x));
    let organisation = &state.app.organisation;
    for (id, name) in &found {
        setup::membership_type(&mut work.tx, organisation, id, name, 0, None).await?;
        state.note(&mut work, "membership_type.put", None, id.as_str());
    }
    if !found.is_empty() {
        let cause = "membership types that Stripe names were taken over";
        state.derive_all(&mut work, cause, approved).await?;
    }
    state.done(work).await?;
    let adopted = found.into_iter().map(|(id, name)| Adopted {
        id: id.into(),
        name,
    });
    Ok(Json(adopted.collect()))
}

/// Types that prices name, with what Stripe calls them; of prices that are sold or paid by, as far as they are `wanted`.
pub fn named(
    offers: &[Offer],
    wanted: impl Fn(&str) -> bool,
) -> BTreeMap<MembershipTypeId, String> {
    let mut found = BTreeMap::new();
    for offer in offers {
        let counts = offer.payers > 0 || offer.sold.face.active && offer.sold.gone_at.is_none();
        let x = offer.sold.row.x.as_deref();
        let Some(x) = x.filter(|x| counts && wanted(x)) else {
            continue;
        };
        if let Ok(id) = MembershipTypeId::new(x) {
            let name = title(offer, x);
            found.entry(id).or_insert(name);
        }
    }
    found
}

/// What Stripe calls it: the product's name, or what follows the tag.
fn title(offer: &Offer, x: &str) -> String {
    let face = &offer.sold.face;
    let tag = format!("{PREFIX}{x}");
    let bare = |text: &String| {
        let rest = text.strip_prefix(&tag).unwrap_or(text);
        let rest = rest.trim_start_matches('-').trim();
        let good = !rest.is_empty() && !rest.chars().any(char::is_control);
        good.then(|| rest.chars().take(200).collect::<String>())
    };
    let called = [&face.product_name, &face.nickname];
    let mut called = called.into_iter().flatten().filter_map(bare);
    called.next().unwrap_or_else(|| x.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::catalogue::{PriceFace, Sold};
    use crate::store::prices::PriceRow;

    fn offer(x: &str, product: Option<&str>, nickname: Option<&str>, active: bool) -> Offer {
        Offer {
            sold: Sold {
                id: "price_1".to_owned(),
                row: PriceRow {
                    x: Some(x.to_owned()),
                    place: None,
                    warnings: Vec::new(),
                    waiting: false,
                },
                face: PriceFace {
                    product_name: product.map(str::to_owned),
                    nickname: nickname.map(str::to_owned),
                    active,
                    ..PriceFace::default()
                },
                gone_at: None,
                mapped: None,
                stamp: String::new(),
            },
            membership: None,
            place: None,
            payers: 0,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn a_type_is_called_as_what_is_sold() {
        for (product, nickname, name) in [
            (Some("Wood shop"), Some("membertype_5-monthly"), "Wood shop"),
            (None, Some("membertype_5-Wood, monthly"), "Wood, monthly"),
            (Some("membertype_5"), None, "5"),
            (None, None, "5"),
        ] {
            let offers = [offer("5", product, nickname, true)];
            let found = named(&offers, |_| true);
            let found: Vec<(&str, &str)> = found
                .iter()
                .map(|(id, name)| (id.as_str(), name.as_str()))
                .collect();
            assert_eq!(found, [("5", name)]);
        }
        assert!(named(&[offer("5", None, None, false)], |_| true).is_empty());
        assert!(named(&[offer("5", None, None, true)], |_| false).is_empty());
    }
}
