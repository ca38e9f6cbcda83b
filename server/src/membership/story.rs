//! A member's story: terms as they were written down, and what Stripe's invoices and payments by hand say of them.

use super::causes::{of_end, of_free};
use crate::money;
use crate::said::{Part, Said};
use crate::store::ledger::{self, PaymentRow};
use crate::store::mirror::{self, Object};
use crate::store::rulebook::Rulebook;
use crate::store::{Result, Tx, terms};
use shared::facts::{Invoice, InvoiceStatus};
use shared::ids::{AccountId, MemberId, MembershipTypeId, PaymentId};
use shared::receipts::{Charge, NO_CURRENCY, Receipt};
use shared::story::{self, Chapter, Mark, Source, Step, Term};
use shared::time::Timestamp;
use std::collections::BTreeSet;

/// What is told of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// Terms, in the order in which they opened.
    pub terms: Vec<Term>,
    /// What happened, in order of time.
    pub chapters: Vec<Chapter>,
}

/// Reads a member's story.
pub async fn read(tx: &mut Tx, member: MemberId, rulebook: &Rulebook) -> Result<Story> {
    let terms = story::terms(terms::written(tx, member).await?);
    let sources: BTreeSet<&Source> = terms.iter().map(|term| &term.source).collect();
    let mut receipts = by_hand(tx, member, rulebook).await?;
    for source in sources {
        if let Source::Subscription(account, id) = source {
            receipts.extend(invoiced(tx, member, (*account, id), rulebook).await?);
        }
    }
    let chapters = story::story(&terms, receipts);
    Ok(Story { terms, chapters })
}

/// What was paid for a subscription, whoever pays it.
async fn invoiced(
    tx: &mut Tx,
    member: MemberId,
    (account, id): (AccountId, &str),
    rulebook: &Rulebook,
) -> Result<Vec<Receipt>> {
    let kept = mirror::find(tx, account, id).await?;
    let Some(Object::Subscription(subscription)) = kept.map(|kept| kept.object) else {
        return Ok(Vec::new());
    };
    let customer = subscription.customer.as_str();
    let payer = mirror::customer(tx, account, customer).await?;
    let own = payer.is_some_and(|payer| payer.member == Some(member.0));
    let objects = mirror::of_customer(tx, account, customer).await?;
    let receipt = |mut invoice: Invoice| {
        for line in &mut invoice.lines {
            let price = line.price.clone();
            line.membership =
                price.and_then(|price| rulebook.prices.get(&(account, price)).cloned());
        }
        Receipt::of_invoice(account, id, &invoice, own)
    };
    let paid = objects.into_iter().filter_map(|kept| match kept.object {
        Object::Invoice(invoice) => {
            let counts = invoice.status == InvoiceStatus::Paid
                && invoice.subscription.as_deref() == Some(id);
            counts.then(|| receipt(invoice))
        }
        Object::Subscription(_) => None,
    });
    Ok(paid.collect())
}

async fn by_hand(tx: &mut Tx, member: MemberId, rulebook: &Rulebook) -> Result<Vec<Receipt>> {
    let organisation = &rulebook.organisation;
    let rows = ledger::payments(tx, organisation, Some(member), i64::MAX, i64::MAX).await?;
    Ok(rows.into_iter().filter_map(of_row).collect())
}

fn of_row(row: PaymentRow) -> Option<Receipt> {
    let membership = MembershipTypeId::new(row.membership?).ok()?;
    let reason = row.void_reason.unwrap_or_default();
    let void = row.voided_at.map(|at| Mark {
        at: Timestamp(at),
        cause: format!("payment {}: {reason}", row.id),
    });
    Some(Receipt::by_hand(
        PaymentId(row.id),
        membership,
        (Timestamp(row.paid_at), Timestamp(row.period_until?)),
        (row.amount, row.currency),
        void,
    ))
}

