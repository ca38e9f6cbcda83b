//! Who did what: the audit log by person, deed and member, with what was before and after.

use super::look::Look;
use super::shown;
use crate::store::{people, staff};
use crate::web::audit::{AuditCheck, AuditFilter, AuditLine, check, list};
use crate::web::extract::Asked;
use crate::web::problem::Answer;
use crate::web::{Here, State};
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value};
use shared::ids::MemberId;
use std::collections::{BTreeMap, BTreeSet};

/// What can be done, by the word before the dot.
const ABOUT: [&str; 20] = [
    "agent",
    "attention",
    "card",
    "catalogue",
    "command",
    "coverage",
    "customer",
    "door",
    "gift_card",
    "grant",
    "hold",
    "import",
    "location",
    "member",
    "membership_type",
    "payment",
    "staff",
    "standing",
    "schedule",
    "zone",
];

/// All that is done, as the log has it.
const DEEDS: [&str; 77] = [
    "agent.code",
    "agent.create",
    "agent.pair",
    "agent.revoke",
    "attention.resolve",
    "card.enrol",
    "card.found",
    "card.give",
    "card.label",
    "card.lost",
    "card.name",
    "card.returned",
    "catalogue.map",
    "catalogue.retrofit",
    "catalogue.unmap",
    "command",
    "coverage.free",
    "coverage.name",
    "customer.link",
    "discount.create",
    "door.put",
    "door.remove",
    "gift_card.issue",
    "gift_card.redeem",
    "gift_card.redeemed",
    "gift_card.void",
    "grant.create",
    "grant.end",
    "hold.create",
    "hold.end",
    "import",
    "import.undo",
    "inbox.replay",
    "induction.note",
    "induction.take_back",
    "keyholders.name",
    "letter.text",
    "loaner.add",
    "loaner.lend",
    "loaner.remove",
    "loaner.return",
    "location.put",
    "member.change",
    "member.create",
    "member.forget",
    "member.keep",
    "member.plan_change",
    "member.plan_changed",
    "membership_type.put",
    "note.erase",
    "note.write",
    "organisation.change",
    "payment.change",
    "payment.extend",
    "payment.record",
    "payment.void",
    "pin.remove",
    "pin.set",
    "schedule.put",
    "staff.arrive",
    "staff.identity_add",
    "staff.identity_remove",
    "staff.invite",
    "staff.mailed",
    "staff.passkey_add",
    "staff.passkey_remove",
    "staff.password",
    "staff.remove",
    "staff.role",
    "staff.sign_in",
    "staff.sign_in_refused",
    "staff.sign_out",
    "standing",
    "stripe.reconcile",
    "zone.access",
    "zone.put",
    "zone.settings",
];

#[derive(Template)]
#[template(path = "audit.html")]
struct Page {
    look: Look,
    asked: Search,
    lines: Vec<Told>,
    next: Option<String>,
    /// By whom something may have been done: as the log has them, and their names.
    actors: BTreeMap<String, String>,
    checked: Option<AuditCheck>,
}

/// A line as it is told.
struct Told {
    line: AuditLine,
    /// The member's name.
    name: String,
    changes: Vec<Difference>,
}

/// A field that is not what it was.
struct Difference {
    field: String,
    before: String,
    after: String,
}

impl Page {
    fn about(&self) -> [&'static str; 20] {
        ABOUT
    }

    fn about_word(&self, about: &str) -> String {
        self.look.words.say(&about_key(about))
    }

    /// What was done, in words; what another version did, as the log has it.
    fn deed(&self, action: &str) -> String {
        match DEEDS.contains(&action) {
            true => self.look.words.say(&deed_key(action)),
            false => action.to_owned(),
        }
    }

    fn actor<'a>(&'a self, actor: &'a str) -> &'a str {
        self.actors.get(actor).map_or(actor, String::as_str)
    }

    fn is_about(&self, about: &str) -> bool {
        self.asked.about == about
    }

    fn is_by(&self, actor: &str) -> bool {
        self.asked.who == actor
    }

    fn older(&self, next: &str) -> String {
        let Search {
            who,
            about,
            member,
            before: _,
            check: _,
        } = &self.asked;
        let fields = [("who", who.as_str()), ("about", about), ("member", member)];
        let fields = fields.into_iter().chain([("before", next)]);
        let fields: Vec<(&str, &str)> = fields.filter(|(_, value)| !value.is_empty()).collect();
        let fields = serde_html_form::to_string(fields).unwrap_or_default();
        self.look.to(&format!("/admin/audit?{fields}"))
    }
}

fn about_key(about: &str) -> String {
    format!("about-{}", about.replace('_', "-"))
}

fn deed_key(action: &str) -> String {
    format!("deed-{}", action.replace(['.', '_'], "-"))
}

/// The words of all that something can be about, and of all that can be done.
#[cfg(test)]
pub fn words() -> impl Iterator<Item = String> {
    let deeds = DEEDS.into_iter().map(deed_key);
    ABOUT.into_iter().map(about_key).chain(deeds)
}

