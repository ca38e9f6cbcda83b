//! The same done to many members: chosen on their list, shown first, done with a yes; or saved as a table.

use super::form::Form;
use super::look::Look;
use super::members::Search;
use super::{see, shown};
use crate::said::Said;
use crate::store::places;
use crate::web::bulk::{self, BulkDeed, BulkReport, BulkWish, MOST};
use crate::web::extract::{Asked, Body};
use crate::web::members::{self, MemberFilter, MemberLine};
use crate::web::organisation::Approval;
use crate::web::problem::{Answer, Problem};
use crate::web::values::{Date, Remark, Title};
use crate::web::{Here, pages::member::end_of};
use askama::Template;
use axum::Json;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::ids::{MemberId, MembershipTypeId};
use std::collections::BTreeSet;

/// What can be done, and what it asks for.
const DEEDS: [(&str, &str, &[&str]); 9] = [
    ("hold", "holds.make", &["last_day", "reason"]),
    ("end_holds", "holds.make", &[]),
    ("grant", "grants.make", &["type", "last_day", "reason"]),
    ("keyholder", "keyholders.name", &[]),
    ("no_keyholder", "keyholders.name", &[]),
    ("label", "cards.give", &["label"]),
    ("change_type", "payments.record", &["type"]),
    ("extend", "payments.record", &["days"]),
    ("cards_lost", "cards.mark", &[]),
];

/// Words that are put together.
#[cfg(test)]
pub fn words() -> impl Iterator<Item = String> {
    let why = ["no_hold", "no_card", "no_cash", "already_so"];
    let why = why.into_iter().map(|why| format!("unaffected-{why}"));
    let deeds = DEEDS.into_iter();
    deeds.map(|(deed, ..)| format!("bulk-{deed}")).chain(why)
}

/// What this role can do to many.
pub fn deeds(look: &Look) -> Vec<(&'static str, String)> {
    let may = DEEDS.into_iter().filter(|(_, action, _)| look.may(action));
    may.map(|(deed, ..)| (deed, look.words.say(&format!("bulk-{deed}"))))
        .collect()
}

/// Who is chosen, what is to be done, and whether it was seen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    #[serde(default)]
    member: BTreeSet<i64>,
    /// Instead: everybody who fits what was looked for.
    #[serde(default)]
    all: bool,
    #[serde(default)]
    of_q: String,
    #[serde(default)]
    of_state: String,
    #[serde(default)]
    of_membership: String,
    #[serde(default)]
    of_only: String,
    what: Option<String>,
    reason: Option<Remark>,
    last_day: Option<Date>,
    #[serde(rename = "type")]
    membership: Option<MembershipTypeId>,
    label: Option<Title>,
    days: Option<u16>,
    /// Whether its effects were seen and are wanted.
    #[serde(default)]
    yes: bool,
    /// Also if many lose access by it.
    #[serde(default)]
    approved: bool,
}

impl Chosen {
    /// Everybody who fits, or those who were ticked.
    async fn members(&self, state: &Here) -> Answer<BTreeSet<MemberId>> {
        let ids: BTreeSet<MemberId> = if self.all {
            let lines = self.everybody(state).await?;
            lines.into_iter().map(|line| MemberId(line.id)).collect()
        } else {
            self.member.iter().copied().map(MemberId).collect()
        };
        if ids.is_empty() {
            let valid = Said::of("refused-tick-first");
            return Err(Problem::field("member", valid));
        }
        Ok(ids)
    }

    async fn everybody(&self, state: &Here) -> Answer<Vec<MemberLine>> {
        let search = Search::of(
            &self.of_q,
            &self.of_state,
            &self.of_membership,
            &self.of_only,
        );
        let mut after = None;
        let mut lines = Vec::new();
        loop {
            let filter = MemberFilter {
                after,
                limit: Some(500),
                ..search.filter()
            };
            let Json(found) = members::list(state.clone(), Asked(filter)).await?;
            lines.extend(found.items);
            after = found.next.and_then(|next| next.parse().ok());
            if after.is_none() || lines.len() > MOST {
                return Ok(lines);
            }
        }
    }

