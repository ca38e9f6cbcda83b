//! What members, staff and banks do at Stripe beside joining, paying and leaving.

use super::actions::World;
use crate::building::WayIn;
use crate::building::story::{METAL, WOOD, Who};
use crate::stripe_sim::model::InvoiceStatus;
use crate::stripe_sim::{
    Card, Checkout, CollectionMethod, Duration, Off, PauseBehavior, Proration, Shape, Status,
    StripeSim, Subscribe,
};
use server::billing::news::REFERENCE_PREFIX;

/// Generations of Stripe's API in which an account tells its events.
pub(super) const SHAPES: [Shape; 5] = [
    Shape::V2017,
    Shape::V2020_03_02,
    Shape::Basil,
    Shape::Clover,
    Shape::Endive,
];

/// How a membership begins.
#[derive(Debug)]
pub(super) enum Beginning {
    /// Made in the dashboard.
    Plain(Subscribe),
    /// Bought by the member.
    Checkout(Buying),
}

/// What a member does with a Checkout session.
#[derive(Debug)]
pub(super) struct Buying {
    trial_days: i64,
    refers: bool,
    /// None: it is left, and expires.
    card: Option<Card>,
}

impl World {
    /// How a membership begins: mostly paid at once, sometimes otherwise.
    pub(super) fn some_beginning(&mut self) -> Beginning {
        if self.chance.once_in(4) {
            let cards = [
                None,
                Some(Card::Declines),
                Some(Card::Works),
                Some(Card::Works),
                Some(Card::Settles),
                Some(Card::Bounces),
            ];
            return Beginning::Checkout(Buying {
                trial_days: self.chance.one_of(&[0, 0, 9]),
                refers: self.chance.once_in(2),
                card: self.chance.one_of(&cards),
            });
        }
        Beginning::Plain(self.some_subscribing())
    }

    /// A Checkout session; answers the subscription if one came of it.
    pub(super) fn check_out(
        &mut self,
        who: Who,
        customer: String,
        items: &[(&str, i64)],
        how: Buying,
    ) -> Option<String> {
        let reference = format!("{REFERENCE_PREFIX}{}", self.building.id(who));
        let line = |(price, quantity): &(&str, i64)| ((*price).to_owned(), *quantity);
        let mut sim = self.building.sim();
        let session = sim.open_checkout(Checkout {
            customer: Some(customer),
            client_reference_id: how.refers.then_some(reference),
            lines: items.iter().map(line).collect(),
            trial_days: how.trial_days,
            ..Checkout::default()
        });
        sim.finish_checkout(&session, how.card?).ok()?;
        let shown = sim.session_value(&session);
        Some(shown["subscription"].as_str()?.to_owned())
    }

    fn some_subscribing(&mut self) -> Subscribe {
        let plain = Subscribe::default();
        match self.chance.below(12) {
            0 => Subscribe {
                trial_days: 9,
                ..plain
            },
            1 => Subscribe {
                collection_method: CollectionMethod::SendInvoice,
                days_until_due: 12,
                ..plain
            },
            2 => Subscribe {
                percent_off: self.chance.one_of(&[20, 100]),
                ..plain
            },
            3 => {
                let mut sim = self.building.sim();
                let coupon = sim.create_coupon("", Off::Percent(10_000), Duration::Once);
                let code = sim.create_promotion_code("WELCOME", &coupon);
                Subscribe {
                    promotion_code: Some(code),
                    ..plain
                }
            }
            _ => plain,
        }
    }

    /// What is subscribed to: mostly one seat of one plan.
    pub(super) fn some_items(&mut self) -> Vec<(&'static str, i64)> {
        let plan = self.chance.one_of(&[WOOD, METAL]);
        match self.chance.below(8) {
            0 => vec![(plan, 2)],
            1 => vec![(WOOD, 1), (METAL, 1)],
            _ => vec![(plan, 1)],
        }
    }

