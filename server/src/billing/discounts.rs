//! Discount codes: a coupon at Stripe, and the code that people type for it.

use super::client::{Request, Stripe, StripeError};
use serde_json::Value;

/// How long a discount lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The first invoice only.
    Introductory,
    /// Every invoice.
    Permanent,
}

/// What is taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Off {
    /// Whole percents, 1 to 100.
    Percent(i64),
    /// Minor units of a currency.
    Amount(i64, String),
}

/// A discount code to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCode {
    /// What people type; none: Stripe makes one up.
    pub code: Option<String>,
    /// What invoices call it.
    pub name: String,
    /// How long it lasts.
    pub kind: Kind,
    /// What is taken off.
    pub off: Off,
    /// How often it can be used in all; none: without end.
    pub most: Option<i64>,
    /// Makes the keys of the two requests.
    pub nonce: u64,
}

/// A discount code as Stripe has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// `promo_…`
    pub id: String,
    /// What people type.
    pub code: String,
    /// What invoices call it.
    pub name: Option<String>,
    /// Whether it can be used.
    pub active: bool,
    /// How often it was.
    pub used: i64,
    /// How often it can be.
    pub most: Option<i64>,
    /// `once`, `forever` or `repeating`.
    pub duration: String,
    /// Percents, as Stripe writes them.
    pub percent_off: Option<String>,
    /// Minor units.
    pub amount_off: Option<i64>,
    /// Of this currency.
    pub currency: Option<String>,
}

/// Makes a coupon and its promotion code (docs.stripe.com/api/coupons/create, …/promotion_codes/create). The code is looked
/// for first, so that a code that is taken leaves no coupon behind.
pub async fn create(stripe: &dyn Stripe, new: &NewCode) -> Result<Option<Code>, StripeError> {
    if let Some(code) = &new.code {
        let request = Request::get("/v1/promotion_codes")
            .with("code", code.as_str())
            .with("active", "true");
        let taken = stripe.call(request).await?;
        if taken["data"]
            .as_array()
            .is_some_and(|codes| !codes.is_empty())
        {
            return Ok(None);
        }
    }
    let key = |what: &str| format!("discount-{:016x}-{what}", new.nonce);
    let duration = match new.kind {
        Kind::Introductory => "once",
        Kind::Permanent => "forever",
    };
    let request = Request::post("/v1/coupons", key("coupon"))
        .with("duration", duration)
        .with("name", new.name.as_str());
    let request = match &new.off {
        Off::Percent(percent) => request.with("percent_off", percent.to_string()),
        Off::Amount(amount, currency) => request
            .with("amount_off", amount.to_string())
            .with("currency", currency.as_str()),
    };
    let coupon = stripe.change(request).await?;
    let id = coupon["id"].as_str().unwrap_or_default();
    let mut request = Request::post("/v1/promotion_codes", key("code"))
        .with("promotion[type]", "coupon")
        .with("promotion[coupon]", id);
    if let Some(code) = &new.code {
        request = request.with("code", code.as_str());
    }
    if let Some(most) = new.most {
        request = request.with("max_redemptions", most.to_string());
    }
    let made = stripe
        .change(request.with("expand[]", "promotion.coupon"))
        .await?;
    Ok(Some(read(&made)))
}

/// All discount codes, newest first.
pub async fn list(stripe: &dyn Stripe) -> Result<Vec<Code>, StripeError> {
    let codes = stripe.promotion_codes().await?;
    Ok(codes.iter().map(read).collect())
}

/// Reads a promotion code: its coupon from the new place, then from the old one.
fn read(value: &Value) -> Code {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let coupon = Some(&value["promotion"]["coupon"])
        .filter(|coupon| coupon.is_object())
        .unwrap_or(&value["coupon"]);
    let percent = &coupon["percent_off"];
    Code {
        id: text(&value["id"]).unwrap_or_default(),
        code: text(&value["code"]).unwrap_or_default(),
        name: text(&coupon["name"]),
        active: value["active"] == true,
        used: value["times_redeemed"].as_i64().unwrap_or_default(),
        most: value["max_redemptions"].as_i64(),
        duration: text(&coupon["duration"]).unwrap_or_default(),
        percent_off: text(percent).or_else(|| percent.is_number().then(|| percent.to_string())),
        amount_off: coupon["amount_off"].as_i64(),
        currency: text(&coupon["currency"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_coupon_is_read_where_each_version_has_it() {
        let coupon = json!({"id": "c", "name": "Start", "duration": "once", "percent_off": 25.5, "amount_off": null});
        let code = json!({"id": "promo_1", "code": "START", "active": true, "times_redeemed": 2, "max_redemptions": 5});
        let (mut new, mut old) = (code.clone(), code);
        new["promotion"] = json!({"type": "coupon", "coupon": coupon});
        old["coupon"] = coupon;
        assert_eq!(read(&new), read(&old));
        let read = read(&new);
        assert_eq!(
            (
                read.duration.as_str(),
                read.percent_off.as_deref(),
                read.most
            ),
            ("once", Some("25.5"), Some(5))
        );
    }
}
