//! Whose customer is it? The written rule, applied when a tagged subscription belongs to nobody yet.

use crate::attention::Kind;
use crate::said::Said;
use crate::store::attention::{Item, raise, settle_link};
use crate::store::members::{self, NewMember};
use crate::store::mirror::{self, Customer, Kept, Object};
use crate::store::rulebook::Rulebook;
use crate::store::{Result, Tx};
use rand_core::CryptoRng;
use shared::facts::{Invoice, InvoiceStatus, SubscriptionStatus};
use shared::ids::{AccountId, Holder, MemberId};
use shared::time::{Span, Timestamp};

/// How long we wait for Stripe to tell whose mail address a customer has before a member is made without one.
pub const MAIL_WAIT: Span = Span::hours(1);

/// Whether the rule has a say: the customer belongs to nobody, or its link was a guess that nobody has looked at.
#[must_use]
pub fn may_be_linked(customer: &Customer) -> bool {
    match customer.link.as_deref() {
        None | Some("created") => true,
        Some("mail") => customer.confirmed == 0,
        Some(_) => customer.member.is_none(),
    }
}

/// Links the customer by the written rule if it is due.
pub async fn link(
    tx: &mut Tx,
    account: AccountId,
    customer: &Customer,
    rulebook: &Rulebook,
    now: Timestamp,
    random: &mut impl CryptoRng,
) -> Result<()> {
    if let Some(member) = customer.member {
        return correct(tx, account, customer, MemberId(member), rulebook, now).await;
    }
    let objects = mirror::of_customer(tx, account, &customer.id).await?;
    if !pays_for_membership(&objects, account, rulebook) {
        return ask_whose_payment(tx, account, customer, &objects, rulebook, now).await;
    }
    let organisation = &rulebook.organisation;
    let (member, how, confirmed) = match choose(tx, customer, rulebook, now).await? {
        Choice::Named(member) => (member, "reference", true),
        Choice::ByMail(member) => (member, "mail", false),
        Choice::New => {
            let new = NewMember {
                holder: new_holder(random),
                name: customer.name.as_deref().unwrap_or("New member"),
                mail: customer.mail.as_deref(),
                keyholder: false,
            };
            (
                members::create(tx, organisation, &new, now).await?,
                "created",
                true,
            )
        }
        Choice::Wait => return Ok(()),
        Choice::Several => {
            let item = Item {
                kind: Kind::UnmatchedCustomer,
                subject: &customer.id,
                sentence: Said::of("attention-unmatched-customer-several"),
                remedy: Said::of("remedy-unmatched-customer"),
                member: None,
            };
            raise(tx, organisation, item, now).await?;
            return Ok(());
        }
    };
    mirror::link(tx, account, &customer.id, member, how, confirmed);
    settle_link(tx, organisation, account, &customer.id, now).await?;
    announce(tx, rulebook, &customer.id, member, how, now).await
}

/// What came later than the payment says whose the customer really is, unless an admin has looked: a reference, which
/// may confirm what a mail address made likely; or, for a member who was made without one, a mail address.
async fn correct(
    tx: &mut Tx,
    account: AccountId,
    customer: &Customer,
    member: MemberId,
    rulebook: &Rulebook,
    now: Timestamp,
) -> Result<()> {
    let organisation = &rulebook.organisation;
    let created = customer.link.as_deref() == Some("created");
    if !may_be_linked(customer) {
        return Ok(());
    }
    let (whose, how) = match (named(tx, customer, rulebook).await?, &customer.mail) {
        (Some(named), _) => (named, "reference"),
        (None, Some(mail)) if created => {
            match members::by_mail(tx, organisation, mail).await?[..] {
                [only] => (only, "mail"),
                _ => return Ok(()),
            }
        }
        (None, _) => return Ok(()),
    };
    // Who was made for this customer still needs a card, and whoever gave one has looked.
    if created && (whose == member || members::has_card(tx, member).await?) {
        return Ok(());
    }
    mirror::link(tx, account, &customer.id, whose, how, how == "reference");
    settle_link(tx, organisation, account, &customer.id, now).await?;
    if created {
        members::forget_if_empty(tx, member).await?;
    }
    announce(tx, rulebook, &customer.id, whose, how, now).await
}

/// The member that a reference names.
pub(crate) async fn named(
    tx: &mut Tx,
    customer: &Customer,
    rulebook: &Rulebook,
) -> Result<Option<MemberId>> {
    let reference = customer.reference.as_deref();
    let Some(member) = reference.and_then(|text| text.parse::<MemberId>().ok()) else {
        return Ok(None);
    };
    let exists = members::exists(tx, &rulebook.organisation, member).await?;
    Ok(exists.then_some(member))
}

enum Choice {
    Named(MemberId),
    ByMail(MemberId),
    New,
    Several,
    Wait,
}

