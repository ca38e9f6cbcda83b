//! The server's webhook endpoint: what happens at Stripe becomes letters, and letters are handed in.

use super::Building;
use super::post::{Form, Letter};
use server::billing::receive::{Receipt, ReceiveError, check, keep};
use server::store::inbox::Arrival;

impl Building {
    /// Events become letters if there is an endpoint.
    pub(super) fn post_events(&mut self) -> bool {
        let events = self.stripe.sim().take_events();
        if self.server.billing.secrets.is_empty() {
            return false;
        }
        for snapshot in &events {
            if self.post.form != Form::Snapshot {
                let sim = self.stripe.sim();
                let mut all = sim.events().iter().rev();
                let event = all.find(|event| snapshot["id"] == *event.id);
                let thin = event.map(|event| event.thin_body(sim.livemode()));
                let letter = Letter::of(&thin.expect("it was made"), self.now);
                drop(sim);
                self.post.post(letter);
            }
            if self.post.form != Form::Thin {
                let letter = Letter::of(snapshot, self.now);
                self.stripe.sim().note_delivery(&letter.event, false);
                self.post.post(letter);
            }
        }
        !events.is_empty()
    }

    pub(super) fn deliver(&mut self) -> bool {
        if self.server.app().is_none() {
            return false;
        }
        let Some(letter) = self.post.next(self.now) else {
            return false;
        };
        let header = self.post.header(&letter, self.now);
        // In turns: applied as it comes, as single deliveries are, and kept to be applied later, as crowds are.
        self.at_once = !self.at_once;
        let receive = if self.at_once {
            Self::receive
        } else {
            Self::keep
        };
        match receive(self, Some(header.as_bytes()), &letter.body) {
            Some(Ok(_)) => self.stripe.sim().note_delivery(&letter.event, true),
            Some(Err(error)) => {
                self.rejected.push(error.to_string());
                self.post.again(letter, self.now);
            }
            None => self.post.again(letter, self.now),
        }
        true
    }

    /// Hands a body to the server, which applies it at once; none if the server went down over it.
    pub fn receive(
        &mut self,
        header: Option<&[u8]>,
        body: &[u8],
    ) -> Option<Result<Receipt, ReceiveError>> {
        let now = self.now;
        let taken = self.ask(async |app| Ok(app.receive(header, body, now).await))?;
        Some(taken.map(|taken| {
            self.publish(taken.publications);
            taken.receipts[0]
        }))
    }

    /// Hands a body to the server, which keeps it for later; none if the server went down over it.
    pub fn keep(
        &mut self,
        header: Option<&[u8]>,
        body: &[u8],
    ) -> Option<Result<Receipt, ReceiveError>> {
        let now = self.now;
        self.ask(async |app| {
            Ok(match check(app, header, body, now) {
                Ok(Ok(arrival)) => Ok(keep(&app.store, &[arrival], now).await?[0]),
                Ok(Err(receipt)) => Ok(receipt),
                Err(error) => Err(error),
            })
        })
    }

    /// Letters that come at once are kept in one commit, to be applied together.
    ///
    /// # Panics
    /// If one is refused.
    pub fn keep_crowd(&mut self, letters: &[&Letter]) {
        let now = self.now;
        self.ask(async |app| {
            let arrivals: Vec<Arrival> = letters
                .iter()
                .map(|letter| {
                    let header = letter.header(now);
                    let kept = check(app, Some(header.as_bytes()), &letter.body, now);
                    kept.expect("signed").expect("of this account")
                })
                .collect();
            keep(&app.store, &arrivals, now).await
        });
    }
}
