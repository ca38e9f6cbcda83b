//! What every page needs to be shown: who looks, in which language, by which clock.

use super::assets;
use super::words::Words;
use crate::rights::Role;
use crate::store::{places, reading};
use crate::web::auth::asked;
use crate::web::problem::{Answer, Problem};
use crate::web::values::Moment;
use crate::web::{State, Who};
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

    /// Whether whoever looks may do this.
    pub fn may(&self, action: &str) -> bool {
        self.who.as_ref().is_some_and(|who| who.role.may(action))
    }

    /// A standing in the words of people.
    pub fn state(&self, word: &str) -> String {
        self.words.say(&format!("state-{word}"))
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

    /// As machines read it.
    pub fn stamp(&self, moment: &Moment) -> String {
        self.shown(moment.0, "%Y-%m-%dT%H:%M:%S%:z")
    }

    /// A sentence for machines and people alike, begun like one and with its moments by the clock of the first location.
    pub fn told(&self, sentence: &str) -> String {
        let word = |word: &str| {
            let bare = word.trim_end_matches([',', '.', ';', ':', ')']);
            match bare.parse::<jiff::Timestamp>() {
                Ok(at) => {
                    let moment = Moment(Timestamp(at.as_millisecond()));
                    format!("{}{}", self.moment(&moment), &word[bare.len()..])
                }
                Err(_) => word.to_owned(),
            }
        };
        let words: Vec<String> = sentence.split(' ').map(word).collect();
        let said = words.join(" ");
        let mut letters = said.chars();
        let first = letters
            .next()
            .map(|letter| letter.to_uppercase().to_string());
        first.unwrap_or_default() + letters.as_str()
    }

    fn shown(&self, moment: Timestamp, format: &str) -> String {
        let moment = jiff::Timestamp::from_millisecond(moment.0).unwrap_or(jiff::Timestamp::MAX);
        let zoned = moment.to_zoned(self.zone.clone());
        jiff::fmt::strtime::format(format, &zoned).unwrap_or_default()
    }

    /// The moment that a browser's field for day and time means
    /// (html.spec.whatwg.org, local date and time strings).
    pub fn at(&self, text: &str) -> Option<Moment> {
        let time: jiff::civil::DateTime = text.parse().ok()?;
        let zoned = time.to_zoned(self.zone.clone()).ok()?;
        Some(Moment(Timestamp(zoned.timestamp().as_millisecond())))
    }

    /// The first moment after a day that somebody chose.
    pub fn end_of(&self, day: jiff::civil::Date) -> Option<Moment> {
        let next = day.tomorrow().ok()?;
        let start = next.to_zoned(self.zone.clone()).ok()?;
        Some(Moment(Timestamp(start.timestamp().as_millisecond())))
    }
}
