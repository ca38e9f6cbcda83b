//! What is kept about a member, whole and explained, and how to have it forgotten.

use super::badges;
use super::extract::At;
use super::inductions;
use super::letters::Letter;
use super::members::{self, MemberView};
use super::notes::Note;
use super::problem::{Answer, Problem};
use super::values::Moment;
use super::{Here, State};
use crate::billing::scrub::names_any;
use crate::said::Said;
use crate::store::attention::{Audited, audited};
use crate::store::erasures::{self, Erasure};
use crate::store::letters::Reader;
use crate::store::loaners::{self, PastLoan};
use crate::store::payers::{self, Whose};
use crate::store::reading::{self, BadgeFilter};
use crate::store::{Tx, member_notes, member_sessions, people, post};
use crate::words::Words;
use axum::Json;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use shared::ids::MemberId;
use shared::reasons::Language;
use utoipa::ToSchema;

/// Everything that is kept about a member, with what it means.
#[derive(Debug, Serialize, ToSchema)]
pub struct Kept {
    /// What this is.
    about: &'static str,
    /// When it was put together.
    at: Moment,
    /// Whom it is about.
    member: i64,
    /// Name, address, standing, cards, payments, types, grants, holds, customers at Stripe, and the story of it all.
    record: Part<MemberView>,
    /// Cards shown at doors.
    badges: Part<Vec<badges::Badge>>,
    /// Inductions.
    inductions: Part<Vec<inductions::Induction>>,
    /// What was done, by whom.
    deeds: Part<Vec<KeptDeed>>,
    /// Browsers that are signed in.
    sessions: Part<Vec<KeptSession>>,
    /// What staff wrote down, read by whoever it is about (GDPR, article 15).
    notes: Part<Vec<Note>>,
    /// Fobs that were lent.
    loans: Part<Vec<KeptLoan>>,
    /// Letters that were sent or wait.
    letters: Part<Vec<Letter>>,
    /// What Stripe sent, as it came.
    stripe_events: Part<Vec<RawEvent>>,
}

/// A fob that was lent.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptLoan {
    fob: String,
    from: Moment,
    until: Moment,
    returned_at: Option<Moment>,
}

impl From<PastLoan> for KeptLoan {
    fn from(loan: PastLoan) -> Self {
        Self {
            fob: loan.label,
            from: Moment::of(loan.lent_at),
            until: Moment::of(loan.ends_at),
            returned_at: loan.returned_at.map(Moment::of),
        }
    }
}

/// A part of what is kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct Part<T> {
    /// What it is, why it is kept, and for how long.
    means: &'static str,
    /// It.
    data: T,
}

/// A line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptDeed {
    at: Moment,
    by: String,
    what: String,
    why: String,
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
}

/// What Stripe sent, as it came.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub struct RawEvent(Value);

impl From<Audited> for KeptDeed {
    fn from(line: Audited) -> Self {
        let after = line
            .body
            .map(|body| serde_json::from_str(&body).unwrap_or(Value::String(body)));
        Self {
            at: Moment::of(line.at),
            by: line.actor,
            what: line.action,
            why: line.cause,
            after,
        }
    }
}

/// A browser that is signed in at the member's own pages.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptSession {
    browser: String,
    since: Moment,
    seen_at: Moment,
}

/// See everything that is kept about a member, in one document
#[utoipa::path(get, path = "/api/v1/members/{member}/data", tag = "members", params(("member" = i64, Path)),
    responses((status = OK, body = Kept), Problem))]
pub async fn data(state: Here, At(id): At<MemberId>) -> Answer<Json<Kept>> {
    Ok(Json(kept(&state, id, Language::En).await?))
}

