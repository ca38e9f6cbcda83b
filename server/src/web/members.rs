//! Members: who they are, their standing, and the facts it rests on.

use super::cards::Card;
use super::coverage::{Customer, Seat};
use super::deeds::{Grant, Hold};
use super::extract::{Asked, At, Body};
use super::organisation::Language;
use super::page::{Page, limit};
use super::payments::Payment;
use super::problem::{Answer, Problem};
use super::standing::{Covered, StandingView, StateWord, covered, word};
use super::story::{Chapter, Term};
use super::values::{Mail, Moment, Title, given};
use super::{Here, State};
use crate::membership::link::new_holder;
use crate::membership::story;
use crate::random::Handed;
use crate::store::members::{self, NewMember};
use crate::store::payers::{self, Whose};
use crate::store::people::{self, CardSearch, Person};
use crate::store::search::{self, Oddity, Search};
use crate::store::{Tx, ledger, member_sessions, places, post, records, rulebook};
use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::ids::{MemberId, MembershipTypeId};
use shared::standing::State as Word;
use shared::time::Timestamp;
use std::collections::BTreeSet;
use utoipa::{IntoParams, ToSchema};

/// What members are looked for by.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MemberFilter {
    /// How words of a name or of a mail address begin, in any order; or a member's number.
    pub q: Option<String>,
    /// Only in this standing.
    #[param(inline)]
    pub state: Option<StateWord>,
    /// Only those who are members as this type now, on hold or not.
    #[param(value_type = Option<String>)]
    pub membership: Option<MembershipTypeId>,
    /// Only those who are odd in this way.
    #[param(inline)]
    pub only: Option<Only>,
    /// The `next` of the part before.
    pub after: Option<i64>,
    /// At most so many, up to 500.
    pub limit: Option<i64>,
}

/// What is odd about members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Only {
    /// Let in, though no money has come for any of the last 30 days.
    PayingNothing,
    /// Without a card that works.
    NoCard,
}

impl Only {
    /// All of it.
    pub const ALL: [Self; 2] = [Self::PayingNothing, Self::NoCard];

    /// The word in forms.
    pub fn word(self) -> &'static str {
        match self {
            Self::PayingNothing => "paying_nothing",
            Self::NoCard => "no_card",
        }
    }

    fn oddity(self) -> Oddity {
        match self {
            Self::PayingNothing => Oddity::PaysNothing,
            Self::NoCard => Oddity::NoCard,
        }
    }
}

/// A member in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberLine {
    /// The member's number.
    pub id: i64,
    /// The name.
    pub name: String,
    /// The mail address.
    pub mail: Option<String>,
    /// Standing in one word; none before it was first derived.
    pub state: Option<StateWord>,
    /// Whether doors open for the member.
    pub is_in: bool,
    /// In until then, out since then, or in from then on.
    pub date: Option<Moment>,
    /// As which types, now.
    pub memberships: Vec<String>,
    /// How many cards count.
    pub cards: i64,
    /// Exempt from lockdown and staleness.
    pub keyholder: bool,
}

impl MemberLine {
    fn of(person: Person, now: Timestamp) -> Self {
        let state = person.standing.as_ref().map(|standing| &standing.state);
        let access = person.standing.iter().flat_map(|standing| &standing.access);
        let holding = access.filter(|access| access.holds(now));
        let memberships: BTreeSet<&str> =
            holding.map(|access| access.membership.as_str()).collect();
        Self {
            id: person.id.0,
            memberships: memberships.into_iter().map(str::to_owned).collect(),
            keyholder: person.keyholder,
            name: person.name,
            mail: person.mail,
            is_in: state.is_some_and(Word::is_in),
            date: state.and_then(|state| word(state).1),
            state: state.map(|state| word(state).0),
            cards: person.cards,
        }
    }
}

/// A member with everything the standing rests on.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberView {
    /// The member's number.
    pub id: i64,
    /// The opaque number by which doors know the person.
    pub holder: i64,
    /// The name.
    pub name: String,
    /// The mail address.
    pub mail: Option<String>,
    /// In which language letters to the member are written; none: in the organisation's.
    pub language: Option<String>,
    /// Exempt from lockdown and staleness.
    pub keyholder: bool,
    /// When the PIN was set, which is never shown; none: there is none.
    pub pin_since: Option<Moment>,
    /// Since when.
    pub created_at: Moment,
    /// What the member may do now; none before it was first derived.
    pub standing: Option<StandingView>,
    /// When the clock looks at it next.
    pub next_change: Option<Moment>,
    /// Seats that cover the member.
    pub covered: Vec<Covered>,
    /// The last hundred payments, newest first.
    pub payments: Vec<Payment>,
    /// Access given by an admin, newest first.
    pub grants: Vec<Grant>,
    /// Access withheld by an admin, newest first.
    pub holds: Vec<Hold>,
    /// Cards and fobs.
    pub cards: Vec<Card>,
    /// Customers at Stripe that are this member.
    pub customers: Vec<Customer>,
    /// Seats named by an admin: the member's own, and those that the member's customers pay for.
    pub seats: Vec<Seat>,
    /// Membership types and their times, oldest first.
    pub terms: Vec<Term>,
    /// What happened, each with what was really charged, oldest first.
    pub story: Vec<Chapter>,
}

