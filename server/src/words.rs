//! What pages say, in the language that a browser asks for: one file for each language (projectfluent.org).

use crate::said::Part;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use jiff::tz::TimeZone;
use rust_embed::Embed;
use shared::reasons::Language;
use shared::time::Timestamp;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

/// A language's file is called by its name (BCP 47).
#[derive(Embed)]
#[folder = "languages"]
struct Files;

/// Every language falls back on this one.
const FIRST: &str = "en";

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<BTreeMap<String, Bundle>> = LazyLock::new(|| {
    let named = Files::iter().filter_map(|file| Some(file.strip_suffix(".ftl")?.to_owned()));
    named.map(|name| (name.clone(), bundle(&name))).collect()
});

fn bundle(name: &str) -> Bundle {
    let file = Files::get(&format!("{name}.ftl")).expect("it was listed");
    let text = String::from_utf8(file.data.into_owned()).expect("files of languages are UTF-8");
    let language: LanguageIdentifier = name.parse().expect("files are called as languages are");
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // Marks around what is put in would be read aloud.
    bundle.set_use_isolating(false);
    let resource = match FluentResource::try_new(text) {
        Ok(resource) => resource,
        Err((_, faults)) => panic!("the file of language {name}: {faults:?}"),
    };
    bundle
        .add_resource(resource)
        .expect("no word is there twice");
    bundle
}

/// The words of one language.
#[derive(Clone, Copy)]
pub struct Words {
    /// Its name.
    pub language: &'static str,
    bundle: &'static Bundle,
}

impl std::fmt::Debug for Words {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.language)
    }
}

impl Words {
    /// In the first language of a list like `de-AT,de;q=0.9,en;q=0.5` that there is a file for (RFC 9110, 12.5.4).
    pub fn of(accepted: &str) -> Self {
        let mut wanted: Vec<(f32, &str)> = accepted.split(',').filter_map(wish).collect();
        wanted.sort_by(|one, other| other.0.total_cmp(&one.0));
        let known = |(_, tag): &(f32, &str)| {
            let name = tag
                .split('-')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            BUNDLES.get_key_value(&name)
        };
        let found = wanted.iter().find_map(known);
        let (language, bundle) = found
            .or_else(|| BUNDLES.get_key_value(FIRST))
            .expect("the first language has a file");
        Self { language, bundle }
    }

    /// The language of sentences that have no file.
    pub fn spoken(&self) -> Language {
        match self.language {
            "de" => Language::De,
            _ => Language::En,
        }
    }

    /// The words of such a language.
    pub fn speaking(language: Language) -> Self {
        Self::of(match language {
            Language::De => "de",
            Language::En => FIRST,
        })
    }

    /// A sentence or word.
    pub fn say(&self, key: &str) -> String {
        self.told(key, None)
    }

    /// A sentence with one thing in it; a number decides which form a word has.
    pub fn with(&self, key: &str, name: &str, value: &dyn Display) -> String {
        self.with_two(key, (name, value), ("", &""))
    }

    /// A sentence with two things in it.
    pub fn with_two(
        &self,
        key: &str,
        one: (&str, &dyn Display),
        other: (&str, &dyn Display),
    ) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in [one, other] {
            let value = value.to_string();
            let value = value
                .parse()
                .map_or(FluentValue::from(value), |number: i64| number.into());
            args.set(name, value);
        }
        self.told(key, Some(&args))
    }

    /// A text whose places are written as `{name}`.
    pub fn pattern(&self, key: &str, places: &[&str]) -> String {
        let mut args = FluentArgs::new();
        for place in places {
            args.set(*place, format!("{{{place}}}"));
        }
        self.told(key, Some(&args))
    }

    /// A text with what stands in its places, and moments as `at` shows them.
    pub fn filled(
        &self,
        key: &str,
        parts: &BTreeMap<Cow<'static, str>, Part>,
        at: &dyn Fn(Timestamp) -> String,
    ) -> String {
        let mut args = FluentArgs::new();
        for (place, part) in parts {
            let value: FluentValue<'_> = match part {
                Part::Count(count) => (*count).into(),
                Part::Word(word) => word.clone().into(),
                Part::At(moment) => at(*moment).into(),
                Part::Said(said) => said.told(*self, at).into(),
            };
            args.set(place.clone(), value);
        }
        self.told(key, Some(&args))
    }

    /// The words of a language by its name; none: there are none.
    pub fn named(name: &str) -> Option<Self> {
        let (language, bundle) = BUNDLES.get_key_value(name)?;
        Some(Self { language, bundle })
    }

    /// The names of all languages.
    pub fn languages() -> impl Iterator<Item = &'static str> {
        BUNDLES.keys().map(String::as_str)
    }

    /// Whether there is a text of this key, at least in the first language.
    pub fn has(key: &str) -> bool {
        let first = BUNDLES.get(FIRST);
        first.is_some_and(|bundle| bundle.has_message(key))
    }

    fn told(&self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let bundles = [Some(self.bundle), BUNDLES.get(FIRST)];
        let mut said = bundles.into_iter().flatten().filter_map(|bundle| {
            let pattern = bundle.get_message(key)?.value()?;
            let mut faults = Vec::new();
            let said = bundle
                .format_pattern(pattern, args, &mut faults)
                .into_owned();
            faults.is_empty().then_some(said)
        });
        said.next().unwrap_or_else(|| key.to_owned())
    }
}

/// A moment by the clock of a zone.
pub fn shown(zone: &TimeZone, moment: Timestamp, format: &str) -> String {
    let moment = jiff::Timestamp::from_millisecond(moment.0).unwrap_or(jiff::Timestamp::MAX);
    jiff::fmt::strtime::format(format, &moment.to_zoned(zone.clone())).unwrap_or_default()
}