/// Everything, explained in a language.
pub async fn kept(state: &Here, id: MemberId, language: Language) -> Answer<Kept> {
    let spoken = Words::speaking(language);
    let Json(mut record) = members::show(state.clone(), At(id)).await?;
    // Whom only a mail address links may be somebody else.
    record.customers.retain(|customer| customer.confirmed);
    let Json(inductions) = inductions::list(state.clone(), At(id)).await?;
    let organisation = &state.app.organisation;
    let mut tx = state.app.store.begin_read().await?;
    let filter = BadgeFilter {
        member: Some(id),
        limit: i64::MAX,
        ..BadgeFilter::default()
    };
    let badges = reading::badges(&mut tx, organisation, filter).await?;
    let badges = badges
        .into_iter()
        .map(|row| badges::Badge::from(row).in_words(spoken));
    let deeds = audited(&mut tx, organisation, id).await?;
    let sessions = member_sessions::sessions(&mut tx, id).await?;
    let sessions = sessions.into_iter().map(|session| KeptSession {
        browser: session.browser,
        since: Moment::of(session.created_at),
        seen_at: Moment::of(session.seen_at),
    });
    let notes = member_notes::of(&mut tx, id).await?;
    let loans = loaners::of_member(&mut tx, id).await?;
    let letters = letters(state, &mut tx, id).await?;
    let words = words(language);
    Ok(Kept {
        about: words[0],
        at: Moment(state.now()),
        member: id.0,
        record: Part {
            means: words[1],
            data: record,
        },
        badges: Part {
            means: words[2],
            data: badges.collect(),
        },
        inductions: Part {
            means: words[3],
            data: inductions,
        },
        deeds: Part {
            means: words[4],
            data: deeds.into_iter().map(KeptDeed::from).collect(),
        },
        sessions: Part {
            means: words[5],
            data: sessions.collect(),
        },
        notes: Part {
            means: words[6],
            data: notes.into_iter().map(Note::from).collect(),
        },
        loans: Part {
            means: words[7],
            data: loans.into_iter().map(KeptLoan::from).collect(),
        },
        letters: Part {
            means: words[8],
            data: letters,
        },
        stripe_events: Part {
            means: words[9],
            data: stripe_events(state, &mut tx, id).await?,
        },
    })
}

/// Letters to the member, also as the payer who the member certainly is.
async fn letters(state: &State, tx: &mut Tx, id: MemberId) -> Answer<Vec<Letter>> {
    let account = state.app.account;
    let payers = payers::customers(tx, account, Whose::Of(id), "", i64::MAX).await?;
    let own = payers.into_iter().filter(|payer| payer.confirmed != 0);
    let own = own.map(|payer| Reader::Payer(account, payer.id));
    let mut letters = Vec::new();
    for reader in std::iter::once(Reader::Member(id)).chain(own) {
        let rows = post::to(tx, &state.app.organisation, &reader).await?;
        letters.extend(rows.into_iter().map(Letter::from));
    }
    Ok(letters)
}

/// The raw events of the member's own payers.
async fn stripe_events(state: &State, tx: &mut Tx, id: MemberId) -> Answer<Vec<RawEvent>> {
    const PART: i64 = 200;
    let (account, whose) = (state.app.account, Whose::Of(id));
    let payers = payers::customers(tx, account, whose, "", i64::MAX).await?;
    // Whom only a mail address links may be somebody else's.
    let own = payers.into_iter().filter(|payer| payer.confirmed != 0);
    let own: Vec<String> = own.map(|payer| payer.id).collect();
    let (mut found, mut after) = (Vec::new(), 0);
    if own.is_empty() {
        return Ok(found);
    }
    loop {
        let events = erasures::raw_events(tx, account, after, PART).await?;
        let Some((last, _)) = events.last() else {
            return Ok(found);
        };
        after = *last;
        let about = events.iter().filter(|(_, body)| names_any(body, &own));
        found.extend(about.filter_map(|(_, body)| serde_json::from_slice(body).ok().map(RawEvent)));
    }
}

