//! What an admin does about an item of the attention list: one call does the thing and settles the item.

use super::attention::{Attention, actions};
use super::cards::{TypedUid, give};
use super::catalogue::map_price;
use super::coverage::{cover, link_to, uncover};
use super::deeds::{end_grant_now, withhold};
use super::extract::{Asked, At, Body};
use super::members::expect_member;
use super::organisation::{Approval, expect_type};
use super::problem::{Answer, Problem};
use super::values::{Remark, Title};
use super::{ADMIN, Here, State, agents, through};
use crate::app::Work;
use crate::attention::{Kind, Resolution};
use crate::billing::reconcile::{ReconcileError, Repair};
use crate::membership::clock::Run;
use crate::membership::link;
use crate::random::Handed;
use crate::setup;
use crate::store::ledger::Stretch;
use crate::store::members::{self, NewMember, concerned};
use crate::store::mirror::{self, Object};
use crate::store::prices::{self, PriceRow};
use crate::store::reading::{self, AttentionRow};
use crate::store::{catalogue, inbox, payers};
use axum::Json;
use serde::Deserialize;
use shared::facts::Subscription;
use shared::ids::{AgentId, GrantId, MemberId, MembershipTypeId};
use shared::standing::Because;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// What an admin does about an item.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// What to do; left out: it was looked at.
    action: Option<Resolution>,
    /// For `link`, `cover` and `uncover`: the member. For `link` and `uncover` left out: the member that the item names.
    #[schema(value_type = Option<i64>)]
    member: Option<MemberId>,
    /// For `map` and `default_type`: the membership type.
    #[schema(value_type = Option<String>)]
    membership: Option<MembershipTypeId>,
    /// For `make_type`: what people call it; left out: what prices call it.
    name: Option<Title>,
    /// For `give_card`: the card's number, as `POST /api/v1/cards` takes it.
    #[schema(value_type = Option<String>)]
    uid: Option<TypedUid>,
    /// For `hold` and `end_now`: why; left out: the item's kind and subject.
    reason: Option<Remark>,
}

/// Settle an item, and do what it asks for
#[utoipa::path(post, path = "/api/v1/attention/{item}/resolve", tag = "events",
    params(("item" = i64, Path), Approval), request_body = Resolve,
    responses((status = OK, body = Attention), Problem))]
pub async fn resolve(
    state: Here,
    At(id): At<i64>,
    Asked(Approval { approved }): Asked<Approval>,
    Body(body): Body<Resolve>,
) -> Answer<Json<Attention>> {
    let action = body.action.unwrap_or(Resolution::Seen);
    let mut work = state.work().await?;
    let item = open_item(&state, &mut work, id, action).await?;
    let kind = Kind::read(&item.kind);
    if let Some(ask) = Asking::of(kind, action) {
        // Stripe is asked outside any transaction.
        drop(work);
        ask.run(&state).await?;
        work = state.work().await?;
    } else {
        let deed = Deed {
            state: &state,
            item: &item,
            body: &body,
            approved,
        };
        deed.run(&mut work, action).await?;
    }
    // What the facts of a member say goes when they no longer say it.
    let by_facts = matches!(kind, Some(Kind::Concern(_)))
        && !matches!(action, Resolution::Seen | Resolution::Hold);
    let organisation = &state.app.organisation;
    if !by_facts {
        let accepted = matches!(action, Resolution::Seen | Resolution::DefaultType)
            && kind.is_some_and(Kind::lasts);
        reading::settle_one(&mut work.tx, organisation, id, accepted, work.now).await?;
    }
    let cause = format!("{} {}", item.kind, item.subject);
    let member = item.member.map(MemberId);
    state.note(&mut work, "attention.resolve", member, &cause);
    let row = reading::attention_one(&mut work.tx, organisation, id)
        .await?
        .ok_or(Problem::fault())?;
    state.done(work).await?;
    ring(&state, action);
    Ok(Json(row.into()))
}

/// The item, if it is open and this can be done about it.
async fn open_item(
    state: &State,
    work: &mut Work,
    id: i64,
    action: Resolution,
) -> Answer<AttentionRow> {
    let item = reading::attention_one(&mut work.tx, &state.app.organisation, id)
        .await?
        .ok_or(Problem::not_found("item"))?;
    if item.resolved_at.is_some() {
        return Err(Problem::conflict("item", "It was settled before."));
    }
    let known = actions(Kind::read(&item.kind));
    if known.contains(&action) {
        return Ok(item);
    }
    let words: Vec<String> = known
        .iter()
        .filter_map(|known| serde_json::to_string(known).ok())
        .collect();
    let detail = format!("For this item, write one of {}.", words.join(", "));
    Err(Problem::field("action", detail))
}

