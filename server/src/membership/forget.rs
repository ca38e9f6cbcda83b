//! A member is forgotten: asked for, waited for, taken back or done. Each step can fail and is tried again.

use crate::app::{App, Step, Work};
use crate::attention::Kind;
use crate::billing::client::{Method, Request, Stripe, StripeError};
use crate::billing::scrub::{names_any, scrub};
use crate::membership::link::new_holder;
use crate::own::enter;
use crate::random::Handed;
use crate::said::Said;
use crate::staff::digest;
use crate::store::attention::{Item, settle};
use crate::store::erasures::{self, Erasure, Stage};
use crate::store::ledger::{self, Stretch};
use crate::store::letters::{self, Content, Letter, Reader};
use crate::store::members::CardRow;
use crate::store::payers::{self, Whose};
use crate::store::people::CardSearch;
use crate::store::{StoreError, Tx, agents, catalogue, member_sessions, mirror, people};
use shared::facts::Subscription;
use shared::ids::MemberId;
use shared::time::{Span, Timestamp};

/// So long a member can take it back.
pub const WAIT: Span = Span::days(7);
/// What did not work is tried again so soon.
const AGAIN: Span = Span::minutes(10);
/// Somebody is told of what has not worked for so long.
const PATIENCE: Span = Span::days(1);
/// So long it is kept who badged where, from when the server heard of it.
pub const BADGES_KEPT: Span = Span::days(90);
/// So many badge events are let go at once, so that no card waits for it.
const BADGES: i64 = 1000;
/// So many raw events are looked through at once.
const PART: i64 = 200;

/// What is asked of Stripe for each running subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    /// That it does not renew (docs.stripe.com/api/subscriptions/update, `cancel_at_period_end`).
    Stop,
    /// That it renews again.
    Resume,
    /// That it ends now (docs.stripe.com/api/subscriptions/cancel).
    End,
}

impl Ask {
    fn request(self, wish: &Erasure, subscription: &str) -> Request {
        let path = format!("/v1/subscriptions/{subscription}");
        let key = |what: &str| {
            let (member, at) = (wish.member, wish.asked_at.0);
            format!("forget {member} {at} {what} {subscription}")
        };
        match self {
            Self::Stop => Request::post(path, key("stop")).with("cancel_at_period_end", "true"),
            Self::Resume => {
                Request::post(path, key("resume")).with("cancel_at_period_end", "false")
            }
            Self::End => Request {
                method: Method::Delete,
                path,
                params: Vec::new(),
                key: Some(key("end")),
            },
        }
    }
}

impl App {
    /// Begins to forget a member: cards are dead at once, and all is erased when the wait is over. A wish that waits
    /// already stays as it is.
    pub async fn ask_to_forget(
        &self,
        work: &mut Work,
        member: MemberId,
        actor: &str,
    ) -> Step<Erasure> {
        let known = erasures::find(&mut work.tx, member).await?;
        if let Some(known) = known.filter(|known| known.stage.may_end()) {
            return Ok(known);
        }
        let (organisation, now) = (&self.organisation, work.now);
        let stretch = Stretch {
            from: now,
            until: None,
            reason: "to be forgotten",
            made_by: actor,
        };
        let wish = Erasure {
            member,
            asked_at: now,
            due_at: now + WAIT,
            hold: ledger::hold(&mut work.tx, member, None, stretch).await?,
            stopped: Vec::new(),
            stage: Stage::Asked,
        };
        erasures::ask(&mut work.tx, organisation, &wish, actor).await?;
        let person = people::find(&mut work.tx, organisation, member).await?;
        if let Some(mail) = person.and_then(|person| person.mail) {
            let token = self.fresh_token();
            let link = (digest(&token), wish.due_at);
            let link = (link.0.as_slice(), link.1);
            member_sessions::make(&mut work.tx, organisation, &mail, link, now).await?;
            let letter = Letter {
                reader: Reader::Member(member),
                content: Content::EraseAsked { at: wish.due_at },
                cause: &format!("asked {}", now.0),
                secret: Some(self.seal_link(&enter(&token))),
            };
            letters::put(&mut work.tx, organisation, letter, now);
        }
        self.derive(work, member, "to be forgotten").await?;
        Ok(wish)
    }

