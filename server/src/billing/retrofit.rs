//! Retrofit: an admin has a membership type written into a price's name or metadata at Stripe, after seeing what that does.

use super::catalogue::refusal;
use super::client::{Request, StripeError, segment};
use super::prices::{price_row, said_stamp};
use super::read::{self, PriceInfo};
use super::tag::{self, METADATA_KEY, PREFIX, Place};
use crate::app::{App, Work};
use crate::attention::Kind;
use crate::doors::publish::Publication;
use crate::membership::clock::Run;
use crate::store::attention::{AuditLine, audit, settle};
use crate::store::{StoreError, prices};
use shared::ids::{MemberId, MembershipTypeId};
use shared::time::Timestamp;

/// What is to be written where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrofit {
    /// Which price.
    pub price: String,
    /// The type it is to have.
    pub membership: MembershipTypeId,
    /// Into its metadata rather than in front of its nickname.
    pub metadata: bool,
    /// Also if more members lose access by it than by one cause without a yes.
    pub approved: bool,
}

/// What a retrofit writes, and what that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What stood there before.
    pub before: Option<String>,
    /// What stands there then.
    pub after: String,
    /// Members who gain access.
    pub gained: Vec<MemberId>,
    /// Members who lose access.
    pub lost: Vec<MemberId>,
    /// How many members' standing changes in any way.
    pub changed: usize,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum RetrofitError {
    /// There is no key, or not the right one.
    #[error(
        "without a Stripe key of the account on record nothing can be written: set STRIPE_SECRET_KEY"
    )]
    NoKey,
    /// No such type.
    #[error("there is no membership type `{0}`: make it first, or name one that exists")]
    UnknownType(MembershipTypeId),
    /// It says a type already.
    #[error("the price has the type `{x}` already, by its {place}: change it there, at Stripe")]
    Named {
        /// Which.
        x: String,
        /// Where.
        place: String,
    },
    /// An admin gave it another type.
    #[error("an admin gave the price the type `{0}`: take that back first")]
    Mapped(MembershipTypeId),
    /// A type whose name cannot be a tag.
    #[error("`{0}` cannot be written as a tag: a type's name ends there at the first `-`")]
    NoTag(MembershipTypeId),
    /// Too many would lose access.
    #[error("this would take access from {} members at once", .0.len())]
    Braked(Vec<MemberId>),
    /// Stripe did not do it.
    #[error("{}", refusal(.0, "write prices", "Prices"))]
    Stripe(Box<StripeError>),
    /// The database did not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<StripeError> for RetrofitError {
    fn from(error: StripeError) -> Self {
        Self::Stripe(Box::new(error))
    }
}

impl From<read::ReadError> for RetrofitError {
    fn from(_: read::ReadError) -> Self {
        StripeError::Garbled {
            path: "/v1/prices".to_owned(),
        }
        .into()
    }
}

impl App {
    /// What a retrofit would write and change; nothing is.
    pub async fn preview_retrofit(
        &self,
        wish: &Retrofit,
        now: Timestamp,
    ) -> Result<Outcome, RetrofitError> {
        let planned = self.plan_retrofit(wish, now).await?;
        let mut work = self.work(now).await?;
        // Undone when `work` is dropped.
        let run = self.take_over(&mut work, &planned.info, true, now).await?;
        Ok(planned.outcome(run))
    }

    /// Writes a type into a price at Stripe, and derives whom that concerns.
    pub async fn retrofit(
        &self,
        wish: &Retrofit,
        actor: &str,
        now: Timestamp,
    ) -> Result<(Outcome, Vec<Publication>), RetrofitError> {
        let planned = self.plan_retrofit(wish, now).await?;
        let mut work = self.work(now).await?;
        if let Run::Braked { lost } = self
            .take_over(&mut work, &planned.info, wish.approved, now)
            .await?
        {
            return Err(RetrofitError::Braked(lost));
        }
        // Stripe is asked outside any transaction.
        drop(work);
        let stripe = self.billing.stripe.as_ref().ok_or(RetrofitError::NoKey)?;
        let nonce = self.with_random(|random| random.next_u64());
        let key = format!("retrofit-{}-{nonce:016x}", wish.price);
        let path = format!("/v1/prices/{}", segment(&wish.price)?);
        let request = Request::post(path, key)
            .with(planned.param(), planned.after.as_str())
            .with("expand[]", "product");
        let written = read::price(&stripe.change(request).await?)?;
        let mut work = self.work(now).await?;
        let run = self
            .take_over(&mut work, &written, wish.approved, now)
            .await?;
        if let Run::Braked { lost } = run {
            return Err(RetrofitError::Braked(lost));
        }
        self.show_price(&mut work, self.account, &written, &as_of(now))
            .await?;
        let cause = format!(
            "{} of price {}: `{PREFIX}{}`",
            planned.param(),
            wish.price,
            wish.membership
        );
        let line = AuditLine {
            actor,
            action: "catalogue.retrofit",
            member: None,
            cause: &cause,
            body: None,
        };
        audit(&mut work.tx, &self.organisation, now, line);
        Ok((planned.outcome(run), self.finish(work).await?))
    }

