//! What one seat of a subscription item gives: the table of standings by Stripe's states.

use super::{Access, Because, Cause, LOOK_AHEAD};
use crate::facts::{
    Cancellation, Collection, Coverage, Invoice, InvoiceStatus, Item, Line, Pause, Rules,
    Subscription, SubscriptionStatus, TypePolicy, Unread,
};
use crate::ids::MembershipTypeId;
use crate::receipts::Occasion;
use crate::reversals::{DisputeState, Reversal};
use crate::time::{Span, Timestamp};
use std::cmp::Reverse;

/// A lapse by the clock waits so long for an answer from Stripe.
const UNREAD_WAIT: Span = Span::days(7);

/// Stripe says *active* before it says what was paid: so long the invoice is waited for.
const FIRST_NEWS: Span = Span::minutes(10);

/// A window's end and what sets it.
struct End {
    from: Option<Timestamp>,
    until: Timestamp,
    certain: bool,
    cause: Cause,
}

impl End {
    fn certain(until: Timestamp, cause: Cause) -> Self {
        Self {
            from: None,
            until,
            certain: true,
            cause,
        }
    }

    fn open(until: Timestamp, cause: Cause) -> Self {
        Self {
            from: None,
            until,
            certain: false,
            cause,
        }
    }
}

/// What one coverage gives; none for what never was a membership or never was paid.
pub(super) fn access(coverage: &Coverage, rules: &Rules) -> Option<Access> {
    let subscription = &coverage.subscription;
    let item = coverage.of_item()?;
    let view = View::of(coverage, item);
    let (membership, lost) = view.membership(rules)?;
    let policy = rules.types.get(&membership)?;
    let mut end = view.end(rules, policy)?;
    if let Some(paid_until) = lost {
        end = End::certain(paid_until.min(end.until), Cause::TypeLost);
    }
    if coverage.place > item.quantity {
        let paid_until = view.seat_paid_until(coverage)?;
        end = End::certain(paid_until.min(end.until), Cause::SeatRemoved);
    }
    if let Some(at) = view.reversed_at(policy).filter(|at| *at < end.until) {
        end = End::certain(at, Cause::Reversed);
    }
    if let Some(unread) = coverage.unread.filter(|_| !end.certain) {
        end.until = unread_until(end.until, unread);
    }
    let because = Because::Subscription {
        account: coverage.account,
        id: subscription.id.clone(),
        cause: end.cause,
    };
    Some(Access {
        membership,
        from: end.from,
        until: Some(end.until),
        certain: end.certain,
        because,
    })
}

/// An end that Stripe was asked about an hour before stands; one that it was not asked about waits for an answer.
fn unread_until(end: Timestamp, unread: Unread) -> Timestamp {
    match unread.read_at {
        Some(read_at) if end <= read_at + LOOK_AHEAD => end,
        Some(_) => end.max(unread.since) + UNREAD_WAIT,
        None => end + UNREAD_WAIT,
    }
}

/// Whether a first payment is still on its way.
pub(super) fn is_pending(coverage: &Coverage) -> bool {
    matches!(
        coverage.subscription.status,
        SubscriptionStatus::Incomplete | SubscriptionStatus::Active
    )
}

/// What paid invoices gave back of earlier periods: when a membership was bought in its place, or nothing. Whoever was
/// moved to a plan that is no membership keeps what was paid.
fn credits(invoices: &[Invoice]) -> Vec<Credit<'_>> {
    let paid = invoices
        .iter()
        .filter(|invoice| invoice.status == InvoiceStatus::Paid);
    let given = paid.flat_map(|invoice| {
        let lines = invoice.lines.iter().filter(|line| is_credit(line));
        lines.map(move |line| (invoice, line))
    });
    let mut given: Vec<(&Invoice, &Line)> = given.collect();
    // What was bought in its place may have been given back later.
    given.sort_by_key(|(_, line)| Reverse(line.from));
    given
        .iter()
        .fold(Vec::new(), |mut credits, (invoice, line)| {
            credits.extend(credit(invoice, line, &credits));
            credits
        })
}