/// Wakes whoever goes on with what was done.
fn ring(state: &State, action: Resolution) {
    match action {
        Resolution::Replay => state.bells.kept.notify_one(),
        Resolution::Retry | Resolution::Link | Resolution::NewMember => {
            state.bells.fetch.notify_one();
        }
        Resolution::Resend | Resolution::Revoke => state.agents_changed(),
        Resolution::Seen
        | Resolution::Confirm
        | Resolution::GiveCard
        | Resolution::MakeType
        | Resolution::DefaultType
        | Resolution::Map
        | Resolution::Accept
        | Resolution::Approve
        | Resolution::EndNow
        | Resolution::Hold
        | Resolution::EndGrant
        | Resolution::Cover
        | Resolution::Uncover => {}
    }
}

/// What is asked of Stripe, however long that takes.
enum Asking {
    /// To be compared with everything, whoever loses access by it.
    Reconcile,
    /// Whether the key reads the account.
    Confirm,
    /// Nothing: what Stripe said is applied in its own time.
    Release,
}

impl Asking {
    fn of(kind: Option<Kind>, action: Resolution) -> Option<Self> {
        match (kind?, action) {
            (Kind::ReconciliationBrake, Resolution::Approve) => Some(Self::Reconcile),
            (Kind::StripeNotReadable | Kind::Disconnected, Resolution::Retry) => {
                Some(Self::Confirm)
            }
            (Kind::LateNews, Resolution::Approve) => Some(Self::Release),
            _ => None,
        }
    }

    async fn run(self, state: &Here) -> Answer<()> {
        let held = state.0.clone();
        match self {
            Self::Reconcile => {
                let run = async move { held.app.reconcile(Repair::Approved, || held.now()).await };
                state.bells.publish(through(run).await??.publications);
                Ok(())
            }
            Self::Release => {
                held.app.release_late(held.now()).await?;
                state.bells.kept.notify_one();
                Ok(())
            }
            Self::Confirm => {
                let run = async move { held.app.confirm(held.now()).await };
                let detail = "Stripe still cannot be read with the key for the account on record.";
                if through(run).await?? {
                    Ok(())
                } else {
                    Err(Problem::conflict("STRIPE_SECRET_KEY", detail))
                }
            }
        }
    }
}

impl From<ReconcileError> for Problem {
    fn from(error: ReconcileError) -> Self {
        let said = error.to_string();
        match error {
            ReconcileError::NoKey | ReconcileError::WrongKey => {
                Self::conflict("STRIPE_SECRET_KEY", said)
            }
            ReconcileError::Stripe(error) => Self::stripe(&error, said),
            ReconcileError::Store(error) => error.into(),
        }
    }
}

/// What is done within one transaction.
struct Deed<'a> {
    state: &'a State,
    item: &'a AttentionRow,
    body: &'a Resolve,
    approved: bool,
}

