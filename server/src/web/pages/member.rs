//! One member: standing and why, cards, payments, what an admin gave and withheld, and what happened.

use super::form::Form;
use super::look::Look;
use super::sign_in::secret;
use super::timeline::{self, Timeline};
use super::today::{BadgeLine, badge_lines};
use super::{see, shown, table};
use crate::location_calendar::Periods;
use crate::membership::card_number::Format;
use crate::money;
use crate::said::Said;
use crate::store::reading::BadgeFilter;
use crate::store::staff::Staff;
use crate::store::{payers, places};
use crate::web::Here;
use crate::web::card;
use crate::web::cards::{self, Mark, MarkBody, NewCard, Typed};
use crate::web::coverage::{self, Customer, CustomerFilter};
use crate::web::deeds::{self, End, NewGrant, NewHold};
use crate::web::explain::{self, Explained, When};
use crate::web::extract::{Asked, At, Body};
use crate::web::kept;
use crate::web::loaners::{self, Loaner};
use crate::web::members::{self, MemberChange, MemberView};
use crate::web::notes::{self, NewNote, Note};
use crate::web::once::{Key, Named};
use crate::web::paid_items::{self, PaidItem};
use crate::web::payments::{self, NewPayment, Payment, Source};
use crate::web::problem::{Answer, Problem};
use crate::web::standing::Covered;
use crate::web::values::{Currency, Date, Mail, Moment, Remark, Title};
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::{CardId, GrantId, HoldId, MemberId, MembershipTypeId};
use std::collections::BTreeMap;

const BADGES: i64 = 30;
/// So many customers who are nobody's are offered.
const NOBODYS: i64 = 20;

#[derive(Template)]
#[template(path = "member.html")]
struct Page {
    look: Look,
    member: MemberView,
    /// Why, in words, line by line.
    explained: Explained,
    badges: Vec<BadgeLine>,
    timeline: Timeline,
    notes: Vec<Note>,
    staff: Vec<Staff>,
    types: Vec<places::Type>,
    /// What the member's customers pay for, and who pays for the member.
    paid: Vec<PaidItem>,
    payers: Vec<(String, i64, String)>,
    /// Customers who are nobody's yet.
    nobodys: Vec<Customer>,
    doors: Vec<places::Door>,
    zones: BTreeMap<String, String>,
    /// Fobs that can be lent.
    fobs: Vec<Loaner>,
    /// By when one is back, unless something else is chosen.
    back_by: String,
    /// When all that is kept about the member is to be erased.
    erased_on: Option<Moment>,
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

    fn type_name(&self, id: &str) -> String {
        let known = self.types.iter().find(|known| known.id.as_str() == id);
        known.map_or_else(|| id.to_owned(), |known| known.name.clone())
    }

    fn door_name<'a>(&'a self, id: &'a str) -> &'a str {
        let known = self.doors.iter().find(|known| known.id.as_str() == id);
        known.map_or(id, |known| known.name.as_str())
    }

    fn zone_name<'a>(&'a self, id: &'a str) -> &'a str {
        self.zones.get(id).map_or(id, String::as_str)
    }

    /// The doors at which cards are enrolled.
    fn enrolling(&self) -> Vec<&places::Door> {
        let enrols = |door: &&places::Door| door.enrols && door.agent.is_some();
        self.doors.iter().filter(enrols).collect()
    }

    /// Who pays for a seat, if it is somebody else.
    fn payer_of(&self, seat: &Covered) -> Option<(&i64, &String)> {
        let payer = |(customer, ..): &&(String, i64, String)| *customer == seat.customer;
        let (_, id, name) = self.payers.iter().find(payer)?;
        (*id != self.member.id).then_some((id, name))
    }

    /// Whether what ends then has not ended.
    fn runs(&self, until: &Option<Moment>) -> bool {
        until.is_none_or(|until| self.look.now < until.0)
    }

    /// Whoever did something, by name as far as they have rights still.
    fn who(&self, actor: &str) -> String {
        let number = actor.strip_prefix("staff ").and_then(|id| id.parse().ok());
        let known = number.and_then(|id: i64| self.staff.iter().find(|person| person.id == id));
        known.map_or_else(|| actor.to_owned(), |person| person.name.clone())
    }

