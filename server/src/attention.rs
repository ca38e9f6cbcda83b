//! The one table of what a human must look at: every kind, whether it lasts, and what resolves it in one step.

use serde::{Deserialize, Serialize};
use shared::badge::Alarm;
use shared::concerns::ConcernKind;
use shared::time::Span;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Makes the enum of resolutions together with what each does, for the code and for the description of the interface.
macro_rules! resolutions {
    ($($resolution:ident, $word:literal, $does:literal;)*) => {
        /// What an admin does about an item, in one call.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Resolution {
            $(#[doc = $does] #[serde(rename = $word)] $resolution,)*
        }

        impl Resolution {
            /// Every resolution's word, and what it does.
            pub const ALL: &[(&str, &str)] = &[$(($word, $does)),*];
        }
    };
}

resolutions! {
    Seen, "seen", "It was looked at and stays as it is; what is settled so stays settled while its cause lasts.";
    Link, "link", "The customer is the `member`: what was paid counts for that member from now on.";
    NewMember, "new_member", "The customer is none of the members: a new member is made.";
    Confirm, "confirm", "The customer was linked rightly.";
    GiveCard, "give_card", "The member gets the card with the number `uid`.";
    MakeType, "make_type", "The membership type that prices name is made, and called `name`.";
    DefaultType, "default_type", "The type `membership` stands in for every `membertype_X` that is not known.";
    Map, "map", "The price has the type `membership`, whatever it is called.";
    Accept, "accept", "The held catalogue change is meant.";
    Approve, "approve", "The run that was held back may take access from that many.";
    Replay, "replay", "The event is applied once more.";
    Retry, "retry", "Stripe is asked once more.";
    Resend, "resend", "Lists and policies are sent to the doors once more.";
    EndNow, "end_now", "What was cancelled ends now, although paid time is left.";
    Hold, "hold", "All access of the member is withheld until lifted, for a `reason`.";
    EndGrant, "end_grant", "The grant ends now.";
    Cover, "cover", "The seat covers the `member`.";
    Uncover, "uncover", "The member's seat covers nobody any more, at once; given a `member` of the same item, that one's.";
    Revoke, "revoke", "The agent's rights are taken.";
}

impl PartialSchema for Resolution {
    fn schema() -> RefOr<Schema> {
        let one = |(word, does): &(&str, &str)| {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .enum_values(Some([*word]))
                .description(Some(*does))
                .build()
        };
        let all = Self::ALL.iter().map(one);
        all.fold(OneOfBuilder::new(), OneOfBuilder::item).into()
    }
}

impl ToSchema for Resolution {}

/// How long an item says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nature {
    /// While its cause lasts: once accepted, it is not opened again before that has gone.
    State,
    /// It happened: when it happens again, it is told again.
    Happening,
}

/// Makes the enum of kinds together with its table, so that none is without its row.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $word:literal, $nature:ident, [$($step:ident),+];)*) => {
        /// What there is to look at.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
            /// Something at a door wants a human.
            Alarm(Alarm),
            /// What the facts of a member say.
            Concern(ConcernKind),
        }

        impl Kind {
            const OWN: &[Self] = &[$(Self::$kind),*];

            /// The word in the database and in the interface.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)*
                    Self::Alarm(alarm) => alarm.name(),
                    Self::Concern(concern) => concern.word(),
                }
            }

            /// What an admin can do about it in one step: first what the item asks for.
            #[must_use]
            pub fn resolutions(self) -> &'static [Resolution] {
                match self {
                    $(Self::$kind => &[$(Resolution::$step),+],)*
                    Self::Alarm(_) => &[Resolution::Seen],
                    Self::Concern(concern) => of_concern(concern),
                }
            }

            fn nature(self) -> Nature {
                match self {
                    $(Self::$kind => Nature::$nature,)*
                    // A door tells of each beginning, and of nothing else.
                    Self::Alarm(_) => Nature::Happening,
                    Self::Concern(_) => Nature::State,
                }
            }
        }
    };
}