/// What is looked for; numbers and words of our own, never a name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    #[serde(default)]
    who: String,
    #[serde(default)]
    about: String,
    #[serde(default)]
    member: String,
    before: Option<i64>,
    #[serde(default)]
    check: bool,
}

/// The page.
pub async fn show(state: Here, look: Look, Asked(asked): Asked<Search>) -> Answer<Response> {
    let given = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let filter = AuditFilter {
        actor: given(&asked.who),
        action: given(&asked.about),
        // What is no number is nobody's.
        member: given(&asked.member).map(|member| member.parse().unwrap_or(-1)),
        before: asked.before,
        limit: None,
    };
    let checked = match asked.check {
        true => Some(check(state.clone()).await?.0),
        false => None,
    };
    let Json(page) = list(state.clone(), Asked(filter)).await?;
    let names = names(&state, &page.items).await?;
    let actors = actors(&state, &look).await?;
    let told = |line: AuditLine| Told {
        name: line
            .member
            .and_then(|member| names.get(&member).cloned())
            .unwrap_or_default(),
        changes: differences(line.before.as_ref(), line.after.as_ref()),
        line,
    };
    Ok(shown(&Page {
        look,
        asked,
        lines: page.items.into_iter().map(told).collect(),
        next: page.next,
        actors,
        checked,
    }))
}

async fn names(state: &State, lines: &[AuditLine]) -> Answer<BTreeMap<i64, String>> {
    let members: BTreeSet<i64> = lines.iter().filter_map(|line| line.member).collect();
    let mut tx = state.app.store.begin_read().await?;
    let mut names = BTreeMap::new();
    for member in members {
        let found = people::find(&mut tx, &state.app.organisation, MemberId(member)).await?;
        names.extend(found.map(|person| (member, person.name)));
    }
    Ok(names)
}

async fn actors(state: &State, look: &Look) -> Answer<BTreeMap<String, String>> {
    let mut tx = state.app.store.begin_read().await?;
    let staff = staff::all(&mut tx, &state.app.organisation).await?;
    let staff = staff
        .into_iter()
        .map(|one| (format!("staff {}", one.id), one.name));
    let others = [
        ("server".to_owned(), look.words.say("audit-server")),
        ("admin".to_owned(), look.words.say("audit-token")),
    ];
    Ok(staff.chain(others).collect())
}

/// The fields that are not what they were; of what was not an object, the whole.
fn differences(before: Option<&Value>, after: Option<&Value>) -> Vec<Difference> {
    let (before, after) = (fields(before), fields(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = |name: &&String| before.get(*name) != after.get(*name);
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    names
        .into_iter()
        .filter(differs)
        .map(|name| Difference {
            field: name.clone(),
            before: text(before.get(name)),
            after: text(after.get(name)),
        })
        .filter(|difference| difference.before != difference.after)
        .collect()
}

fn fields(value: Option<&Value>) -> Map<String, Value> {
    match value {
        None => Map::new(),
        Some(Value::Object(fields)) => fields.clone(),
        Some(value) => Map::from_iter([(String::new(), value.clone())]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Whatever is written into the log by name anywhere.
    fn done() -> BTreeSet<String> {
        let mut done = BTreeSet::new();
        let here = |file: &std::path::PathBuf| file.ends_with("pages/audit.rs");
        let files = crate::words::files("src").into_iter();
        for file in files.filter(|file| !here(file)) {
            let text = std::fs::read_to_string(file).expect("text");
            for call in [
                ".note(&mut work,",
                ".note(work,",
                "let what = (",
                " action:",
                "CardRow::Lost,",
                "CardRow::Ok,",
                "CardRow::Returned,",
            ] {
                let named = text.split(call).skip(1).filter_map(|rest| {
                    let (action, _) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
                    Some(action.to_owned())
                });
                done.extend(named);
            }
        }
        done
    }

    #[test]
    fn every_deed_has_words() {
        let done = done();
        assert!(done.len() > 50, "{}", done.len());
        let known = DEEDS.map(str::to_owned).into();
        let missing: Vec<&String> = done.difference(&known).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn only_what_differs_is_told() {
        let told = |before: Option<Value>, after: Option<Value>| {
            let all = differences(before.as_ref(), after.as_ref()).into_iter();
            all.map(|one| format!("{}: {} > {}", one.field, one.before, one.after))
                .collect::<Vec<_>>()
        };
        let (ada, other) = (
            json!({"name": "Ada", "rank": 1}),
            json!({"name": "Ada L.", "rank": 1}),
        );
        assert_eq!(told(Some(ada.clone()), Some(other)), ["name: Ada > Ada L."]);
        assert_eq!(told(None, Some(ada)), ["name: – > Ada", "rank: – > 1"]);
        assert_eq!(
            told(Some(json!("admin")), Some(json!("owner"))),
            [": admin > owner"]
        );
        assert_eq!(told(None, Some(json!({"mail": null}))), [""; 0]);
    }
}
