//! The front desk and the books: what an admin does, and what the database shows.

use super::post::Letter;
use super::server::organisation;
use super::story::Who;
use super::{Building, on};
use server::app::{App, Step, Work};
use server::attention::Kind;
use server::billing::import::{Import, ImportError, Imported};
use server::billing::read::Head;
use server::billing::receive;
use server::billing::reconcile::{Reconciliation, Repair};
use server::billing::replay::{ReplayError, Replayed};
use server::membership::clock::Run;
use server::membership::link::new_holder;
use server::membership::story::{self, Story};
use server::random::Handed;
use server::store::attention;
use server::store::inbox::{self, Fate};
use server::store::members::{self, CardRow, NewMember};
use server::store::{StoreError, Tx, lists, rulebook};
use shared::allow_list::{Digest, Revision};
use shared::ids::{MemberId, ZoneId};
use shared::standing::{Standing, State};
use shared::story::{Chapter, Term};
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// A badge event as the server keeps it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
pub struct Badge {
    /// Of which agent.
    pub agent: String,
    /// When, by the agent's time.
    pub at: i64,
    /// Where.
    pub door: Option<String>,
    /// Which kind of event.
    pub kind: String,
    /// Why it opened or not.
    pub reason: Option<String>,
}

/// A paid invoice or a payment by hand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
pub struct Payment {
    /// Stripe's invoice.
    pub invoice: Option<String>,
    /// Whose.
    pub member: Option<i64>,
    /// Minor units.
    pub amount: i64,
    /// What it was for.
    pub reason: String,
    /// First moment paid for.
    pub period_from: Option<i64>,
    /// First moment no longer paid for.
    pub period_until: Option<i64>,
}

impl Building {
    /// An admin does something to one member, and what follows from it is published.
    pub fn deed(&mut self, member: MemberId, run: impl AsyncFnOnce(&App, &mut Work) -> Step<()>) {
        let now = self.now;
        self.step(async |app| {
            let mut work = app.work(now).await?;
            run(app, &mut work).await?;
            app.derive(&mut work, member, "the front desk").await?;
            app.finish(work).await
        });
        self.settle();
    }

    /// Enters a member.
    pub fn enter_member(&mut self, name: &str, mail: Option<&str>) -> MemberId {
        let now = self.now;
        let made = self.ask(async |app| {
            let mut work = app.work(now).await?;
            let holder = new_holder(&mut Handed::new(|bytes| {
                app.with_random(|random| random.fill_bytes(bytes))
            }));
            let new = NewMember {
                holder,
                name,
                mail,
                keyholder: false,
            };
            let member = members::create(&mut work.tx, &organisation(), &new, now).await?;
            app.finish(work).await?;
            Ok(member)
        });
        made.expect("the server runs")
    }

    /// Gives a person's card to the member.
    pub fn enrol(&mut self, who: Who) {
        let (member, card) = (self.id(who), self.person(who).card.clone());
        let now = self.now;
        self.deed(member, async |app, work| {
            const SQL: &str = "INSERT INTO cards (organisation, member, uid_sealed, uid_index, last_digits, label, state, \
                               state_since) VALUES ('club', $1, $2, $3, $4, '', 'ok', $5)";
            let mut random = Handed::new(|bytes| app.with_random(|random| random.fill_bytes(bytes)));
            let sealed = app.keys.seal_uid(&card, &mut random);
            let index = app.keys.uid_index(&card);
            on!(&mut work.tx, c => sqlx::query(SQL).bind(member.0).bind(sealed).bind(index.as_slice())
                .bind(card.last_digits()).bind(now.0).execute(c).await.map_err(StoreError::Query)?.rows_affected());
            Ok(())
        });
    }

    /// Marks a person's card.
    pub fn mark_card(&mut self, who: Who, state: CardRow) {
        let member = self.id(who);
        let now = self.now;
        self.deed(member, async |_, work| {
            const SQL: &str = "UPDATE cards SET state = $2, state_since = $3 WHERE member = $1";
            on!(&mut work.tx, c => sqlx::query(SQL).bind(member.0).bind(state.word()).bind(now.0)
                .execute(c).await.map_err(StoreError::Query)?.rows_affected());
            Ok(())
        });
    }

    /// Gives access by hand.
    pub fn grant(&mut self, who: Who, membership: &str, until: Option<Timestamp>) {
        let member = self.id(who);
        let now = self.now;
        self.deed(member, async |_, work| {
            const SQL: &str = "INSERT INTO grants (member, membership, starts_at, ends_at, reason, made_by) \
                               VALUES ($1, $2, $3, $4, 'a guest', 'desk')";
            on!(&mut work.tx, c => sqlx::query(SQL).bind(member.0).bind(membership).bind(now.0)
                .bind(until.map(|at| at.0)).execute(c).await.map_err(StoreError::Query)?.rows_affected());
            Ok(())
        });
    }

