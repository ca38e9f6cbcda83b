//! Gift cards become credit: an addition to a customer's balance at Stripe, made once whatever breaks in between.
//!
//! Terms are never multiplied: the credit pays invoices until it is spent, and each of them renews by one period.

use super::client::{Request, Stripe, StripeError, segment};
use crate::app::{App, Step};
use crate::attention::Kind;
use crate::said::Said;
use crate::store::attention::{AuditLine, Item, audit, raise, settle};
use crate::store::gift_cards::{self, GiftCard};
use crate::store::payers::{self, CustomerFace, Whose};
use crate::store::{StoreError, Tx};
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use shared::ids::MemberId;
use shared::time::{Span, Timestamp};
use std::fmt;
use zeroize::Zeroizing;

/// The metadata key by which Stripe's records name the gift card that they come from.
const CARD_KEY: &str = "goodstanding_gift_card";
/// Letters and digits that nobody takes for another.
const LETTERS: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
/// So many of them in a code: 78 bits.
const LENGTH: usize = 16;
/// How often redeeming that was cut off is finished.
pub const FINISH_EVERY: Span = Span::minutes(5);

/// A gift card's code; never printed but to whoever issues the card.
#[derive(Clone)]
pub struct GiftCode(Zeroizing<String>);

impl fmt::Debug for GiftCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("GiftCode")
    }
}

impl GiftCode {
    /// A fresh code.
    pub fn fresh(random: &mut dyn CryptoRng) -> Self {
        let mut code = Zeroizing::new(String::with_capacity(LENGTH));
        while code.len() < LENGTH {
            let mut byte = [0];
            random.fill_bytes(&mut byte);
            // What is left over of 32 is thrown again, so that all letters are equally likely.
            if let Some(letter) = LETTERS.get(usize::from(byte[0] % 32)) {
                code.push(char::from(*letter));
            }
        }
        Self(code)
    }

    /// Reads a typed code; case, spaces and dashes do not matter.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let letters = text.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let code: Zeroizing<String> =
            Zeroizing::new(letters.map(|c| c.to_ascii_uppercase()).collect());
        let good = code.len() == LENGTH && code.bytes().all(|byte| LETTERS.contains(&byte));
        good.then_some(Self(code))
    }

    /// As it is printed: in groups of four.
    #[must_use]
    pub fn shown(&self) -> String {
        let groups: Vec<String> = (0..LENGTH)
            .step_by(4)
            .filter_map(|at| self.0.get(at..at + 4).map(str::to_owned))
            .collect();
        groups.join("-")
    }

    /// As it is stored.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The last letters, to tell cards apart.
    #[must_use]
    pub fn last_letters(&self) -> &str {
        self.0.get(LENGTH - 4..).unwrap_or_default()
    }
}

/// Why a gift card was not redeemed.
#[derive(Debug, thiserror::Error)]
pub enum GiftError {
    /// There is no key, or not the right one.
    #[error(
        "without a Stripe key of the account on record no gift card can be redeemed: set STRIPE_SECRET_KEY"
    )]
    NoKey,
    /// No such code.
    #[error("there is no gift card with this code")]
    Unknown,
    /// Used already.
    #[error("this gift card was redeemed before")]
    Redeemed,
    /// Declared void.
    #[error("this gift card is void")]
    Void,
    /// The member pays nothing at Stripe.
    #[error("the member is no customer at Stripe yet; link one first")]
    NoCustomer,
    /// Somebody else's customer.
    #[error("this is no customer of the member; name one that is")]
    NotTheirs,
    /// More than one, and none was named.
    #[error("the member is several customers at Stripe; name the one that pays")]
    Several,
    /// Nobody has looked at the link yet.
    #[error("the customer was linked by its mail address: confirm that first")]
    Unconfirmed,
    /// Being redeemed for somebody else.
    #[error("this gift card is being redeemed for another customer")]
    Busy,
    /// Stripe refused; the card is as good as before.
    #[error("{}", super::catalogue::refusal(.0, "add to a customer's balance", "Customers"))]
    Refused(Box<StripeError>),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a try to redeem ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tried {
    /// Stripe has the credit, under this id.
    Done(String),
    /// Stripe said no.
    Refused(StripeError),
    /// It is not known yet.
    Open(StripeError),
}