const PAYMENTS: i64 = 100;
/// The right to see what was paid, and by whom.
pub const MONEY: &str = "money.see";

/// A member as whoever asks may see one: without the right to see it, without the money.
async fn view(
    state: &Here,
    tx: &mut Tx,
    rules: &rulebook::Rulebook,
    id: MemberId,
) -> Answer<Json<MemberView>> {
    let (organisation, account) = (&state.app.organisation, state.app.account);
    let sees_money = state.who.role.may(MONEY);
    let person = people::find(tx, organisation, id)
        .await?
        .ok_or(Problem::not_found("member"))?;
    let payments = ledger::payments(tx, organisation, Some(id), i64::MAX, PAYMENTS).await?;
    let customers = payers::customers(tx, account, Whose::Of(id), "", i64::MAX).await?;
    let story = story::read(tx, id, rules).await?;
    let types = places::types(tx, organisation).await?;
    let name = |id: &MembershipTypeId| {
        let known = types.iter().find(|known| known.id == *id);
        known.map_or_else(|| format!("type {id}"), |known| known.name.clone())
    };
    let mut view = MemberView {
        id: id.0,
        holder: person.holder,
        name: person.name,
        mail: person.mail,
        language: post::member(tx, organisation, id)
            .await?
            .and_then(|member| member.language),
        keyholder: person.keyholder,
        pin_since: Moment::maybe(person.pin_since),
        created_at: Moment(person.created_at),
        standing: person.standing.as_ref().map(StandingView::from),
        next_change: Moment::maybe(person.next_change),
        covered: covered(records::facts(tx, id, rules).await?),
        payments: payments.into_iter().map(Payment::from).collect(),
        grants: ledger::grants(tx, id)
            .await?
            .into_iter()
            .map(Grant::from)
            .collect(),
        holds: ledger::holds(tx, id)
            .await?
            .into_iter()
            .map(Hold::from)
            .collect(),
        cards: people::cards(tx, organisation, CardSearch::of(id))
            .await?
            .into_iter()
            .map(Card::from)
            .collect(),
        customers: customers.into_iter().map(Customer::from).collect(),
        seats: payers::seats_of(tx, id)
            .await?
            .into_iter()
            .map(Seat::from)
            .collect(),
        terms: story.terms.into_iter().map(Term::from).collect(),
        story: story
            .chapters
            .into_iter()
            .map(|mut chapter| {
                chapter.charge = chapter.charge.filter(|_| sees_money);
                Chapter::told(chapter, name)
            })
            .collect(),
    };
    if !sees_money {
        view.payments.clear();
        view.customers.clear();
        view.seats.clear();
        view.covered
            .iter_mut()
            .for_each(|seat| seat.invoices.clear());
    }
    Ok(Json(view))
}

/// Refuses a member who is not there.
pub async fn expect_member(
    state: &State,
    tx: &mut Tx,
    field: &str,
    member: MemberId,
) -> Answer<()> {
    if members::exists(tx, &state.app.organisation, member).await? {
        return Ok(());
    }
    Err(Problem::unknown(field, "member"))
}

/// Members, in the order of their numbers
#[utoipa::path(get, path = "/api/v1/members", tag = "members", params(MemberFilter),
    responses((status = OK, body = Page<MemberLine>), Problem))]
pub async fn list(
    state: Here,
    Asked(filter): Asked<MemberFilter>,
) -> Answer<Json<Page<MemberLine>>> {
    let limit = limit(filter.limit)?;
    let search = Search {
        text: filter.q.as_deref(),
        state: filter.state.map(StateWord::word),
        membership: filter.membership.as_ref().map(MembershipTypeId::as_str),
        oddity: filter.only.map(Only::oddity),
        after: filter.after.unwrap_or(0),
        limit: limit + 1,
    };
    let mut tx = state.app.store.begin_read().await?;
    let now = state.now();
    let rows = search::search(&mut tx, &state.app.organisation, search, now).await?;
    Ok(Json(Page::cut(
        rows,
        limit,
        |person| person.id.to_string(),
        |person| MemberLine::of(person, now),
    )))
}

/// What a member begins with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMemberBody {
    /// The name.
    pub name: Title,
    /// The mail address.
    pub mail: Option<Mail>,
    /// Exempt from lockdown and staleness.
    #[serde(default)]
    pub keyholder: bool,
}