fn credit<'a>(invoice: &'a Invoice, line: &'a Line, later: &[Credit]) -> Option<Credit<'a>> {
    let instead = || {
        let bought = |other: &&Line| !is_credit(other) && other.from == line.from;
        invoice.lines.iter().filter(bought)
    };
    let kept = instead().next().is_some() && instead().all(|other| other.membership.is_none());
    let reached = instead().map(|other| bought_until(other, later)).max();
    (!kept).then(|| Credit {
        price: line.price.as_ref(),
        from: line.from,
        to: line.to,
        until: reached.unwrap_or(line.from),
    })
}

/// Until when a line that was paid counts: to its end, or to the end of what its rest was given back for.
fn bought_until(line: &Line, credits: &[Credit]) -> Timestamp {
    let given_back = credits.iter().filter(|credit| credit.is_of(line));
    given_back
        .map(|credit| credit.until)
        .min()
        .unwrap_or(line.to)
}

/// Credit for the unused part of an old plan.
fn is_credit(line: &Line) -> bool {
    line.proration && line.amount < 0
}

/// Lines of paid invoices that were paid with credit for lines that nobody had paid, or that were paid so themselves.
fn unfunded(invoices: &[Invoice]) -> Vec<&Line> {
    let paid = invoices
        .iter()
        .filter(|invoice| invoice.status == InvoiceStatus::Paid);
    let rests = paid.flat_map(|invoice| {
        let rests = invoice.lines.iter();
        let rests = rests.filter(|line| line.proration && !is_credit(line));
        rests.map(move |line| (invoice, line))
    });
    let mut doubted: Vec<(&Invoice, &Line)> = rests.collect();
    // Whatever is left in the end hangs on what nobody paid, or on itself.
    loop {
        let mut left = doubted.clone();
        left.retain(|(invoice, line)| is_unfunded(invoice, line, invoices, &doubted));
        if left.len() == doubted.len() {
            return left.into_iter().map(|(_, line)| line).collect();
        }
        doubted = left;
    }
}

/// Whether a line's invoice gives back, for it, what other lines show and none of them was paid for, but with what is in
/// doubt.
fn is_unfunded(
    invoice: &Invoice,
    line: &Line,
    invoices: &[Invoice],
    doubted: &[(&Invoice, &Line)],
) -> bool {
    let in_doubt = |line: &Line| doubted.iter().any(|(_, other)| std::ptr::eq(*other, line));
    let credits = invoice.lines.iter();
    let mut credits = credits.filter(|other| is_credit(other) && other.from == line.from);
    credits.any(|credit| {
        let billed = billed_for(credit, line, invoices);
        let mut paid = billed
            .iter()
            .filter(|(other, billed)| other.status == InvoiceStatus::Paid && !in_doubt(billed));
        !billed.is_empty() && paid.next().is_none()
    })
}

/// The lines that billed what a credit gives back, but for the one that it pays. A plan that came without an invoice was
/// billed under the price before it.
fn billed_for<'a>(
    credit: &Line,
    paying: &Line,
    invoices: &'a [Invoice],
) -> Vec<(&'a Invoice, &'a Line)> {
    let lines = invoices
        .iter()
        .flat_map(|invoice| invoice.lines.iter().map(move |line| (invoice, line)));
    let mut billed: Vec<(&Invoice, &Line)> = lines
        .filter(|(_, line)| !std::ptr::eq(*line, paying) && is_for_part_of(credit, line))
        .collect();
    if billed.iter().any(|(_, line)| line.price == credit.price) {
        billed.retain(|(_, line)| line.price == credit.price);
    }
    billed
}

/// Whether what a credit is for lies within what a line was for.
fn is_for_part_of(credit: &Line, line: &Line) -> bool {
    !is_credit(line) && line.from <= credit.from && line.to >= credit.to
}

/// An item of a subscription with its invoices, read once.
struct View<'a> {
    subscription: &'a Subscription,
    item: &'a Item,
    invoices: &'a [Invoice],
    /// What was given back of paid periods, as credit.
    credits: Vec<Credit<'a>>,
    /// What was bought with credit for what nobody had paid.
    unfunded: Vec<&'a Line>,
    /// End of the latest period whose invoice is paid; a zero total counts.
    paid_until: Option<Timestamp>,
}

/// The unused rest of a period of a price, given back.
struct Credit<'a> {
    price: Option<&'a String>,
    from: Timestamp,
    to: Timestamp,
    /// To where what was bought in its place reaches.
    until: Timestamp,
}

