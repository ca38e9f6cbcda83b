//! Prices that events and fetches show: what they are called, and which type that names.

use super::apply::Batch;
use super::read::{Event, PriceInfo};
use super::tag;
use crate::app::{App, Step, Work};
use crate::attention::Kind;
use crate::said::Said;
use crate::store::attention::{Item, raise, settle};
use crate::store::catalogue::{self, PriceFace};
use crate::store::mirror;
use crate::store::prices::{self, PriceRow};
use crate::store::rulebook::{self, Rulebook};
use shared::ids::{AccountId, MemberId};
use shared::time::Timestamp;
use std::collections::BTreeSet;

impl App {
    /// Learns the prices that an event shows.
    pub(super) async fn meet_prices(
        &self,
        work: &mut Work,
        account: AccountId,
        prices: &[PriceInfo],
        event: &Event,
        batch: &mut Batch,
    ) -> Step<()> {
        let stamp = event_stamp(event);
        let about = matches!(event.object_kind.as_deref(), Some("price" | "plan"));
        for price in prices {
            let key = (account, price.id.clone());
            // What is gone keeps the type it had: somebody may still pay by it.
            if about && event.kind.ends_with(".deleted") {
                catalogue::note_gone(&mut work.tx, account, &price.id, Some(event.created));
                continue;
            }
            // What the rules say of a price that changed in this batch is out of date.
            if !about
                && !batch.prices.contains(&key)
                && work.rulebook.on_record.get(&key) == Some(&price_row(price))
            {
                continue;
            }
            if self.meet_price(work, account, price, &stamp).await? {
                batch.prices.insert(key);
            } else if about {
                self.show_price(work, account, price, &stamp).await?;
            }
        }
        Ok(())
    }

    /// Learns a price; a change of the type of a price in use waits for an admin. True if rules changed.
    pub(crate) async fn meet_price(
        &self,
        work: &mut Work,
        account: AccountId,
        price: &PriceInfo,
        stamp: &str,
    ) -> Step<bool> {
        let row = price_row(price);
        let said = stamp;
        // An event that shows neither a name nor the product leaves the word to whoever sees the product.
        let stamp = if row.x.is_none() && !price.shows_product() {
            ""
        } else {
            stamp
        };
        match prices::find(&mut work.tx, account, &price.id).await? {
            None => {}
            Some((known, _)) if known == row => return Ok(false),
            // An event shows a product by its id only: it cannot say that the product names no type.
            Some(_) if row.x.is_none() && !price.shows_product() => return Ok(false),
            Some((_, kept)) if kept.as_str() >= stamp => return Ok(false),
            // The name was set back, or an admin gave the price its type: there is nothing to agree to any more.
            Some((known, _)) if known.x == row.x || is_mapped(work, account, price) => {
                settle(
                    &mut work.tx,
                    &self.organisation,
                    Kind::CatalogueChange,
                    &price.id,
                    work.now,
                )
                .await?;
            }
            Some((known, _)) if known.x.is_some() => {
                prices::hold(&mut work.tx, account, &price.id, row.x.as_deref(), stamp).await?;
                let item = Item {
                    kind: Kind::CatalogueChange,
                    subject: &price.id,
                    sentence: Said::of("attention-catalogue-change"),
                    remedy: Said::of("remedy-catalogue-change"),
                    member: None,
                };
                raise(&mut work.tx, &self.organisation, item, work.now).await?;
                self.show_price(work, account, price, said).await?;
                rulebook::changed(&mut work.tx).await?;
                return Ok(true);
            }
            Some(_) => {}
        }
        prices::put(&mut work.tx, account, &price.id, &row, stamp).await?;
        self.show_price(work, account, price, said).await?;
        if row.x.is_some() {
            let organisation = &self.organisation;
            settle(
                &mut work.tx,
                organisation,
                Kind::NearMiss,
                &price.id,
                work.now,
            )
            .await?;
        } else if !row.warnings.is_empty() {
            let item = Item {
                kind: Kind::NearMiss,
                subject: &price.id,
                sentence: Said::of("attention-near-miss"),
                remedy: Said::of("remedy-near-miss"),
                member: None,
            };
            raise(&mut work.tx, &self.organisation, item, work.now).await?;
        }
        rulebook::changed(&mut work.tx).await?;
        Ok(true)
    }

    /// Tells staff of types that prices name and that do not exist, compared with what the rules said `before`.
    pub(crate) async fn tell_unknown_types(&self, work: &mut Work, before: &Rulebook) -> Step<()> {
        let rulebook = work.rulebook.clone();
        for x in before.unknown.difference(&rulebook.unknown) {
            settle(
                &mut work.tx,
                &self.organisation,
                Kind::UnknownType,
                x,
                work.now,
            )
            .await?;
        }
        for x in rulebook.unknown.difference(&before.unknown) {
            let item = Item {
                kind: Kind::UnknownType,
                subject: x,
                sentence: Said::of("attention-unknown-type").put("type", x.as_str()),
                remedy: Said::of("remedy-unknown-type"),
                member: None,
            };
            raise(&mut work.tx, &self.organisation, item, work.now).await?;
        }
        Ok(())
    }