async fn choose(
    tx: &mut Tx,
    customer: &Customer,
    rulebook: &Rulebook,
    now: Timestamp,
) -> Result<Choice> {
    let organisation = &rulebook.organisation;
    if let Some(member) = named(tx, customer, rulebook).await? {
        return Ok(Choice::Named(member));
    }
    match customer.mail.as_deref() {
        Some(mail) => Ok(match members::by_mail(tx, organisation, mail).await?[..] {
            [] => Choice::New,
            [only] => Choice::ByMail(only),
            _ => Choice::Several,
        }),
        // Which event comes first must not decide whose money it is.
        None if customer.known == 0 && now < Timestamp(customer.seen_at) + MAIL_WAIT => {
            Ok(Choice::Wait)
        }
        None => Ok(Choice::New),
    }
}

/// Whether a subscription among a customer's objects has begun whose price names a membership type, or was paid for: its
/// own event may be lost, and the mail address that its invoice shows may not be there for long.
pub(crate) fn pays_for_membership(
    objects: &[Kept],
    account: AccountId,
    rulebook: &Rulebook,
) -> bool {
    let tagged = |price: &String| rulebook.prices.contains_key(&(account, price.clone()));
    objects.iter().any(|kept| match &kept.object {
        Object::Subscription(subscription) => {
            let begun = !matches!(
                subscription.status,
                SubscriptionStatus::Incomplete | SubscriptionStatus::IncompleteExpired
            );
            begun && subscription.items.iter().any(|item| tagged(&item.price))
        }
        Object::Invoice(invoice) => {
            let paid = invoice.subscription.is_some() && invoice.status == InvoiceStatus::Paid;
            let mut prices = invoice.lines.iter().filter_map(|line| line.price.as_ref());
            paid && prices.any(tagged)
        }
    })
}

/// Money that came without a subscription: our reference says whose it is; without one, staff are asked about what
/// looks like a member's, by what it is for or by its payer's mail address.
async fn ask_whose_payment(
    tx: &mut Tx,
    account: AccountId,
    customer: &Customer,
    objects: &[Kept],
    rulebook: &Rulebook,
    now: Timestamp,
) -> Result<()> {
    let single = objects.iter().filter_map(|kept| match &kept.object {
        Object::Invoice(invoice) => Some(invoice),
        Object::Subscription(_) => None,
    });
    let single: Vec<&Invoice> = single
        .filter(|invoice| invoice.subscription.is_none())
        .filter(|invoice| invoice.status == InvoiceStatus::Paid && invoice.amount_paid > 0)
        .collect();
    if single.is_empty() {
        return Ok(());
    }
    let organisation = &rulebook.organisation;
    if let Some(member) = named(tx, customer, rulebook).await? {
        mirror::link(tx, account, &customer.id, member, "reference", true);
        return settle_link(tx, organisation, account, &customer.id, now).await;
    }
    let known = match &customer.mail {
        Some(mail) => members::by_mail(tx, organisation, mail).await?,
        None => Vec::new(),
    };
    let names_a_type = |invoice: &&&Invoice| {
        let mut prices = invoice.lines.iter().filter_map(|line| line.price.clone());
        prices.any(|price| rulebook.prices.contains_key(&(account, price)))
    };
    for invoice in single
        .iter()
        .filter(|invoice| !known.is_empty() || names_a_type(invoice))
    {
        let item = Item {
            kind: Kind::UnmatchedPayment,
            subject: &invoice.id,
            sentence: Said::of("attention-unmatched-payment"),
            remedy: Said::of("remedy-unmatched-payment"),
            member: if let [only] = known[..] {
                Some(only)
            } else {
                None
            },
        };
        raise(tx, organisation, item, now).await?;
    }
    Ok(())
}

/// Removes the member who was made for a customer that is now another `member`'s, if nobody has looked at it; who that was.
pub(crate) async fn forget_made(
    tx: &mut Tx,
    customer: &Customer,
    member: MemberId,
) -> Result<Option<MemberId>> {
    let made = customer.link.as_deref() == Some("created");
    let former = customer.member.map(MemberId);
    let Some(former) = former.filter(|former| made && *former != member) else {
        return Ok(None);
    };
    if !members::has_card(tx, former).await? {
        members::forget_if_empty(tx, former).await?;
    }
    let gone = !members::is_there(tx, former).await?;
    Ok(gone.then_some(former))
}

/// Tells staff of a link that somebody should look at, by `how` it was made.
pub async fn announce(
    tx: &mut Tx,
    rulebook: &Rulebook,
    customer: &str,
    member: MemberId,
    how: &str,
    now: Timestamp,
) -> Result<()> {
    let (kind, sentence, remedy) = match how {
        "mail" => (
            Kind::ConfirmLink,
            Said::of("attention-confirm-link"),
            Said::of("remedy-confirm-link"),
        ),
        "created" => (
            Kind::NeedsCard,
            Said::of("attention-needs-card"),
            Said::of("remedy-needs-card"),
        ),
        _ => return Ok(()),
    };
    let item = Item {
        kind,
        subject: customer,
        sentence,
        remedy,
        member: Some(member),
    };
    raise(tx, &rulebook.organisation, item, now).await?;
    Ok(())
}

/// A fresh opaque number by which doors will know a person; never near the edge of what JSON numbers carry.
pub fn new_holder(random: &mut impl CryptoRng) -> Holder {
    Holder(i64::try_from(random.next_u64() >> 12).expect("52 bits fit") + 1)
}
