//! The rows of a roll become members: found again or made, given their cards, and what they paid by hand is booked.

use super::{Import, ImportError, Imported, Result};
use crate::app::{App, Step, Work};
use crate::billing::foreign::Trouble;
use crate::billing::roll::{Paid, Row, Wrong};
use crate::location_calendar::end_of_day;
use crate::membership::cards::{Added, add};
use crate::membership::link::new_holder;
use crate::random::Handed;
use crate::store::ledger::{self, ByHand, PaymentRow};
use crate::store::members::{self, NewMember};
use crate::store::mirror;
use crate::store::{StoreError, people, places};
use shared::ids::{CardId, MemberId, PaymentId};
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// That a card is in the pool of fobs that are lent.
const POOLED: &str = "A card of it is a fob that is lent: take it out of the pool first.";
/// That a zone's readers could not tell a card from another.
const ALIKE: &str =
    "Readers that see only the last bytes of a card could not tell a card of it from another.";

/// What became of money that was paid by hand.
pub(super) enum Booked {
    /// It is on record, or its time is over.
    Nothing,
    /// It was booked.
    New(PaymentId),
    /// It was declared void since, and is not booked again: why and what to do.
    Voided(String),
}

impl App {
    /// Brings the roll in: nothing of it if any line is wrong. Answers which customers it claims for whom.
    pub(super) async fn bring_in(
        &self,
        work: &mut Work,
        wish: &Import,
        known: &BTreeSet<String>,
        done: &mut Imported,
    ) -> Result<BTreeMap<String, MemberId>> {
        let mut whose = Vec::new();
        let mut wrong = Vec::new();
        for row in &wish.rows {
            match self.find(work, row, known).await? {
                Ok(member) => whose.push(member),
                Err(what) => wrong.push(Wrong::at(row.line, sentence(&what))),
            }
        }
        let mut claims = BTreeMap::new();
        if wrong.is_empty() {
            for (row, member) in wish.rows.iter().zip(whose) {
                let member = self.enter(work, row, member, done).await?;
                claims.extend(row.customer.clone().map(|customer| (customer, member)));
                if let Err(what) = self.equip(work, row, member, "import").await? {
                    wrong.push(Wrong::at(row.line, what));
                }
                if let Some(paid) = &row.paid
                    && let Booked::Voided(told) = self.book(work, paid, member).await?
                {
                    done.notes.push(format!("line {}: {told}", row.line));
                }
            }
        }
        if wrong.is_empty() {
            Ok(claims)
        } else {
            Err(ImportError::Rows(wrong))
        }
    }

    /// The member of a row, if there is one; or what is wrong with the row.
    pub(super) async fn find(
        &self,
        work: &mut Work,
        row: &Row,
        known: &BTreeSet<String>,
    ) -> Step<std::result::Result<Option<MemberId>, Trouble>> {
        let organisation = &self.organisation;
        if let Some(paid) = &row.paid
            && !work.rulebook.rules.types.contains_key(&paid.membership)
        {
            return Ok(Err(Trouble::UnknownType(String::new())));
        }
        let mut found = BTreeSet::new();
        if let Some(customer) = &row.customer {
            if !known.contains(customer) {
                return Ok(Err(Trouble::Customer));
            }
            let linked = mirror::customer(&mut work.tx, self.account, customer).await?;
            let sure =
                linked.filter(|row| row.confirmed == 1 && row.link.as_deref() != Some("created"));
            found.extend(sure.and_then(|row| row.member).map(MemberId));
        }
        for card in &row.cards {
            let index = self.keys.uid_index(card);
            let card = people::card_by_index(&mut work.tx, organisation, &index).await?;
            let owned = card.filter(|card| card.state != "returned");
            found.extend(owned.map(|card| MemberId(card.member)));
        }
        if let Some(mail) = &row.mail {
            match members::by_mail(&mut work.tx, organisation, mail).await?[..] {
                [] => {}
                [only] => drop(found.insert(only)),
                _ if found.is_empty() => return Ok(Err(Trouble::SharedMail)),
                _ => {}
            }
        }
        Ok(match found.into_iter().collect::<Vec<_>>()[..] {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            _ => Err(Trouble::Different),
        })
    }

