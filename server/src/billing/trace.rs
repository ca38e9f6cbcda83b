//! Which invoice did a payment pay that was taken back? Events often do not say; Stripe does when asked.

use super::read::money;
use crate::app::{App, Step};
use crate::doors::publish::Publication;
use crate::store::reversals;
use shared::time::{Span, Timestamp};

/// How long to wait before the same question is asked again.
const AGAIN: Span = Span::minutes(10);
/// How many payments one step asks about at most.
const BATCH: i64 = 4;

impl App {
    /// Asks about payments whose money went back and of which no invoice is known. `clock` is asked when an answer has
    /// come.
    pub(super) async fn trace(&self, clock: &impl Fn() -> Timestamp) -> Step {
        let mut publications = Vec::new();
        if self.billing.stripe.is_none() {
            return Ok(publications);
        }
        let mut tx = self.store.begin_read().await?;
        let untraced = reversals::untraced(&mut tx, self.account, clock(), BATCH).await?;
        drop(tx);
        for payment in untraced {
            publications.extend(self.trace_one(&payment, clock).await?);
        }
        Ok(publications)
    }

    async fn trace_one(
        &self,
        payment: &str,
        clock: &impl Fn() -> Timestamp,
    ) -> Step<Vec<Publication>> {
        let account = self.account;
        let Some(stripe) = &self.billing.stripe else {
            return Ok(Vec::new());
        };
        let answer = stripe.invoice_payments(payment).await;
        let mut work = self.work(clock()).await?;
        let again = work.now + AGAIN;
        reversals::asked(&mut work.tx, account, payment, again);
        match answer {
            Ok(listed) => {
                for collected in listed.iter().filter_map(money::invoice_payment) {
                    reversals::collected(&mut work.tx, account, &[&collected]);
                }
            }
            Err(error) => {
                tracing::warn!(payment, %error, "the invoice of a payment that was taken back is not known")
            }
        }
        let cause = format!("trace {payment}");
        for (_, customer) in reversals::resolve(&mut work.tx, account, &[payment]).await? {
            self.link_and_derive(&mut work, account, &customer, &cause)
                .await?;
        }
        self.finish(work).await
    }
}