/// A chapter in one or more sentences; `name` is what people call a type.
#[must_use]
pub fn sentence(chapter: &Chapter, name: impl Fn(&MembershipTypeId) -> String) -> Said {
    let told = match &chapter.step {
        Step::Opened => Said::of("story-opened"),
        Step::Changed(before) => Said::of("story-changed").put("before", name(before)),
        Step::Renewed(until) => Said::of("story-renewed").put("until", *until),
        Step::Paid => Said::of("story-paid"),
        Step::Voided => Said::of("story-voided").put("cause", chapter.cause.as_str()),
        Step::Ended(last) if last.is_lapse(&chapter.source) => {
            Said::of("story-lapsed").put("why", of_end(*last))
        }
        Step::Ended(last) => Said::of("story-ended").put("why", of_end(*last)),
    };
    let told = told.put("type", name(&chapter.membership));
    let charged = chapter.charge.iter().flat_map(charged);
    let sentences = std::iter::once(told.clone()).chain(charged);
    Said::chain("sentences", sentences).unwrap_or(told)
}

fn charged(charge: &Charge) -> Vec<Said> {
    let Charge {
        record,
        amount,
        currency,
        credit_used,
        carried_over,
        free,
        part,
    } = charge;
    let of_record = |said: Said| said.put("record", Part::word(record));
    if currency == NO_CURRENCY {
        return vec![of_record(Said::of("charge-unknown"))];
    }
    let much = |said: Said, amount: i64| said.put("amount", money::in_words(amount, currency));
    let mut told = vec![of_record(match (part, free) {
        (true, _) if *amount < 0 => much(Said::of("charge-off"), amount.saturating_neg()),
        (true, _) => much(Said::of("charge-part"), *amount),
        (false, Some(free)) => Said::of("charge-nothing").put("why", of_free(*free)),
        (false, None) => much(Said::of("charge-all"), *amount),
    })];
    told.extend(match credit_used {
        0 => None,
        1.. => Some(much(Said::of("charge-credit-used"), *credit_used)),
        _ => Some(much(
            Said::of("charge-credit-made"),
            credit_used.saturating_neg(),
        )),
    });
    told.extend(match carried_over {
        0 => None,
        1.. => Some(much(Said::of("charge-left"), *carried_over)),
        _ => Some(much(
            Said::of("charge-left-before"),
            carried_over.saturating_neg(),
        )),
    });
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::receipts::Free;

    fn chapter(step: Step, charge: Option<Charge>) -> Chapter {
        Chapter {
            at: Timestamp(0),
            step,
            membership: MembershipTypeId::new("7").expect("valid"),
            source: Source::Subscription(AccountId(1), "sub_1".to_owned()),
            cause: "evt_1".to_owned(),
            charge,
        }
    }

    fn charge(amount: i64) -> Charge {
        Charge {
            record: "in_1".to_owned(),
            amount,
            currency: "eur".to_owned(),
            credit_used: 0,
            carried_over: 0,
            free: None,
            part: false,
        }
    }

    #[test]
    fn each_chapter_says_what_happened_and_what_was_charged() {
        let before = MembershipTypeId::new("5").expect("valid");
        let partly = Charge {
            credit_used: 3000,
            ..charge(2000)
        };
        let small = Charge {
            free: Some(Free::TooSmall),
            credit_used: 4980,
            carried_over: 20,
            ..charge(0)
        };
        let part = Charge {
            part: true,
            ..charge(-1250)
        };
        let lapse = story::Last::Said(shared::standing::Cause::Grace);
        for (step, charge, text) in [
            (
                Step::Opened,
                Some(partly),
                "Member as type 7. 20.00 EUR were charged (in_1). 30.00 EUR of credit were used.",
            ),
            (
                Step::Renewed(Timestamp(0)),
                Some(small),
                "type 7 was renewed until 1970-01-01T00:00:00Z. Nothing was charged (in_1): It was less than Stripe's \
                 smallest charge and comes with the next invoice. 49.80 EUR of credit were used. 0.20 EUR are left to the \
                 next invoice.",
            ),
            (
                Step::Changed(before),
                Some(part),
                "type 7 instead of type 5. It took 12.50 EUR off in_1.",
            ),
            (
                Step::Ended(lapse),
                None,
                "type 7 lapsed. The renewal failed, and grace was over.",
            ),
            (
                Step::Ended(story::Last::Gone),
                None,
                "type 7 ended. What it rested on was taken away.",
            ),
        ] {
            let name = |membership: &MembershipTypeId| format!("type {membership}");
            assert_eq!(sentence(&chapter(step, charge), name).english(), text);
        }
    }
}