    fn erased(&self, note: &Note) -> String {
        let who = note.erased_by.as_deref().map(|who| self.who(who));
        let at = note.erased_at.as_ref().map(|at| self.look.moment(at));
        let (who, at) = (who.unwrap_or_default(), at.unwrap_or_default());
        let words = &self.look.words;
        words.with_two("note-erased", ("name", &who), ("at", &at))
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
    /// How much of the past is drawn.
    years: Option<i64>,
}

/// The page.
pub async fn show(
    state: Here,
    look: Look,
    At(id): At<MemberId>,
    Asked(moment): Asked<OfMoment>,
) -> Answer<Response> {
    let valid = Said::of("refused-day-and-time");
    let at = match moment.at.as_str() {
        "" => None,
        at => Some(look.at(at).ok_or_else(|| Problem::field("at", valid))?),
    };
    let when = When { at };
    let Json(member) = members::show(state.clone(), At(id)).await?;
    let Json(explained) = explain::show(state.clone(), At(id), Asked(when)).await?;
    let own = BadgeFilter {
        member: Some(id),
        limit: BADGES,
        ..BadgeFilter::default()
    };
    let badges = badge_lines(&state, own).await?;
    let Json(mut fobs) = loaners::list(state.clone()).await?;
    fobs.retain(|fob| fob.loan.is_none());
    let (paid, payers, nobodys) = match look.may(members::MONEY) {
        true => paying(&state, &look, &member).await?,
        false => (Vec::new(), Vec::new(), Vec::new()),
    };
    let Json(notes) = notes::list(state.clone(), At(id)).await?;
    let mut tx = state.app.store.begin_read().await?;
    let organisation = &state.app.organisation;
    let types = places::types(&mut tx, organisation).await?;
    let name = |id: &str| {
        let known = types.iter().find(|known| known.id.as_str() == id);
        known.map_or_else(|| id.to_owned(), |known| known.name.clone())
    };
    let years = moment.years.unwrap_or(1).clamp(1, 2);
    let timeline = timeline::draw(&mut tx, &look, &member, name, years).await?;
    let staff = table::all(&mut tx, organisation).await?;
    let doors = places::doors(&mut tx, organisation).await?;
    let zones = places::zone_names(&mut tx, organisation).await?;
    let wish = kept::waiting(&mut tx, id).await?;
    let back_by = look.field_of(super::loaners::back_by(&look));
    let newest = member
        .payments
        .iter()
        .find_map(|payment| payment.currency.clone());
    Ok(shown(&Page {
        look,
        member,
        explained,
        badges,
        timeline,
        notes,
        staff,
        types,
        paid,
        payers,
        nobodys,
        doors,
        zones,
        fobs,
        back_by,
        erased_on: wish.map(|wish| wish.due_at),
        currency: newest.unwrap_or_else(|| "eur".to_owned()),
        key: secret(&state),
    }))
}

/// What the member's customers pay for, who pays for the member, and customers whom the member may be.
async fn paying(
    state: &Here,
    look: &Look,
    member: &MemberView,
) -> Answer<(Vec<PaidItem>, Vec<(String, i64, String)>, Vec<Customer>)> {
    let Json(paid) = paid_items::list(state.clone(), At(MemberId(member.id))).await?;
    let mut tx = state.app.store.begin_read().await?;
    let customers = member.covered.iter().map(|seat| seat.customer.as_str());
    let payers = payers::whose(&mut tx, state.app.account, customers.collect()).await?;
    drop(tx);
    let wanted = CustomerFilter {
        member: Some(0),
        after: None,
        limit: Some(NOBODYS),
    };
    let nobodys = match look.may("coverage.name") {
        true => {
            coverage::customers(state.clone(), Asked(wanted))
                .await?
                .0
                .items
        }
        false => Vec::new(),
    };
    Ok((paid, payers, nobodys))
}

fn back(look: &Look, member: MemberId) -> Response {
    see(&look.to(&format!("/admin/members/{member}")))
}

/// Something to remember.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noted {
    text: Remark,
}

/// Writes a note.
pub async fn note(
    state: Here,
    look: Look,
    At(id): At<MemberId>,
    Form(Noted { text }): Form<Noted>,
) -> Answer<Response> {
    drop(notes::create(state, At(id), Body(NewNote { text })).await?);
    Ok(back(&look, id))
}

/// Erases a note.
pub async fn erase_note(state: Here, look: Look, At(note): At<i64>) -> Answer<Response> {
    let Json(note) = notes::erase(state, At(note)).await?;
    Ok(back(&look, MemberId(note.member)))
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
        language: None,
        keyholder: changed.names_keyholders.then_some(changed.keyholder),
    };
    drop(members::change(state, At(id), Body(body)).await?);
    Ok(back(&look, id))
}

/// A card by its number.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    uid: Typed,
    #[serde(default)]
    format: Format,
    label: Option<Title>,
}

/// Gives a card by its number.
pub async fn give_card(
    state: Here,
    look: Look,
    At(member): At<MemberId>,
    Form(Given { uid, format, label }): Form<Given>,
) -> Answer<Response> {
    let new = NewCard {
        member,
        uid,
        format,
        label,
    };
    let (_, Json(card)) = cards::create(state.clone(), Body(new)).await?;
    let Json(view) = card::show(state, At(CardId(card.id))).await?;
    // A warning is not passed by.
    if !view.neighbours.is_empty() {
        return Ok(super::cards::to(&look, card.id));
    }
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
    match mark {
        // Whoever lost it wants to know when every door knows.
        Mark::Lost => Ok(super::cards::to(&look, card.id)),
        Mark::Found | Mark::Returned => Ok(back(&look, MemberId(card.member))),
    }
}

/// Access given, up to a day and with it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    membership: MembershipTypeId,
    last_day: Option<Date>,
    reason: Remark,
}

/// The first moment after a day that somebody chose, if they did.
pub fn end_of(look: &Look, day: Option<&Date>) -> Answer<Option<Moment>> {
    day.map(|day| {
        let valid = Said::of("refused-a-day");
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
    let valid = Said::of("refused-an-amount");
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
