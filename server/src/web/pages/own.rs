//! A member's own page: may I come in, until when, what to do if not, and what is kept about me.

use super::look::Look;
use super::own_data;
use super::own_outlook::{Outlook, look_out};
use super::today::{DoorLine, door_lines};
use super::{MEMBERS, cookie, live, own_money, own_sign_in, see, shown};
use crate::membership::history::doors_at;
use crate::membership::way_back::{OpenInvoice, WayBack};
use crate::money;
use crate::own::is_over;
use crate::rights::OWN;
use crate::staff::digest;
use crate::store::member_sessions::{self as table, Session};
use crate::store::reading::{self, BadgeFilter};
use crate::store::{Tx, ledger, people, places};
use crate::web::auth::asked;
use crate::web::cards::{self, Card, Mark, MarkBody};
use crate::web::extract::{At, Body};
use crate::web::kept;
use crate::web::own::{Own, Visitor};
use crate::web::payments::Payment;
use crate::web::problem::{Answer, Problem};
use crate::web::standing::word;
use crate::web::values::Moment;
use crate::web::{Open, State};
use askama::Template;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, Method};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use shared::ids::CardId;
use shared::reasons::{Reason, Row};
use shared::standing::{Access, State as Word};
use shared::time::{Span, Timestamp};
use std::sync::Arc;

/// So many refusals are told, and so many badges are looked through for them.
const REFUSALS: usize = 5;
const LOOKED_AT: i64 = 100;
const PAYMENTS: i64 = 24;

/// A member's own pages, and the way in.
pub fn routes(state: &Arc<State>) -> Router<Arc<State>> {
    let inside = Router::new()
        .route("/me", get(show))
        .route("/me/live", get(live::tell_own))
        .route("/me/pay", get(own_money::pay))
        .route("/me/portal", get(own_money::portal))
        .route("/me/payments/{payment}/receipt", get(own_money::receipt))
        .route("/me/plan", get(own_money::plans).post(own_money::change))
        .route("/me/cards/{card}/lost", post(lose_card))
        .route("/me/data", get(own_data::export))
        .route("/me/erasure", get(own_data::show).post(own_data::ask))
        .route("/me/erasure/end", post(own_data::take_back))
        .route("/me/sessions/{session}/end", post(own_sign_in::end_session))
        .route("/me/sign-out", post(own_sign_in::leave))
        .route_layer(from_fn_with_state(state.clone(), guard));
    let outside = Router::new()
        .route("/me/sign-in", get(own_sign_in::show).post(own_sign_in::ask))
        .route("/me/enter", get(own_sign_in::open).post(own_sign_in::enter));
    inside.merge(outside)
}

/// Whether an address is one of a member's own pages.
pub fn is_below(path: &str) -> bool {
    path == "/me" || path.starts_with("/me/")
}

/// Lets a member in who is signed in, and sends everybody else to the door.
async fn guard(state: Open, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let (prefix, action) = asked(&mut parts, &state).await;
    let visitor = match visitor(&state, &parts.headers).await {
        Ok(Some(visitor)) => visitor,
        Ok(None) if parts.method == Method::GET => {
            return Redirect::to(&format!("{prefix}/me/sign-in")).into_response();
        }
        Ok(None) => return Problem::signed_out().into_response(),
        Err(problem) => return problem.into_response(),
    };
    if action != Some(OWN) {
        return Problem::forbidden().into_response();
    }
    parts.extensions.insert(visitor);
    next.run(Request::from_parts(parts, body)).await
}

/// Which member is signed in where this cookie lies.
async fn visitor(state: &State, headers: &HeaderMap) -> Answer<Option<Visitor>> {
    let Some(token) = cookie(state, MEMBERS, headers) else {
        return Ok(None);
    };
    let now = state.now();
    let mut tx = state.app.store.begin_read().await?;
    let session = table::session(&mut tx, &state.app.organisation, &digest(&token)).await?;
    drop(tx);
    let Some(session) = session else {
        return Ok(None);
    };
    let seen = Timestamp(session.seen_at);
    if is_over(Timestamp(session.created_at), seen, now) {
        return Ok(None);
    }
    if now >= seen + Span::minutes(1) {
        let mut tx = state.app.store.begin().await?;
        table::seen(&mut tx, session.id, now).await?;
        tx.commit().await?;
    }
    Ok(Some(Visitor {
        member: shared::ids::MemberId(session.member),
        session: session.id,
    }))
}

