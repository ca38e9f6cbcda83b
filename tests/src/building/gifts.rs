//! Gift cards at the front desk.

use super::Building;
use super::story::Who;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use server::billing::gift::{GiftCode, GiftError};
use server::store::gift_cards::{self, GiftCard, NewGiftCard};
use server::store::payers;
use server::store::trip::Statement;

impl Building {
    /// A gift card of so many cents, of which there is no other; none if the server went down over it.
    pub fn issue_gift_card(&mut self, cents: i64) -> Option<GiftCode> {
        let code = GiftCode::fresh(&mut ChaCha20Rng::seed_from_u64(cents.unsigned_abs()));
        let now = self.now;
        self.ask(async |app| {
            let new = NewGiftCard {
                code_sha256: &code.sha256(),
                last_letters: code.last_letters(),
                amount: cents,
                currency: "usd",
                buyer: "Uncle Bob",
                note: "",
                made_by: "desk",
            };
            let mut tx = app.store.begin().await?;
            gift_cards::issue(&mut tx, &app.organisation, new, now).await?;
            tx.commit().await
        })?;
        Some(code)
    }

    /// An admin has looked at the link of somebody's customer and found it right; none if the server went down over it.
    pub fn confirm_link(&mut self, who: Who) -> Option<bool> {
        let customer = self.customer(who);
        self.ask(async |app| {
            let mut tx = app.store.begin().await?;
            let confirmed = payers::confirm_link(&mut tx, app.account, &customer).await?;
            tx.commit().await?;
            Ok(confirmed)
        })
    }

    /// Redeems a card; none if the server went down over it.
    pub fn redeem(&mut self, code: &GiftCode, who: Who) -> Option<Result<GiftCard, GiftError>> {
        let (member, customer, now) = (self.id(who), self.customer(who), self.now);
        self.ask(async |app| {
            Ok(app
                .redeem(code, (member, Some(customer.as_str())), "desk", now)
                .await)
        })
    }

    /// The newest card as the books have it.
    pub fn gift_card(&mut self) -> GiftCard {
        let all = self.ask(async |app| {
            let mut tx = app.store.begin_read().await?;
            gift_cards::all(&mut tx, &app.organisation, i64::MAX, 1).await
        });
        let newest = all.expect("the server runs").pop();
        newest.expect("it was issued")
    }

    /// The books know of a card what a backup knew of it.
    pub fn restore_gift_card(&mut self, card: &GiftCard) {
        assert_eq!((card.state.as_str(), card.tries), ("issued", 0));
        let id = card.id;
        let restored = self.ask(async |app| {
            let sql = "UPDATE gift_cards SET state = 'issued', account = NULL, customer = NULL, member = NULL, \
                       begun_at = NULL, movement = NULL, settled_at = NULL WHERE id = $1";
            let mut tx = app.store.begin().await?;
            tx.later(Statement::new(sql).bind(id));
            tx.commit().await
        });
        assert!(restored.is_some(), "the server runs");
    }
}
