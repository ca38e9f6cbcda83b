//! What letters say: our own texts in every language, or what an organisation writes in their place. Both have places,
//! such as `{name}`.

use crate::store::letters::Kind;
use crate::store::notices::NoticeKind;
use crate::words::Words;
use std::collections::BTreeMap;

/// A letter's subject and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// What stands in the places of a text.
pub type Values = BTreeMap<&'static str, String>;

/// In every text: who is written to, the organisation, and the one link.
const EVERYWHERE: [&str; 3] = ["name", "club", "link"];

/// The places that a text of a kind may have.
#[must_use]
pub fn places(kind: Kind) -> Vec<&'static str> {
    let own: &[&'static str] = match kind {
        Kind::Notice(NoticeKind::PaymentFailed | NoticeKind::ActionRequired) => {
            &["amount", "standing"]
        }
        Kind::Notice(
            NoticeKind::TrialEnds
            | NoticeKind::EndsOn
            | NoticeKind::UpgradeWaiting
            | NoticeKind::PaymentEnds,
        )
        | Kind::GraceEnds
        | Kind::SignIn
        | Kind::EraseAsked
        | Kind::Invited => &["date"],
        Kind::Notice(
            NoticeKind::PaymentPending | NoticeKind::FirstPaymentFailed | NoticeKind::UpgradeLapsed,
        ) => &[],
        Kind::Lapsed => &["date", "door"],
        Kind::CardLost => &["card"],
        Kind::Attention => &["what", "remedy"],
        Kind::Digest => &["from", "until", "joined", "lapsed", "grace", "unmatched"],
    };
    EVERYWHERE.into_iter().chain(own.iter().copied()).collect()
}

/// Whether a letter is of no use without its link.
#[must_use]
pub fn carries_secret(kind: Kind) -> bool {
    matches!(kind, Kind::SignIn | Kind::EraseAsked | Kind::Invited)
}

/// The words of a kind's subject and body.
fn keys(kind: Kind) -> [String; 2] {
    let word = kind.word().replace('_', "-");
    [
        format!("letter-{word}-subject"),
        format!("letter-{word}-body"),
    ]
}

/// The words of all letters.
#[cfg(test)]
pub(crate) fn words() -> impl Iterator<Item = String> {
    let states = [
        "standing-in",
        "standing-grace",
        "standing-out",
        "example-item",
        "example-remedy",
    ];
    let states = states.map(|word| format!("letter-{word}"));
    let kinds = Kind::all().map(|kind| kind_key(kind.word()));
    let kinds = kinds.chain(OUTCOMES.into_iter().map(outcome_key));
    Kind::all().flat_map(keys).chain(states).chain(kinds)
}

/// The key of what a kind is called.
#[must_use]
pub fn kind_key(word: &str) -> String {
    format!("letter-kind-{}", word.replace('_', "-"))
}

/// The key of what came of a letter.
#[must_use]
pub fn outcome_key(word: &str) -> String {
    format!("letter-outcome-{}", word.replace('_', "-"))
}

/// What may come of a letter.
#[cfg(test)]
const OUTCOMES: [&str; 9] = [
    "sent",
    "refused",
    "later",
    "unwelcome",
    "unreachable",
    "nobody",
    "no_address",
    "over",
    "unreadable",
];

/// What a text may have in its places, to see how it reads.
#[must_use]
pub fn example(words: &Words, club: &str, date: &str) -> Values {
    let plain = |place, value: &str| (place, value.to_owned());
    let item = words.say("letter-example-item");
    let do_it = words.say("letter-example-remedy");
    [
        plain("name", "Ada"),
        plain("club", club),
        plain("link", "https://…/me"),
        plain("amount", "40.00 EUR"),
        ("standing", words.say("letter-standing-in")),
        plain("date", date),
        plain("from", date),
        plain("until", date),
        plain("door", "front"),
        plain("card", "…3C"),
        ("what", item),
        ("remedy", do_it),
        plain("joined", "3"),
        plain("lapsed", "1"),
        plain("grace", "2"),
        plain("unmatched", "0"),
    ]
    .into()
}

/// Our own text of a kind, with its places.
#[must_use]
pub fn own(words: &Words, kind: Kind) -> Text {
    let places = places(kind);
    let [subject, body] = keys(kind).map(|key| words.pattern(&key, &places));
    Text { subject, body }
}