    /// Takes a wish back: cards work again at once, subscriptions renew again. False if there is none to take back.
    pub async fn keep_after_all(&self, work: &mut Work, member: MemberId) -> Step<bool> {
        let wish = erasures::find(&mut work.tx, member).await?;
        let may_end = |wish: &Erasure| wish.stage.may_end() && work.now < wish.due_at;
        let Some(wish) = wish.filter(may_end) else {
            return Ok(false);
        };
        ledger::end_hold(&mut work.tx, wish.hold, work.now).await?;
        let next = (Stage::TakenBack, wish.stopped.as_slice());
        erasures::put(&mut work.tx, member, next, work.now).await?;
        self.derive(work, member, "taken back: not to be forgotten")
            .await?;
        Ok(true)
    }

    /// The next step of every wish that is due; what to publish.
    pub async fn keep_forgetting(&self, now: Timestamp) -> Step {
        let mut tx = self.store.begin_read().await?;
        let due = erasures::due(&mut tx, &self.organisation, now).await?;
        drop(tx);
        let mut out = Vec::new();
        for wish in due {
            match self.step_of(&wish, now).await {
                Ok(publications) => out.extend(publications),
                Err(error) => self.forget_later(&wish, &error, now).await?,
            }
        }
        self.scrub_new().await?;
        Ok(out)
    }

    async fn step_of(&self, wish: &Erasure, now: Timestamp) -> Step {
        match wish.stage {
            Stage::Asked => self.stop_renewals(wish, now).await?,
            Stage::TakenBack => self.resume_renewals(wish, now).await?,
            Stage::Waiting => return self.forget(wish, now).await,
            Stage::Forgotten => self.clean(wish, now).await?,
            Stage::Done => {}
        }
        Ok(Vec::new())
    }

    /// Tries a step that failed again later, so that it stops nobody else's.
    async fn forget_later(&self, wish: &Erasure, error: &StoreError, now: Timestamp) -> Step<()> {
        tracing::error!(
            error = error as &dyn std::error::Error,
            member = %wish.member,
            "a member who wants to be forgotten is not yet; it is tried again in ten minutes"
        );
        let mut tx = self.store.begin().await?;
        let stage = (wish.stage, wish.stopped.as_slice());
        erasures::put(&mut tx, wish.member, stage, now + AGAIN).await?;
        tx.commit().await?;
        if now >= wish.due_at + PATIENCE {
            self.raise(cannot_forget(wish, &wish.member.to_string()), now)
                .await?;
        }
        Ok(())
    }

    /// Lets badge events go that were kept long enough; some at a time.
    pub async fn let_badges_go(&self, now: Timestamp) -> Step<()> {
        let mut tx = self.store.begin().await?;
        agents::drop_badges(&mut tx, &self.organisation, now - BADGES_KEPT, BADGES).await?;
        tx.commit().await
    }

    /// The running subscriptions that the member pays for.
    async fn running(&self, tx: &mut Tx, member: MemberId) -> Step<Vec<Subscription>> {
        let whose = Whose::Of(member);
        let mut running = Vec::new();
        for payer in payers::customers(tx, self.account, whose, "", i64::MAX).await? {
            // Whom only a mail address links may be somebody else's.
            if payer.confirmed != 0 {
                running.extend(catalogue::running(tx, self.account, &payer.id).await?);
            }
        }
        Ok(running)
    }

    async fn stripe_to_forget(&self, now: Timestamp) -> Step<Option<&dyn Stripe>> {
        Ok(match &self.billing.stripe {
            Some(stripe) if self.confirm(now).await? => Some(stripe.as_ref()),
            Some(_) | None => None,
        })
    }

