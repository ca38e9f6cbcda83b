//! Deliveries that are not believed although they may be Stripe's: staff are told why.

use super::receive::ReceiveError;
use super::signature::SignatureError;
use crate::app::{App, Step};
use crate::attention::Kind;
use crate::said::Said;
use crate::store::attention::{Item, settle};
use shared::time::{Span, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Whoever knocks could be anybody: staff are told of a doubt so often at most, not as often as they knock.
const TELL_EVERY: Span = Span::hours(1);

/// What a refused delivery says of this server rather than of its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Doubt {
    NoSecret,
    OtherSecret,
    Clock,
}

impl Doubt {
    fn of(error: &ReceiveError) -> Option<Self> {
        match error {
            ReceiveError::NoSecret => Some(Self::NoSecret),
            ReceiveError::Signature(SignatureError::Wrong) => Some(Self::OtherSecret),
            ReceiveError::Signature(
                SignatureError::TooOld { .. } | SignatureError::InFuture { .. },
            ) => Some(Self::Clock),
            ReceiveError::Signature(
                SignatureError::NoHeader | SignatureError::Malformed(_) | SignatureError::NoV1,
            )
            | ReceiveError::TooLarge
            | ReceiveError::Body(_)
            | ReceiveError::Store(_)
            | ReceiveError::Closed => None,
        }
    }

    fn subject(self) -> &'static str {
        match self {
            Self::NoSecret => "webhooks",
            Self::OtherSecret => "signature",
            Self::Clock => "clock",
        }
    }

    fn item(self) -> Item<'static> {
        let (sentence, remedy) = match self {
            Self::NoSecret => (
                Said::of("attention-webhooks-unverified"),
                Said::of("remedy-webhooks-unverified"),
            ),
            Self::OtherSecret => (
                Said::of("attention-webhooks-unverified-other"),
                Said::of("remedy-webhooks-unverified-other"),
            ),
            Self::Clock => (
                Said::of("attention-webhooks-unverified-clock"),
                Said::of("remedy-webhooks-unverified-clock"),
            ),
        };
        Item {
            kind: Kind::WebhooksUnverified,
            subject: self.subject(),
            sentence,
            remedy,
            member: None,
        }
    }
}

/// What staff were told of deliveries that are not believed.
#[derive(Debug)]
pub struct Doubts(Mutex<Told>);

#[derive(Debug)]
struct Told {
    at: BTreeMap<Doubt, Timestamp>,
    /// Something of it may be on their list.
    open: bool,
}

impl Default for Doubts {
    /// What was told before the start may be on the list still.
    fn default() -> Self {
        Self(Mutex::new(Told {
            at: BTreeMap::new(),
            open: true,
        }))
    }
}

impl Doubts {
    /// A delivery was refused: tells staff if it may be for a reason that lies here.
    pub async fn refused(&self, app: &App, error: &ReceiveError, now: Timestamp) -> Step<()> {
        if let Some(doubt) = Doubt::of(error)
            && self.may_tell(doubt, now)
        {
            app.raise(doubt.item(), now).await?;
        }
        Ok(())
    }

    /// A delivery was believed: neither secret nor clock is wrong any more. That there is a secret was told at the start.
    pub async fn believed(&self, app: &App, now: Timestamp) -> Step<()> {
        if !self.set_open(false) {
            return Ok(());
        }
        let settled = Self::settle(app, now).await;
        if settled.is_err() {
            self.set_open(true);
        }
        settled
    }

    async fn settle(app: &App, now: Timestamp) -> Step<()> {
        let mut tx = app.store.begin().await?;
        for doubt in [Doubt::OtherSecret, Doubt::Clock] {
            let kind = Kind::WebhooksUnverified;
            settle(&mut tx, &app.organisation, kind, doubt.subject(), now).await?;
        }
        tx.commit().await
    }

    fn may_tell(&self, doubt: Doubt, now: Timestamp) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Either way: a clock that was wrong is set back, too.
        let before = told.at.get(&doubt);
        let may = before.is_none_or(|at| (now - *at).0.abs() >= TELL_EVERY.0);
        if may {
            told.at.insert(doubt, now);
            told.open = true;
        }
        may
    }

    /// What it was before.
    fn set_open(&self, open: bool) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut told.open, open)
    }
}
