//! What an event gives reason to tell its payer. An event alone decides, so the order in which they come is no matter;
//! whether it still needs telling is for the sender to see.

use super::news::News;
use super::read::Event;
use crate::store::notices::{Notice, NoticeKind};
use serde_json::Value;
use shared::facts::{Invoice, Subscription};

/// What to tell the payer, if anything.
#[must_use]
pub fn notice(event: &Event, news: &News) -> Option<Notice> {
    let (kind, subject) = match news {
        News::Subscription(subscription, ..) => of_subscription(event, subscription)?,
        News::Invoice(invoice, ..) => (of_invoice(&event.kind, invoice)?, invoice.id.clone()),
        News::Customer(..) | News::Hint(_) => (of_session(event)?, event.object_id.clone()?),
        News::Price(_) | News::Money(_) | News::Flag(..) | News::Unseen | News::Nothing => {
            return None;
        }
    };
    Some(Notice {
        customer: event.customer.clone()?,
        kind,
        subject,
    })
}

fn of_subscription(event: &Event, subscription: &Subscription) -> Option<(NoticeKind, String)> {
    let about = |kind, what: String| Some((kind, format!("{} {what}", subscription.id)));
    let waits = event.object.pointer("/pending_update/expires_at");
    match event.kind.as_str() {
        "customer.subscription.trial_will_end" => {
            // Also sent when a trial is cut short.
            let end = subscription.trial_end.filter(|end| *end > event.created)?;
            about(NoticeKind::TrialEnds, end.to_string())
        }
        "customer.subscription.pending_update_expired" => {
            about(NoticeKind::UpgradeLapsed, event.created.to_string())
        }
        _ if subscription.status.is_terminal() => None,
        _ => match (waits, subscription.set_end()) {
            (Some(expires), _) if !expires.is_null() => {
                about(NoticeKind::UpgradeWaiting, expires.to_string())
            }
            (_, Some(end)) => about(NoticeKind::EndsOn, end.to_string()),
            (_, None) => None,
        },
    }
}

fn of_invoice(kind: &str, invoice: &Invoice) -> Option<NoticeKind> {
    // The first payment is made with the payer looking on; what is not for a subscription is somebody else's business.
    if invoice.subscription.is_none() || invoice.reason == "subscription_create" {
        return None;
    }
    match kind {
        "invoice.payment_failed" => Some(NoticeKind::PaymentFailed),
        "invoice.payment_action_required" | "invoice.payment_attempt_required" => {
            Some(NoticeKind::ActionRequired)
        }
        _ => None,
    }
}

fn of_session(event: &Event) -> Option<NoticeKind> {
    let unpaid = event.object.get("payment_status").and_then(Value::as_str) == Some("unpaid");
    match event.kind.as_str() {
        "checkout.session.completed" if unpaid => Some(NoticeKind::PaymentPending),
        "checkout.session.async_payment_failed" => Some(NoticeKind::FirstPaymentFailed),
        _ => None,
    }
}