    /// Best effort: whatever still renews is ended when the wait is over.
    async fn stop_renewals(&self, wish: &Erasure, now: Timestamp) -> Step<()> {
        let mut tx = self.store.begin_read().await?;
        let running = self.running(&mut tx, wish.member).await?;
        drop(tx);
        let renews = |one: &&Subscription| !one.cancel_at_period_end && one.cancel_at.is_none();
        let mut stopped = wish.stopped.clone();
        let mut again = wish.due_at;
        let mut stage = Stage::Waiting;
        if let Some(stripe) = self.stripe_to_forget(now).await? {
            for one in running.iter().filter(renews) {
                match stripe.change(Ask::Stop.request(wish, &one.id)).await {
                    Ok(_) if stopped.contains(&one.id) => {}
                    Ok(_) => stopped.push(one.id.clone()),
                    Err(error) if error.is_passing() => {
                        (stage, again) = (Stage::Asked, (now + AGAIN).min(wish.due_at));
                    }
                    Err(error) => told(&error),
                }
            }
        }
        if now >= wish.due_at {
            stage = Stage::Waiting;
        }
        self.put_stage(wish, (stage, &stopped), again, now).await
    }

    async fn resume_renewals(&self, wish: &Erasure, now: Timestamp) -> Step<()> {
        let mut left = Vec::new();
        for id in &wish.stopped {
            let Some(stripe) = self.stripe_to_forget(now).await? else {
                left.push(id.clone());
                continue;
            };
            match stripe.change(Ask::Resume.request(wish, id)).await {
                Ok(_) => {}
                Err(error) if error.is_passing() => left.push(id.clone()),
                Err(error) => told(&error),
            }
        }
        if left.is_empty() {
            let mut tx = self.store.begin().await?;
            erasures::end(&mut tx, wish.member).await?;
            return tx.commit().await;
        }
        self.put_stage(wish, (Stage::TakenBack, &left), now + AGAIN, now)
            .await
    }

    /// Notes a stage, unless the wish was taken back meanwhile; the payers are asked for, for they changed.
    async fn put_stage(
        &self,
        wish: &Erasure,
        next: (Stage, &[String]),
        again: Timestamp,
        now: Timestamp,
    ) -> Step<()> {
        let mut tx = self.store.begin().await?;
        let current = erasures::find(&mut tx, wish.member).await?;
        let stage = match current.map(|current| current.stage) {
            Some(stage) if stage == wish.stage => next.0,
            // What was stopped is to be resumed.
            Some(Stage::TakenBack) => Stage::TakenBack,
            Some(_) | None => return Ok(()),
        };
        let again = if stage == next.0 { again } else { now };
        erasures::put(&mut tx, wish.member, (stage, next.1), again).await?;
        let whose = Whose::Of(wish.member);
        for payer in payers::customers(&mut tx, self.account, whose, "", i64::MAX).await? {
            mirror::want_fetch(&mut tx, self.account, &payer.id, now);
        }
        tx.commit().await
    }

    /// The wait is over: subscriptions end, then doors forget the cards, then everything else does.
    async fn forget(&self, wish: &Erasure, now: Timestamp) -> Step {
        if !self.end_subscriptions(wish, now).await? {
            self.put_stage(wish, (Stage::Waiting, &wish.stopped), now + AGAIN, now)
                .await?;
            return Ok(Vec::new());
        }
        let (organisation, member) = (&self.organisation, wish.member);
        let mut work = self.work(now).await?;
        let current = erasures::find(&mut work.tx, member).await?;
        if current.is_none_or(|current| current.stage != Stage::Waiting) {
            return Ok(Vec::new());
        }
        erasures::shut_out(&mut work.tx, member, now).await?;
        self.derive(&mut work, member, "forgotten").await?;
        let out = self.finish(work).await?;

        let mut work = self.work(now).await?;
        let tx = &mut work.tx;
        let Some(person) = people::find(tx, organisation, member).await? else {
            return Ok(out);
        };
        let cards = people::cards(tx, organisation, CardSearch::of(member)).await?;
        if cards
            .iter()
            .any(|card| card.state != CardRow::Returned.word())
        {
            // Given meanwhile: doors know it.
            drop(work);
            self.put_stage(wish, (Stage::Waiting, &wish.stopped), now, now)
                .await?;
            return Ok(out);
        }
        let whose = Whose::Of(member);
        let payers = payers::customers(tx, self.account, whose, "", i64::MAX).await?;
        let ids = payers.into_iter().map(|payer| payer.id);
        let mut needles = erasures::forgotten_customers(tx, self.account).await?;
        needles.extend(ids.chain(person.mail.clone()));
        self.scrub_from(tx, 0, &needles).await?;
        let mut random = Handed::new(|bytes| self.with_random(|random| random.fill_bytes(bytes)));
        let holder = new_holder(&mut random);
        let known = (person.name.as_str(), person.mail.as_deref());
        erasures::forget(tx, organisation, (member, holder), known, now).await?;
        erasures::put(tx, member, (Stage::Forgotten, &[]), now).await?;
        let subject = member.to_string();
        settle(tx, organisation, Kind::CannotForget, &subject, now).await?;
        work.tx.commit().await?;
        self.clean(wish, now).await?;
        Ok(out)
    }