    async fn plan_retrofit(
        &self,
        wish: &Retrofit,
        now: Timestamp,
    ) -> Result<Planned, RetrofitError> {
        let stripe = self.billing.stripe.as_ref().ok_or(RetrofitError::NoKey)?;
        if !self.confirm(now).await? {
            return Err(RetrofitError::NoKey);
        }
        let work = self.work(now).await?;
        let rulebook = work.rulebook.clone();
        drop(work);
        if !rulebook.rules.types.contains_key(&wish.membership) {
            return Err(RetrofitError::UnknownType(wish.membership.clone()));
        }
        let mapped = rulebook.mapped.get(&(self.account, wish.price.clone()));
        if let Some(mapped) = mapped.filter(|mapped| **mapped != wish.membership) {
            return Err(RetrofitError::Mapped(mapped.clone()));
        }
        let info = read::price(&stripe.price(&wish.price).await?)?;
        if let Some(found) = tag::resolve(&info).found {
            let place = found.place.to_string();
            return Err(RetrofitError::Named { x: found.x, place });
        }
        Planned::of(info, wish)
    }

    /// Lets a price name what it says now, by an admin's wish, and derives everybody.
    async fn take_over(
        &self,
        work: &mut Work,
        price: &PriceInfo,
        approved: bool,
        now: Timestamp,
    ) -> Result<Run, RetrofitError> {
        let row = price_row(price);
        prices::put(&mut work.tx, self.account, &price.id, &row, &as_of(now)).await?;
        for kind in [Kind::CatalogueChange, Kind::NearMiss] {
            settle(&mut work.tx, &self.organisation, kind, &price.id, now).await?;
        }
        self.reread(work).await?;
        self.link_payers(work, self.account, &price.id).await?;
        let cause = format!("price {} was given a membership type", price.id);
        Ok(self.derive_all(work, &cause, approved).await?)
    }
}

/// Where what a fetch at this moment says stands in the order.
fn as_of(now: Timestamp) -> String {
    said_stamp(Timestamp::from_seconds(now.as_seconds()), "")
}

/// What is to be written, and the price as it is then.
struct Planned {
    info: PriceInfo,
    metadata: bool,
    before: Option<String>,
    after: String,
}

impl Planned {
    fn of(mut info: PriceInfo, wish: &Retrofit) -> Result<Self, RetrofitError> {
        let x = &wish.membership;
        let (before, after, place) = if wish.metadata {
            let after = x.to_string();
            let before = info.metadata.insert(METADATA_KEY.to_owned(), after.clone());
            (before, after, Place::Metadata)
        } else {
            let before = info.nickname.take();
            let after = format!("{PREFIX}{x}-{}", before.as_deref().unwrap_or_default());
            info.nickname = Some(after.clone());
            (before, after, Place::Nickname)
        };
        let found = tag::resolve(&info).found;
        if !found.is_some_and(|found| found.place == place && found.x == x.as_str()) {
            return Err(RetrofitError::NoTag(x.clone()));
        }
        Ok(Self {
            info,
            metadata: wish.metadata,
            before,
            after,
        })
    }

    /// Stripe's name of what is written.
    fn param(&self) -> &'static str {
        if self.metadata {
            "metadata[membertype]"
        } else {
            "nickname"
        }
    }

    fn outcome(self, run: Run) -> Outcome {
        let (gained, lost, changed) = match run {
            Run::Done {
                gained,
                lost,
                changed,
            } => (gained, lost, changed),
            Run::Braked { lost } => (Vec::new(), lost, 0),
        };
        Outcome {
            before: self.before,
            after: self.after,
            gained,
            lost,
            changed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(x: &str, metadata: bool) -> Retrofit {
        Retrofit {
            price: "price_1".to_owned(),
            membership: MembershipTypeId::new(x).expect("a name"),
            metadata,
            approved: false,
        }
    }

    fn named(nickname: Option<&str>) -> PriceInfo {
        PriceInfo {
            id: "price_1".to_owned(),
            nickname: nickname.map(str::to_owned),
            ..PriceInfo::default()
        }
    }

    #[test]
    fn the_tag_goes_in_front_and_is_read_back() {
        for (before, after) in [
            (Some("Full, monthly"), "membertype_5-Full, monthly"),
            (None, "membertype_5-"),
            (Some("Membertype_5 Full"), "membertype_5-Membertype_5 Full"),
        ] {
            let planned = Planned::of(named(before), &wish("5", false)).expect("planned");
            assert_eq!(
                (planned.param(), planned.after.as_str()),
                ("nickname", after)
            );
            assert_eq!(planned.before.as_deref(), before);
            assert_eq!(price_row(&planned.info).x.as_deref(), Some("5"));
        }
        let planned = Planned::of(named(None), &wish("wood_shop", true)).expect("planned");
        assert_eq!(
            (planned.param(), planned.after.as_str()),
            ("metadata[membertype]", "wood_shop")
        );
    }

    #[test]
    fn a_type_that_no_tag_can_name_is_refused() {
        for metadata in [false, true] {
            for x in ["wood-shop", "0"] {
                let planned = Planned::of(named(Some("Wood")), &wish(x, metadata));
                assert!(matches!(planned, Err(RetrofitError::NoTag(_))), "{x}");
            }
        }
    }
}