kinds! {
    /// A customer pays for a membership, and it is not clear whose it is.
    UnmatchedCustomer, "unmatched_customer", State, [Link, NewMember, Seen];
    /// A customer pays for a membership and has one member's mail address; an import links nobody by that alone.
    ProposedLink, "proposed_link", State, [Link, NewMember, Seen];
    /// A customer who is nobody's paid an invoice that looks like a member's.
    UnmatchedPayment, "unmatched_payment", State, [Link, NewMember, Seen];
    /// A customer was linked by its mail address alone.
    ConfirmLink, "confirm_link", Happening, [Confirm, Link, NewMember, Seen];
    /// A member pays and has no card.
    NeedsCard, "needs_card", Happening, [GiveCard, Link, Seen];
    /// A member is to be forgotten, and a subscription cannot be ended.
    CannotForget, "cannot_forget", State, [Seen];
    /// A price looks as if it should name a membership type.
    NearMiss, "near_miss", State, [Map, Seen];
    /// Prices name a membership type that does not exist.
    UnknownType, "unknown_type", State, [MakeType, DefaultType, Seen];
    /// A price in use names another type now.
    CatalogueChange, "catalogue_change", Happening, [Accept, Seen];
    /// A run would have taken access from many.
    MassBrake, "mass_brake", Happening, [Approve, Seen];
    /// A comparison with Stripe would have taken access from many.
    ReconciliationBrake, "reconciliation_brake", Happening, [Approve, Seen];
    /// Old events would have taken access from many.
    LateNews, "late_news", Happening, [Approve];
    /// An event could not be applied.
    PoisonedEvent, "poisoned_event", Happening, [Replay, Seen];
    /// Deliveries come that cannot be verified.
    WebhooksUnverified, "webhooks_unverified", State, [Seen];
    /// Events come without their content, and there is no key to ask with.
    ThinEvents, "thin_events", State, [Seen];
    /// The key does not read the account.
    StripeNotReadable, "stripe_not_readable", State, [Retry, Seen];
    /// The owner of the connected Stripe account took the platform's access away.
    Disconnected, "disconnected", State, [Retry, Seen];
    /// Stripe did not answer about a customer.
    StripeUnreachable, "stripe_unreachable", State, [Retry, Seen];
    /// A card's issuer suspects fraud.
    FraudWarning, "fraud_warning", State, [Seen];
    /// A bank no longer lets the club collect.
    MandateEnded, "mandate_ended", State, [Seen];
    /// A gift card is not redeemed yet.
    GiftCard, "gift_card", State, [Seen];
    /// A door refused a member who may enter.
    PaidButRefused, "paid_but_refused", Happening, [Resend, Seen];
    /// An agent is silent.
    OutOfContact, "out_of_contact", State, [Seen];
    /// An agent reports and sees no heads.
    StreamWithheld, "stream_withheld", State, [Resend, Seen];
    /// A door's list is not safe on its disk.
    ListNotKept, "list_not_kept", State, [Seen];
    /// A door refused messages.
    MessagesRefused, "messages_refused", Happening, [Seen];
    /// An agent could not keep events of its doors.
    EventsLost, "events_lost", Happening, [Seen];
    /// A door holds a newer list than the server.
    DoorAhead, "door_ahead", Happening, [Seen];
    /// The audit log is not the one that was seen before.
    AuditRewritten, "audit_rewritten", State, [Seen];
    /// Two agents claim one identity.
    TwoAgents, "two_agents", Happening, [Revoke, Seen];
    /// A card that was revoked was presented at a door.
    RevokedCard, "revoked_card", Happening, [Seen];
    /// A member's cards passed two doors faster than anybody walks.
    TwoDoors, "two_doors", Happening, [Seen];
    /// Too many wrong PINs were typed after a card.
    PinLocked, "pin_locked", Happening, [Seen];
    /// Letters do not get to their reader.
    MailRefused, "mail_refused", Happening, [Seen];
    /// The mail server takes no letters.
    MailStuck, "mail_stuck", State, [Seen];
}

/// How staff are called to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Whether whoever looks after money is called besides owners and admins.
    pub money: bool,
    /// How long it may mend itself before.
    pub after: Span,
}

/// What cannot wait until somebody looks at the list: whether it is about money, and for how long it may mend itself.
const CALLS: &[(Kind, bool, Span)] = &[
    (Kind::PaidButRefused, false, AT_ONCE),
    (Kind::UnmatchedCustomer, true, AT_ONCE),
    (Kind::UnmatchedPayment, true, AT_ONCE),
    (Kind::MassBrake, true, AT_ONCE),
    (Kind::ReconciliationBrake, true, AT_ONCE),
    (Kind::LateNews, true, AT_ONCE),
    (Kind::WebhooksUnverified, true, MENDS),
    (Kind::StripeNotReadable, true, MENDS),
    (Kind::Disconnected, true, MENDS),
    (Kind::OutOfContact, false, AT_ONCE),
    (Kind::StreamWithheld, false, AT_ONCE),
    (Kind::DoorAhead, false, AT_ONCE),
    (Kind::TwoAgents, false, AT_ONCE),
    (Kind::RevokedCard, false, AT_ONCE),
    (Kind::TwoDoors, false, AT_ONCE),
    (Kind::PinLocked, false, AT_ONCE),
];