    /// Withholds access.
    pub fn hold(&mut self, who: Who, until: Option<Timestamp>) {
        let member = self.id(who);
        let now = self.now;
        self.deed(member, async |_, work| {
            const SQL: &str = "INSERT INTO holds (member, starts_at, ends_at, reason, made_by) \
                               VALUES ($1, $2, $3, 'talk to us', 'desk')";
            on!(&mut work.tx, c => sqlx::query(SQL).bind(member.0).bind(now.0).bind(until.map(|at| at.0))
                .execute(c).await.map_err(StoreError::Query)?.rows_affected());
            Ok(())
        });
    }

    /// Ends every hold of a person.
    pub fn lift_holds(&mut self, who: Who) {
        let member = self.id(who);
        let now = self.now;
        self.deed(member, async |_, work| {
            const SQL: &str = "UPDATE holds SET ends_at = $2 WHERE member = $1 AND (ends_at IS NULL OR ends_at > $2)";
            on!(&mut work.tx, c => sqlx::query(SQL).bind(member.0).bind(now.0)
                .execute(c).await.map_err(StoreError::Query)?.rows_affected());
            Ok(())
        });
    }

    /// Takes cash for a stretch of time.
    pub fn cash(&mut self, who: Who, membership: &str, until: Timestamp) {
        let member = self.id(who);
        let now = self.now;
        self.deed(member, async |_, work| {
            const SQL: &str = "INSERT INTO payments (organisation, source, member, membership, amount, currency, reason, \
                               period_from, period_until, paid_at, note) \
                               VALUES ('club', 'cash', $1, $2, 5000, 'usd', 'recorded by hand', $3, $4, $3, '')";
            on!(&mut work.tx, c => sqlx::query(SQL).bind(member.0).bind(membership).bind(now.0).bind(until.0)
                .execute(c).await.map_err(StoreError::Query)?.rows_affected());
            Ok(())
        });
    }

    /// Lets a seat of a subscription's only item cover a person.
    pub fn seat(&mut self, subscription: &str, seat: i64, who: Who) {
        let (member, now) = (self.id(who), self.now);
        let shown = self.sim().subscription(subscription);
        let item = shown["items"]["data"][0]["id"]
            .as_str()
            .expect("an item")
            .to_owned();
        let customer = shown["customer"].as_str().expect("a customer").to_owned();
        self.deed(member, async |app, work| {
            const SQL: &str = "INSERT INTO coverage (account, customer, item, seat, member, named_at) \
                               VALUES ($1, $2, $3, $4, $5, $6)";
            on!(&mut work.tx, c => sqlx::query(SQL).bind(app.account.0).bind(&customer).bind(&item).bind(seat)
                .bind(member.0).bind(now.0).execute(c).await.map_err(StoreError::Query)?.rows_affected());
            for concerned in members::concerned(&mut work.tx, app.account, &customer).await? {
                app.derive(work, concerned, "the front desk").await?;
            }
            Ok(())
        });
    }

    /// A member's standing as last derived.
    #[must_use]
    pub fn standing(&self, who: Who) -> Option<Standing> {
        let member = self.id(who);
        let text: Option<String> = self.read(async |tx| {
            on!(tx, c => sqlx::query_scalar("SELECT standing FROM members WHERE id = $1").bind(member.0).fetch_one(c).await)
        });
        text.map(|text| serde_json::from_str(&text).expect("a standing"))
    }

    /// A member's standing in one word.
    #[must_use]
    pub fn state(&self, who: Who) -> State {
        self.standing(who)
            .map_or(State::Stranger, |standing| standing.state)
    }

    /// The member with a mail address.
    #[must_use]
    pub fn member_by_mail(&self, mail: &str) -> Option<MemberId> {
        let id: Option<i64> = self.read(async |tx| {
            on!(tx, c => sqlx::query_scalar("SELECT id FROM members WHERE mail_folded = $1").bind(mail).fetch_optional(c).await)
        });
        id.map(MemberId)
    }

    /// How many members there are.
    #[must_use]
    pub fn member_count(&self) -> i64 {
        self.read(async |tx| on!(tx, c => sqlx::query_scalar("SELECT COUNT(*) FROM members").fetch_one(c).await))
    }

    /// Open items of the attention list: kind and subject.
    #[must_use]
    pub fn attention(&self) -> Vec<(String, String)> {
        const SQL: &str =
            "SELECT kind, subject FROM attention WHERE resolved_at IS NULL ORDER BY kind, subject";
        self.read(async |tx| on!(tx, c => sqlx::query_as(SQL).fetch_all(c).await))
    }

