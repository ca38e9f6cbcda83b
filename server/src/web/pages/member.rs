//! One member: standing and why, cards, payments, what an admin gave and withheld, and what happened.

use super::form::Form;
use super::look::Look;
use super::sign_in::secret;
use super::today::{BadgeLine, badge_lines};
use super::{see, shown};
use crate::location_calendar::Periods;
use crate::money;
use crate::store::places;
use crate::web::Here;
use crate::web::cards::{self, Mark, MarkBody, NewCard, TypedUid};
use crate::web::deeds::{self, End, NewGrant, NewHold};
use crate::web::explain::{self, Explained, When};
use crate::web::extract::{Asked, At, Body};
use crate::web::members::{self, MemberChange, MemberView};
use crate::web::once::{Key, Named};
use crate::web::payments::{self, NewPayment, Payment, Source};
use crate::web::problem::{Answer, Problem};
use crate::web::values::{Currency, Date, Mail, Moment, Remark, Title};
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::{CardId, GrantId, HoldId, MemberId, MembershipTypeId};

const BADGES: i64 = 30;

#[derive(Template)]
#[template(path = "member.html")]
struct Page {
    look: Look,
    member: MemberView,
    /// Why, in words, line by line.
    explained: Explained,
    badges: Vec<BadgeLine>,
    types: Vec<places::Type>,
    enrolling: Vec<places::Door>,
    /// In which money was last received.
    currency: String,
    /// By which a payment that is sent twice is known.
    key: String,
}

impl Page {
    fn amount(&self, payment: &Payment) -> String {
        match (payment.amount, &payment.currency) {
            (Some(amount), Some(currency)) => money::in_words(amount, currency),
            (_, _) => String::new(),
        }
    }

    /// Whether what ends then has not ended.
    fn runs(&self, until: &Option<Moment>) -> bool {
        until.is_none_or(|until| self.look.now < until.0)
    }

    fn state_word(&self) -> &'static str {
        self.member
            .standing
            .as_ref()
            .map_or("none", |standing| standing.state.word())
    }
}

/// At which moment by the first location's clock it is explained; none: now.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfMoment {
    #[serde(default)]
    at: String,
}

/// The page.
pub async fn show(
    state: Here,
    look: Look,
    At(id): At<MemberId>,
    Asked(moment): Asked<OfMoment>,
) -> Answer<Response> {
    let valid = "Choose a day and a time.";
    let at = match moment.at.as_str() {
        "" => None,
        at => Some(look.at(at).ok_or_else(|| Problem::field("at", valid))?),
    };
    let when = When { at };
    let Json(member) = members::show(state.clone(), At(id)).await?;
    let Json(explained) = explain::show(state.clone(), At(id), Asked(when)).await?;
    let badges = badge_lines(&state, look.words.spoken(), Some(id), None, BADGES).await?;
    let mut tx = state.app.store.begin_read().await?;
    let organisation = &state.app.organisation;
    let types = places::types(&mut tx, organisation).await?;
    let mut enrolling = places::doors(&mut tx, organisation).await?;
    enrolling.retain(|door| door.enrols && door.agent.is_some());
    let newest = member
        .payments
        .iter()
        .find_map(|payment| payment.currency.clone());
    Ok(shown(&Page {
        look,
        member,
        explained,
        badges,
        types,
        enrolling,
        currency: newest.unwrap_or_else(|| "eur".to_owned()),
        key: secret(&state),
    }))
}

fn back(look: &Look, member: MemberId) -> Response {
    see(&look.to(&format!("/admin/members/{member}")))
}

/// What is changed of a member; an empty address is none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    name: Title,
    mail: Option<Mail>,
    #[serde(default)]
    keyholder: bool,
    /// Whether the form had the box for it at all.
    #[serde(default)]
    names_keyholders: bool,
}

/// Changes a member.
pub async fn change(
    state: Here,
    look: Look,
    At(id): At<MemberId>,
    Form(changed): Form<Changed>,
) -> Answer<Response> {
    let body = MemberChange {
        name: Some(changed.name),
        mail: Some(changed.mail),
        keyholder: changed.names_keyholders.then_some(changed.keyholder),
    };
    drop(members::change(state, At(id), Body(body)).await?);
    Ok(back(&look, id))
}

