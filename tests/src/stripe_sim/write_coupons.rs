//! The REST interface: coupons, promotion codes, and the discounts that requests ask for.

use super::StripeSim;
use super::objects::deleted;
use super::params::{Params, Problem};
use super::terms::{Coupon, Duration, Off, PromotionCode};
use super::writes::{Answer, edit_metadata, metadata};

impl StripeSim {
    pub(crate) fn post_coupon(&mut self, params: &Params<'_>) -> Answer {
        let off = match (params.filled("percent_off"), params.number("amount_off")?) {
            (Some(percent), None) => Off::Percent(hundredths(percent)?),
            (None, Some(cents)) => Off::Amount(cents, params.need("currency")?.to_owned()),
            _ => {
                let text = "Exactly one of percent_off and amount_off is needed.";
                return Err(Problem::invalid(text, "percent_off"));
            }
        };
        let duration = match params.filled("duration") {
            None | Some("once") => Duration::Once,
            Some("forever") => Duration::Forever,
            Some("repeating") => Duration::Repeating(
                params
                    .number("duration_in_months")?
                    .ok_or_else(|| Problem::required("duration_in_months"))?,
            ),
            Some(other) => {
                let text = format!("Invalid duration: {other}");
                return Err(Problem::invalid(text, "duration"));
            }
        };
        let id = match params.filled("id") {
            Some(id) if self.coupons.get(id).is_some() => {
                let text = format!("Coupon already exists: {id}");
                return Err(Problem {
                    code: Some("resource_already_exists"),
                    ..Problem::invalid(text, "id")
                });
            }
            Some(id) => id.to_owned(),
            None => self.next_id(""),
        };
        let id = self.add_coupon(Coupon {
            id,
            name: params.filled("name").map(str::to_owned),
            off,
            duration,
            max_redemptions: params.number("max_redemptions")?,
            redeem_by: params.number("redeem_by")?,
            times_redeemed: 0,
            metadata: metadata(params),
            created: self.now,
            deleted: false,
        });
        Ok(self.coupon_json(self.coupons.must(&id)))
    }

    fn living_coupon(&self, id: &str) -> Result<&Coupon, Problem> {
        let row = self.coupons.get(id).filter(|row| !row.deleted);
        row.ok_or_else(|| Problem::missing("coupon", id))
    }

    pub(crate) fn update_coupon(&mut self, id: &str, params: &Params<'_>) -> Answer {
        let before = self.coupon_json(self.living_coupon(id)?);
        let held = self.coupons.must_mut(id);
        edit_metadata(&mut held.metadata, &params.hash("metadata"));
        if let Some(name) = params.get("name") {
            held.name = Some(name.to_owned()).filter(|name| !name.is_empty());
        }
        let after = self.coupon_json(self.coupons.must(id));
        self.emit_change("coupon.updated", before, after.clone());
        Ok(after)
    }

    pub(crate) fn remove_coupon(&mut self, id: &str) -> Answer {
        self.living_coupon(id)?;
        self.delete_coupon(id);
        Ok(deleted(id, "coupon"))
    }

    pub(crate) fn post_promotion_code(&mut self, params: &Params<'_>) -> Answer {
        let coupon = params
            .filled("promotion[coupon]")
            .or(params.filled("coupon"))
            .ok_or_else(|| Problem::required("promotion"))?
            .to_owned();
        self.living_coupon(&coupon)?;
        let id = self.next_id("promo_1");
        let code = params
            .filled("code")
            .map_or_else(|| tail(&id).to_ascii_uppercase(), str::to_owned);
        let taken = |row: &PromotionCode| {
            row.code.eq_ignore_ascii_case(&code) && self.promotion_code_is_active(row)
        };
        if self.promotion_codes.iter().any(taken) {
            let text = "An active promotion code with this code exists.";
            return Err(Problem::invalid(text, "code"));
        }
        let minimum = params.number("restrictions[minimum_amount]")?;
        let currency = params.filled("restrictions[minimum_amount_currency]");
        let id = self.add_promotion_code(PromotionCode {
            id,
            code,
            coupon,
            customer: params.filled("customer").map(str::to_owned),
            active: params.flag("active")?.unwrap_or(true),
            max_redemptions: params.number("max_redemptions")?,
            expires_at: params.number("expires_at")?,
            first_time: params.flag("restrictions[first_time_transaction]")? == Some(true),
            minimum: minimum.zip(currency.map(str::to_owned)),
            times_redeemed: 0,
            metadata: metadata(params),
            created: self.now,
        });
        Ok(self.promotion_code_json(self.promotion_codes.must(&id)))
    }

    pub(crate) fn update_promotion_code(&mut self, id: &str, params: &Params<'_>) -> Answer {
        let row = self
            .promotion_codes
            .get(id)
            .ok_or_else(|| Problem::missing("promotion_code", id))?;
        let before = self.promotion_code_json(row);
        let active = params.flag("active")?;
        let held = self.promotion_codes.must_mut(id);
        held.active = active.unwrap_or(held.active);
        edit_metadata(&mut held.metadata, &params.hash("metadata"));
        let after = self.promotion_code_json(self.promotion_codes.must(id));
        self.emit_change("promotion_code.updated", before, after.clone());
        Ok(after)
    }

    /// The coupons that a request asks for, under `discounts` or the older `coupon` and `promotion_code`.
    pub(crate) fn asked_discounts(
        &self,
        params: &Params<'_>,
        customer: Option<&str>,
    ) -> Result<Vec<(String, Option<String>)>, Problem> {
        let mut rows = params.rows("discounts");
        let older = ["coupon", "promotion_code"];
        rows.extend(
            older
                .iter()
                .filter_map(|key| Some([(*key, params.filled(key)?)].into_iter().collect())),
        );
        let mut asked = Vec::new();
        for row in rows {
            let Some(code) = row.get("promotion_code") else {
                let coupon = row
                    .get("coupon")
                    .ok_or_else(|| Problem::required("discounts[0][coupon]"))?;
                let valid = self.coupon_is_valid(self.living_coupon(coupon)?);
                if !valid {
                    let text = format!("Coupon expired: {coupon}");
                    return Err(Problem::invalid(text, "coupon"));
                }
                asked.push(((*coupon).to_owned(), None));
                continue;
            };
            let coupon = self.redeemable(code, customer)?;
            asked.push((coupon, Some((*code).to_owned())));
        }
        Ok(asked)
    }

    /// `coupon` on a customer: given, or taken away by an empty one.
    pub(crate) fn coupon_of_customer(
        &mut self,
        customer: &str,
        params: &Params<'_>,
    ) -> Result<(), Problem> {
        match params.get("coupon") {
            None => {}
            Some("") => self.set_customer_discount(customer, None),
            Some(coupon) => {
                self.living_coupon(coupon)?;
                self.set_customer_discount(customer, Some(coupon));
            }
        }
        Ok(())
    }
}

fn tail(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}

/// `12.5` percent as 1250.
fn hundredths(percent: &str) -> Result<i32, Problem> {
    let wrong = || Problem::invalid(format!("Invalid percentage: {percent}"), "percent_off");
    let (whole, part) = percent.split_once('.').unwrap_or((percent, ""));
    let part = format!("{part:0<2}");
    let number = format!("{whole}{}", part.get(..2).unwrap_or("00"));
    let number: i32 = number.parse().map_err(|_| wrong())?;
    if (1..=10_000).contains(&number) {
        Ok(number)
    } else {
        Err(wrong())
    }
}