    /// Does something to one subscription or its payer.
    pub(super) fn at_stripe(&mut self) {
        self.building.advance(super::actions::NEXT_SECOND);
        let who = self.someone();
        let Some(id) = self.truth[&who].subscriptions.last().cloned() else {
            return;
        };
        let what = self.chance.below(14);
        let said = match what {
            0..=3 => self.pause(&id),
            4 => self.bank(who),
            5 => self.give_up_invoices(&id),
            6 | 7 => self.money_back(&id),
            8 => self.end_of_customer(who),
            9 => self.move_at_period_end(&id),
            10 => self.seats(&id),
            11 => self.pending_change(&id),
            12 => self.tell_twice(),
            _ => self.errors(),
        };
        if let Some(said) = said {
            self.say(format_args!("{who:?}: {id}: {said}"));
        }
    }

    fn runs(&self, id: &str) -> bool {
        self.building.sim().status(id) == Status::Active
    }

    fn pause(&mut self, id: &str) -> Option<&'static str> {
        if !self.runs(id) && self.building.sim().status(id) != Status::Paused {
            return None;
        }
        let how = self.chance.below(6);
        let mut sim = self.building.sim();
        Some(match how {
            0 => {
                sim.pause_collection(id, PauseBehavior::Void, None);
                "collection is paused, invoices are voided"
            }
            1 => {
                sim.pause_collection(id, PauseBehavior::KeepAsDraft, None);
                "collection is paused, invoices stay drafts"
            }
            2 => {
                sim.pause_collection(id, PauseBehavior::MarkUncollectible, None);
                "collection is paused, invoices are written off"
            }
            3 => {
                sim.pause(id);
                "is paused"
            }
            _ => {
                sim.resume(id);
                "goes on"
            }
        })
    }

    /// The payer uses a bank debit or a card with a will of its own.
    fn bank(&mut self, who: Who) -> Option<&'static str> {
        let customer = self.building.customer(who);
        let card = self.chance.one_of(&[
            Card::Settles,
            Card::Bounces,
            Card::NeedsAction,
            Card::RefundFails,
            Card::RefundWaits,
            Card::None,
        ]);
        self.building.sim().set_payment_method(&customer, card);
        Some("is paid in another way")
    }

    /// Staff give up what is owed.
    fn give_up_invoices(&mut self, id: &str) -> Option<&'static str> {
        let voids = self.chance.once_in(2);
        let mut sim = self.building.sim();
        let open = open_invoice(&sim, id)?;
        if voids {
            sim.void_invoice(&open);
            return Some("an invoice is voided");
        }
        sim.write_off_invoice(&open);
        Some("an invoice is written off")
    }

    /// Money of the latest payment goes back.
    fn money_back(&mut self, id: &str) -> Option<&'static str> {
        let how = self.chance.below(6);
        let mut sim = self.building.sim();
        let (invoice, paid) = last_charged(&sim, id)?;
        Some(match how {
            0 => {
                sim.refund(&invoice, paid);
                "all is refunded"
            }
            1 => {
                sim.refund(&invoice, paid / 2);
                sim.refund(&invoice, paid / 4);
                "some is refunded, twice"
            }
            2 => {
                sim.credit(&invoice, paid / 3);
                "some is credited"
            }
            5 => {
                let refund = sim.refund(&invoice, paid);
                sim.fail_refund(&refund);
                "all is refunded, and comes back"
            }
            _ => {
                let won = how == 3;
                let dispute = sim.dispute(&invoice);
                sim.close_dispute(&dispute, won);
                if won {
                    "a dispute is won"
                } else {
                    "a dispute is lost"
                }
            }
        })
    }

    /// The customer is deleted; whoever comes back is another.
    fn end_of_customer(&mut self, who: Who) -> Option<&'static str> {
        if !self.chance.once_in(3) {
            return None;
        }
        let customer = self.building.customer(who);
        self.building.sim().delete_customer(&customer);
        self.building.new_customer(who);
        Some("the customer is deleted")
    }

    fn move_at_period_end(&mut self, id: &str) -> Option<&'static str> {
        let plan = self.chance.one_of(&[WOOD, METAL]);
        if !self.runs(id) {
            return None;
        }
        let mut sim = self.building.sim();
        only_item(&sim, id)?;
        sim.change_price_at_period_end(id, plan);
        Some("moves to a plan at the period's end")
    }

    fn seats(&mut self, id: &str) -> Option<&'static str> {
        let count = 1 + i64::try_from(self.chance.below(3)).expect("few");
        let proration = self
            .chance
            .one_of(&[Proration::None, Proration::CreateProrations]);
        if !self.runs(id) {
            return None;
        }
        self.building.sim().set_quantity(id, 0, count, proration);
        Some("has another number of seats")
    }

    /// A plan change that waits for its payment.
    fn pending_change(&mut self, id: &str) -> Option<&'static str> {
        let plan = self.chance.one_of(&[WOOD, METAL]);
        if !self.runs(id) {
            return None;
        }
        let mut sim = self.building.sim();
        let change = crate::stripe_sim::ItemChange {
            item: Some(only_item(&sim, id)?),
            price: Some(plan.to_owned()),
            ..crate::stripe_sim::ItemChange::default()
        };
        sim.change_items_if_paid(id, &[change]);
        Some("changes its plan if that is paid")
    }

    /// Stripe makes two events of each of the last changes.
    fn tell_twice(&mut self) -> Option<&'static str> {
        let mut sim = self.building.sim();
        let from = sim.events().len().saturating_sub(4);
        sim.tell_again(from);
        Some("the last changes are told once more")
    }

    /// Somebody edits prices and products; a plan's own id says what it is for, whatever else is written there.
    pub(super) fn edit_catalogue(&mut self) {
        self.building.advance(super::actions::NEXT_SECOND);
        let plan = self.chance.one_of(&[WOOD, METAL]);
        let x = self.chance.one_of(&["5", "7"]);
        let how = self.chance.below(5);
        self.say(format_args!("{plan} is edited, {how} with type {x}"));
        let mut sim = self.building.sim();
        let tag = format!("membertype_{x}-other");
        match how {
            0 => sim.edit_nickname(plan, Some(&tag)),
            1 => sim.edit_nickname(plan, None),
            2 => sim.set_price_metadata(plan, "membertype", x),
            3 => sim.set_lookup_key(plan, Some(&tag)),
            _ => {
                let product = sim.prices.must(plan).product.clone();
                sim.edit_product_name(&product, &tag);
            }
        }
    }

    /// Stripe answers with errors for a while.
    fn errors(&mut self) -> Option<&'static str> {
        if self.building.way() == WayIn::WebhookOnly {
            return None;
        }
        let (status, times) = self.chance.one_of(&[(429, 2), (500, 1), (500, 4)]);
        self.building.sim().fail_next(status, times);
        self.ails.insert("stripe out");
        self.deafen();
        Some("Stripe answers with errors")
    }
}

fn open_invoice(sim: &StripeSim, id: &str) -> Option<String> {
    let open = sim
        .bills_of(id)
        .filter(|bill| bill.status == InvoiceStatus::Open);
    Some(open.last()?.id.clone())
}

/// The latest invoice that money was charged for and of which nothing went back, and how much.
fn last_charged(sim: &StripeSim, id: &str) -> Option<(String, i64)> {
    let bills = sim.bills_of(id);
    let charged = bills.filter(|bill| bill.status == InvoiceStatus::Paid && bill.amount_paid > 0);
    let id = charged.last()?.id.clone();
    let untouched = sim.whole_charge(&id)?;
    Some((id, untouched))
}

/// The only item of a subscription that no schedule moves.
fn only_item(sim: &StripeSim, id: &str) -> Option<String> {
    let shown = sim.subscription_value(id);
    let [item] = shown["items"]["data"].as_array()?.as_slice() else {
        return None;
    };
    let item = item["id"].as_str().map(str::to_owned);
    item.filter(|_| shown["schedule"].is_null())
}
