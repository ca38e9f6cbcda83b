//! What Stripe sells, which membership type each price has, why, and what staff should look at.

use super::client::StripeError;
use super::differences::of_price;
use super::prices::{face, said_stamp};
use super::{read, tag};
use crate::app::{App, Step, Work};
use crate::doors::publish::Publication;
use crate::store::catalogue::{self, PriceFace, Sold};
use shared::ids::MembershipTypeId;
use shared::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// So often Stripe is asked to list its catalogue, whatever events say.
const LIST_EVERY: Span = Span::hours(6);
/// So often it is looked whether that is due.
pub const LOOK_EVERY: Span = Span::minutes(1);

/// What is said of a membership's price by which nobody pays.
pub const UNUSED: &str = "nobody pays by it";

/// How much of Stripe's catalogue is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    /// All of it, as Stripe just listed it.
    Whole,
    /// What events showed: there is no key to list it with.
    Seen,
    /// What was known before, for Stripe did not list it.
    Unread(String),
}

/// A price with what it means here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// As it is on record.
    pub sold: Sold,
    /// The type that counts.
    pub membership: Option<MembershipTypeId>,
    /// By which word: `mapping`, a place's short name, or `default` for the organisation's stand-in type.
    pub place: Option<String>,
    /// How many customers pay by it now.
    pub payers: usize,
    /// What staff should look at, in words.
    pub warnings: Vec<String>,
}

impl App {
    /// Has Stripe list its catalogue, if there is a key, and learns it. What Stripe does not list any more is marked and
    /// takes nobody's type away; a changed type of a price in use waits for an admin.
    pub async fn list_catalogue(&self, now: Timestamp) -> Step<(Listing, Vec<Publication>)> {
        let Some(stripe) = &self.billing.stripe else {
            return Ok((Listing::Seen, Vec::new()));
        };
        if !self.confirm(now).await? {
            let why = "the Stripe key does not read the account on record".to_owned();
            return Ok((Listing::Unread(why), Vec::new()));
        }
        match stripe.prices().await {
            Ok(listed) => Ok((Listing::Whole, self.learn_catalogue(&listed, now).await?)),
            Err(error) => Ok((Listing::Unread(error.to_string()), Vec::new())),
        }
    }

    /// Lists the catalogue if it is due: at the first start, every few hours, and soon after a product has changed, of
    /// which events show no price.
    pub async fn keep_catalogue(&self, now: Timestamp) -> Step {
        if self.billing.stripe.is_none() {
            return Ok(Vec::new());
        }
        let mut tx = self.store.begin_read().await?;
        let due = catalogue::wants_list(&mut tx, self.account, now - LIST_EVERY, now).await?;
        drop(tx);
        if !due {
            return Ok(Vec::new());
        }
        let (listing, publications) = self.list_catalogue(now).await?;
        if let Listing::Unread(why) = listing {
            tracing::debug!(
                why,
                "Stripe has not listed its catalogue; it is asked again"
            );
        }
        Ok(publications)
    }

    /// How the catalogue on record differs from Stripe's, in words by price. A price that is not on record is no
    /// difference: nobody pays by it.
    pub(super) async fn catalogue_differences(
        &self,
        listed: &[serde_json::Value],
    ) -> Step<Vec<(String, Vec<String>)>> {
        let shown = listed.iter().filter_map(|value| read::price(value).ok());
        let shown: BTreeMap<String, PriceFace> = shown
            .map(|price| (price.id.clone(), face(&price, "")))
            .collect();
        let mut tx = self.store.begin_read().await?;
        let on_record = catalogue::all(&mut tx, self.account).await?;
        let differing = on_record.into_iter().map(|sold| {
            let words = of_price(&sold, shown.get(&sold.id));
            (sold.id, words)
        });
        Ok(differing.filter(|(_, words)| !words.is_empty()).collect())
    }

    /// Learns the catalogue as Stripe listed it.
    pub(super) async fn learn_catalogue(
        &self,
        listed: &[serde_json::Value],
        asked_at: Timestamp,
    ) -> Step {
        let stamp = said_stamp(Timestamp::from_seconds(asked_at.as_seconds()), "");
        let mut work = self.work(asked_at).await?;
        let (mut seen, mut changed) = (BTreeSet::new(), BTreeSet::new());
        for value in listed {
            let price = match read::price(value) {
                Ok(price) => price,
                Err(error) => {
                    tracing::warn!(%error, "a price in Stripe's list cannot be read");
                    continue;
                }
            };
            if self
                .meet_price(&mut work, self.account, &price, &stamp)
                .await?
            {
                changed.insert((self.account, price.id.clone()));
            } else {
                self.show_price(&mut work, self.account, &price, &stamp)
                    .await?;
            }
            seen.insert(price.id);
        }
        for sold in catalogue::all(&mut work.tx, self.account).await? {
            let there = seen.contains(&sold.id);
            // What was said since Stripe was asked is not in its answer.
            if there && sold.gone_at.is_some() || !there && sold.stamp < stamp {
                let gone = (!there).then_some(asked_at);
                catalogue::note_gone(&mut work.tx, self.account, &sold.id, gone);
            }
        }
        catalogue::listed(&mut work.tx, self.account, asked_at);
        if !changed.is_empty() {
            self.reread(&mut work).await?;
            self.derive_payers(&mut work, &changed).await?;
        }
        self.finish(work).await
    }