impl Credit<'_> {
    /// Whether it gives back the rest of what a line was for.
    fn is_of(&self, line: &Line) -> bool {
        line.price.as_ref() == self.price && line.to == self.to && line.from < self.from
    }
}

impl<'a> View<'a> {
    fn of(coverage: &'a Coverage, item: &'a Item) -> Self {
        let mut view = Self {
            subscription: &coverage.subscription,
            item,
            invoices: &coverage.invoices,
            credits: credits(&coverage.invoices),
            unfunded: unfunded(&coverage.invoices),
            paid_until: None,
        };
        view.paid_until = view
            .paid_lines()
            .map(|(_, line)| view.bought_until(line))
            .max();
        view
    }

    fn bought_until(&self, line: &Line) -> Timestamp {
        bought_until(line, &self.credits)
    }

    /// Lines of this item; a subscription whose item was replaced is read as a whole.
    fn lines(
        &self,
        wanted: impl Fn(&Invoice) -> bool + 'a,
    ) -> impl Iterator<Item = (&'a Invoice, &'a Line)> {
        let own = self.invoices.iter().any(|invoice| {
            invoice.status == InvoiceStatus::Paid
                && invoice
                    .lines
                    .iter()
                    .any(|line| line.item.as_ref() == Some(&self.item.id))
        });
        let (item, price) = (&self.item.id, &self.item.price);
        self.invoices
            .iter()
            .filter(move |invoice| wanted(invoice))
            .flat_map(|invoice| invoice.lines.iter().map(move |line| (invoice, line)))
            .filter(move |(_, line)| match &line.item {
                Some(other) => !own || other == item,
                // A line for the rest of a period after a change names no item.
                None => !own || line.price.as_ref() == Some(price),
            })
            // That is no period that was bought.
            .filter(|(_, line)| !is_credit(line))
            .filter(|(_, line)| line.item.is_some() || line.price.is_some())
    }

    fn paid_lines(&self) -> impl Iterator<Item = (&'a Invoice, &'a Line)> {
        self.lines(|invoice| invoice.status == InvoiceStatus::Paid)
            .filter(|(_, line)| {
                !self
                    .unfunded
                    .iter()
                    .any(|other| std::ptr::eq(*other, *line))
            })
    }

    /// End of the latest paid period that was not given back.
    fn kept_until(&self) -> Option<Timestamp> {
        self.paid_lines()
            .filter(|(invoice, _)| !invoice.is_reversed())
            .map(|(_, line)| self.bought_until(line))
            .max()
    }

    /// When the payment of the latest period went back, if the type's policy ends access then.
    fn reversed_at(&self, policy: &TypePolicy) -> Option<Timestamp> {
        let (invoice, _) = self
            .paid_lines()
            .max_by_key(|(invoice, line)| (self.bought_until(line), invoice.created))?;
        let Reversal {
            refunded_at,
            dispute,
        } = invoice.reversal;
        let disputed_at = dispute
            .filter(|(state, _)| *state != DisputeState::Inquiry)
            .map(|(_, at)| at);
        let refunded_at = refunded_at.filter(|_| policy.refund_revokes);
        let disputed_at = disputed_at.filter(|_| policy.dispute_revokes);
        [refunded_at, disputed_at].into_iter().flatten().min()
    }

    /// End of the last period in which there were as many seats, as invoices or the naming of this one show.
    fn seat_paid_until(&self, coverage: &Coverage) -> Option<Timestamp> {
        let named_in = |from, to| {
            let named_at = coverage.named_at;
            named_at.is_some_and(|named_at| from <= named_at && named_at < to)
        };
        let running = (self.item.period_start, self.item.period_end);
        let running = Some(running.1).filter(|_| named_in(running.0, running.1));
        self.paid_lines()
            .filter(|(_, line)| line.quantity >= coverage.place || named_in(line.from, line.to))
            .map(|(_, line)| self.bought_until(line))
            .max()
            .max(running)
    }

    /// Start of the first period that is owed; retries never move it.
    fn owed_since(&self) -> Timestamp {
        let paid = self.paid_until.unwrap_or(Timestamp::MIN);
        self.lines(|invoice| invoice.status != InvoiceStatus::Paid && !invoice.is_given_up())
            .filter(|(_, line)| !line.proration && line.from >= paid)
            .map(|(_, line)| line.from)
            .min()
            .unwrap_or(self.item.period_start)
    }