impl App {
    /// Redeems a card for a customer of a member; for the only one if none is named. If Stripe does not answer clearly the
    /// card stays `redeeming`, which is finished later by itself.
    pub async fn redeem(
        &self,
        code: &GiftCode,
        (member, named): (MemberId, Option<&str>),
        actor: &str,
        now: Timestamp,
    ) -> Result<GiftCard, GiftError> {
        let mut tx = self.store.begin_read().await?;
        let whose = Whose::Of(member);
        let customers = payers::customers(&mut tx, self.account, whose, "", i64::MAX).await?;
        drop(tx);
        let customer = chosen(customers, named)?;
        let customer = customer.as_str();
        let stripe = self.billing.stripe.as_ref().ok_or(GiftError::NoKey)?;
        if !self.confirm(now).await? {
            return Err(GiftError::NoKey);
        }
        let mut tx = self.store.begin().await?;
        let found = gift_cards::of_code(&mut tx, &self.organisation, &code.sha256()).await?;
        let card = found.ok_or(GiftError::Unknown)?;
        let begun = match card.state.as_str() {
            "redeemed" => return Err(GiftError::Redeemed),
            "void" => return Err(GiftError::Void),
            "redeeming" if card.customer.as_deref() == Some(customer) => false,
            "redeeming" => return Err(GiftError::Busy),
            _ => {
                let whose = (self.account, customer);
                gift_cards::begin(&mut tx, card.id, whose, member, now).await?
            }
        };
        if begun {
            self.note_gift(&mut tx, "gift_card.redeem", &card, (actor, member), now);
        }
        let card = self.card(&mut tx, card.id).await?;
        tx.commit().await?;
        if card.customer.as_deref() != Some(customer) {
            return Err(GiftError::Busy);
        }
        let tried = look_and_send(stripe.as_ref(), &card, begun).await;
        let card = self.settle_gift(&card, &tried, now).await?;
        match tried {
            Tried::Refused(error) => Err(GiftError::Refused(Box::new(error))),
            Tried::Done(_) | Tried::Open(_) => Ok(card),
        }
    }

    /// Finishes what was cut off; returns how many cards are still open.
    pub async fn finish_gift_cards(&self, now: Timestamp) -> Step<usize> {
        let Some(stripe) = &self.billing.stripe else {
            return Ok(0);
        };
        let mut tx = self.store.begin_read().await?;
        let begun = gift_cards::redeeming(&mut tx, self.account).await?;
        drop(tx);
        if begun.is_empty() || !self.confirm(now).await? {
            return Ok(begun.len());
        }
        let mut open = 0;
        for card in begun {
            let tried = look_and_send(stripe.as_ref(), &card, false).await;
            open += usize::from(matches!(tried, Tried::Open(_)));
            self.settle_gift(&card, &tried, now).await?;
        }
        Ok(open)
    }

    async fn settle_gift(&self, card: &GiftCard, tried: &Tried, now: Timestamp) -> Step<GiftCard> {
        let mut tx = self.store.begin().await?;
        let subject = card.id.to_string();
        let organisation = &self.organisation;
        match tried {
            Tried::Done(movement) => {
                if gift_cards::redeemed(&mut tx, card.id, movement, now).await? {
                    let member = MemberId(card.member.unwrap_or_default());
                    self.note_gift(&mut tx, "gift_card.redeemed", card, ("server", member), now);
                }
                settle(&mut tx, organisation, Kind::GiftCard, &subject, now).await?;
            }
            Tried::Refused(error) => {
                tracing::warn!(card = card.id, %error, "Stripe refused a gift card; it can be redeemed again");
                gift_cards::refused(&mut tx, card.id, card.tries).await?;
                settle(&mut tx, organisation, Kind::GiftCard, &subject, now).await?;
            }
            // Another try may have ended it meanwhile.
            Tried::Open(error) if gift_cards::is_open(&mut tx, card.id, card.tries).await? => {
                tracing::warn!(card = card.id, %error, "a gift card is not redeemed yet");
                let item = Item {
                    kind: Kind::GiftCard,
                    subject: &subject,
                    sentence: Said::of("attention-gift-card"),
                    remedy: Said::of("remedy-gift-card"),
                    member: card.member.map(MemberId),
                };
                raise(&mut tx, organisation, item, now).await?;
            }
            Tried::Open(_) => {}
        }
        let card = self.card(&mut tx, card.id).await?;
        tx.commit().await?;
        Ok(card)
    }

    async fn card(&self, tx: &mut Tx, id: i64) -> Step<GiftCard> {
        let card = gift_cards::one(tx, &self.organisation, id).await?;
        card.ok_or_else(|| StoreError::Missing {
            table: "gift_cards",
            row: id.to_string(),
        })
    }

    fn note_gift(
        &self,
        tx: &mut Tx,
        action: &str,
        card: &GiftCard,
        (actor, member): (&str, MemberId),
        now: Timestamp,
    ) {
        let cause = format!("gift card {}: {} {}", card.id, card.amount, card.currency);
        let line = AuditLine {
            actor,
            action,
            member: Some(member),
            cause: &cause,
            body: None,
        };
        audit(tx, &self.organisation, now, line);
    }
}

/// The customer who gets the credit: a link that nobody looked at gets none.
fn chosen(customers: Vec<CustomerFace>, named: Option<&str>) -> Result<String, GiftError> {
    let mut those = customers
        .into_iter()
        .filter(|customer| named.is_none_or(|id| id == customer.id));
    let one = those.next().ok_or(match named {
        Some(_) => GiftError::NotTheirs,
        None => GiftError::NoCustomer,
    })?;
    if those.next().is_some() {
        return Err(GiftError::Several);
    }
    if one.confirmed == 0 {
        return Err(GiftError::Unconfirmed);
    }
    Ok(one.id)
}

