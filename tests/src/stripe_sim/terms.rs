//! The rows of agreements: coupons, promotion codes, discounts, schedules, checkout sessions.

use super::model::{Metadata, MissingMethod};
use super::subscriptions::Proration;
use super::table::{Row, rows};

/// How long a coupon's discount lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duration {
    /// One invoice.
    Once,
    /// So many months.
    Repeating(i64),
    /// As long as the subscription.
    Forever,
}

impl Duration {
    /// Stripe's word for this duration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Repeating(_) => "repeating",
            Self::Forever => "forever",
        }
    }
}

/// What a coupon takes off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Off {
    /// Hundredths of a percent.
    Percent(i32),
    /// Cents of a currency.
    Amount(i64, String),
}

#[derive(Clone, Debug)]
pub(crate) struct Coupon {
    pub id: String,
    pub name: Option<String>,
    pub off: Off,
    pub duration: Duration,
    pub max_redemptions: Option<i64>,
    pub redeem_by: Option<i64>,
    pub times_redeemed: i64,
    pub metadata: Metadata,
    pub created: i64,
    pub deleted: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct PromotionCode {
    pub id: String,
    pub code: String,
    pub coupon: String,
    pub customer: Option<String>,
    pub active: bool,
    pub max_redemptions: Option<i64>,
    pub expires_at: Option<i64>,
    pub first_time: bool,
    pub minimum: Option<(i64, String)>,
    pub times_redeemed: i64,
    pub metadata: Metadata,
    pub created: i64,
}

/// A coupon as it is applied to a customer or a subscription.
#[derive(Clone, Debug)]
pub(crate) struct Discount {
    pub id: String,
    pub coupon: String,
    pub promotion_code: Option<String>,
    pub customer: String,
    pub subscription: Option<String>,
    pub start: i64,
    pub end: Option<i64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Phase {
    pub start: i64,
    pub end: i64,
    pub items: Vec<(String, i64)>,
    pub proration: Proration,
    pub metadata: Metadata,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScheduleStatus {
    NotStarted,
    Active,
    Completed,
    Released,
    Canceled,
}

impl ScheduleStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Released => "released",
            Self::Canceled => "canceled",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub id: String,
    pub customer: String,
    pub subscription: Option<String>,
    pub released_subscription: Option<String>,
    pub status: ScheduleStatus,
    pub phases: Vec<Phase>,
    /// Whether the subscription ends with the last phase.
    pub cancels: bool,
    pub warned: bool,
    pub current: Option<usize>,
    pub ended_at: Option<i64>,
    pub metadata: Metadata,
    pub created: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub id: String,
    pub mode: &'static str,
    pub status: &'static str,
    pub payment_status: &'static str,
    pub customer: Option<String>,
    pub email: Option<String>,
    pub client_reference_id: Option<String>,
    pub lines: Vec<(String, i64)>,
    pub currency: String,
    pub amount_subtotal: i64,
    pub amount_total: i64,
    /// Coupon and promotion code.
    pub discount: Option<(String, Option<String>)>,
    pub trial_days: i64,
    pub missing_method: MissingMethod,
    pub subscription_metadata: Metadata,
    pub subscription: Option<String>,
    pub invoice: Option<String>,
    pub intent: Option<String>,
    pub setup_intent: Option<String>,
    pub kinds: Vec<String>,
    pub success_url: Option<String>,
    pub cancel_url: Option<String>,
    pub metadata: Metadata,
    pub created: i64,
    pub expires_at: i64,
}

/// An object without rules of its own: its JSON is the row.
#[derive(Clone, Debug)]
pub(crate) struct Plain {
    pub id: String,
    pub value: serde_json::Value,
}

rows!(
    Coupon: id,
    PromotionCode: coupon,
    Discount: customer,
    Schedule: customer,
    Plain: id
);

impl Row for Session {
    fn id(&self) -> &str {
        &self.id
    }
    fn group(&self) -> &str {
        self.customer.as_deref().unwrap_or_default()
    }
}