impl Text {
    /// Puts values into the places; what is no place stays as it is.
    #[must_use]
    pub fn fill(&self, values: &Values) -> Self {
        let one_line = |text: String| text.replace(char::is_control, " ");
        Self {
            subject: one_line(filled(&self.subject, values)),
            body: filled(&self.body, values),
        }
    }

    /// Whether it can be sent as a letter of this kind.
    ///
    /// # Errors
    /// In which part, and what to do.
    pub fn check(&self, kind: Kind) -> Result<(), (&'static str, String)> {
        let known = places(kind);
        for (part, text) in [("subject", &self.subject), ("body", &self.body)] {
            if text.trim().is_empty() {
                return Err((part, "It is empty.".to_owned()));
            }
            let mut places = parts(text).filter_map(|(_, place)| place);
            if let Some(strange) = places.find(|place| !known.contains(place)) {
                let known: Vec<String> = known.iter().map(|place| format!("{{{place}}}")).collect();
                let known = known.join(", ");
                return Err((
                    part,
                    format!("There is no {{{strange}}} here; there are {known}."),
                ));
            }
        }
        if self.subject.contains(char::is_control) {
            return Err(("subject", "It has to be one line.".to_owned()));
        }
        if carries_secret(kind) && !self.body.contains("{link}") {
            return Err((
                "body",
                "It has no {link}, and is of no use without.".to_owned(),
            ));
        }
        Ok(())
    }
}

fn filled(text: &str, values: &Values) -> String {
    let mut filled = String::new();
    for (before, place) in parts(text) {
        filled.push_str(before);
        match place.map(|place| (place, values.get(place))) {
            Some((_, Some(value))) => filled.push_str(value),
            Some((place, None)) => filled.push_str(&format!("{{{place}}}")),
            None => {}
        }
    }
    filled
}

/// A text in parts: what stands before each place, and the place.
fn parts(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut from = 0;
        while let Some(open) = text[from..].find('{').map(|at| from + at) {
            let inside = &text[open + 1..];
            let end = inside.find(|letter: char| !letter.is_ascii_lowercase());
            match end {
                Some(end) if end > 0 && inside[end..].starts_with('}') => {
                    rest = Some(&inside[end + 1..]);
                    return Some((&text[..open], Some(&inside[..end])));
                }
                Some(_) | None => from = open + 1,
            }
        }
        rest = None;
        Some((text, None))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(subject: &str, body: &str) -> Text {
        Text {
            subject: subject.to_owned(),
            body: body.to_owned(),
        }
    }

    #[test]
    fn places_are_filled_once_and_nothing_else_is_touched() {
        let values: Values = [
            ("name", "{link} Ö\r\nBcc: x@example.org".to_owned()),
            ("link", "https://club.example/me".to_owned()),
        ]
        .into();
        let filled = text(
            "Hello {name}",
            "{name}: {link}, {}, { link }, {Link} {other} {",
        )
        .fill(&values);
        assert_eq!(filled.subject, "Hello {link} Ö  Bcc: x@example.org");
        assert_eq!(
            filled.body,
            "{link} Ö\r\nBcc: x@example.org: https://club.example/me, {}, { link }, {Link} {other} {"
        );
    }

    #[test]
    fn a_text_that_cannot_be_sent_is_refused() {
        let check = |kind, subject, body| text(subject, body).check(kind).map_err(|(part, _)| part);
        let lost = Kind::CardLost;
        assert_eq!(check(lost, "Lost", "Card {card} of {name}"), Ok(()));
        assert_eq!(check(lost, "Lost {date}", "Card {card}"), Err("subject"));
        assert_eq!(check(lost, "Lost", "Card {amount}"), Err("body"));
        assert_eq!(check(lost, " ", "Card"), Err("subject"));
        assert_eq!(
            check(lost, "Lost\nBcc: x@example.org", "Card"),
            Err("subject")
        );
        assert_eq!(check(Kind::SignIn, "Come in", "Come in"), Err("body"));
    }

    #[test]
    fn our_own_texts_can_be_sent_and_have_one_link() {
        for language in Words::languages() {
            let words = Words::named(language).expect("it was listed");
            for kind in Kind::all() {
                let own = own(&words, kind);
                assert_eq!(own.check(kind), Ok(()), "{language} {kind:?}");
                let links = own.body.matches("{link}").count();
                assert_eq!(links, 1, "{language} {kind:?}");
            }
        }
    }
}
