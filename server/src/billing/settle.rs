//! Whom a change of a customer's objects concerns: links are made when they are due, and members derived.

use super::sheet::Sheet;
use crate::app::{App, Step, Work};
use crate::membership::derive::Derived;
use crate::membership::link::{link, may_be_linked};
use crate::random::Handed;
use crate::store::members;
use crate::store::mirror::{self, Customer};
use shared::ids::{AccountId, MemberId};
use shared::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Stripe tells one change in a handful of events within moments: what they say counts at once, and one question, so
/// long after the first of them, confirms it all.
const GATHER: Span = Span::seconds(2);

impl App {
    /// Asks Stripe to confirm, links the customers for which it is due, and gathers everybody they concern with the
    /// causes.
    pub(super) async fn settle(
        &self,
        work: &mut Work,
        account: AccountId,
        customers: BTreeMap<String, Vec<String>>,
        sheet: &Sheet,
        whom: &mut BTreeMap<MemberId, Vec<String>>,
    ) -> Step<()> {
        let rows: Vec<&Customer> = customers
            .keys()
            .filter_map(|id| sheet.customer(account, id))
            .collect();
        if self.billing.stripe.is_some() {
            for row in &rows {
                mirror::want_fetch(&mut work.tx, account, &row.id, work.now + GATHER);
            }
        }
        for (customer, members) in self.link_all(work, account, &rows).await? {
            let causes = customers.get(&customer).map_or(&[][..], Vec::as_slice);
            for member in members {
                whom.entry(member).or_default().extend_from_slice(causes);
            }
        }
        Ok(())
    }

    /// Links the customers for which it is due; by customer, everybody it concerns now or concerned before.
    pub(super) async fn link_all(
        &self,
        work: &mut Work,
        account: AccountId,
        rows: &[&Customer],
    ) -> Step<BTreeMap<String, BTreeSet<MemberId>>> {
        let mut concerned = BTreeMap::new();
        for row in rows {
            let before = row.concerned();
            if !may_be_linked(row) {
                concerned.insert(row.id.clone(), before);
                continue;
            }
            let (rulebook, now) = (work.rulebook.clone(), work.now);
            let mut random =
                Handed::new(|bytes| self.with_random(|random| random.fill_bytes(bytes)));
            link(&mut work.tx, account, row, &rulebook, now, &mut random).await?;
            let mut after = members::concerned(&mut work.tx, account, &row.id).await?;
            for member in before.difference(&after.clone()) {
                if members::exists(&mut work.tx, &self.organisation, *member).await? {
                    after.insert(*member);
                }
            }
            concerned.insert(row.id.clone(), after);
        }
        Ok(concerned)
    }

    /// Links the customer if it is due and derives everybody it concerns; what came of each.
    pub(crate) async fn link_and_derive(
        &self,
        work: &mut Work,
        account: AccountId,
        customer: &str,
        cause: &str,
    ) -> Step<BTreeMap<MemberId, Derived>> {
        let Some(row) = mirror::customer(&mut work.tx, account, customer).await? else {
            return Ok(BTreeMap::new());
        };
        let concerned = self.link_all(work, account, &[&row]).await?;
        let causes: BTreeMap<MemberId, String> = concerned
            .into_values()
            .flatten()
            .map(|member| (member, cause.to_owned()))
            .collect();
        self.derive_each(work, &causes).await
    }

    /// Customers that nobody has claimed although their mail address never came.
    pub async fn link_waiting(&self, now: Timestamp) -> Step {
        let mut work = self.work(now).await?;
        let waiting = mirror::unclaimed(
            &mut work.tx,
            self.account,
            now - crate::membership::link::MAIL_WAIT,
            now - Span::days(1),
        )
        .await?;
        for customer in waiting {
            self.link_and_derive(&mut work, self.account, &customer, "no mail address came")
                .await?;
        }
        self.finish(work).await
    }
}