    /// Whether an item of a kind is open.
    #[must_use]
    pub fn attends(&self, kind: &str) -> bool {
        self.attention().iter().any(|(open, _)| open == kind)
    }

    /// The badge events of cards that the server keeps.
    #[must_use]
    pub fn badges(&self) -> Vec<Badge> {
        const SQL: &str = "SELECT agent, at, door, kind, reason FROM badges WHERE kind = 'card' ORDER BY at, agent, id";
        self.read(async |tx| on!(tx, c => sqlx::query_as(SQL).fetch_all(c).await))
    }

    /// The badge events that the taps of this story should have led to.
    #[must_use]
    pub fn expected_badges(&self) -> Vec<Badge> {
        let expected = self.taps.iter().filter_map(|(agent, tap)| {
            Some(Badge {
                agent: agent.as_str().to_owned(),
                at: tap.told_at?.0,
                door: Some(tap.door.as_str().to_owned()),
                kind: "card".to_owned(),
                reason: Some(tap.reason.name().to_owned()),
            })
        });
        expected.collect()
    }

    /// Fails unless every tap is in the badge log exactly once.
    pub fn badges_arrived_once_each(&self) {
        let (mut expected, mut kept) = (self.expected_badges(), self.badges());
        expected.sort();
        kept.sort();
        assert_eq!(
            kept, expected,
            "the badge log is what happened at the doors"
        );
    }

    /// The ledger, in the order of periods.
    #[must_use]
    pub fn ledger(&self) -> Vec<Payment> {
        const SQL: &str = "SELECT invoice, member, amount, reason, period_from, period_until FROM payments \
                           ORDER BY period_from, period_until, invoice";
        self.read(async |tx| on!(tx, c => sqlx::query_as(SQL).fetch_all(c).await))
    }

    /// Money that went back: kind, invoice, amount and state.
    #[must_use]
    pub fn reversals(&self) -> Vec<(String, Option<String>, i64, String)> {
        const SQL: &str = "SELECT kind, invoice, amount, status FROM reversals ORDER BY kind, id";
        self.read(async |tx| on!(tx, c => sqlx::query_as(SQL).fetch_all(c).await))
    }

    /// What payers are to be told: kind and subject.
    #[must_use]
    pub fn notices(&self) -> Vec<(String, String)> {
        const SQL: &str = "SELECT kind, subject FROM notices ORDER BY kind, subject";
        self.read(async |tx| on!(tx, c => sqlx::query_as(SQL).fetch_all(c).await))
    }

    /// How many notices of a kind there are.
    #[must_use]
    pub fn told(&self, kind: &str) -> usize {
        self.notices()
            .iter()
            .filter(|(told, _)| told == kind)
            .count()
    }

    /// A member's story.
    #[must_use]
    pub fn story(&self, who: Who) -> Story {
        let member = self.id(who);
        self.runtime.block_on(async {
            let app = self.server.app().expect("the server runs");
            let mut work = app.work(self.now).await.expect("the database answers");
            let rulebook = work.rulebook.clone();
            let story = story::read(&mut work.tx, member, &rulebook).await;
            story.expect("a story is readable")
        })
    }

    /// The terms of a member's story.
    #[must_use]
    pub fn terms(&self, who: Who) -> Vec<Term> {
        self.story(who).terms
    }

    /// What happened to a member, in order: what, to which type, and the minor units charged.
    #[must_use]
    pub fn chapters(&self, who: Who) -> Vec<(&'static str, String, Option<i64>)> {
        let chapters = self.story(who).chapters.into_iter();
        let chapter = |chapter: Chapter| {
            let amount = chapter.charge.map(|charge| charge.amount);
            let word = chapter.step.word(&chapter.source);
            (word, chapter.membership.into(), amount)
        };
        chapters.map(chapter).collect()
    }

    /// The membership types in a member's story, in order.
    #[must_use]
    pub fn types_in(&self, who: Who) -> Vec<String> {
        let terms = self.terms(who).into_iter();
        terms.map(|term| term.membership.into()).collect()
    }

    /// Every price that the server has met, and the `X` that it names.
    #[must_use]
    pub fn known_prices(&self) -> Vec<(String, Option<String>)> {
        self.read(async |tx| on!(tx, c => sqlx::query_as("SELECT id, x FROM prices ORDER BY id").fetch_all(c).await))
    }

    /// A price is made to name no type any more, behind everybody's back.
    pub fn untag(&mut self, price: &str) {
        let now = self.now;
        self.step(async |app| {
            let mut work = app.work(now).await?;
            on!(&mut work.tx, c => sqlx::query("UPDATE prices SET x = NULL WHERE id = $1").bind(price)
                .execute(c).await.map_err(StoreError::Query)?.rows_affected());
            const LINES: &str = "UPDATE objects SET body = REPLACE(body, $1, 'gone')";
            on!(&mut work.tx, c => sqlx::query(LINES).bind(price).execute(c).await.map_err(StoreError::Query)?.rows_affected());
            rulebook::changed(&mut work.tx).await?;
            app.finish(work).await
        });
    }

