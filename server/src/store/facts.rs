//! What Stripe's objects say of a member's coverage.

use super::journal::{FactSet, Prices};
use super::mirror::Object;
use super::{Result, StoreError, json};
use shared::facts::{Coverage, Invoice, Item, OpenSeats, Subscription, Unread};
use shared::ids::{AccountId, MemberId};
use shared::reversals::{Returned, reversal};
use shared::seats::{NamedSeat, place};
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// Seats that admins gave: account, item and seat; whom it covers, and since when as far as that is on record.
pub(super) type Seats = BTreeMap<(i64, String, i64), (i64, Option<i64>)>;

/// Objects that matter to a member, each once.
#[derive(Default)]
pub(super) struct Objects {
    subscriptions: BTreeMap<(AccountId, String), Owned>,
    invoices: BTreeMap<(AccountId, String), Invoice>,
    /// Money that went back, by invoice and record.
    returned: BTreeMap<(AccountId, String), BTreeMap<String, Returned>>,
}

/// A subscription with the member whose customer pays for it, and how long Stripe could not be read for that customer.
struct Owned {
    subscription: Subscription,
    owner: Option<i64>,
    unread: Option<Unread>,
}

impl Objects {
    /// Adds an object as it is kept, with its customer's member and how long Stripe could not be read.
    pub fn add(
        &mut self,
        account: AccountId,
        id: &str,
        kind: &str,
        body: &str,
        (owner, unread): (Option<i64>, Option<Unread>),
    ) -> Result<()> {
        let key = (account, id.to_owned());
        match read(kind, body, id)? {
            Object::Subscription(subscription) => {
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

    /// Adds a record of money that went back, of an invoice.
    pub fn returned(
        &mut self,
        account: AccountId,
        invoice: String,
        id: String,
        returned: Returned,
    ) {
        let of = self.returned.entry((account, invoice)).or_default();
        of.insert(id, returned);
    }

    /// Which customers count and what went back, for the journal.
    pub fn tell(&self, set: &mut FactSet) {
        let customers = self.subscriptions.iter().map(|((account, _), owned)| {
            let customer = owned.subscription.customer.clone();
            (account.0, customer, owned.owner, owned.unread)
        });
        set.customers = customers.collect();
        for ((account, invoice), records) in &self.returned {
            let records = records
                .iter()
                .map(|(id, returned)| (account.0, invoice.clone(), id.clone(), returned.clone()));
            set.returned.extend(records);
        }
    }

    /// The seats that cover a member, each with what was invoiced for its subscription; and the seats that the member
    /// pays for and that cover nobody.
    pub fn coverage(
        self,
        member: MemberId,
        named: &Seats,
        prices: &Prices,
    ) -> (Vec<Coverage>, Vec<OpenSeats>) {
        let membership =
            |account: AccountId, price: &String| prices.get(&(account, price.clone())).cloned();
        let mut invoices: BTreeMap<(AccountId, String), Vec<Invoice>> = BTreeMap::new();
        for (key, mut invoice) in self.invoices {
            let account = key.0;
            if let Some(returned) = self.returned.get(&key) {
                let records: Vec<Returned> = returned.values().cloned().collect();
                invoice.reversal = reversal(invoice.amount_paid, &records);
            }
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
        let (mut covered, mut open) = (Vec::new(), Vec::new());
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
            subscription.remember_gone_items(&invoices);
            for item in &subscription.items {
                if owner == Some(member.0) && !subscription.status.is_terminal() {
                    open.extend(open_seats(named, account, item));
                }
                let all = seats_of(named, account, &item.id);
                for seat in seats(&all, member, owner) {
                    let others: Vec<NamedSeat> = all.iter().map(|(seat, _)| *seat).collect();
                    covered.push(Coverage {
                        account,
                        item: item.id.clone(),
                        seat: seat.seat,
                        place: place(seat, &others),
                        named_at: seat.named_at,
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
        (covered, open)
    }
}

/// Seats from the second on that nobody was named for.
fn open_seats(named: &Seats, account: AccountId, item: &Item) -> Option<OpenSeats> {
    item.membership.as_ref().filter(|_| item.quantity > 1)?;
    let all = seats_of(named, account, &item.id);
    let further = all.iter().filter(|(seat, _)| seat.seat > 1);
    let taken = u32::try_from(further.count()).unwrap_or(u32::MAX);
    let count = item.quantity.saturating_sub(1).saturating_sub(taken);
    (count > 0).then(|| OpenSeats {
        item: item.id.clone(),
        count,
    })
}

/// The seats named of an item, and whom each covers.
fn seats_of(named: &Seats, account: AccountId, item: &str) -> Vec<(NamedSeat, i64)> {
    let of = |seat| (account.0, item.to_owned(), seat);
    let all = named.range(of(1)..=of(i64::MAX));
    let seat = |(key, (covered, named_at)): (&(i64, String, i64), &(i64, Option<i64>))| {
        let named = NamedSeat {
            seat: u32::try_from(key.2).ok()?,
            named_at: named_at.map(Timestamp),
        };
        Some((named, *covered))
    };
    all.filter_map(seat).collect()
}

/// Seat 1 covers the customer's own member unless an admin pointed it elsewhere; further seats cover whom they name.
fn seats(all: &[(NamedSeat, i64)], member: MemberId, owner: Option<i64>) -> Vec<NamedSeat> {
    let first = NamedSeat {
        seat: 1,
        named_at: None,
    };
    let own = owner == Some(member.0) && !all.iter().any(|(named, _)| named.seat == 1);
    let given = all
        .iter()
        .filter(|(_, covered)| *covered == member.0)
        .map(|(seat, _)| *seat);
    own.then_some(first).into_iter().chain(given).collect()
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