    /// The type that counts; and, if the plan has lost its tag, until when that type was paid.
    fn membership(&self, rules: &Rules) -> Option<(MembershipTypeId, Option<Timestamp>)> {
        let last_paid = || {
            let (_, line) = self
                .paid_lines()
                .filter(|(_, line)| line.membership.is_some())
                .max_by_key(|(invoice, line)| {
                    (self.bought_until(line), line.from, invoice.created)
                })?;
            Some((line.membership.clone()?, self.bought_until(line)))
        };
        let Some(current) = &self.item.membership else {
            let (before, paid_until) = last_paid()?;
            return Some((before, Some(paid_until)));
        };
        if self.change_is_unpaid()
            && let Some((before, _)) = last_paid()
            && rules
                .types
                .get(current)
                .is_none_or(|policy| policy.upgrade_needs_payment)
        {
            return Some((before, None));
        }
        Some((current.clone(), None))
    }

    /// A plan change made its own invoice, and that is not paid.
    fn change_is_unpaid(&self) -> bool {
        let price = Some(&self.item.price);
        self.lines(|invoice| {
            invoice.reason == "subscription_update" && invoice.status != InvoiceStatus::Paid
        })
        .filter(|(invoice, _)| invoice.status != InvoiceStatus::Void)
        .any(|(invoice, line)| {
            line.price.as_ref() == price
                && !self.paid_lines().any(|(paid, other)| {
                    other.price.as_ref() == price && paid.created >= invoice.created
                })
        })
    }

    fn end(&self, rules: &Rules, policy: &TypePolicy) -> Option<End> {
        let settle = |moment: Timestamp| rules.calendar.working_noon(moment);
        match &self.subscription.status {
            SubscriptionStatus::Incomplete | SubscriptionStatus::IncompleteExpired => None,
            SubscriptionStatus::Trialing if !policy.trial_access => None,
            SubscriptionStatus::Trialing => {
                let trial_end = self.subscription.trial_end.unwrap_or(self.item.period_end);
                Some(self.scheduled(End::open(settle(trial_end + policy.slack), Cause::Trial)))
            }
            SubscriptionStatus::Active => Some(self.scheduled(self.active(rules, policy)?)),
            SubscriptionStatus::PastDue => Some(self.scheduled(self.past_due(rules, policy)?)),
            // What was paid stays paid: a change of the plan that nobody paid takes no year away.
            SubscriptionStatus::Unpaid => Some(End::certain(
                self.paid_until.unwrap_or_else(|| self.owed_since()),
                Cause::Unpaid,
            )),
            SubscriptionStatus::Paused => self.paused(rules, policy),
            // What was never paid grants nothing, not even in hindsight.
            SubscriptionStatus::Canceled => self.paid_until.map(|_| self.cancelled()),
            SubscriptionStatus::Other(_) => Some(End::open(
                settle(self.paid_until? + policy.slack),
                Cause::UnknownStatus,
            )),
        }
    }

    fn active(&self, rules: &Rules, policy: &TypePolicy) -> Option<End> {
        let settle = |moment: Timestamp| rules.calendar.working_noon(moment);
        let served = End::open(settle(self.item.period_end + policy.slack), Cause::Paid);
        match self.subscription.pause {
            Some(Pause::Void) => return Some(End::certain(self.paid_until?, Cause::Paused)),
            Some(Pause::KeepAsDraft | Pause::MarkUncollectible) => return Some(served),
            None => {}
        }
        let Some(paid_until) = self.paid_until else {
            return self.first_payment(rules, policy);
        };
        if paid_until >= self.item.period_end {
            return Some(served);
        }
        if self.is_forgiven() {
            return Some(End {
                cause: Cause::Forgiven,
                ..served
            });
        }
        let grace_end = settle(self.due().unwrap_or_else(|| self.owed_since()) + policy.grace);
        Some(End::open(
            self.item.period_end.min(grace_end),
            Cause::Renewing,
        ))
    }

    /// When the first open invoice is due that is mailed and not charged.
    fn due(&self) -> Option<Timestamp> {
        let mailed = self.subscription.collection == Collection::SendInvoice;
        let open = self.invoices.iter();
        let open = open.filter(|invoice| mailed && invoice.status == InvoiceStatus::Open);
        open.filter_map(|invoice| invoice.due_date).min()
    }

