//! Reads one table of the file key by key, and knows for every complaint the line, the key and what would be valid.

use super::Problem;
use std::ops::{Range, RangeInclusive};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One table of the file.
pub(super) struct Section<'a> {
    text: &'a str,
    /// Its name with dots; empty at the top.
    path: String,
    at: Range<usize>,
    table: &'a DeTable<'a>,
    asked: Vec<&'static str>,
}

/// A value that was read, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub value: T,
    pub line: usize,
    pub key: String,
}

impl<T> At<T> {
    pub fn problem(&self, what: impl Into<String>, valid: impl Into<String>) -> Problem {
        Problem {
            line: self.line,
            key: self.key.clone(),
            what: what.into(),
            valid: valid.into(),
        }
    }

    fn map<U>(self, value: impl FnOnce(T) -> U) -> At<U> {
        At {
            value: value(self.value),
            line: self.line,
            key: self.key,
        }
    }
}

impl<'a> Section<'a> {
    pub fn top(text: &'a str, root: &'a Spanned<DeTable<'a>>) -> Section<'a> {
        Section {
            text,
            path: String::new(),
            at: 0..0,
            table: root.get_ref(),
            asked: Vec::new(),
        }
    }

    /// The whole section as something to complain about.
    pub fn here(&self) -> At<()> {
        At {
            value: (),
            line: line_of(self.text, self.at.start),
            key: self.path.clone(),
        }
    }

    /// The tables of a `[[name]]` list; none if there is no such key.
    pub fn sections(&mut self, name: &'static str) -> Result<Vec<Section<'a>>, Problem> {
        let Some((key, value)) = self.find(name) else {
            return Ok(Vec::new());
        };
        let valid = format!("one `[[{name}]]` for each {name}");
        let array = value
            .get_ref()
            .as_array()
            .ok_or_else(|| key.problem("is not a list of tables", &valid))?;
        let tables = array.iter().map(|item| match item.get_ref().as_table() {
            Some(table) => Ok(self.inner(name, item.span(), table)),
            None => Err(key.problem("is not a list of tables", &valid)),
        });
        tables.collect()
    }

    /// The table `[path.name]`, if there.
    pub fn section(&mut self, name: &'static str) -> Result<Option<Section<'a>>, Problem> {
        let Some((key, value)) = self.find(name) else {
            return Ok(None);
        };
        let Some(table) = value.get_ref().as_table() else {
            return Err(key.problem("is not a table", format!("a table `[{}]`", key.key)));
        };
        Ok(Some(self.inner(name, value.span(), table)))
    }

    /// The table `[path.name]`, which must be there.
    pub fn required_section(&mut self, name: &'static str) -> Result<Section<'a>, Problem> {
        let found = self.section(name)?;
        found.ok_or_else(|| self.missing(name, &format!("a table `[{}]`", self.key(name))))
    }

    pub fn text(&mut self, name: &'static str) -> Result<Option<At<&'a str>>, Problem> {
        let Some((key, value)) = self.find(name) else {
            return Ok(None);
        };
        match value.get_ref().as_str() {
            Some(text) => Ok(Some(key.map(|()| text))),
            None => Err(key.problem(format!("is {}", kind(value)), "text in quotes")),
        }
    }

    pub fn required_text(
        &mut self,
        name: &'static str,
        valid: &str,
    ) -> Result<At<&'a str>, Problem> {
        let found = self.text(name)?;
        found.ok_or_else(|| self.missing(name, valid))
    }

    pub fn number(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u32>,
    ) -> Result<Option<At<u32>>, Problem> {
        let Some((key, value)) = self.find(name) else {
            return Ok(None);
        };
        let valid = format!("a whole number from {} to {}", range.start(), range.end());
        let Some(integer) = value.get_ref().as_integer() else {
            return Err(key.problem(format!("is {}", kind(value)), valid));
        };
        match u32::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) if range.contains(&number) => Ok(Some(key.map(|()| number))),
            Ok(_) | Err(_) => Err(key.problem(format!("is {integer}"), valid)),
        }
    }

    pub fn required_number(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u32>,
    ) -> Result<At<u32>, Problem> {
        let valid = format!("a whole number from {} to {}", range.start(), range.end());
        let found = self.number(name, range)?;
        found.ok_or_else(|| self.missing(name, &valid))
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &'static str) -> Result<Option<bool>, Problem> {
        let Some((key, value)) = self.find(name) else {
            return Ok(None);
        };
        match value.get_ref().as_bool() {
            Some(flag) => Ok(Some(flag)),
            None => Err(key.problem(format!("is {}", kind(value)), "true or false")),
        }
    }

    /// One of a few words.
    pub fn choice<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, Problem> {
        let Some(found) = self.text(name)? else {
            return Ok(None);
        };
        match words.iter().find(|(word, _)| *word == found.value) {
            Some((_, value)) => Ok(Some(*value)),
            None => Err(found.problem(format!("is {:?}", found.value), one_of(words))),
        }
    }

    pub fn required_choice<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[(&str, T)],
    ) -> Result<T, Problem> {
        self.choice(name, words)?
            .ok_or_else(|| self.missing(name, &one_of(words)))
    }

    /// Where a key stands, if it does, whatever its value.
    pub fn given(&self, name: &str) -> Option<At<()>> {
        let (key, _) = self.table.iter().find(|(key, _)| key.get_ref() == name)?;
        Some(At {
            value: (),
            line: line_of(self.text, key.span().start),
            key: self.key(name),
        })
    }

    /// Refuses keys that were never asked for.
    pub fn finish(self) -> Result<(), Problem> {
        for (key, _) in self.table.iter() {
            let name: &str = key.get_ref();
            if !self.asked.contains(&name) {
                let near = self.asked.iter().find(|known| distance(name, known) <= 2);
                let what = match near {
                    Some(near) => format!("is not a key here, did you mean `{near}`?"),
                    None => "is not a key here".to_owned(),
                };
                let line = line_of(self.text, key.span().start);
                return Err(Problem {
                    line,
                    key: self.key(name),
                    what,
                    valid: self.asked.join(", "),
                });
            }
        }
        Ok(())
    }

    fn find(&mut self, name: &'static str) -> Option<(At<()>, &'a Spanned<DeValue<'a>>)> {
        self.asked.push(name);
        let (_, value) = self.table.iter().find(|(key, _)| key.get_ref() == name)?;
        Some((self.given(name)?, value))
    }

    fn inner(&self, name: &str, at: Range<usize>, table: &'a DeTable<'a>) -> Section<'a> {
        Section {
            text: self.text,
            path: self.key(name),
            at,
            table,
            asked: Vec::new(),
        }
    }

    fn missing(&self, name: &str, valid: &str) -> Problem {
        Problem {
            key: self.key(name),
            ..self.here().problem("is missing", valid)
        }
    }

    fn key(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }
}

/// The line (from 1) in which a byte stands.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

fn kind(value: &Spanned<DeValue<'_>>) -> String {
    format!("a value of type {}", value.get_ref().type_str())
}

fn one_of<T>(words: &[(&str, T)]) -> String {
    words
        .iter()
        .map(|(word, _)| *word)
        .collect::<Vec<_>>()
        .join(", ")
}

/// How many letters must be put in, taken out or changed to make one word the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, candidate) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *candidate);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}