/// What each part means.
fn words(language: Language) -> [&'static str; 10] {
    match language {
        Language::En => [
            "Everything that is kept about you, as it stood when you asked. Moments are in UTC; amounts are in the \
             smallest unit of the currency.",
            "Who you are, your cards (by their last digits; the full numbers are kept encrypted), what you may do, and \
             what that rests on. Kept while you are a member; payments stay for the books.",
            "Your cards at the doors. Kept for 90 days.",
            "For which zones you had an induction.",
            "What was done about you, and by whom: `member` is you, `staff` and a number is somebody with rights.",
            "Browsers in which you are signed in.",
            "What staff wrote down about you. Of a note that was erased only that there was one is kept.",
            "Fobs that were lent to you.",
            "Letters that we sent you or are about to send: of what kind, when, and what came of it.",
            "What our payment service told us about your payments, word for word.",
        ],
        Language::De => [
            "Alles, was über dich gespeichert ist, so wie es war, als du gefragt hast. Zeitpunkte sind in UTC; Beträge \
             in der kleinsten Einheit der Währung.",
            "Wer du bist, deine Karten (mit den letzten Ziffern; die ganzen Nummern liegen verschlüsselt), was du \
             darfst und worauf das beruht. Gespeichert, solange du Mitglied bist; Zahlungen bleiben für die Bücher.",
            "Deine Karten an den Türen. 90 Tage lang gespeichert.",
            "Für welche Bereiche du eingewiesen bist.",
            "Was dich betreffend getan wurde und von wem: `member` bist du, `staff` und eine Nummer ist jemand mit \
             Rechten.",
            "Browser, in denen du angemeldet bist.",
            "Was über dich notiert wurde. Von einer gelöschten Notiz bleibt nur, dass es sie gab.",
            "Leihchips, die du hattest.",
            "Briefe, die wir dir geschickt haben oder noch schicken: welcher Art, wann, und was daraus wurde.",
            "Was unser Zahlungsdienst uns über deine Zahlungen mitgeteilt hat, Wort für Wort.",
        ],
    }
}

/// A member's wish to be forgotten.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErasureView {
    /// Who.
    pub member: i64,
    /// When it was asked for.
    pub asked_at: Moment,
    /// When all is erased; until then it can be taken back.
    pub due_at: Moment,
}

impl From<Erasure> for ErasureView {
    fn from(wish: Erasure) -> Self {
        Self {
            member: wish.member.0,
            asked_at: Moment(wish.asked_at),
            due_at: Moment(wish.due_at),
        }
    }
}

/// A wish that can be taken back.
pub async fn waiting(tx: &mut Tx, member: MemberId) -> Answer<Option<ErasureView>> {
    let wish = erasures::find(tx, member).await?;
    Ok(wish
        .filter(|wish| wish.stage.may_end())
        .map(ErasureView::from))
}

/// Have a member forgotten: cards are dead at once, subscriptions end, and a week later all is erased but the books
#[utoipa::path(post, path = "/api/v1/members/{member}/erasure", tag = "members", params(("member" = i64, Path)),
    responses((status = OK, body = ErasureView), Problem))]
pub async fn erase(state: Here, At(id): At<MemberId>) -> Answer<Json<ErasureView>> {
    let mut work = state.work().await?;
    let person = people::find(&mut work.tx, &state.app.organisation, id).await?;
    if person.is_none_or(|person| person.erased) {
        return Err(Problem::not_found("member"));
    }
    let (account, whose) = (state.app.account, Whose::Of(id));
    let payers = payers::customers(&mut work.tx, account, whose, "", i64::MAX).await?;
    if payers.iter().any(|payer| payer.confirmed == 0) {
        let detail = Said::of("refused-payer-unsure");
        return Err(Problem::conflict("member", detail));
    }
    let wish = state
        .app
        .ask_to_forget(&mut work, id, state.actor())
        .await?;
    state.note(&mut work, "member.forget", Some(id), "asked for");
    state.done(work).await?;
    Ok(Json(wish.into()))
}

/// Take back that a member is to be forgotten
#[utoipa::path(delete, path = "/api/v1/members/{member}/erasure", tag = "members", params(("member" = i64, Path)),
    responses((status = NO_CONTENT), Problem))]
pub async fn keep(state: Here, At(id): At<MemberId>) -> Answer<StatusCode> {
    let mut work = state.work().await?;
    if people::find(&mut work.tx, &state.app.organisation, id)
        .await?
        .is_none()
        || !state.app.keep_after_all(&mut work, id).await?
    {
        return Err(Problem::not_found("wish to be forgotten"));
    }
    state.note(&mut work, "member.keep", Some(id), "taken back");
    state.done(work).await?;
    Ok(StatusCode::NO_CONTENT)
}
