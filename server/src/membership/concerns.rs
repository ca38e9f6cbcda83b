//! What staff read about a concern, and what they are to do.

use crate::said::Said;
use shared::concerns::ConcernKind;

/// What happened, and what it means for the door.
pub fn sentence(kind: ConcernKind) -> Said {
    match kind {
        ConcernKind::TypeLost => Said::of("attention-type-lost"),
        ConcernKind::UnknownStatus => Said::of("attention-unknown-status"),
        ConcernKind::ActiveWithoutPayment => Said::of("attention-active-without-payment"),
        ConcernKind::CancelledEarly => Said::of("attention-cancelled-early"),
        ConcernKind::DuplicateSubscription => Said::of("attention-duplicate-subscription"),
        ConcernKind::Refund => Said::of("attention-refund"),
        ConcernKind::DisputeInquiry => Said::of("attention-dispute-inquiry"),
        ConcernKind::Dispute => Said::of("attention-dispute"),
        ConcernKind::DisputeLost => Said::of("attention-dispute-lost"),
        ConcernKind::SeatUnnamed => Said::of("attention-seat-unnamed"),
        ConcernKind::SeatRemoved => Said::of("attention-seat-removed"),
        ConcernKind::TwoCustomers => Said::of("attention-two-customers"),
        ConcernKind::GrantedNotActive => Said::of("attention-granted-not-active"),
        ConcernKind::PaymentEnding => Said::of("attention-payment-ending"),
        ConcernKind::InvoiceStuck => Said::of("attention-invoice-stuck"),
    }
}

/// The one thing to do.
pub fn remedy(kind: ConcernKind) -> Said {
    match kind {
        ConcernKind::TypeLost => Said::of("remedy-type-lost"),
        ConcernKind::UnknownStatus => Said::of("remedy-unknown-status"),
        ConcernKind::ActiveWithoutPayment => Said::of("remedy-active-without-payment"),
        ConcernKind::CancelledEarly => Said::of("remedy-cancelled-early"),
        ConcernKind::DuplicateSubscription => Said::of("remedy-duplicate-subscription"),
        ConcernKind::Refund => Said::of("remedy-refund"),
        ConcernKind::DisputeInquiry => Said::of("remedy-dispute-inquiry"),
        ConcernKind::Dispute => Said::of("remedy-dispute"),
        ConcernKind::DisputeLost => Said::of("remedy-dispute-lost"),
        ConcernKind::SeatUnnamed => Said::of("remedy-seat-unnamed"),
        ConcernKind::SeatRemoved => Said::of("remedy-seat-removed"),
        ConcernKind::TwoCustomers => Said::of("remedy-two-customers"),
        ConcernKind::GrantedNotActive => Said::of("remedy-granted-not-active"),
        ConcernKind::PaymentEnding => Said::of("remedy-payment-ending"),
        ConcernKind::InvoiceStuck => Said::of("remedy-invoice-stuck"),
    }
}