/// Names a card at Stripe: also another card of the same number, after a restore from a backup, has another name.
fn reference(card: &GiftCard) -> String {
    let digest = card.code_sha256.iter().take(10);
    let hex: String = digest.map(|byte| format!("{byte:02x}")).collect();
    format!("gift-card-{hex}")
}

/// What may have been sent before is looked for first, however long ago: Stripe forgets idempotency keys after a day
/// (docs.stripe.com/api/idempotent_requests), and also a card that was `just_begun` may have been sent before the backup
/// was made from which the database was restored.
async fn look_and_send(stripe: &dyn Stripe, card: &GiftCard, just_begun: bool) -> Tried {
    let Some(customer) = &card.customer else {
        return Tried::Open(StripeError::BadId(String::new()));
    };
    let reference = reference(card);
    match stripe.balance_changes(customer).await {
        Ok(changes) => {
            let ours = |change: &&serde_json::Value| change["metadata"][CARD_KEY] == *reference;
            let made = changes.iter().find(ours);
            match made.and_then(|change| change["id"].as_str()) {
                Some(id) => Tried::Done(id.to_owned()),
                None => send(stripe, card).await,
            }
        }
        // Nothing was sent.
        Err(error) if just_begun && !error.leaves_open() => Tried::Refused(error),
        Err(error) if is_gone(stripe, customer).await => Tried::Refused(error),
        Err(error) => Tried::Open(error),
    }
}

/// Whether a customer was deleted, and its balance with it. The key was confirmed just before, so that what it does not
/// know is not there.
async fn is_gone(stripe: &dyn Stripe, customer: &str) -> bool {
    match stripe.customer(customer).await {
        Ok(customer) => customer["deleted"] == true,
        Err(StripeError::NotReadable { code, .. }) => code.as_deref() == Some("resource_missing"),
        Err(_) => false,
    }
}

/// docs.stripe.com/api/customer_balance_transactions/create: what is negative is credit.
async fn send(stripe: &dyn Stripe, card: &GiftCard) -> Tried {
    let reference = reference(card);
    let customer = card.customer.as_deref().unwrap_or_default();
    let customer = match segment(customer) {
        Ok(customer) => customer,
        Err(error) => return Tried::Refused(error),
    };
    let request = Request::post(
        format!("/v1/customers/{customer}/balance_transactions"),
        format!("{reference}-{}", card.tries),
    )
    .with("amount", (-card.amount).to_string())
    .with("currency", card.currency.as_str())
    .with("description", format!("Gift card …{}", card.last_letters))
    .with(format!("metadata[{CARD_KEY}]"), reference);
    match stripe.change(request).await {
        Ok(change) => match change["id"].as_str() {
            Some(id) => Tried::Done(id.to_owned()),
            None => Tried::Open(StripeError::Garbled {
                path: "/v1/customers/…/balance_transactions".to_owned(),
            }),
        },
        Err(error) if error.leaves_open() => Tried::Open(error),
        Err(error) => Tried::Refused(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Handed;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let mut next = 0_u8;
        let code = GiftCode::fresh(&mut Handed::new(|bytes: &mut [u8]| {
            for byte in bytes {
                *byte = next;
                next = next.wrapping_add(29);
            }
        }));
        let shown = code.shown();
        assert_eq!((shown.len(), shown.matches('-').count()), (19, 3));
        assert!(!shown.contains(['0', '1', 'I', 'L', 'O', 'U']), "{shown}");
        for typed in [
            shown.clone(),
            shown.to_lowercase(),
            shown.replace('-', " "),
            format!(" {}\n", shown.replace('-', "")),
        ] {
            let read = GiftCode::parse(&typed).expect("the code");
            assert_eq!(read.sha256(), code.sha256());
        }
        assert!(shown.ends_with(code.last_letters()));
        assert_eq!(format!("{code:?}"), "GiftCode");
        for wrong in [
            "",
            "AAAA",
            &shown[1..],
            &shown.replacen(|_: char| true, "0", 1),
            "ÄÄÄÄÄÄÄÄ",
        ] {
            assert!(GiftCode::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn every_letter_is_as_likely_as_any_other() {
        let mut counts = std::collections::BTreeMap::new();
        let mut next = 0_u8;
        let mut random = Handed::new(|bytes: &mut [u8]| {
            for byte in bytes {
                *byte = next;
                next = next.wrapping_add(1);
            }
        });
        // 15 codes of 16 letters take each of the 256 bytes once, but for those thrown again.
        for _ in 0..15 {
            for letter in GiftCode::fresh(&mut random).0.chars() {
                *counts.entry(letter).or_insert(0) += 1;
            }
        }
        assert_eq!(counts.len(), LETTERS.len());
        assert!(counts.values().all(|count| *count == 8), "{counts:?}");
    }
}
