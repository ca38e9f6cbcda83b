//! What only one thing may use: names, devices and lines, over all doors of the file.

use super::Problem;
use super::section::{At, Section};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// GPIO numbers on every Raspberry Pi's header; 0 and 1 belong to add-on boards.
const PINS: RangeInclusive<u32> = 2..=27;
/// Lines of a chip that is not a Raspberry Pi's header.
const LINES: RangeInclusive<u32> = 0..=1023;
/// What the drivers of the header's chip call it: up to the Pi 3, on the Pi 4, on the Pi 5. Its number differs from
/// kernel to kernel.
const HEADERS: [&str; 3] = ["pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1"];

/// A GPIO chip of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chip {
    /// The header of a Raspberry Pi, whatever its number there is.
    Header,
    /// By its device.
    Path(PathBuf),
    /// By the label that its driver gives it.
    Label(String),
}

impl Chip {
    /// Whether a chip with this label is a Raspberry Pi's header.
    #[must_use]
    pub fn is_header(label: &str) -> bool {
        HEADERS.contains(&label)
    }

    /// The chip that a section names, if it names one.
    pub(super) fn named(section: &mut Section<'_>) -> Result<Option<Self>, Problem> {
        let named = section.text("chip")?.map(|chip| match chip.value {
            path if path.starts_with('/') => Self::Path(path.into()),
            label => Self::Label(label.to_owned()),
        });
        Ok(named)
    }

    /// Whether its lines are a Raspberry Pi's GPIO numbers.
    #[must_use]
    pub fn has_header_pins(&self) -> bool {
        match self {
            Self::Header => true,
            Self::Label(label) => Self::is_header(label),
            Self::Path(_) => false,
        }
    }
}

impl fmt::Display for Chip {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => out.write_str("the header"),
            Self::Path(path) => path.display().fmt(out),
            Self::Label(label) => out.write_str(label),
        }
    }
}

/// What is taken, the line that has taken it, and for whom if others of the kind may join.
pub(super) struct Taken {
    things: BTreeMap<String, (usize, Option<String>)>,
    chips: fn(&Chip) -> Chip,
}

impl Taken {
    /// Nothing; `chips` gives every chip the one name it has on this machine.
    pub fn nothing(chips: fn(&Chip) -> Chip) -> Self {
        let things = BTreeMap::new();
        Self { things, chips }
    }

    pub fn claim<T>(&mut self, what: String, at: &At<T>) -> Result<(), Problem> {
        self.take(what, None, at)
    }

    /// For what all devices on one bus use together.
    pub fn share<T>(&mut self, what: String, bus: &str, at: &At<T>) -> Result<(), Problem> {
        self.take(what, Some(bus.to_owned()), at)
    }

    fn take<T>(&mut self, what: String, by: Option<String>, at: &At<T>) -> Result<(), Problem> {
        match self.things.get(&what) {
            Some((_, others)) if by.is_some() && *others == by => Ok(()),
            Some((line, _)) => Err(at.problem(
                format!("is {what}, which line {line} has taken"),
                "each thing used once",
            )),
            None => {
                self.things.insert(what, (at.line, by));
                Ok(())
            }
        }
    }

    /// A line of a chip that the section may name.
    pub fn line(
        &mut self,
        section: &mut Section<'_>,
        name: &'static str,
        chip: &Chip,
    ) -> Result<Option<u32>, Problem> {
        let line = section.number(name, lines(chip))?;
        line.map(|line| self.claim_line(&line, chip)).transpose()
    }

    /// A line of a chip that the section must name.
    pub fn required_line(
        &mut self,
        section: &mut Section<'_>,
        name: &'static str,
        chip: &Chip,
    ) -> Result<u32, Problem> {
        let line = section.required_number(name, lines(chip))?;
        self.claim_line(&line, chip)
    }

    fn claim_line(&mut self, line: &At<u32>, chip: &Chip) -> Result<u32, Problem> {
        let what = match (self.chips)(chip) {
            chip if chip.has_header_pins() => format!("GPIO {}", line.value),
            chip => format!("line {} of {chip}", line.value),
        };
        self.claim(what, line)?;
        Ok(line.value)
    }
}

fn lines(chip: &Chip) -> RangeInclusive<u32> {
    if chip.has_header_pins() { PINS } else { LINES }
}
