//! Lines of any GPIO chip through the kernel's character devices.

use super::lines::{self, Input, Output};
use crate::config::Chip;
use gpiocdev::Request;
use gpiocdev::line::{Bias, Value};
use gpiocdev::request::Builder;
use std::io;
use std::path::PathBuf;

/// As whose the lines are listed by `gpioinfo`.
const CONSUMER: &str = "door-agent";

/// The lines of a chip.
pub struct Lines {
    chip: PathBuf,
}

impl Lines {
    /// Of this chip.
    ///
    /// # Errors
    /// If there is none that this user may open.
    pub fn open(chip: &Chip) -> io::Result<Self> {
        find(chip).map(|chip| Self { chip })
    }

    fn request(&self, line: u32) -> Builder {
        let mut builder = Request::builder();
        builder
            .on_chip(&self.chip)
            .with_consumer(CONSUMER)
            .with_line(line);
        builder
    }
}

impl lines::Lines for Lines {
    fn output(&self, line: u32, high: bool) -> io::Result<Box<dyn Output>> {
        let request = self.request(line).as_output(value(high)).request();
        Ok(Box::new(Line(request.map_err(error)?)))
    }

    fn input(&self, line: u32) -> io::Result<Box<dyn Input>> {
        let mut request = self.request(line);
        let request = request.as_input().with_bias(Bias::PullUp).request();
        Ok(Box::new(Line(request.map_err(error)?)))
    }
}

/// A line that the kernel gives to nobody else until this goes.
struct Line(Request);

impl Output for Line {
    fn set(&mut self, high: bool) -> io::Result<()> {
        self.0.set_lone_value(value(high)).map_err(error)
    }
}

impl Input for Line {
    fn is_high(&mut self) -> io::Result<bool> {
        let value = self.0.lone_value().map_err(error)?;
        Ok(value == Value::Active)
    }
}

fn value(high: bool) -> Value {
    if high { Value::Active } else { Value::Inactive }
}

/// The device of a GPIO chip.
///
/// # Errors
/// If there is none that this user may open.
pub fn find(chip: &Chip) -> io::Result<PathBuf> {
    let wanted = |label: &str| match chip {
        Chip::Header => Chip::is_header(label),
        Chip::Label(wanted) => label == wanted,
        Chip::Path(_) => false,
    };
    if let Chip::Path(path) = chip {
        return Ok(path.clone());
    }
    for path in gpiocdev::chip::chips().map_err(error)? {
        let info = gpiocdev::Chip::from_path(&path).and_then(|chip| chip.info());
        if info.is_ok_and(|info| wanted(&info.label)) {
            return Ok(path);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::NotFound,
        match chip {
            Chip::Label(label) => format!("no GPIO chip `{label}` that this user may open: see `gpiodetect`"),
            Chip::Header | Chip::Path(_) => "no header of a Raspberry Pi that this user may open: the user of the agent must be in the group gpio; on another board name its `chip`".to_owned(),
        },
    ))
}

/// The name by which a chip is told from others on this machine: the header is one, whatever it is called; another is its device. One that
/// cannot be found keeps its name.
#[must_use]
pub fn one_name(chip: &Chip) -> Chip {
    if chip.has_header_pins() {
        return Chip::Header;
    }
    let Ok(device) = find(chip) else {
        return chip.clone();
    };
    let info = gpiocdev::Chip::from_path(&device).and_then(|chip| chip.info());
    if info.is_ok_and(|info| Chip::is_header(&info.label)) {
        return Chip::Header;
    }
    Chip::Path(std::fs::canonicalize(&device).unwrap_or(device))
}

/// What the kernel refused.
pub fn error(error: gpiocdev::Error) -> io::Error {
    io::Error::other(error)
}
