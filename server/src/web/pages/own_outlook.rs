//! What a member's own pages rest on: standing, the one thing to do, what is open, and who may see to it.

use crate::membership::way_back::{OpenInvoice, WayBack, open_invoices, way_back};
use crate::store::Tx;
use crate::store::payers::{self, Whose};
use crate::store::records::{self, Known};
use crate::web::own::Own;
use crate::web::problem::{Answer, Problem};
use shared::standing::missing::missing;
use shared::standing::{Standing, outlook};
use std::collections::BTreeSet;

/// What is known of the member's standing and of what can be done about it.
pub struct Outlook {
    pub standing: Standing,
    pub way: WayBack,
    /// What is open, oldest first, as far as the member has to pay it.
    pub open: Vec<OpenInvoice>,
    /// The member's own customers at Stripe that nobody has to look at any more.
    pub payers: BTreeSet<String>,
    /// Running subscriptions of those customers, each with its customer.
    pub subscriptions: Vec<(String, String)>,
    /// What these subscriptions are for now.
    pub prices: BTreeSet<String>,
}

/// Derives it from the facts as they are now.
pub async fn look_out(own: &Own, tx: &mut Tx) -> Answer<Outlook> {
    let (app, member, now) = (&own.app, own.member, own.now());
    let known = records::facts_at(tx, &app.organisation, member, now).await?;
    let Known { facts, rules, .. } = known.ok_or_else(Problem::signed_out)?;
    let standing = outlook(&facts, &rules, now).standing;
    let missing = missing(&standing, &facts, &rules);
    let whose = Whose::Of(member);
    let customers = payers::customers(tx, app.account, whose, "", i64::MAX).await?;
    // Whom only a mail address links may be somebody else's (design: no payment page until it is confirmed).
    let confirmed = customers.into_iter().filter(|payer| payer.confirmed != 0);
    let payers: BTreeSet<String> = confirmed.map(|payer| payer.id).collect();
    let mut open = open_invoices(missing.as_ref(), &facts);
    open.retain(|invoice| payers.contains(&invoice.customer));
    let running = facts.coverage.iter().map(|covered| &covered.subscription);
    let running = running
        .filter(|running| !running.status.is_terminal() && payers.contains(&running.customer));
    let prices = running.clone().flat_map(|running| &running.items);
    let prices = prices.map(|item| item.price.clone()).collect();
    let named = running.map(|running| (running.id.clone(), running.customer.clone()));
    let subscriptions: BTreeSet<(String, String)> = named.collect();
    Ok(Outlook {
        way: way_back(missing.as_ref(), &facts, &payers),
        standing,
        open,
        payers,
        subscriptions: subscriptions.into_iter().collect(),
        prices,
    })
}