/// A door, whether it would open, and how fresh its knowledge is.
struct OwnDoor {
    line: DoorLine,
    reason: Reason,
}

/// A card that was shown and refused.
struct Refusal {
    at: Moment,
    door: String,
    row: Row,
    /// Whether the door would open by now.
    opens_now: bool,
}

#[derive(Template)]
#[template(path = "own.html")]
struct Page {
    look: Look,
    name: String,
    outlook: Outlook,
    /// Whether Stripe can be asked at all.
    has_stripe: bool,
    doors: Vec<OwnDoor>,
    refusals: Vec<Refusal>,
    types: Vec<places::Type>,
    cards: Vec<Card>,
    payments: Vec<Payment>,
    sessions: Vec<Session>,
    current: i64,
    erased_on: Option<Moment>,
}

impl Page {
    fn state_word(&self) -> &'static str {
        word(&self.outlook.standing.state).0.word()
    }

    /// Standing in one sentence.
    fn sentence(&self) -> String {
        let words = &self.look.words;
        let dated =
            |key: &str, at: &Timestamp| words.with(key, "date", &self.look.moment(&Moment(*at)));
        match &self.outlook.standing.state {
            Word::Good { until: None } => words.say("own-good"),
            Word::Good { until: Some(until) } if self.renews() => dated("own-good-renews", until),
            Word::Good { until: Some(until) } => dated("own-good-until", until),
            Word::Grace { until } => dated("own-grace", until),
            Word::Held {
                until: Some(until), ..
            } => dated("own-held-until", until),
            Word::Held { until: None, .. } => words.say("own-held"),
            Word::Pending { from: Some(from) } => dated("own-pending-from", from),
            Word::Pending { from: None } => words.say("own-pending"),
            Word::Lapsed { since } => dated("own-lapsed", since),
            Word::Stranger => words.say("own-stranger"),
        }
    }

    /// Whether the end that holds now may move on by itself.
    fn renews(&self) -> bool {
        let mut holding = self.holding().into_iter();
        holding.any(|access| !access.certain)
    }

    fn holding(&self) -> Vec<&Access> {
        let access = self.outlook.standing.access.iter();
        access
            .filter(|access| access.holds(self.look.now))
            .collect()
    }

    fn type_name(&self, access: &Access) -> String {
        let known = self
            .types
            .iter()
            .find(|known| known.id == access.membership);
        known.map_or_else(|| access.membership.to_string(), |known| known.name.clone())
    }

    fn until(&self, access: &Access) -> String {
        let until = access.until.map(|until| self.look.day(&Moment(until)));
        until.unwrap_or_default()
    }

    fn open_amount(&self, invoice: &OpenInvoice) -> String {
        money::in_words(invoice.amount, &invoice.currency)
    }

    fn amount(&self, payment: &Payment) -> String {
        match (payment.amount, &payment.currency) {
            (Some(amount), Some(currency)) => money::in_words(amount, currency),
            (_, _) => String::new(),
        }
    }

    /// Whether Stripe has a receipt that the member may see.
    fn has_receipt(&self, payment: &Payment) -> bool {
        let customer = payment.customer.as_ref();
        self.has_stripe
            && payment.invoice.is_some()
            && customer.is_some_and(|customer| self.outlook.payers.contains(customer))
    }

    /// What a door does now, and how long ago it said what it knows.
    fn door_says(&self, door: &OwnDoor) -> String {
        let words = &self.look.words;
        let name = &door.line.door.name;
        if !door.reason.grants() {
            return door.reason.row(words.spoken()).member.to_owned();
        }
        let agent = door.line.agent.as_ref();
        let reported = agent.and_then(|agent| agent.reported_at);
        match (reported, door.line.is_in_contact()) {
            (Some(at), true) if door.line.is_current() => {
                words.with_two("own-door-knows", ("door", name), ("ago", &self.ago(&at)))
            }
            (Some(_), true) => words.with("own-door-behind", "door", name),
            (Some(at), false) => {
                let at = self.look.moment(&at);
                words.with_two("own-door-away", ("door", name), ("at", &at))
            }
            (None, _) => words.with("own-door-new", "door", name),
        }
    }

    fn ago(&self, at: &Moment) -> String {
        let seconds = (self.look.now - at.0).0.max(0) / 1000;
        if seconds < 100 {
            self.look.words.with("own-ago-seconds", "count", &seconds)
        } else {
            self.look
                .words
                .with("own-ago-minutes", "count", &(seconds / 60))
        }
    }

    fn session_at(&self, session: &Session) -> String {
        let at = self.look.moment(&Moment::of(session.seen_at));
        self.look.words.with("session-seen", "at", &at)
    }

    fn is_current(&self, session: &Session) -> bool {
        session.id == self.current
    }
}

