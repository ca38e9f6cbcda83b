//! What an admin does about an item within one transaction, step by step.

use super::Resolve;
use crate::app::Work;
use crate::attention::{Kind, Resolution};
use crate::membership::clock::Run;
use crate::membership::link;
use crate::random::Handed;
use crate::said::Said;
use crate::setup;
use crate::store::ledger::Stretch;
use crate::store::members::{self, NewMember, concerned};
use crate::store::mirror::{self, Object};
use crate::store::prices::{self, PriceRow};
use crate::store::reading::AttentionRow;
use crate::store::{catalogue, inbox, payers};
use crate::web::cards::give;
use crate::web::catalogue::map_price;
use crate::web::coverage::{cover, link_to, uncover};
use crate::web::deeds::{end_grant_now, withhold};
use crate::web::members::expect_member;
use crate::web::organisation::expect_type;
use crate::web::problem::{Answer, Problem};
use crate::web::values::{Remark, Title};
use crate::web::{Here, agents};
use shared::facts::{Line, Subscription};
use shared::ids::{AgentId, GrantId, MemberId, MembershipTypeId};
use shared::standing::Because;
use std::collections::BTreeSet;

/// What is done within one transaction.
pub(super) struct Deed<'a> {
    pub state: &'a Here,
    pub item: &'a AttentionRow,
    pub body: &'a Resolve,
    pub approved: bool,
}

impl Deed<'_> {
    pub async fn run(&self, work: &mut Work, action: Resolution) -> Answer<()> {
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
                let uid = self
                    .body
                    .uid
                    .as_ref()
                    .ok_or(missing("uid", Said::of("refused-card-number")))?;
                let member = self.whom()?;
                give(self.state, work, (member, uid.uid()), "", "uid").await?;
                Ok(())
            }
            Resolution::MakeType => self.make_type(work).await,
            Resolution::DefaultType => self.default_type(work).await,
            Resolution::Map => self.map(work).await,
            Resolution::Accept => self.accept(work).await,
            Resolution::Approve if Kind::read(&self.item.kind) == Some(Kind::LateNews) => {
                inbox::release(&mut work.tx, app.account, work.now);
                Ok(())
            }
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
                    made_by: self.state.actor(),
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
            .ok_or(missing("member", Said::of("refused-whose-customer")))?;
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
        let membership = membership.ok_or(missing("membership", Said::of("refused-a-type")))?;
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
                self.expect_all_items(work, &subscription).await?;
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
                    let detail = Said::of("refused-which-price");
                    return Err(Problem::conflict("action", detail));
                };
                price.clone()
            }
        };
        map_price(self.state, work, &price, membership, self.approved).await
    }

    /// A type that went with an item that was taken out is no price's that is left.
    async fn expect_all_items(&self, work: &mut Work, subscription: &Subscription) -> Answer<()> {
        let account = self.state.app.account;
        let typed = |price: &Option<String>| {
            let key = price.clone().map(|price| (account, price));
            key.is_some_and(|key| work.rulebook.prices.contains_key(&key))
        };
        let objects = mirror::of_customer(&mut work.tx, account, &subscription.customer).await?;
        let invoices = objects.iter().filter_map(|kept| match &kept.object {
            Object::Invoice(invoice) => Some(invoice),
            Object::Subscription(_) => None,
        });
        let mut lines = invoices
            .filter(|invoice| invoice.subscription.as_deref() == Some(subscription.id.as_str()))
            .flat_map(|invoice| &invoice.lines);
        let gone = |line: &Line| {
            let mut items = subscription.items.iter();
            line.item.is_some() && !items.any(|item| Some(&item.id) == line.item.as_ref())
        };
        if lines.any(|line| gone(line) && typed(&line.price)) {
            let detail = "The item that named the type was taken out of the subscription; what is left was sold as \
                          something else. If its price is a membership all the same, give it the type in the catalogue.";
            return Err(Problem::conflict("action", detail));
        }
        Ok(())
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
            Said::of("refused-no-change-waits"),
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
            let detail = Said::of("refused-runs-at-stripe");
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
                    made_by: self.state.actor(),
                };
                let only = Some(subscription.id.as_str());
                withhold(self.state, work, member, only, stretch).await?;
            }
        }
        Ok(())
    }

    /// Names the member for the seat that covers nobody, or for the first seat of a subscription that was paid twice.
    async fn cover(&self, work: &mut Work) -> Answer<()> {
        let detail = Said::of("refused-seat-for-whom");
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
            Said::of("refused-no-free-seat"),
        ))
    }

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
        let detail = Said::of("refused-further-seat");
        let named = all.iter().find(meant).ok_or(missing("member", detail))?;
        uncover(self.state, work, named).await
    }
}

fn missing(field: &str, detail: Said) -> Problem {
    Problem::field(field, detail)
}
