//! Gift cards redeemed at the front desk, whatever breaks meanwhile.

use super::actions::World;
use crate::building::story::Who;
use server::billing::gift::GiftCode;

/// Every card that was issued; no two have the same amount.
#[derive(Debug, Default)]
pub(super) struct Gifts {
    issued: Vec<Gift>,
    /// How many were asked for: a card may be there although the server went down over it.
    asked: i64,
}

#[derive(Debug)]
struct Gift {
    code: GiftCode,
    cents: i64,
    owner: Who,
    /// Whether the desk was told that it is redeemed.
    redeemed: bool,
}

impl World {
    /// Somebody brings a new card, or comes again with one that was brought before.
    pub(super) fn redeem_gift_card(&mut self) {
        let has_key = self.building.way().has_key();
        if !has_key || self.ails.contains("server down") {
            return;
        }
        let again = self.chance.once_in(3) && !self.gifts.issued.is_empty();
        let at = if again {
            self.chance.below(self.gifts.issued.len())
        } else {
            let owner = self.someone();
            self.gifts.asked += 1;
            let cents = 6000 + self.gifts.asked;
            let Some(code) = self.building.issue_gift_card(cents) else {
                return;
            };
            self.gifts.issued.push(Gift {
                code,
                cents,
                owner,
                redeemed: false,
            });
            self.gifts.issued.len() - 1
        };
        let Gift { code, owner, .. } = &self.gifts.issued[at];
        let (code, owner) = (code.clone(), *owner);
        self.building.confirm_link(owner);
        let answer = self.building.redeem(&code, owner);
        self.say(format_args!("{owner:?} brings gift card {at}: {answer:?}"));
        if let Some(Ok(card)) = answer {
            self.gifts.issued[at].redeemed = card.state == "redeemed";
        }
    }

    /// A card is credit once, whoever asked how often.
    pub(super) fn check_gift_cards(&self) {
        let sim = self.building.sim();
        for gift in &self.gifts.issued {
            let made = sim.balance_transactions.iter();
            let made =
                made.filter(|change| !change.metadata.is_empty() && change.amount == -gift.cents);
            let times = made.count();
            assert!(times <= 1, "credit {times} times: {gift:?}");
            assert!(times == 1 || !gift.redeemed, "credit nowhere: {gift:?}");
        }
    }
}
