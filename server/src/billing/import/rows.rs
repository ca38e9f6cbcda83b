//! The rows of a roll become members: found again or made, given their cards, and what they paid by hand is booked.

use super::{Import, ImportError, Imported, Result};
use crate::app::{App, Step, Work};
use crate::billing::roll::{Paid, Row, Wrong};
use crate::location_calendar::end_of_day;
use crate::membership::cards::{Added, add};
use crate::membership::link::new_holder;
use crate::random::Handed;
use crate::store::ledger::{self, ByHand, PaymentRow};
use crate::store::members::{self, NewMember};
use crate::store::mirror;
use crate::store::{StoreError, people, places};
use shared::ids::MemberId;
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

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
                Err(what) => wrong.push(Wrong::at(row.line, what)),
            }
        }
        let mut claims = BTreeMap::new();
        if wrong.is_empty() {
            for (row, member) in wish.rows.iter().zip(whose) {
                let member = self.enter(work, row, member, done).await?;
                claims.extend(row.customer.clone().map(|customer| (customer, member)));
                if let Some(what) = self.equip(work, row, member).await? {
                    wrong.push(Wrong::at(row.line, what));
                }
                if let Some(paid) = &row.paid {
                    let told = self.book(work, paid, member).await?;
                    done.notes
                        .extend(told.map(|told| format!("line {}: {told}", row.line)));
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
    async fn find(
        &self,
        work: &mut Work,
        row: &Row,
        known: &BTreeSet<String>,
    ) -> Step<std::result::Result<Option<MemberId>, &'static str>> {
        let organisation = &self.organisation;
        if let Some(paid) = &row.paid
            && !work.rulebook.rules.types.contains_key(&paid.membership)
        {
            return Ok(Err("There is no such membership type: make it first."));
        }
        let mut found = BTreeSet::new();
        if let Some(customer) = &row.customer {
            if !known.contains(customer) {
                return Ok(Err("Stripe has no such customer in this account and mode."));
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
                _ if found.is_empty() => return Ok(Err("Several members have this mail address.")),
                _ => {}
            }
        }
        Ok(match found.into_iter().collect::<Vec<_>>()[..] {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            _ => Err("Its mail address, customer and cards belong to different members."),
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
        let holder = new_holder(&mut Handed::new(|bytes| {
            self.with_random(|random| random.fill_bytes(bytes));
        }));
        let new = NewMember {
            holder,
            name: &row.name,
            mail: row.mail.as_deref(),
            keyholder: false,
        };
        let member = members::create(&mut work.tx, &self.organisation, &new, work.now).await?;
        done.made.push(member);
        Ok(member)
    }

    /// Gives the member the cards of the row; what is wrong with one that cannot be the member's.
    async fn equip(
        &self,
        work: &mut Work,
        row: &Row,
        member: MemberId,
    ) -> Step<Option<&'static str>> {
        for card in &row.cards {
            match add(self, work, member, card, "", "import").await? {
                Added::Owned(owned) if owned.member != member.0 => {
                    return Ok(Some(
                        "A card of it has an owner: mark it as returned first.",
                    ));
                }
                Added::LooksLike(..) => {
                    return Ok(Some(
                        "Readers that see only the last bytes of a card could not tell a card of it from another.",
                    ));
                }
                Added::Owned(_) | Added::Added(_) => {}
            }
        }
        Ok(None)
    }

    /// Books what was paid by hand, unless it is on record; what was declared void since is not booked again but told.
    async fn book(&self, work: &mut Work, paid: &Paid, member: MemberId) -> Step<Option<String>> {
        let organisation = &self.organisation;
        let zone = places::time_zone(&mut work.tx, organisation).await?;
        let until = end_of_day(&zone, paid.until).map_err(|_| StoreError::Row {
            table: "locations",
            row: organisation.to_string(),
            column: "time_zone",
        })?;
        if until <= work.now {
            return Ok(None);
        }
        let booked = ledger::payments(&mut work.tx, organisation, Some(member), i64::MAX, i64::MAX);
        let same = booked.await?.into_iter().filter(|row| {
            row.period_until == Some(until.0)
                && row.membership.as_deref() == Some(paid.membership.as_str())
        });
        let same: Vec<PaymentRow> = same.collect();
        if same.iter().any(|row| row.voided_at.is_none()) {
            return Ok(None);
        }
        let voided = same.first().and_then(|row| Some((row.id, row.voided_at?)));
        if let Some((id, at)) = voided {
            let at = Timestamp(at);
            return Ok(Some(format!(
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
        ledger::record(&mut work.tx, organisation, payment).await?;
        Ok(None)
    }
}
