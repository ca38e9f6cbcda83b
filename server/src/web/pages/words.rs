//! What pages say, in the language that a browser asks for: one file for each language (projectfluent.org).

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use rust_embed::Embed;
use shared::reasons::Language;
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

/// A wish for a language, with its weight.
fn wish(part: &str) -> Option<(f32, &str)> {
    let (tag, weight) = part.split_once(';').unwrap_or((part, "q=1"));
    let weight = weight.trim().strip_prefix("q=")?.parse().ok()?;
    Some((weight, tag.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn keys(name: &str) -> BTreeSet<String> {
        let file = Files::get(&format!("{name}.ftl")).expect("a file");
        let text = String::from_utf8(file.data.into_owned()).expect("text");
        let begins = |line: &&str| line.starts_with(|letter: char| letter.is_ascii_lowercase());
        let key = |line: &str| line.split(" =").next().unwrap_or_default().to_owned();
        text.lines().filter(begins).map(key).collect()
    }

    /// What is said by name in templates and pages.
    fn said() -> BTreeSet<String> {
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut said = BTreeSet::new();
        for folder in ["templates", "src/web/pages"] {
            for file in std::fs::read_dir(here.join(folder)).expect("a folder") {
                let path = file.expect("a file").path();
                if path.ends_with("words.rs") || !path.is_file() {
                    continue;
                }
                let text = std::fs::read_to_string(path).expect("text");
                for call in [".say(\"", ".with(\"", ".with_two(\"", ".at(\""] {
                    let parts = text.split(call).skip(1);
                    said.extend(parts.filter_map(|part| Some(part.split_once('"')?.0.to_owned())));
                }
            }
        }
        said
    }

    #[test]
    fn every_language_has_every_word_that_is_said_and_no_other() {
        let mut said = said();
        said.extend(super::super::spoken_words());
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