    /// Links whoever pays by prices that name a type only now, compared with what the rules said `before`.
    pub(crate) async fn link_newly_named(&self, work: &mut Work, before: &Rulebook) -> Step<()> {
        let rulebook = work.rulebook.clone();
        let new = rulebook
            .prices
            .keys()
            .filter(|price| !before.prices.contains_key(price));
        for (account, price) in new {
            self.link_payers(work, *account, price).await?;
        }
        Ok(())
    }

    /// Keeps what is shown of a price, for people; an older word says nothing.
    pub(crate) async fn show_price(
        &self,
        work: &mut Work,
        account: AccountId,
        price: &PriceInfo,
        stamp: &str,
    ) -> Step<()> {
        let Some(known) = catalogue::one(&mut work.tx, account, &price.id).await? else {
            return Ok(());
        };
        if known.face.stamp.as_str() > stamp {
            return Ok(());
        }
        let mut face = face(price, stamp);
        // Who does not see the product does not know what it says.
        if !price.shows_product() && known.face.product == face.product {
            face.product_name = known.face.product_name;
            if face.x.is_none() {
                (face.x, face.place) = (known.face.x, known.face.place);
                face.warnings = known.face.warnings;
            }
        }
        catalogue::show(&mut work.tx, account, &price.id, &face);
        Ok(())
    }

    /// Whoever pays by prices that changed gets what they name now.
    pub(super) async fn derive_payers(
        &self,
        work: &mut Work,
        prices: &BTreeSet<(AccountId, String)>,
    ) -> Step<()> {
        for (account, price) in prices {
            let concerned = self.link_payers(work, *account, price).await?;
            let cause = format!("price {price}");
            let causes = concerned.into_iter();
            let causes = causes.map(|member| (member, cause.clone())).collect();
            self.derive_each(work, &causes).await?;
        }
        Ok(())
    }

    /// Links whoever pays by a price and belongs to nobody yet, now that it may name a type; returns all whom it concerns.
    pub(crate) async fn link_payers(
        &self,
        work: &mut Work,
        account: AccountId,
        price: &str,
    ) -> Step<BTreeSet<MemberId>> {
        let ids = prices::payers_of(&mut work.tx, account, price).await?;
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let rows = mirror::ask_customers(&mut work.tx, account, &ids);
        let rows = mirror::customers(&mut work.tx, rows).await?;
        let rows: Vec<_> = rows.iter().collect();
        let concerned = self.link_all(work, account, &rows).await?;
        Ok(concerned.into_values().flatten().collect())
    }
}

/// Orders what events say of a price or a customer.
pub(super) fn event_stamp(event: &Event) -> String {
    let place = format!("{} {}", super::order::step(&event.kind), event.id);
    said_stamp(event.created, &place)
}

/// Orders what was said of a price or a customer: by the moment, and within its second a fetch before every event.
pub(crate) fn said_stamp(at: Timestamp, place: &str) -> String {
    format!("{:020} {place}", at.0)
}

/// Whether nobody's type hangs on what a price is called.
fn is_mapped(work: &Work, account: AccountId, price: &PriceInfo) -> bool {
    let key = (account, price.id.clone());
    work.rulebook.mapped.contains_key(&key)
}

/// What people want to know of a price.
pub(super) fn face(price: &PriceInfo, stamp: &str) -> PriceFace {
    let PriceRow {
        x,
        place,
        warnings,
        waiting: _,
    } = price_row(price);
    let product = price.product.as_ref();
    PriceFace {
        x,
        place,
        warnings,
        nickname: price.nickname.clone().or_else(|| price.name.clone()),
        product: price.product_id.clone(),
        product_name: product.and_then(|product| product.name.clone()),
        amount: price.amount,
        currency: price.currency.clone(),
        interval: price.interval.clone(),
        interval_count: price.interval_count,
        active: price.active && product.is_none_or(|product| product.active),
        stamp: stamp.to_owned(),
    }
}

/// What is kept of a price.
pub(crate) fn price_row(price: &PriceInfo) -> PriceRow {
    let tag = tag::resolve(price);
    PriceRow {
        x: tag.found.as_ref().map(|found| found.x.clone()),
        place: tag
            .found
            .as_ref()
            .map(|found| found.place.as_str().to_owned()),
        warnings: tag.warnings.iter().map(ToString::to_string).collect(),
        waiting: false,
    }
}
