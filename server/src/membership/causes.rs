//! Why a standing is as it is and why it ended, in sentences for staff.

use crate::said::Said;
use shared::receipts::Free;
use shared::standing::Cause;
use shared::story::Last;

/// Why a subscription gives what it gives.
pub fn of_cause(cause: Cause) -> Said {
    match cause {
        Cause::Paid => Said::of("cause-paid"),
        Cause::Trial => Said::of("cause-trial"),
        Cause::Renewing => Said::of("cause-renewing"),
        Cause::Grace => Said::of("cause-grace"),
        Cause::FirstInvoice => Said::of("cause-first-invoice"),
        Cause::Ending => Said::of("cause-ending"),
        Cause::Paused => Said::of("cause-paused"),
        Cause::Cancelled => Said::of("cause-cancelled"),
        Cause::Unpaid => Said::of("cause-unpaid"),
        Cause::TypeLost => Said::of("cause-type-lost"),
        Cause::Forgiven => Said::of("cause-forgiven"),
        Cause::EndedByHand => Said::of("cause-ended-by-hand"),
        Cause::SeatRemoved => Said::of("cause-seat-removed"),
        Cause::Reversed => Said::of("cause-reversed"),
        Cause::UnknownStatus => Said::of("cause-unknown-status"),
    }
}

/// Why a term ended.
pub fn of_end(last: Last) -> Said {
    match last {
        Last::Said(Cause::Paid | Cause::Renewing) => Said::of("ended-renewal"),
        Last::Said(Cause::Trial) => Said::of("ended-trial"),
        Last::Said(Cause::Grace) => Said::of("ended-grace"),
        Last::Said(Cause::FirstInvoice) => Said::of("ended-first-invoice"),
        Last::Said(Cause::Unpaid) => Said::of("ended-unpaid"),
        Last::Said(Cause::Forgiven | Cause::UnknownStatus) => Said::of("ended-period"),
        Last::Said(Cause::Ending) => Said::of("ended-ending"),
        Last::Said(Cause::Paused) => Said::of("ended-paused"),
        Last::Said(Cause::Cancelled) => Said::of("ended-cancelled"),
        Last::Said(Cause::EndedByHand) => Said::of("ended-by-hand"),
        Last::Said(Cause::TypeLost) => Said::of("ended-type-lost"),
        Last::Said(Cause::SeatRemoved) => Said::of("ended-seat-removed"),
        Last::Said(Cause::Reversed) => Said::of("ended-reversed"),
        Last::Up => Said::of("ended-up"),
        Last::Gone => Said::of("ended-gone"),
    }
}

/// Why nothing was charged.
pub fn of_free(free: Free) -> Said {
    match free {
        Free::Credit => Said::of("free-credit"),
        Free::Discount => Said::of("free-discount"),
        Free::Trial => Said::of("free-trial"),
        Free::TooSmall => Said::of("free-too-small"),
        Free::Proration => Said::of("free-proration"),
        Free::Credited => Said::of("free-credited"),
        Free::Elsewhere => Said::of("free-elsewhere"),
    }
}