/// The page.
pub async fn show(own: Own, look: Look) -> Answer<Response> {
    let lines = door_lines(&own.here).await?;
    let (organisation, member) = (&own.app.organisation, own.member);
    let mut tx = own.app.store.begin_read().await?;
    let person = people::find(&mut tx, organisation, member).await?;
    let person = person.ok_or_else(Problem::signed_out)?;
    let outlook = look_out(&own, &mut tx).await?;
    let said = doors_at(&mut tx, organisation, member, look.now).await?;
    let reason_at = |line: &DoorLine| {
        let said = said
            .iter()
            .find(|said| said.door.id.as_str() == line.door.id);
        said.and_then(|said| said.reason)
    };
    let refusals = refusals(&own, &look, &mut tx, &lines, reason_at).await?;
    let doors = lines.into_iter().filter_map(|line| {
        let reason = reason_at(&line)?;
        Some(OwnDoor { line, reason })
    });
    let doors = doors.collect();
    let payments = ledger::payments(&mut tx, organisation, Some(member), i64::MAX, PAYMENTS);
    let payments = payments.await?.into_iter().map(Payment::from).collect();
    let wish = kept::waiting(&mut tx, member).await?;
    let cards = people::cards(&mut tx, organisation, people::CardSearch::of(member)).await?;
    Ok(shown(&Page {
        name: person.name,
        has_stripe: own.app.billing.stripe.is_some(),
        types: places::types(&mut tx, organisation).await?,
        cards: cards.into_iter().map(Card::from).collect(),
        sessions: table::sessions(&mut tx, member).await?,
        current: own.session,
        erased_on: wish.map(|wish| wish.due_at),
        look,
        outlook,
        doors,
        refusals,
        payments,
    }))
}

/// The last times a card of the member was shown and refused.
async fn refusals(
    own: &Own,
    look: &Look,
    tx: &mut Tx,
    lines: &[DoorLine],
    reason_at: impl Fn(&DoorLine) -> Option<Reason>,
) -> Answer<Vec<Refusal>> {
    let filter = BadgeFilter {
        member: Some(own.member),
        limit: LOOKED_AT,
        ..BadgeFilter::default()
    };
    let rows = reading::badges(tx, &own.app.organisation, filter).await?;
    let refusal = |row: reading::BadgeRow| {
        let name = row.reason.as_deref()?;
        let reason = Reason::ALL.into_iter().find(|known| known.name() == name)?;
        // That a PIN must follow is no refusal yet.
        if reason.grants() || reason == Reason::PinNeeded {
            return None;
        }
        let door = row.door?;
        let line = lines.iter().find(|line| line.door.id == door);
        Some(Refusal {
            at: Moment::of(row.at),
            row: reason.row(look.words.spoken()),
            opens_now: line.and_then(&reason_at).is_some_and(Reason::grants),
            door: line.map_or(door, |line| line.door.name.clone()),
        })
    };
    Ok(rows
        .into_iter()
        .filter_map(refusal)
        .take(REFUSALS)
        .collect())
}

/// Reports one of one's own cards lost: doors refuse it at once, and only staff can undo that.
pub async fn lose_card(own: Own, look: Look, At(card): At<CardId>) -> Answer<Response> {
    let mut tx = own.app.store.begin_read().await?;
    let known = people::card(&mut tx, &own.app.organisation, card).await?;
    drop(tx);
    let is_own = |card: &people::CardFace| card.member == own.member.0 && card.state == "ok";
    if !known.as_ref().is_some_and(is_own) {
        return Err(Problem::not_found("card"));
    }
    let lost = MarkBody { mark: Mark::Lost };
    drop(cards::mark(own.here.clone(), At(card), Body(lost)).await?);
    Ok(see(&look.to("/me")))
}