/// A card by its number.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    uid: TypedUid,
    label: Option<Title>,
}

/// Gives a card by its number.
pub async fn give_card(
    state: Here,
    look: Look,
    At(member): At<MemberId>,
    Form(Given { uid, label }): Form<Given>,
) -> Answer<Response> {
    drop(cards::create(state, Body(NewCard { member, uid, label })).await?);
    Ok(back(&look, member))
}

/// What became of a card.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marked {
    mark: Mark,
}

/// Marks a card.
pub async fn mark_card(
    state: Here,
    look: Look,
    At(card): At<CardId>,
    Form(Marked { mark }): Form<Marked>,
) -> Answer<Response> {
    let Json(card) = cards::mark(state, At(card), Body(MarkBody { mark })).await?;
    Ok(back(&look, MemberId(card.member)))
}

/// Access given, up to a day and with it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    membership: MembershipTypeId,
    last_day: Option<Date>,
    reason: Remark,
}

fn end_of(look: &Look, day: Option<&Date>) -> Answer<Option<Moment>> {
    day.map(|day| {
        let valid = "Write a day like 2026-12-24.";
        look.end_of(day.day())
            .ok_or_else(|| Problem::field("last_day", valid))
    })
    .transpose()
}

/// Gives access.
pub async fn grant(
    state: Here,
    look: Look,
    At(member): At<MemberId>,
    Form(Grant {
        membership,
        last_day,
        reason,
    }): Form<Grant>,
) -> Answer<Response> {
    let until = end_of(&look, last_day.as_ref())?;
    let body = NewGrant {
        membership,
        from: None,
        until,
        reason,
    };
    drop(deeds::create_grant(state, At(member), Body(body)).await?);
    Ok(back(&look, member))
}

/// Access withheld, up to a day and with it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    last_day: Option<Date>,
    reason: Remark,
}

/// Withholds access.
pub async fn hold(
    state: Here,
    look: Look,
    At(member): At<MemberId>,
    Form(Hold { last_day, reason }): Form<Hold>,
) -> Answer<Response> {
    let until = end_of(&look, last_day.as_ref())?;
    let body = NewHold {
        from: None,
        until,
        reason,
    };
    drop(deeds::create_hold(state, At(member), Body(body)).await?);
    Ok(back(&look, member))
}

/// Ends a grant now.
pub async fn end_grant(state: Here, look: Look, At(grant): At<GrantId>) -> Answer<Response> {
    let Json(grant) = deeds::end_grant(state, At(grant), Body(End { at: None })).await?;
    Ok(back(&look, MemberId(grant.member)))
}

/// Lifts a hold now.
pub async fn end_hold(state: Here, look: Look, At(hold): At<HoldId>) -> Answer<Response> {
    let Json(hold) = deeds::end_hold(state, At(hold), Body(End { at: None })).await?;
    Ok(back(&look, MemberId(hold.member)))
}

/// Money received by hand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paid {
    key: String,
    source: Source,
    amount: String,
    currency: Currency,
    membership: MembershipTypeId,
    months: u16,
    note: Option<Remark>,
}

/// Records money; sent twice it counts once.
pub async fn pay(
    state: Here,
    look: Look,
    At(member): At<MemberId>,
    Form(paid): Form<Paid>,
) -> Answer<Response> {
    let amount = money::read(
        &paid.amount.trim().replace(',', "."),
        paid.currency.as_str(),
    );
    let valid = "Write an amount like 40 or 40.00.";
    let amount = amount.ok_or_else(|| Problem::field("amount", valid))?;
    let sent = format!(
        "{member} {amount} {} {} {}",
        paid.currency.as_str(),
        paid.membership,
        paid.months
    );
    let key = Key::of_form(&paid.key, &sent);
    let body = NewPayment {
        member,
        source: paid.source,
        amount,
        currency: paid.currency,
        membership: paid.membership,
        from: None,
        periods: Some(Periods::Months(paid.months)),
        until: None,
        paid_at: None,
        note: paid.note,
    };
    drop(payments::create(state, Named(Some(key), body)).await?);
    Ok(back(&look, member))
}