impl Deed<'_> {
    async fn run(&self, work: &mut Work, action: Resolution) -> Answer<()> {
        let (app, subject) = (&self.state.app, self.item.subject.as_str());
        match action {
            Resolution::Seen | Resolution::Resend => Ok(()),
            Resolution::Link => self.link(work).await,
            Resolution::NewMember => self.new_member(work).await,
            Resolution::Confirm => {
                payers::confirm_link(&mut work.tx, app.account, subject).await?;
                Ok(())
            }
            Resolution::GiveCard => {
                let uid = self.body.uid.as_ref().ok_or(missing(
                    "uid",
                    "Write the card's number, as a reader shows it.",
                ))?;
                let member = self.whom()?;
                give(self.state, work, (member, uid.uid()), "", "uid").await?;
                Ok(())
            }
            Resolution::MakeType => self.make_type(work).await,
            Resolution::DefaultType => self.default_type(work).await,
            Resolution::Map => self.map(work).await,
            Resolution::Accept => self.accept(work).await,
            Resolution::Approve => match app.derive_all(work, subject, true).await? {
                Run::Done { .. } => Ok(()),
                Run::Braked { lost } => Err(Problem::braked(lost)),
            },
            Resolution::Replay => {
                let id = subject.parse().map_err(|_| Problem::fault())?;
                inbox::again(&mut work.tx, app.account, id).await?;
                Ok(())
            }
            Resolution::Retry => {
                mirror::want_fetch(&mut work.tx, app.account, subject, work.now);
                Ok(())
            }
            Resolution::EndNow => self.end_now(work).await,
            Resolution::Hold => {
                let member = self.whom()?;
                let reason = self.reason();
                let stretch = Stretch {
                    from: work.now,
                    until: None,
                    reason: &reason,
                    made_by: ADMIN,
                };
                withhold(self.state, work, member, None, stretch).await?;
                Ok(())
            }
            Resolution::EndGrant => {
                let number = subject
                    .strip_prefix("grant ")
                    .and_then(|id| id.parse().ok());
                let grant: GrantId = number.ok_or(Problem::fault())?;
                end_grant_now(self.state, work, grant).await
            }
            Resolution::Cover => self.cover(work).await,
            Resolution::Uncover => self.uncover(work).await,
            Resolution::Revoke => {
                let agent: AgentId = subject.parse().map_err(|_| Problem::fault())?;
                agents::revoke_now(self.state, work, &agent).await
            }
        }
    }

    /// The member whom the item is about.
    fn whom(&self) -> Answer<MemberId> {
        self.item.member.map(MemberId).ok_or(Problem::fault())
    }

    fn reason(&self) -> String {
        let given = self.body.reason.as_ref().map(Remark::as_str);
        given.map_or(
            format!("{} {}", self.item.kind, self.item.subject),
            str::to_owned,
        )
    }

    /// The customer whom the item is about.
    async fn customer(&self, work: &mut Work) -> Answer<String> {
        let (account, subject) = (self.state.app.account, self.item.subject.as_str());
        match Kind::read(&self.item.kind) {
            Some(Kind::UnmatchedPayment) => mirror::customer_of(&mut work.tx, account, subject)
                .await?
                .ok_or(Problem::fault()),
            Some(_) | None => Ok(subject.to_owned()),
        }
    }

    async fn link(&self, work: &mut Work) -> Answer<()> {
        let suggested = match Kind::read(&self.item.kind) {
            Some(Kind::UnmatchedPayment | Kind::ProposedLink) => self.item.member.map(MemberId),
            Some(_) | None => None,
        };
        let member = self
            .body
            .member
            .or(suggested)
            .ok_or(missing("member", "Name the member whose customer it is."))?;
        let customer = self.customer(work).await?;
        link_to(self.state, work, &customer, member).await?;
        Ok(())
    }

    async fn new_member(&self, work: &mut Work) -> Answer<()> {
        let app = &self.state.app;
        let customer = self.customer(work).await?;
        let row = mirror::customer(&mut work.tx, app.account, &customer).await?;
        let row = row.ok_or(Problem::fault())?;
        let holder = link::new_holder(&mut Handed::new(|bytes| {
            app.with_random(|random| random.fill_bytes(bytes));
        }));
        let new = NewMember {
            holder,
            name: row.name.as_deref().unwrap_or("New member"),
            mail: row.mail.as_deref(),
            keyholder: false,
        };
        let member = members::create(&mut work.tx, &app.organisation, &new, work.now).await?;
        link_to(self.state, work, &customer, member).await?;
        let rulebook = work.rulebook.clone();
        link::announce(
            &mut work.tx,
            &rulebook,
            &customer,
            member,
            "created",
            work.now,
        )
        .await?;
        Ok(())
    }

    fn membership(&self, work: &Work) -> Answer<&MembershipTypeId> {
        let membership = self.body.membership.as_ref();
        let membership = membership.ok_or(missing("membership", "Name a membership type."))?;
        expect_type(&work.rulebook, "membership", membership)?;
        Ok(membership)
    }

    async fn make_type(&self, work: &mut Work) -> Answer<()> {
        let x = self.item.subject.as_str();
        let id = MembershipTypeId::new(x).map_err(|_| Problem::fault())?;
        let name = self.body.name.as_ref().map_or(x, Title::as_str);
        let organisation = &self.state.app.organisation;
        setup::membership_type(&mut work.tx, organisation, &id, name, 0, None).await?;
        self.state.note(work, "membership_type.put", None, x);
        let cause = format!("membership type {x} was made");
        self.state.derive_all(work, &cause, self.approved).await
    }

    async fn default_type(&self, work: &mut Work) -> Answer<()> {
        let membership = self.membership(work)?;
        let organisation = &self.state.app.organisation;
        setup::default_type(&mut work.tx, organisation, Some(membership)).await?;
        self.state
            .note(work, "organisation.change", None, "the stand-in type");
        let cause = "the stand-in membership type was changed";
        self.state.derive_all(work, cause, self.approved).await
    }

    async fn map(&self, work: &mut Work) -> Answer<()> {
        let membership = self.membership(work)?;
        let account = self.state.app.account;
        let price = match Kind::read(&self.item.kind) {
            Some(Kind::NearMiss) => self.item.subject.clone(),
            Some(_) | None => {
                let subscription = self.subscription(work).await?;
                let untyped: BTreeSet<&String> = subscription
                    .items
                    .iter()
                    .map(|item| &item.price)
                    .filter(|price| {
                        let key = (account, (*price).clone());
                        !work.rulebook.prices.contains_key(&key)
                    })
                    .collect();
                let [price] = untyped.into_iter().collect::<Vec<_>>()[..] else {
                    let detail = "It is not clear which of the prices is meant: give it the type in the catalogue.";
                    return Err(Problem::conflict("action", detail));
                };
                price.clone()
            }
        };
        map_price(self.state, work, &price, membership, self.approved).await
    }

    /// The subscription that the item is about.
    async fn subscription(&self, work: &mut Work) -> Answer<Subscription> {
        let found = mirror::find(&mut work.tx, self.state.app.account, &self.item.subject).await?;
        match found.map(|kept| kept.object) {
            Some(Object::Subscription(subscription)) => Ok(subscription),
            Some(Object::Invoice(_)) | None => Err(Problem::fault()),
        }
    }

    async fn accept(&self, work: &mut Work) -> Answer<()> {
        let (account, price) = (self.state.app.account, self.item.subject.as_str());
        let waiting = payers::waiting_price(&mut work.tx, account, price).await?;
        let (x, stamp) = waiting.ok_or(Problem::conflict(
            "action",
            "No change of this price waits any more.",
        ))?;
        let x = Some(x).filter(|x| !x.is_empty());
        let face = catalogue::one(&mut work.tx, account, price).await?;
        let face = face.map(|known| known.face).filter(|face| face.x == x);
        let face = face.unwrap_or_default();
        let row = PriceRow {
            x,
            place: face.place,
            warnings: face.warnings,
            waiting: false,
        };
        prices::put(&mut work.tx, account, price, &row, &stamp).await?;
        let cause = format!("price {price} names another membership type");
        self.state.derive_all(work, &cause, self.approved).await
    }

    /// Ends what a cancelled subscription gives, for everybody whom it covers.
    async fn end_now(&self, work: &mut Work) -> Answer<()> {
        let subscription = self.subscription(work).await?;
        let (account, now) = (self.state.app.account, work.now);
        if !subscription.status.is_terminal() {
            let detail = "It runs at Stripe: cancel it there, or place a hold on the member.";
            return Err(Problem::conflict("action", detail));
        }
        let reason = self.reason();
        for member in concerned(&mut work.tx, account, &subscription.customer).await? {
            let standing = members::standing(&mut work.tx, member).await?;
            let access = standing.into_iter().flat_map(|standing| standing.access);
            let mut by_it = access.filter(|access| {
                access.holds(now)
                    && matches!(&access.because, Because::Subscription { id, .. } if *id == subscription.id)
            });
            if by_it.next().is_some() {
                let stretch = Stretch {
                    from: now,
                    until: None,
                    reason: &reason,
                    made_by: ADMIN,
                };
                let only = Some(subscription.id.as_str());
                withhold(self.state, work, member, only, stretch).await?;
            }
        }
        Ok(())
    }

    /// Names the member for the seat that covers nobody, or for the first seat of a subscription that was paid twice.
    async fn cover(&self, work: &mut Work) -> Answer<()> {
        let detail = "Name the member whom the seat covers.";
        let member = self.body.member.ok_or(missing("member", detail))?;
        expect_member(self.state, &mut work.tx, "member", member).await?;
        let (account, subject) = (self.state.app.account, self.item.subject.as_str());
        let payer = self.whom()?;
        for customer in payers::customers(
            &mut work.tx,
            account,
            payers::Whose::Of(payer),
            "",
            i64::MAX,
        )
        .await?
        {
            for kept in mirror::of_customer(&mut work.tx, account, &customer.id).await? {
                let Object::Subscription(subscription) = kept.object else {
                    continue;
                };
                for item in &subscription.items {
                    let key = (account, item.price.clone());
                    let first =
                        subscription.id == subject && work.rulebook.prices.contains_key(&key);
                    let seats = if first {
                        1..=1
                    } else {
                        2..=i64::from(item.quantity)
                    };
                    if !first && item.id != subject {
                        continue;
                    }
                    for seat in seats {
                        let named = payers::seat(&mut work.tx, account, &item.id, seat).await?;
                        if named.is_none() {
                            cover(self.state, work, &customer.id, (&item.id, seat), member).await?;
                            return Ok(());
                        }
                    }
                }
            }
        }
        Err(Problem::conflict(
            "action",
            "No such seat is free any more.",
        ))
    }
}

impl Deed<'_> {
    /// Takes the seat away that is no longer paid for, or another one of the same item.
    async fn uncover(&self, work: &mut Work) -> Answer<()> {
        let (item, seat) = self
            .item
            .subject
            .rsplit_once(" seat ")
            .ok_or(Problem::fault())?;
        let all = payers::named_seats(&mut work.tx, self.state.app.account, item).await?;
        let meant = |named: &&payers::Seat| match self.body.member {
            Some(member) => named.seat > 1 && named.member == member.0,
            None => named.seat.to_string() == seat,
        };
        let detail = "Name a member whom a further seat of the same item covers.";
        let named = all.iter().find(meant).ok_or(missing("member", detail))?;
        uncover(self.state, work, named).await
    }
}

fn missing(field: &str, detail: &str) -> Problem {
    Problem::field(field, detail)
}