/// A sentence of somebody else, with its moments as people write them.
pub fn retold(sentence: &str, shown: impl Fn(Timestamp) -> String) -> String {
    let word = |word: &str| {
        let bare = word.trim_end_matches([',', '.', ';', ':', ')']);
        match bare.parse::<jiff::Timestamp>() {
            Ok(at) => {
                let at = Timestamp(at.as_millisecond());
                format!("{}{}", shown(at), &word[bare.len()..])
            }
            Err(_) => word.to_owned(),
        }
    };
    let words: Vec<String> = sentence.split(' ').map(word).collect();
    begun(&words.join(" "))
}

/// A sentence begun like one.
pub fn begun(said: &str) -> String {
    let mut letters = said.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// A wish for a language, with its weight.
fn wish(part: &str) -> Option<(f32, &str)> {
    let (tag, weight) = part.split_once(';').unwrap_or((part, "q=1"));
    let weight = weight.trim().strip_prefix("q=")?.parse().ok()?;
    Some((weight, tag.trim()))
}

/// All files below a folder of this package.
#[cfg(test)]
pub(crate) fn files(folder: &str) -> Vec<std::path::PathBuf> {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("a file").path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    fn keys(name: &str) -> BTreeSet<String> {
        let file = Files::get(&format!("{name}.ftl")).expect("a file");
        let text = String::from_utf8(file.data.into_owned()).expect("text");
        let begins = |line: &&str| line.starts_with(|letter: char| letter.is_ascii_lowercase());
        let key = |line: &str| line.split(" =").next().unwrap_or_default().to_owned();
        text.lines().filter(begins).map(key).collect()
    }

    /// What is said by name: in templates and pages, and as sentences anywhere.
    fn said() -> BTreeSet<String> {
        let pages = files("templates").into_iter().chain(files("src/web/pages"));
        let calls: [(Vec<PathBuf>, &[&str]); 2] = [
            (pages.collect(), &[".say(", ".with(", ".with_two(", ".at("]),
            (files("src"), &["Said::of(", "Said::chain("]),
        ];
        let mut said = BTreeSet::new();
        for (files, calls) in calls {
            for file in files.into_iter().filter(|file| !file.ends_with("words.rs")) {
                let text = std::fs::read_to_string(file).expect("text");
                for call in calls {
                    let keys = text.split(call).skip(1).filter_map(|rest| {
                        let (key, _) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
                        Some(key.to_owned())
                    });
                    said.extend(keys);
                }
            }
        }
        said.extend(kinds_of_problems());
        said
    }

    /// Titles of refusals.
    fn kinds_of_problems() -> BTreeSet<String> {
        let files = files("src/web").into_iter();
        let texts = files.map(|file| std::fs::read_to_string(file).expect("text"));
        let found = texts.flat_map(|text| {
            let kinds = text.split("\"/problems/").skip(1);
            let kinds =
                kinds.filter_map(|rest| Some(format!("problem-{}", rest.split_once('"')?.0)));
            kinds.collect::<Vec<_>>()
        });
        found.collect()
    }

    /// The names of the places of each text.
    fn places(name: &str) -> BTreeMap<String, BTreeSet<String>> {
        let file = Files::get(&format!("{name}.ftl")).expect("a file");
        let text = String::from_utf8(file.data.into_owned()).expect("text");
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut key = String::new();
        for line in text.lines() {
            if line.starts_with(|letter: char| letter.is_ascii_lowercase()) {
                key = line.split(" =").next().unwrap_or_default().to_owned();
            }
            let ends = |letter: char| !letter.is_ascii_alphanumeric() && letter != '_';
            let names = line
                .split('$')
                .skip(1)
                .filter_map(|rest| rest.split(ends).next());
            let of_key = found.entry(key.clone()).or_default();
            of_key.extend(names.map(str::to_owned));
        }
        found
    }

    #[test]
    fn a_text_has_the_same_places_in_every_language() {
        for name in BUNDLES.keys() {
            assert_eq!(places(name), places(FIRST), "{name}");
        }
    }

    #[test]
    fn every_kind_of_the_attention_list_has_a_sentence_and_what_to_do() {
        let said = said();
        for kind in crate::attention::Kind::all() {
            for what in ["attention", "remedy"] {
                let key = format!("{what}-{}", kind.word().replace('_', "-"));
                let mut of_kind = said.iter().filter(|said| said.starts_with(&key));
                // These two say what the table of reasons says.
                let by_reason = what == "remedy" && key.ends_with("revoked-card");
                assert!(by_reason || of_kind.next().is_some(), "{key}");
            }
        }
    }

    #[test]
    fn every_language_has_every_word_that_is_said_and_no_other() {
        let mut said = said();
        said.extend(crate::web::pages::spoken_words());
        assert!(BUNDLES.len() > 1);
        for name in BUNDLES.keys() {
            assert_eq!(keys(name), said, "{name}");
        }
    }

    #[test]
    fn the_language_is_the_one_that_is_wanted_most() {
        for (accepted, language) in [
            ("", "en"),
            ("de", "de"),
            ("de-AT,de;q=0.9,en;q=0.5", "de"),
            ("fr,en;q=0.5,de;q=0.7", "de"),
            ("xx", "en"),
            ("en;q=0.1, de ;q=0.05", "en"),
            (";;;q=,,", "en"),
        ] {
            assert_eq!(Words::of(accepted).language, language, "{accepted}");
        }
    }

    #[test]
    fn numbers_decide_on_the_form() {
        let words = Words::of("en");
        assert_eq!(words.with("cards-count", "count", &1), "1 card");
        assert_eq!(words.with("cards-count", "count", &2), "2 cards");
        assert_eq!(words.say("no such word"), "no such word");
    }
}
