//! Prices that events and fetches show: what they are called, and which type that names.

use super::apply::Batch;
use super::read::{Event, PriceInfo};
use super::tag;
use crate::app::{App, Step, Work};
use crate::store::attention::{Item, raise};
use crate::store::mirror::{self, PriceRow};
use crate::store::rulebook;
use shared::ids::AccountId;
use shared::time::Timestamp;

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
        let place = format!("{} {}", super::order::step(&event.kind), event.id);
        let stamp = price_stamp(event.created, &place);
        for price in prices {
            let key = (account, price.id.clone());
            // What the rules say of a price that changed in this batch is out of date.
            if !batch.prices.contains(&key)
                && work.rulebook.on_record.get(&key) == Some(&price_row(price))
            {
                continue;
            }
            if self.meet_price(work, account, price, &stamp).await? {
                batch.prices.insert(key);
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
        match mirror::price(&mut work.tx, account, &price.id).await? {
            None => {}
            Some((known, _)) if known == row => return Ok(false),
            // An event shows a product by its id only: it cannot say that the product names no type.
            Some(_) if row.x.is_none() && !price.shows_product() => return Ok(false),
            Some((_, kept)) if kept.as_str() >= stamp => return Ok(false),
            Some((known, _)) if known.x.is_some() && known.x != row.x => {
                mirror::hold_price(&mut work.tx, account, &price.id, row.x.as_deref(), stamp)
                    .await?;
                let item = Item {
                    kind: "catalogue_change",
                    subject: &price.id,
                    sentence: "A price that members may pay by names another membership type now. Nothing was changed.",
                    remedy: "Accept the change, or set the old name again in Stripe.",
                    member: None,
                };
                raise(&mut work.tx, &self.organisation, item, work.now).await?;
                return Ok(false);
            }
            Some(_) => {}
        }
        mirror::put_price(&mut work.tx, account, &price.id, &row, stamp).await?;
        if row.x.is_none() && !row.warnings.is_empty() {
            let item = Item {
                kind: "near_miss",
                subject: &price.id,
                sentence: "A price looks as if it should name a membership type, but does not.",
                remedy: "Write `membertype_X-` in front of its nickname, or set its metadata.",
                member: None,
            };
            raise(&mut work.tx, &self.organisation, item, work.now).await?;
        }
        rulebook::changed(&mut work.tx).await?;
        Ok(true)
    }
}

/// Orders what was said of a price: by the moment, and within its second a fetch before every event.
pub(crate) fn price_stamp(at: Timestamp, place: &str) -> String {
    format!("{:020} {place}", at.0)
}

/// What is kept of a price.
fn price_row(price: &PriceInfo) -> PriceRow {
    let tag = tag::resolve(price);
    PriceRow {
        x: tag.found.as_ref().map(|found| found.x.clone()),
        place: tag
            .found
            .as_ref()
            .map(|found| found.place.as_str().to_owned()),
        warnings: tag.warnings.iter().map(ToString::to_string).collect(),
    }
}