const AT_ONCE: Span = Span(0);
const MENDS: Span = Span::minutes(15);

fn of_concern(kind: ConcernKind) -> &'static [Resolution] {
    use Resolution::{Cover, EndGrant, EndNow, Hold, Link, Map, Seen, Uncover};
    match kind {
        ConcernKind::TypeLost => &[Map, Seen],
        ConcernKind::CancelledEarly => &[EndNow, Seen],
        ConcernKind::DuplicateSubscription | ConcernKind::SeatUnnamed => &[Cover, Seen],
        ConcernKind::SeatRemoved => &[Uncover, Seen],
        ConcernKind::Refund | ConcernKind::Dispute | ConcernKind::DisputeLost => &[Hold, Seen],
        ConcernKind::TwoCustomers => &[Link, Seen],
        ConcernKind::GrantedNotActive => &[EndGrant, Seen],
        ConcernKind::UnknownStatus
        | ConcernKind::ActiveWithoutPayment
        | ConcernKind::DisputeInquiry
        | ConcernKind::PaymentEnding
        | ConcernKind::InvoiceStuck => &[Seen],
    }
}

impl Kind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        let alarms = Alarm::ALL.into_iter().map(Self::Alarm);
        let concerns = ConcernKind::ALL.into_iter().map(Self::Concern);
        Self::OWN.iter().copied().chain(alarms).chain(concerns)
    }

    /// The kind of a word; none for one of another version.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::all().find(|kind| kind.word() == word)
    }

    /// How staff are called to it; none: it waits until they look.
    #[must_use]
    pub fn call(self) -> Option<Call> {
        let call = |(_, money, after): &(Self, bool, Span)| Call {
            money: *money,
            after: *after,
        };
        if let Self::Alarm(_) = self {
            return Some(Call {
                money: false,
                after: AT_ONCE,
            });
        }
        CALLS.iter().find(|(kind, ..)| *kind == self).map(call)
    }

    /// Whether it says something only while its cause lasts.
    #[must_use]
    pub fn lasts(self) -> bool {
        self.nature() == Nature::State
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_has_its_word_and_what_resolves_it() {
        let words: BTreeSet<&str> = Kind::all().map(Kind::word).collect();
        assert_eq!(words.len(), Kind::all().count());
        for kind in Kind::all() {
            let word = kind.word();
            assert_eq!(Kind::read(word), Some(kind));
            let steps = kind.resolutions();
            // Events wait behind it, and nothing else tells of them.
            if kind == Kind::LateNews {
                assert_eq!(steps, [Resolution::Approve]);
                continue;
            }
            assert_eq!(steps.last(), Some(&Resolution::Seen), "{word}");
            let seen = steps.iter().filter(|step| **step == Resolution::Seen);
            assert_eq!(seen.count(), 1, "{word}");
        }
        assert_eq!(Kind::read("nothing"), None);
    }

    /// Of these what there is to do lies outside of the server, and the item goes by itself when it is done.
    #[test]
    fn only_what_is_done_elsewhere_has_no_step_of_its_own() {
        let alone: Vec<&str> = Kind::all()
            .filter(|kind| kind.resolutions() == [Resolution::Seen])
            .map(Kind::word)
            .collect();
        let elsewhere = [
            "cannot_forget",
            "webhooks_unverified",
            "thin_events",
            "fraud_warning",
            "mandate_ended",
            "gift_card",
            "out_of_contact",
            "list_not_kept",
            "messages_refused",
            "events_lost",
            "door_ahead",
            "audit_rewritten",
            "revoked_card",
            "two_doors",
            "pin_locked",
            "mail_refused",
            "mail_stuck",
            "forced",
            "held_open",
            "lock_fault",
            "tamper",
            "fire",
            "guessing",
            "exit_stuck",
            "reader_gone",
            "unknown_status",
            "active_without_payment",
            "dispute_inquiry",
            "payment_ending",
            "invoice_stuck",
        ];
        assert_eq!(alone, elsewhere);
    }
}