    /// Derives everybody as one run with one cause.
    pub fn derive_all(&mut self, cause: &str, approved: bool) -> Run {
        let now = self.now;
        let done = self.ask(async |app| {
            let mut work = app.work(now).await?;
            let run = app.derive_all(&mut work, cause, approved).await?;
            Ok((run, app.finish(work).await?))
        });
        let (run, publications) = done.expect("the server runs");
        self.publish(publications);
        run
    }

    /// Applies every stored event once more, and publishes what follows.
    pub fn replay(&mut self, approved: bool) -> Result<Replayed, ReplayError> {
        let now = self.now;
        let done = self.ask(async |app| Ok(app.replay(approved, now).await));
        let mut done = done.expect("the server runs")?;
        self.publish(std::mem::take(&mut done.publications));
        Ok(done)
    }

    /// An admin says yes to old news.
    pub fn release_late(&mut self) {
        let now = self.now;
        self.ask(async |app| {
            let mut work = app.work(now).await?;
            inbox::release(&mut work.tx, app.account, now);
            let (organisation, kind) = (&app.organisation, Kind::LateNews);
            attention::settle(&mut work.tx, organisation, kind, "backlog", now).await?;
            app.finish(work).await
        });
        self.settle();
    }

    /// Stores events as a version did that did not understand them.
    pub fn lay_aside(&mut self, letters: &[Letter]) {
        self.store(letters, Some(Fate::Ignored));
    }

    /// Stores events as a server does that has no time to apply them yet.
    pub fn keep_all(&mut self, letters: &[Letter]) {
        self.store(letters, None);
    }

    fn store(&mut self, letters: &[Letter], fate: Option<Fate>) {
        let now = self.now;
        self.ask(async |app| {
            let read = |letter: &Letter| {
                let head = Head::read(&letter.body).expect("an event");
                receive::arrival(app, head, &letter.body).expect("of this account")
            };
            let arrivals: Vec<_> = letters.iter().map(read).collect();
            let fates = vec![fate; arrivals.len()];
            let mut tx = app.store.begin().await?;
            drop(inbox::insert_all(&mut tx, &arrivals, &fates, now));
            tx.commit().await
        });
    }

    /// Compares everything with Stripe, and publishes what follows.
    pub fn reconcile(&mut self, repair: Repair) -> Reconciliation {
        let now = self.now;
        let done = self.ask(async |app| {
            let done = app.reconcile(repair, || now).await;
            Ok(done.expect("Stripe answers"))
        });
        let mut done = done.expect("the server runs");
        self.publish(std::mem::take(&mut done.publications));
        self.settle();
        done
    }

    /// Brings a roll and Stripe's customers together, and publishes what follows.
    pub fn import(&mut self, wish: &Import) -> Result<Imported, ImportError> {
        let now = self.now;
        let done = self.ask(async |app| Ok(app.import(wish, "desk", || now).await));
        let (done, publications) = done.expect("the server runs")?;
        self.publish(publications);
        self.settle();
        Ok(done)
    }

    /// Whether Stripe confirmed what is known of all of a person's customers, and nothing waits to be confirmed.
    #[must_use]
    pub fn was_fetched(&self, who: Who) -> bool {
        const SQL: &str = "SELECT COUNT(*) FROM customers WHERE member = $1 AND (fetched_at IS NULL OR wants_fetch IS NOT NULL)";
        let member = self.id(who);
        let open: i64 = self.read(
            async |tx| on!(tx, c => sqlx::query_scalar(SQL).bind(member.0).fetch_one(c).await),
        );
        open == 0
    }

    /// How many audit lines tell of a member's standing.
    #[must_use]
    pub fn standing_changes(&self, who: Who) -> i64 {
        const SQL: &str = "SELECT COUNT(*) FROM audit WHERE member = $1 AND action = 'standing'";
        let member = self.id(who);
        self.read(
            async |tx| on!(tx, c => sqlx::query_scalar(SQL).bind(member.0).fetch_one(c).await),
        )
    }

    /// Revision and digest of every zone's list.
    #[must_use]
    pub fn heads(&self) -> BTreeMap<ZoneId, (Revision, Digest)> {
        let zones = self.runtime.block_on(async {
            let mut tx: Tx = self
                .server
                .store
                .begin_read()
                .await
                .expect("the database answers");
            lists::zones(&mut tx, &organisation())
                .await
                .expect("zones are readable")
        });
        zones
            .into_iter()
            .map(|(zone, head)| (zone, (head.revision, head.digest)))
            .collect()
    }
}