/// What the audit log tells of a member.
#[derive(Serialize)]
struct Told<'a> {
    name: &'a str,
    mail: Option<&'a str>,
    keyholder: bool,
}

/// The right to say who passes in a lockdown.
const KEYHOLDERS: &str = "keyholders.name";
/// The right to put another address in the place of one: whoever reads its mail comes to the member's own pages, and so
/// to all that is kept about them.
pub const ADDRESSES: &str = "addresses.replace";

/// Make a member
#[utoipa::path(post, path = "/api/v1/members", tag = "members", request_body = NewMemberBody,
    responses((status = CREATED, body = MemberView), Problem))]
pub async fn create(
    state: Here,
    Body(body): Body<NewMemberBody>,
) -> Answer<(StatusCode, Json<MemberView>)> {
    if body.keyholder {
        state.may(KEYHOLDERS)?;
    }
    let mut random = Handed::new(|bytes| state.app.with_random(|random| random.fill_bytes(bytes)));
    let new = NewMember {
        holder: new_holder(&mut random),
        name: body.name.as_str(),
        mail: body.mail.as_ref().map(Mail::as_str),
        keyholder: body.keyholder,
    };
    let mut work = state.work().await?;
    let now = work.now;
    let member = members::create(&mut work.tx, &state.app.organisation, &new, now).await?;
    let after = Told {
        name: new.name,
        mail: new.mail,
        keyholder: new.keyholder,
    };
    let what = ("member.create", Some(member), "by hand");
    state.note_change(&mut work, what, [None, Some(&after)]);
    state
        .app
        .derive(&mut work, member, "made by an admin")
        .await?;
    let rules = work.rulebook.clone();
    let answer = view(&state, &mut work.tx, &rules, member).await?;
    state.done(work).await?;
    Ok((StatusCode::CREATED, answer))
}

/// One member, with standing and the facts it rests on
#[utoipa::path(get, path = "/api/v1/members/{member}", tag = "members", params(("member" = i64, Path)),
    responses((status = OK, body = MemberView), Problem))]
pub async fn show(state: Here, At(id): At<MemberId>) -> Answer<Json<MemberView>> {
    let mut tx = state.app.store.begin_read().await?;
    let rules = state.app.rules(&mut tx, state.now()).await?;
    view(&state, &mut tx, &rules, id).await
}

/// What is to change; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberChange {
    /// The name.
    pub name: Option<Title>,
    /// The mail address; `null`: none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub mail: Option<Option<Mail>>,
    /// In which language letters to the member are written, like `de`; `null`: in the organisation's.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub language: Option<Option<Language>>,
    /// Exempt from lockdown and staleness.
    pub keyholder: Option<bool>,
}

/// Change a member
#[utoipa::path(patch, path = "/api/v1/members/{member}", tag = "members", params(("member" = i64, Path)),
    request_body = MemberChange, responses((status = OK, body = MemberView), Problem))]
pub async fn change(
    state: Here,
    At(id): At<MemberId>,
    Body(change): Body<MemberChange>,
) -> Answer<Json<MemberView>> {
    let mut work = state.work().await?;
    let person = people::find(&mut work.tx, &state.app.organisation, id).await?;
    let person = person.ok_or(Problem::not_found("member"))?;
    let keyholder = change.keyholder.unwrap_or(person.keyholder);
    if keyholder != person.keyholder {
        state.may(KEYHOLDERS)?;
    }
    let name = change
        .name
        .as_ref()
        .map_or(person.name.as_str(), Title::as_str);
    let mail = match &change.mail {
        Some(mail) => mail.as_ref().map(Mail::as_str),
        None => person.mail.as_deref(),
    };
    people::put(
        &mut work.tx,
        &state.app.organisation,
        id,
        name,
        mail,
        keyholder,
    )
    .await?;
    if mail != person.mail.as_deref() {
        if person.mail.is_some() {
            state.may(ADDRESSES)?;
        }
        // Whoever reads the mail of the old address is not let in by it any more.
        member_sessions::end_all(&mut work.tx, id).await?;
    }
    if let Some(language) = &change.language {
        let language = language.map(Language::name);
        post::put_member_language(&mut work.tx, id, language).await?;
    }
    let before = Told {
        name: &person.name,
        mail: person.mail.as_deref(),
        keyholder: person.keyholder,
    };
    let after = Told {
        name,
        mail,
        keyholder,
    };
    let what = ("member.change", Some(id), "by hand");
    state.note_change(&mut work, what, [Some(&before), Some(&after)]);
    state
        .app
        .derive(&mut work, id, "changed by an admin")
        .await?;
    let rules = work.rulebook.clone();
    let answer = view(&state, &mut work.tx, &rules, id).await?;
    state.done(work).await?;
    Ok(answer)
}