    /// What is to be done; none while something that it asks for is missing.
    fn wanted(&self, look: &Look) -> Answer<Option<BulkDeed>> {
        let until = end_of(look, self.last_day.as_ref())?;
        let reason = self.reason.clone();
        let membership = self.membership.clone();
        Ok(match self.what.as_deref() {
            Some("hold") => reason.map(|reason| BulkDeed::Hold { until, reason }),
            Some("end_holds") => Some(BulkDeed::EndHolds {}),
            Some("grant") => membership
                .zip(reason)
                .map(|(membership, reason)| BulkDeed::Grant {
                    membership,
                    until,
                    reason,
                }),
            Some("keyholder") => Some(BulkDeed::Keyholder { on: true }),
            Some("no_keyholder") => Some(BulkDeed::Keyholder { on: false }),
            Some("label") => self.label.clone().map(|label| BulkDeed::Label { label }),
            Some("change_type") => membership.map(|membership| BulkDeed::ChangeType { membership }),
            Some("extend") => self.days.map(|days| BulkDeed::Extend { days }),
            Some("cards_lost") => Some(BulkDeed::CardsLost {}),
            Some(_) | None => return Err(Problem::field("what", Said::of("refused-choose-deed"))),
        })
    }
}

#[derive(Template)]
#[template(path = "bulk.html")]
struct Page {
    look: Look,
    chosen: Chosen,
    members: BTreeSet<MemberId>,
    types: Vec<places::Type>,
    /// What it would do; none while something is missing.
    report: Option<BulkReport>,
}

impl Page {
    fn what(&self) -> &str {
        self.chosen.what.as_deref().unwrap_or_default()
    }

    fn title(&self) -> String {
        self.look.words.say(&format!("bulk-{}", self.what()))
    }

    fn asks(&self, field: &str) -> bool {
        let deed = DEEDS.into_iter().find(|(deed, ..)| *deed == self.what());
        deed.is_some_and(|(_, _, fields)| fields.contains(&field))
    }

    fn why(&self, word: &str) -> String {
        self.look.words.say(&format!("unaffected-{word}"))
    }

    fn affected(&self, report: &BulkReport) -> usize {
        let affected = report.lines.iter().filter(|line| line.unaffected.is_none());
        affected.count()
    }
}

/// Asks for what is missing, then shows what would be done, then does it.
pub async fn act(state: Here, look: Look, Form(chosen): Form<Chosen>) -> Answer<Response> {
    let members = chosen.members(&state).await?;
    let wanted = chosen.wanted(&look)?;
    let mut report = None;
    if let Some(deed) = wanted {
        let wish = BulkWish {
            members: members.clone(),
            deed,
            write: chosen.yes,
        };
        let approval = Approval {
            approved: chosen.approved,
        };
        let Json(told) = bulk::run(state.clone(), Asked(approval), Body(wish)).await?;
        if told.written {
            let affected = told.lines.iter().filter(|line| line.unaffected.is_none());
            let address = format!("/admin/members?done={}", affected.count());
            return Ok(see(&look.to(&address)));
        }
        report = Some(told);
    }
    let mut tx = state.app.store.begin_read().await?;
    let types = places::types(&mut tx, &state.app.organisation).await?;
    Ok(shown(&Page {
        look,
        chosen,
        members,
        types,
        report,
    }))
}

/// Those who were chosen, as a table for a spreadsheet.
pub async fn export(state: Here, look: Look, Form(chosen): Form<Chosen>) -> Answer<Response> {
    let members = chosen.members(&state).await?;
    // Who was ticked fitted what was looked for.
    let mut lines = chosen.everybody(&state).await?;
    lines.retain(|line| members.contains(&MemberId(line.id)));
    let text = table(&look, &lines).map_err(|_| Problem::fault())?;
    let kind = (CONTENT_TYPE, "text/csv; charset=utf-8");
    let file = (CONTENT_DISPOSITION, "attachment; filename=\"members.csv\"");
    Ok(([kind, file], text).into_response())
}

/// With what spreadsheets expect: a mark that it is UTF-8, and semicolons where commas stand in numbers.
fn table(look: &Look, lines: &[MemberLine]) -> Result<Vec<u8>, csv::Error> {
    let german = look.words.language == "de";
    let mut writer = csv::WriterBuilder::new()
        .delimiter(if german { b';' } else { b',' })
        .from_writer("\u{feff}".as_bytes().to_vec());
    let say = |key: &str| look.words.say(key);
    writer.write_record([
        look.words.say("number"),
        say("name"),
        say("field-mail"),
        say("standing"),
        say("until"),
        say("membership"),
        say("cards"),
    ])?;
    for line in lines {
        let state = line.state.map_or("none", |state| state.word());
        let date = line.date.as_ref().map(|date| look.day(date));
        writer.write_record([
            line.id.to_string(),
            plain(&line.name),
            plain(line.mail.as_deref().unwrap_or_default()),
            look.state(state),
            date.unwrap_or_default(),
            plain(&line.memberships.join(" ")),
            line.cards.to_string(),
        ])?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

/// A cell that no spreadsheet takes for a formula (owasp.org, CSV Injection).
fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(super::plain("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(super::plain("Ada - Lovelace"), "Ada - Lovelace");
    }
}