    /// Makes the member unless there is one.
    async fn enter(
        &self,
        work: &mut Work,
        row: &Row,
        member: Option<MemberId>,
        done: &mut Imported,
    ) -> Step<MemberId> {
        if let Some(member) = member {
            done.found.push(member);
            return Ok(member);
        }
        let member = self.make(work, row).await?;
        done.made.push(member);
        Ok(member)
    }

    /// Makes the member of a row.
    pub(super) async fn make(&self, work: &mut Work, row: &Row) -> Step<MemberId> {
        let holder = new_holder(&mut Handed::new(|bytes| {
            self.with_random(|random| random.fill_bytes(bytes));
        }));
        let new = NewMember {
            holder,
            name: &row.name,
            mail: row.mail.as_deref(),
            keyholder: false,
        };
        members::create(&mut work.tx, &self.organisation, &new, work.now).await
    }

    /// Gives the member the cards of the row, and says which are new; or what is wrong with one that cannot be the member's.
    pub(super) async fn equip(
        &self,
        work: &mut Work,
        row: &Row,
        member: MemberId,
        cause: &str,
    ) -> Step<std::result::Result<Vec<CardId>, &'static str>> {
        let mut given = Vec::new();
        for card in &row.cards {
            match add(self, work, member, card, "", cause).await? {
                Added::Owned(owned) if owned.member != member.0 => {
                    return Ok(Err("A card of it has an owner: mark it as returned first."));
                }
                Added::LooksLike(..) => return Ok(Err(ALIKE)),
                Added::Pooled => return Ok(Err(POOLED)),
                Added::Owned(_) => {}
                Added::Added(card) => given.push(card),
            }
        }
        Ok(Ok(given))
    }

    /// Books what was paid by hand, unless it is on record; what was declared void since is not booked again but told.
    pub(super) async fn book(
        &self,
        work: &mut Work,
        paid: &Paid,
        member: MemberId,
    ) -> Step<Booked> {
        let organisation = &self.organisation;
        let zone = places::time_zone(&mut work.tx, organisation).await?;
        let until = end_of_day(&zone, paid.until).map_err(|_| StoreError::Row {
            table: "locations",
            row: organisation.to_string(),
            column: "time_zone",
        })?;
        if until <= work.now {
            return Ok(Booked::Nothing);
        }
        let booked = ledger::payments(&mut work.tx, organisation, Some(member), i64::MAX, i64::MAX);
        let same = booked.await?.into_iter().filter(|row| {
            row.period_until == Some(until.0)
                && row.membership.as_deref() == Some(paid.membership.as_str())
        });
        let same: Vec<PaymentRow> = same.collect();
        if same.iter().any(|row| row.voided_at.is_none()) {
            return Ok(Booked::Nothing);
        }
        let voided = same.first().and_then(|row| Some((row.id, row.voided_at?)));
        if let Some((id, at)) = voided {
            let at = Timestamp(at);
            return Ok(Booked::Voided(format!(
                "what was paid to this day was declared void on {at} (payment {id}) and is not booked again; if it was \
                 paid after all, record it by hand"
            )));
        }
        let payment = ByHand {
            source: "cash",
            member,
            membership: &paid.membership,
            money: paid
                .money
                .as_ref()
                .map(|(amount, currency)| (*amount, currency.as_str())),
            from: work.now,
            until,
            anchor: until,
            paid_at: work.now,
            note: "from the imported roll",
        };
        let id = ledger::record(&mut work.tx, organisation, payment).await?;
        Ok(Booked::New(id))
    }
}

/// What is wrong with a line of the roll, and what to do.
fn sentence(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::UnknownType(_) => "There is no such membership type: make it first.",
        Trouble::Customer => "Stripe has no such customer in this account and mode.",
        Trouble::SharedMail => "Several members have this mail address.",
        Trouble::Different => "Its mail address, customer and cards belong to different members.",
        Trouble::Alike => ALIKE,
        Trouble::Name
        | Trouble::Mail
        | Trouble::Nameless
        | Trouble::Rounded
        | Trouble::Hexadecimal
        | Trouble::Decimal
        | Trouble::Wiegand
        | Trouble::Day
        | Trouble::NoType
        | Trouble::Currency
        | Trouble::Amount
        | Trouble::SameMail(_)
        | Trouble::SameCard(_) => "It cannot be read.",
    }
}