    /// Whether no subscription of the member runs any more.
    async fn end_subscriptions(&self, wish: &Erasure, now: Timestamp) -> Step<bool> {
        let mut tx = self.store.begin_read().await?;
        let running = self.running(&mut tx, wish.member).await?;
        drop(tx);
        if running.is_empty() {
            return Ok(true);
        }
        let mut left = running.len();
        if let Some(stripe) = self.stripe_to_forget(now).await? {
            for one in &running {
                match stripe.change(Ask::End.request(wish, &one.id)).await {
                    Ok(_) => left -= 1,
                    // The key is the right one, so it is gone at Stripe.
                    Err(StripeError::NotReadable { status: 404, .. }) => left -= 1,
                    Err(error) => told(&error),
                }
            }
        }
        if left > 0 && now >= wish.due_at + PATIENCE {
            self.raise(cannot_forget(wish, &wish.member.to_string()), now)
                .await?;
        }
        Ok(left == 0)
    }

    /// Takes what was deleted out of the file; whoever reads just now makes that wait.
    async fn clean(&self, wish: &Erasure, now: Timestamp) -> Step<()> {
        let (stage, again) = match self.store.clean().await {
            Ok(true) => (Stage::Done, now),
            Ok(false) => (Stage::Forgotten, now + AGAIN),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the database still has to be cleaned of what was erased"
                );
                (Stage::Forgotten, now + AGAIN)
            }
        };
        let mut tx = self.store.begin().await?;
        erasures::put(&mut tx, wish.member, (stage, &[]), again).await?;
        tx.commit().await
    }

    /// Events may come about payers who were forgotten, and be fetched late.
    async fn scrub_new(&self) -> Step<()> {
        let mut tx = self.store.begin_read().await?;
        let forgotten = erasures::forgotten_customers(&mut tx, self.account).await?;
        drop(tx);
        if forgotten.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        let from = erasures::scrubbed_to(&mut tx, self.account).await?;
        self.scrub_from(&mut tx, from, &forgotten).await?;
        tx.commit().await
    }

    /// Scrubs the raw events after one that are about any of these.
    async fn scrub_from(&self, tx: &mut Tx, from: i64, needles: &[String]) -> Step<()> {
        let mut after = from;
        loop {
            let events = erasures::raw_events(tx, self.account, after, PART).await?;
            let Some((last, _)) = events.last() else {
                break;
            };
            after = *last;
            for (event, body) in events {
                if names_any(&body, needles) {
                    erasures::put_raw_event(tx, event, &scrub(&body));
                }
            }
        }
        if after > from {
            erasures::put_scrubbed_to(tx, self.account, after);
        }
        Ok(())
    }
}

fn cannot_forget<'a>(wish: &Erasure, subject: &'a str) -> Item<'a> {
    Item {
        kind: Kind::CannotForget,
        subject,
        sentence: Said::of("attention-cannot-forget"),
        remedy: Said::of("remedy-cannot-forget"),
        member: Some(wish.member),
    }
}

fn told(error: &StripeError) {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "a subscription of a member who is to be forgotten was not changed"
    );
}
