//! What every page needs to be shown: who looks, in which language, by which clock.

use super::assets;
use crate::rights::Role;
use crate::said::Said;
use crate::store::{places, reading};
use crate::web::auth::asked;
use crate::web::inbox::Fate;
use crate::web::problem::{Answer, Problem};
use crate::web::values::Moment;
use crate::web::{State, Who};
use crate::words::{self, Words};
use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use jiff::tz::TimeZone;
use shared::time::Timestamp;
use std::sync::Arc;

/// How a page is shown.
pub struct Look {
    /// In which words.
    pub words: Words,
    /// The organisation's name.
    pub club: String,
    /// Who looks; none: nobody is signed in.
    pub who: Option<Who>,
    /// What waits on the attention list.
    pub waiting: i64,
    /// The moment.
    pub now: Timestamp,
    prefix: String,
    path: String,
    zone: TimeZone,
}

impl FromRequestParts<Arc<State>> for Look {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Answer<Self> {
        let accepted = parts.headers.get(ACCEPT_LANGUAGE);
        let accepted = accepted.and_then(|value| value.to_str().ok());
        let words = Words::of(accepted.unwrap_or_default());
        let (prefix, _) = asked(parts, state).await;
        let path = parts.uri.path().to_owned();
        let who = parts.extensions.get::<Who>().cloned();
        let organisation = &state.app.organisation;
        let mut tx = state.app.store.begin_read().await?;
        let (club, _) = places::organisation(&mut tx, organisation).await?;
        let zone = places::time_zone(&mut tx, organisation).await?;
        let waiting = match &who {
            Some(_) => reading::waiting(&mut tx, organisation).await?,
            None => 0,
        };
        Ok(Self {
            words,
            club,
            who,
            waiting,
            now: state.now(),
            prefix,
            path,
            zone: TimeZone::get(&zone).unwrap_or(TimeZone::UTC),
        })
    }
}

impl Look {
    /// An address of this organisation.
    pub fn to(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// The address of a style or script.
    pub fn asset(&self, name: &str) -> String {
        self.to(&assets::address(name))
    }

    /// Whether this is the page of an address, or one below it.
    pub fn is_at(&self, path: &str) -> bool {
        if path == "/admin" {
            return self.path == path;
        }
        self.path
            .strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether this is the page of an address itself.
    pub fn is_on(&self, path: &str) -> bool {
        self.path == path
    }

    /// Where people go on after a refusal.
    pub fn home(&self) -> String {
        self.to(if super::own::is_below(&self.path) {
            "/me"
        } else {
            "/admin"
        })
    }

    /// Whether whoever looks may do this.
    pub fn may(&self, action: &str) -> bool {
        self.who.as_ref().is_some_and(|who| who.role.may(action))
    }

    /// A standing in the words of people.
    pub fn state(&self, word: &str) -> String {
        self.words.say(&format!("state-{word}"))
    }

    /// How money came, in the words of people.
    pub fn source(&self, word: &str) -> String {
        match word {
            "cash" => self.words.say("cash"),
            "transfer" => self.words.say("transfer"),
            _ => self.words.say("stripe"),
        }
    }

    /// What became of an event, in the words of people.
    pub fn fate(&self, fate: &Fate) -> String {
        self.words.say(&format!("fate-{}", fate.word()))
    }

    /// A role in the words of people.
    pub fn role(&self, role: &Role) -> String {
        self.words.say(match role {
            Role::Owner => "role-owner",
            Role::Admin => "role-admin",
            Role::Treasurer => "role-treasurer",
            Role::FrontDesk => "role-front-desk",
            Role::ReadOnly => "role-read-only",
        })
    }

    /// A moment by the first location's clock.
    pub fn moment(&self, moment: &Moment) -> String {
        self.shown(moment.0, &self.words.say("format-moment"))
    }

    /// Its day.
    pub fn day(&self, moment: &Moment) -> String {
        self.shown(moment.0, &self.words.say("format-day"))
    }

    /// Its time of day; with the day, if that is another one than today.
    pub fn time(&self, moment: &Moment) -> String {
        let day = self.words.say("format-day");
        if self.shown(moment.0, &day) == self.shown(self.now, &day) {
            self.shown(moment.0, &self.words.say("format-time"))
        } else {
            self.moment(moment)
        }
    }

    /// The time of day now.
    pub fn clock(&self) -> String {
        self.shown(self.now, "%H:%M")
    }

    /// As machines read it.
    pub fn stamp(&self, moment: &Moment) -> String {
        self.shown(moment.0, "%Y-%m-%dT%H:%M:%S%:z")
    }

    /// A sentence begun like one, with its moments by the clock of the first location.
    pub fn told(&self, said: &Said) -> String {
        said.begun(self.words, &|at| self.moment(&Moment(at)))
    }

    /// A sentence of somebody else, with its moments by the clock of the first location.
    pub fn retold(&self, sentence: &str) -> String {
        words::retold(sentence, |at| self.moment(&Moment(at)))
    }

    /// A moment by the first location's clock, in the form that `format` says (strftime).
    pub fn shown(&self, moment: Timestamp, format: &str) -> String {
        words::shown(&self.zone, moment, format)
    }

    /// A moment with its day and time of day by the first location's clock.
    pub fn zoned(&self, moment: Timestamp) -> jiff::Zoned {
        let moment = jiff::Timestamp::from_millisecond(moment.0).unwrap_or(jiff::Timestamp::MAX);
        moment.to_zoned(self.zone.clone())
    }

    /// The first day of a moment's month.
    pub fn month_of(&self, moment: Timestamp) -> jiff::civil::Date {
        self.zoned(moment).date().first_of_month()
    }

    /// When a day begins.
    pub fn start_of(&self, day: jiff::civil::Date) -> Option<Moment> {
        let start = day.to_zoned(self.zone.clone()).ok()?;
        Some(Moment(Timestamp(start.timestamp().as_millisecond())))
    }

    /// The moment that a browser's field for day and time means
    /// (html.spec.whatwg.org, local date and time strings).
    pub fn at(&self, text: &str) -> Option<Moment> {
        let time: jiff::civil::DateTime = text.parse().ok()?;
        let zoned = time.to_zoned(self.zone.clone()).ok()?;
        Some(Moment(Timestamp(zoned.timestamp().as_millisecond())))
    }

    /// A moment as a browser's field for day and time has it.
    pub fn field_of(&self, moment: Moment) -> String {
        self.shown(moment.0, "%Y-%m-%dT%H:%M")
    }

    /// That hour of the next morning.
    pub fn next_morning(&self, hour: i8) -> Moment {
        let now = jiff::Timestamp::from_millisecond(self.now.0).unwrap_or(jiff::Timestamp::MAX);
        let tomorrow = now.to_zoned(self.zone.clone()).date().tomorrow();
        let morning = tomorrow.and_then(|day| day.at(hour, 0, 0, 0).to_zoned(self.zone.clone()));
        let at = morning.map_or(self.now.0, |at| at.timestamp().as_millisecond());
        Moment(Timestamp(at))
    }

    /// The first moment after a day that somebody chose.
    pub fn end_of(&self, day: jiff::civil::Date) -> Option<Moment> {
        self.start_of(day.tomorrow().ok()?)
    }
}
