//! The one thing that a member can do about their standing, and what they can pay: from facts alone.

use shared::facts::{Facts, Invoice, InvoiceStatus};
use shared::standing::missing::Missing;
use shared::time::Timestamp;
use std::collections::BTreeSet;

/// What a member can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayBack {
    /// Nothing has to be done.
    Nothing,
    /// Pay what is open, at Stripe.
    Pay,
    /// See to the card on file, at Stripe.
    CardOnFile,
    /// Stripe collects it soon; nothing can be paid yet.
    Collected,
    /// Whoever pays for the member has to.
    Payer,
    /// Only staff can do it.
    Staff,
    /// It begins by itself then.
    Begins(Timestamp),
}

/// An invoice that can be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenInvoice {
    /// `in_…`
    pub id: String,
    /// `cus_…`
    pub customer: String,
    /// Minor units that are missing.
    pub amount: i64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// When it should have been, or should be, paid, if Stripe says so.
    pub due: Option<Timestamp>,
}

/// What is open for what covers the member, and who has to pay it, oldest first; what was written off only where the way
/// back in leads through it.
#[must_use]
pub fn open_invoices(missing: Option<&Missing>, facts: &Facts) -> Vec<OpenInvoice> {
    let is_missing = matches!(missing, Some(Missing::Paid(_)));
    invoices(facts, |status| match status {
        InvoiceStatus::Open => true,
        InvoiceStatus::Uncollectible => is_missing,
        InvoiceStatus::Draft | InvoiceStatus::Void | InvoiceStatus::Paid => false,
    })
}

fn invoices(facts: &Facts, wanted: impl Fn(InvoiceStatus) -> bool) -> Vec<OpenInvoice> {
    let all = facts.coverage.iter().flat_map(|covered| {
        let customer = &covered.subscription.customer;
        let invoices = covered.invoices.iter();
        invoices.map(move |invoice| (customer, invoice))
    });
    let mut found: Vec<(&String, &Invoice)> =
        all.filter(|(_, invoice)| wanted(invoice.status)).collect();
    found.sort_by_key(|(_, invoice)| (invoice.created, &invoice.id));
    found.dedup_by_key(|(_, invoice)| &invoice.id);
    let found = found.into_iter().map(|(customer, invoice)| OpenInvoice {
        id: invoice.id.clone(),
        customer: customer.clone(),
        amount: invoice
            .total
            .saturating_sub(invoice.amount_paid)
            .saturating_sub(invoice.credit_used)
            .saturating_sub(invoice.carried_over),
        currency: invoice.currency.clone(),
        due: invoice.due_date,
    });
    found.filter(|invoice| invoice.amount > 0).collect()
}

/// What to do; `own` are the customers that are the member's, and that nobody has to look at any more.
#[must_use]
pub fn way_back(missing: Option<&Missing>, facts: &Facts, own: &BTreeSet<String>) -> WayBack {
    let open = open_invoices(missing, facts);
    if open.iter().any(|invoice| own.contains(&invoice.customer)) {
        return WayBack::Pay;
    }
    let pays = |id: Option<&String>| {
        let mut covering = facts.coverage.iter();
        covering.any(|covered| {
            id.is_none_or(|id| covered.subscription.id == *id)
                && own.contains(&covered.subscription.customer)
        })
    };
    let drafted = || !invoices(facts, |status| status == InvoiceStatus::Draft).is_empty();
    match missing {
        None => WayBack::Nothing,
        Some(Missing::Begun(from)) => WayBack::Begins(*from),
        Some(Missing::Paid(_) | Missing::FirstPayment) if !pays(None) => WayBack::Payer,
        Some(Missing::Paid(_) | Missing::FirstPayment) if drafted() => WayBack::Collected,
        Some(Missing::Paid(_)) => WayBack::CardOnFile,
        Some(Missing::Resumed(id)) if pays(Some(id)) => WayBack::CardOnFile,
        Some(Missing::FirstPayment) => WayBack::Collected,
        Some(
            Missing::Lifted(_)
            | Missing::Named(_)
            | Missing::Seated(_)
            | Missing::Resumed(_)
            | Missing::Renewed
            | Missing::AnyFact,
        ) => WayBack::Staff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A subscription of a customer with one invoice in this state.
    fn facts(customer: &str, status: &str) -> Facts {
        let subscription = json!({"id": "sub_1", "customer": customer, "status": "past_due", "created": 0, "items": []});
        let invoice = json!({"id": "in_1", "subscription": "sub_1", "customer": customer, "status": status,
            "reason": "subscription_cycle", "total": 3000, "amount_paid": 500, "currency": "eur", "created": 0, "lines": []});
        let covered = json!({"account": 1, "item": "si_1", "seat": 1, "place": 1, "subscription": subscription,
            "invoices": [invoice]});
        let facts =
            json!({"coverage": [covered, covered], "payments": [], "grants": [], "holds": []});
        serde_json::from_value(facts).expect("facts")
    }

    #[test]
    fn what_is_open_is_paid_by_whoever_has_to() {
        let own = BTreeSet::from(["cus_1".to_owned()]);
        let paid = Missing::Paid(Vec::new());
        let way = |facts: &Facts| way_back(Some(&paid), facts, &own);
        assert_eq!(way(&facts("cus_1", "open")), WayBack::Pay);
        assert_eq!(way(&facts("cus_1", "uncollectible")), WayBack::Pay);
        assert_eq!(way(&facts("cus_1", "draft")), WayBack::Collected);
        assert_eq!(way(&facts("cus_1", "void")), WayBack::CardOnFile);
        assert_eq!(way(&facts("cus_2", "open")), WayBack::Payer);
        let written_off = facts("cus_1", "uncollectible");
        assert_eq!(way_back(None, &written_off, &own), WayBack::Nothing);
        let open = open_invoices(None, &facts("cus_1", "open"));
        assert_eq!(open.len(), 1, "two seats, one invoice");
        assert_eq!((open[0].amount, &*open[0].currency), (2500, "eur"));
    }

    #[test]
    fn what_only_staff_can_do_is_theirs() {
        let own = BTreeSet::from(["cus_1".to_owned()]);
        let facts = facts("cus_1", "paid");
        let held = Missing::Lifted(shared::ids::HoldId(1));
        assert_eq!(way_back(Some(&held), &facts, &own), WayBack::Staff);
        assert_eq!(way_back(None, &facts, &own), WayBack::Nothing);
        let begins = Missing::Begun(Timestamp(5));
        assert_eq!(
            way_back(Some(&begins), &facts, &own),
            WayBack::Begins(Timestamp(5))
        );
        let resumed = Missing::Resumed("sub_1".to_owned());
        assert_eq!(way_back(Some(&resumed), &facts, &own), WayBack::CardOnFile);
        assert_eq!(
            way_back(Some(&resumed), &facts, &BTreeSet::new()),
            WayBack::Staff
        );
    }
}
