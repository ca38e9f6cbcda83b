//! What Stripe's objects say of a member's coverage.

use super::mirror::Object;
use super::rulebook::Rulebook;
use super::{Result, StoreError, json};
use shared::facts::{Coverage, Invoice, Subscription};
use shared::ids::{AccountId, MemberId};
use std::collections::BTreeMap;

/// Seats that admins gave: account, item and seat, and whom it covers.
pub(super) type Seats = BTreeMap<(i64, String, i64), i64>;

/// Objects that matter to a member, each once.
#[derive(Default)]
pub(super) struct Objects {
    subscriptions: BTreeMap<(AccountId, String), Owned>,
    invoices: BTreeMap<(AccountId, String), Invoice>,
}

/// A subscription with the member whose customer pays for it, and whether Stripe could not be read for that customer.
struct Owned {
    subscription: Subscription,
    owner: Option<i64>,
    unread: bool,
}

impl Objects {
    /// Adds an object as it is kept, with its customer's member and since when Stripe could not be read.
    pub fn add(
        &mut self,
        account: AccountId,
        id: &str,
        kind: &str,
        body: &str,
        (owner, unread_since): (Option<i64>, Option<i64>),
    ) -> Result<()> {
        let key = (account, id.to_owned());
        match read(kind, body, id)? {
            Object::Subscription(subscription) => {
                let unread = unread_since.is_some();
                self.subscriptions.insert(
                    key,
                    Owned {
                        subscription,
                        owner,
                        unread,
                    },
                );
            }
            Object::Invoice(invoice) => {
                self.invoices.insert(key, invoice);
            }
        }
        Ok(())
    }

    /// The seats that cover a member, each with what was invoiced for its subscription.
    pub fn coverage(self, member: MemberId, named: &Seats, rulebook: &Rulebook) -> Vec<Coverage> {
        let membership = |account: AccountId, price: &String| {
            rulebook.prices.get(&(account, price.clone())).cloned()
        };
        let mut invoices: BTreeMap<(AccountId, String), Vec<Invoice>> = BTreeMap::new();
        for ((account, _), mut invoice) in self.invoices {
            for line in &mut invoice.lines {
                line.membership = line
                    .price
                    .as_ref()
                    .and_then(|price| membership(account, price));
            }
            if let Some(subscription) = invoice.subscription.clone() {
                let of = invoices.entry((account, subscription)).or_default();
                of.push(invoice);
            }
        }
        let mut covered = Vec::new();
        for (key, owned) in self.subscriptions {
            let Owned {
                mut subscription,
                owner,
                unread,
            } = owned;
            let account = key.0;
            for item in &mut subscription.items {
                item.membership = membership(account, &item.price);
            }
            let invoices = invoices.remove(&key).unwrap_or_default();
            for item in &subscription.items {
                for seat in seats(named, (account, &item.id), member, owner) {
                    covered.push(Coverage {
                        account,
                        item: item.id.clone(),
                        seat,
                        unread,
                        subscription: subscription.clone(),
                        invoices: invoices.clone(),
                    });
                }
            }
        }
        covered.sort_by(|a, b| {
            (&a.subscription.id, &a.item, a.seat).cmp(&(&b.subscription.id, &b.item, b.seat))
        });
        covered
    }
}

/// Seat 1 covers the customer's own member unless an admin pointed it elsewhere; further seats cover whom they name.
fn seats(
    named: &Seats,
    (account, item): (AccountId, &str),
    member: MemberId,
    owner: Option<i64>,
) -> Vec<u32> {
    let first = (account.0, item.to_owned(), 1);
    let own = owner == Some(member.0) && !named.contains_key(&first);
    let given = named
        .range(first..=(account.0, item.to_owned(), i64::MAX))
        .filter(|(_, covered)| **covered == member.0)
        .filter_map(|((_, _, seat), _)| u32::try_from(*seat).ok());
    own.then_some(1).into_iter().chain(given).collect()
}

fn read(kind: &str, body: &str, id: &str) -> Result<Object> {
    match kind {
        "subscription" => Ok(Object::Subscription(json(body, "objects", "body", id)?)),
        "invoice" => Ok(Object::Invoice(json(body, "objects", "body", id)?)),
        _ => Err(StoreError::Row {
            table: "objects",
            row: id.to_owned(),
            column: "kind",
        }),
    }
}