    /// Everything on record, with what it means now.
    pub async fn offers(&self, work: &mut Work) -> Step<Vec<Offer>> {
        let payers = catalogue::payers(&mut work.tx, self.account).await?;
        let sold = catalogue::all(&mut work.tx, self.account).await?;
        Ok(sold
            .into_iter()
            .map(|sold| self.offer(work, sold, &payers))
            .collect())
    }

    fn offer(&self, work: &Work, sold: Sold, payers: &BTreeMap<String, BTreeSet<String>>) -> Offer {
        let key = (self.account, sold.id.clone());
        let membership = work.rulebook.prices.get(&key).cloned();
        let types: BTreeSet<MembershipTypeId> = work.rulebook.rules.types.keys().cloned().collect();
        let named = sold.row.x.as_deref().map(|x| tag::match_type(x, &types));
        let place = match (&sold.mapped, &named) {
            (Some(_), _) => Some("mapping".to_owned()),
            (None, Some(named)) if named.membership.is_some() => sold.row.place.clone(),
            (None, _) => membership.as_ref().map(|_| "default".to_owned()),
        };
        let payers = payers.get(&sold.id).map_or(0, BTreeSet::len);
        let mut warnings = sold.face.warnings.clone();
        if let Some(warning) = named.as_ref().and_then(|named| named.warning.as_ref()) {
            warnings.push(warning.to_string());
        }
        warnings.extend(further_warnings(
            &sold,
            named.and_then(|named| named.membership),
            payers,
        ));
        Offer {
            membership,
            place,
            payers,
            warnings,
            sold,
        }
    }
}

/// What no single place of a price shows.
fn further_warnings(sold: &Sold, named: Option<MembershipTypeId>, payers: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if let (Some(mapped), Some(named)) = (&sold.mapped, named)
        && *mapped != named
    {
        warnings.push(format!(
            "an admin gave it the type `{mapped}` and it is named `{named}`: `{mapped}` rules"
        ));
    }
    if sold.row.waiting && sold.mapped.is_none() {
        warnings.push(match &sold.face.x {
            Some(x) => format!("it names `{x}` now: that waits for a yes on the attention list"),
            None => {
                "it names no type any more: that waits for a yes on the attention list".to_owned()
            }
        });
    }
    let tagged = sold.row.x.is_some() || sold.mapped.is_some();
    if sold.gone_at.is_some() && payers > 0 {
        warnings
            .push("Stripe does not list it any more; whoever pays by it keeps the type".to_owned());
    }
    if tagged && payers == 0 {
        warnings.push(UNUSED.to_owned());
    }
    warnings
}

/// What a person is told when Stripe does not make a change.
#[must_use]
pub fn refusal(error: &StripeError, what: &str, permission: &str) -> String {
    let said = error.to_string();
    let said = said.trim_end_matches('.');
    match error {
        StripeError::NotReadable { status: 403, .. } => format!(
            "The Stripe key may not {what}. Give the restricted key the permission `{permission}: write` in Stripe's \
             dashboard, or use one that has it. Nothing was changed."
        ),
        StripeError::NotReadable { status: 401, .. } => {
            "Stripe does not know this key. Set STRIPE_SECRET_KEY. Nothing was changed.".to_owned()
        }
        StripeError::NotReadable { .. } => {
            format!("Stripe has nothing to do that with: {said}. Nothing was changed.")
        }
        StripeError::Status { .. } | StripeError::BadId(_) | StripeError::Unkeyed { .. } => {
            format!("{said}. Nothing was changed.")
        }
        StripeError::Unreachable { .. }
        | StripeError::RateLimited { .. }
        | StripeError::Failing { .. }
        | StripeError::Garbled { .. } => {
            format!("{said}. It is not known whether the change was made; try again.")
        }
    }
}

/// The catalogue as text: a line for each price, and below it what to look at.
#[must_use]
pub fn table(offers: &[Offer]) -> Vec<String> {
    let head = [
        "PRICE", "TYPE", "SAID BY", "PAYERS", "SOLD", "COSTS", "CALLED",
    ];
    let mut rows: Vec<[String; 7]> = vec![head.map(str::to_owned)];
    rows.extend(offers.iter().map(row));
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    let mut lines: Vec<String> = rows.iter().take(1).map(line).collect();
    for (row, offer) in rows.iter().skip(1).zip(offers) {
        lines.push(line(row));
        lines.extend(
            offer
                .warnings
                .iter()
                .map(|warning| format!("    ! {warning}")),
        );
    }
    lines
}

fn row(offer: &Offer) -> [String; 7] {
    let face = &offer.sold.face;
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let sold = match (offer.sold.gone_at, face.active) {
        (Some(_), _) => "gone",
        (None, true) => "yes",
        (None, false) => "archived",
    };
    let price = face
        .amount
        .zip(face.currency.as_ref())
        .map(|(amount, currency)| {
            let every = match (&face.interval, face.interval_count) {
                (None, _) => String::new(),
                (Some(interval), 1) => format!("/{interval}"),
                (Some(interval), count) => format!("/{count} {interval}s"),
            };
            // Minor units: how many make a whole one depends on the currency.
            format!("{amount} {currency}{every}")
        });
    let called = [face.nickname.as_deref(), face.product_name.as_deref()];
    let called: Vec<&str> = called.into_iter().flatten().collect();
    [
        offer.sold.id.clone(),
        or_dash(offer.membership.as_ref().map(ToString::to_string)),
        or_dash(offer.place.clone()),
        offer.payers.to_string(),
        sold.to_owned(),
        or_dash(price),
        // What people write may hold anything, and a terminal obeys some of it.
        called.join(" / ").replace(char::is_control, " "),
    ]
}
