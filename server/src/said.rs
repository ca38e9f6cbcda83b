//! Sentences as data: which one, and what stands in it. Each is told in the language of whoever reads it.

use crate::words::{self, Words};
use serde::{Deserialize, Serialize};
use shared::reasons::{Reason, Row};
use shared::time::Timestamp;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A sentence, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// One of the texts of `languages/`, and what stands in its places.
    Text {
        /// Its key.
        key: Cow<'static, str>,
        /// By the names of the places.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        parts: BTreeMap<Cow<'static, str>, Part>,
    },
    /// What the table of reasons says to staff.
    Reason(Reason),
    /// What the table of reasons says is to be done.
    Remedy(Reason),
    /// The words of somebody else, or of a version that knew no other.
    Plain(String),
}

/// What stands in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// How many; decides on forms.
    Count(i64),
    /// A name, an id, or a choice between forms.
    Word(String),
    /// A moment.
    At(Timestamp),
    /// Another sentence.
    Said(Said),
}

impl Said {
    /// The text of a key.
    #[must_use]
    pub fn of(key: &'static str) -> Self {
        Self::Text {
            key: Cow::Borrowed(key),
            parts: BTreeMap::new(),
        }
    }

    /// The same, with something in a place of it.
    #[must_use]
    pub fn put(mut self, place: &'static str, part: impl Into<Part>) -> Self {
        if let Self::Text { parts, .. } = &mut self {
            parts.insert(Cow::Borrowed(place), part.into());
        }
        self
    }

    /// The same, with something in a place of it, or `none` there.
    #[must_use]
    pub fn perhaps(self, place: &'static str, part: Option<impl Into<Part>>) -> Self {
        let part = part.map_or_else(|| "none".into(), Into::into);
        self.put(place, part)
    }

    /// Several put together by a text with the places `one` and `other`; none: there are none.
    pub fn chain(key: &'static str, all: impl IntoIterator<Item = Self>) -> Option<Self> {
        all.into_iter()
            .reduce(|one, other| Self::of(key).put("one", one).put("other", other))
    }

    /// Whether this version has words for it: a later one may have written it.
    #[must_use]
    pub fn is_known(&self) -> bool {
        let part = |part: &Part| match part {
            Part::Said(said) => said.is_known(),
            Part::Count(_) | Part::Word(_) | Part::At(_) => true,
        };
        match self {
            Self::Text { key, parts } => Words::has(key) && parts.values().all(part),
            Self::Reason(_) | Self::Remedy(_) | Self::Plain(_) => true,
        }
    }

    /// In a language, with moments as `at` shows them.
    pub fn told(&self, words: Words, at: &dyn Fn(Timestamp) -> String) -> String {
        let row = |reason: &Reason| -> Row { reason.row(words.spoken()) };
        match self {
            Self::Reason(reason) => row(reason).staff.to_owned(),
            Self::Remedy(reason) => row(reason).remedy.to_owned(),
            Self::Plain(text) => text.clone(),
            Self::Text { key, parts } => words.filled(key, parts, at),
        }
    }

    /// Begun like a sentence, also with the moments that somebody else wrote as machines do.
    pub fn begun(&self, words: Words, at: &dyn Fn(Timestamp) -> String) -> String {
        match self {
            Self::Plain(text) => words::retold(text, at),
            Self::Text { .. } | Self::Reason(_) | Self::Remedy(_) => {
                words::begun(&self.told(words, at))
            }
        }
    }

    /// As the interface and logs have it, with moments as machines read them.
    #[must_use]
    pub fn english(&self) -> String {
        self.told(Words::of("en"), &|at| at.to_string())
    }
}

impl From<&str> for Said {
    fn from(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

impl From<&str> for Part {
    fn from(word: &str) -> Self {
        Self::Word(word.to_owned())
    }
}

impl From<String> for Part {
    fn from(word: String) -> Self {
        Self::Word(word)
    }
}

impl From<Timestamp> for Part {
    fn from(at: Timestamp) -> Self {
        Self::At(at)
    }
}

impl From<Said> for Part {
    fn from(said: Said) -> Self {
        Self::Said(said)
    }
}

impl Part {
    /// A number that decides on forms.
    pub fn count(count: impl TryInto<i64>) -> Self {
        Self::Count(count.try_into().unwrap_or(i64::MAX))
    }

    /// Whatever has a name.
    pub fn word(word: impl std::fmt::Display) -> Self {
        Self::Word(word.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::reading::AttentionRow;

    #[test]
    fn a_sentence_is_told_in_the_language_of_its_reader_also_after_it_was_kept() {
        let said = Said::of("attention-events-lost")
            .put("agent", "007")
            .put("lost", Part::count(7))
            .put("grants", Part::count(2));
        let text = serde_json::to_string(&said).expect("plain data");
        let kept: Said = serde_json::from_str(&text).expect("as it was");
        assert_eq!(kept, said);
        let at = |at: Timestamp| at.to_string();
        let german = kept.told(Words::of("de"), &at);
        assert!(
            german.contains("Agent 007") && german.contains('7'),
            "{german}"
        );
        assert_ne!(german, kept.english());
    }

    #[test]
    fn parts_are_told_in_the_same_language_and_moments_by_the_clock_of_the_reader() {
        let inner = Said::of("explain-grace").put("until", Timestamp(0));
        let both = Said::chain("either", [inner.clone(), inner]).expect("two");
        let told = both.told(Words::of("de"), &|_| "damals".to_owned());
        assert_eq!(told.matches("damals").count(), 2, "{told}");
        assert!(both.english().contains("1970-01-01T00:00:00Z"));
    }

    #[test]
    fn of_a_sentence_of_a_later_version_the_english_is_told() {
        let later = r#"{"text":{"key":"of-a-later-version"}}"#;
        let inside =
            format!(r#"{{"text":{{"key":"either","parts":{{"one":{{"said":{later}}}}}}}}}"#);
        let remedy = r#"{"text":{"key":"remedy-proposed-link"}}"#;
        for (sentence, is_known) in [(later, false), (&inside, false), (remedy, true)] {
            let row = AttentionRow {
                id: 1,
                kind: "refund".to_owned(),
                subject: "1".to_owned(),
                sentence: "It happened.".to_owned(),
                remedy: "Look.".to_owned(),
                told: Some(format!("[{sentence},{remedy}]")),
                member: None,
                opened_at: 0,
                resolved_at: None,
            };
            let kept = Said::from("It happened.");
            assert_eq!(row.said()[0] != kept, is_known, "{sentence}");
        }
    }
}