    /// Nothing was paid yet: a mailed first invoice gives access to its due date, a payment on its way gives none.
    fn first_payment(&self, rules: &Rules, policy: &TypePolicy) -> Option<End> {
        let first = self
            .invoices
            .iter()
            .min_by_key(|invoice| (invoice.created, &invoice.id));
        match (first, self.subscription.collection) {
            (Some(invoice), Collection::SendInvoice)
                if matches!(invoice.status, InvoiceStatus::Draft | InvoiceStatus::Open) =>
            {
                Some(End::certain(
                    invoice.due_date.unwrap_or(self.item.period_end),
                    Cause::FirstInvoice,
                ))
            }
            // A bank is asked for days; what was withdrawn or written off was never paid.
            (Some(_), _) => None,
            // Whoever tells us nothing of invoices at all has Stripe's word that it runs, and that has to do.
            (None, _) => {
                let grace_end = rules
                    .calendar
                    .working_noon(self.item.period_start + policy.grace);
                Some(End {
                    from: Some(self.subscription.created + FIRST_NEWS),
                    ..End::open(self.item.period_end.min(grace_end), Cause::Renewing)
                })
            }
        }
    }

    /// The running period's invoice was voided, written off or put aside, and Stripe keeps the subscription running.
    fn is_forgiven(&self) -> bool {
        let from = self.item.period_start;
        self.lines(Invoice::is_given_up)
            .any(|(_, line)| !line.proration && line.from >= from)
    }

    fn past_due(&self, rules: &Rules, policy: &TypePolicy) -> Option<End> {
        // A bank sends a first debit back days later: who never paid has nothing to be gracious about.
        let first_failed = self.paid_until.is_none()
            && self.subscription.collection == Collection::Automatic
            && self
                .invoices
                .iter()
                .any(|invoice| self.began_with(invoice) && invoice.status != InvoiceStatus::Paid);
        if first_failed {
            return None;
        }
        let settle = |moment: Timestamp| rules.calendar.working_noon(moment);
        let grace_end = match (self.due(), self.paid_until) {
            (Some(due), None) => return Some(End::certain(due, Cause::FirstInvoice)),
            (Some(due), Some(_)) => settle(due + policy.grace),
            (None, _) => settle(self.owed_since() + policy.grace),
        };
        let until = self
            .paid_until
            .map_or(grace_end, |paid| paid.max(grace_end));
        Some(End::open(until, Cause::Grace))
    }

    /// Whether an invoice is the subscription's first.
    fn began_with(&self, invoice: &Invoice) -> bool {
        match invoice.occasion() {
            Occasion::First => true,
            // Until 2018 no invoice said that it was.
            Occasion::Renewal => {
                let mut lines = invoice.lines.iter();
                lines.any(|line| !line.proration && line.from <= self.subscription.created)
            }
            Occasion::Change | Occasion::Other => false,
        }
    }

    fn paused(&self, rules: &Rules, policy: &TypePolicy) -> Option<End> {
        match self.subscription.paused_because.as_deref() {
            Some("first_payment_failure") => self.past_due(rules, policy),
            Some(_) | None => Some(End::certain(self.item.period_start, Cause::Paused)),
        }
    }

    /// An end set beforehand holds to the second.
    fn scheduled(&self, natural: End) -> End {
        match self.subscription.set_end_of(self.item) {
            Some(at) if at <= natural.until => End::certain(at, Cause::Ending),
            Some(_) | None => natural,
        }
    }

    fn cancelled(&self) -> End {
        let ended = self.subscription.ended_at.unwrap_or(self.item.period_start);
        let until = match self.subscription.cancellation {
            Some(Cancellation::PaymentFailed | Cancellation::PaymentDisputed) => ended,
            Some(Cancellation::Requested) | None => {
                let kept = self.kept_until().map_or(ended, |paid| paid.max(ended));
                // An end that was set beforehand holds, also if somebody was quicker.
                let set = self.subscription.set_end_of(self.item);
                set.map_or(kept, |set| kept.min(set.max(ended)))
            }
        };
        End::certain(until, Cause::Cancelled)
    }
}
