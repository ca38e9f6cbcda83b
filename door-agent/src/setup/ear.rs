//! Listens at everything that may be a reader until a card is held to one of them.
//!
//! Serial lines are heard in every format at once. A kind of reader that is asked rather than heard is a further variant of
//! [`Heard`], found in [`Ears::open`].

use super::quoted;
use crate::check::{self, Found, Machine};
use crate::config::Format;
use crate::readers::{Parser, Read, parser};
use shared::card::CardUid;
use std::collections::BTreeSet;
use std::fmt;
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_serial::{SerialPort, SerialPortBuilderExt, SerialStream};

/// Most readers come with the first; the others in the order in which they are met.
const BAUDS: [u32; 8] = [9_600, 19_200, 115_200, 38_400, 57_600, 4_800, 2_400, 1_200];
/// More bytes than two frames of any format: whoever has said so much and no card speaks another language.
const NONSENSE: usize = 40;
/// In the order in which they are believed: what the first ones take has a checksum.
const FORMATS: [(Format, &str); 4] = [
    (Format::Rdm6300, "rdm6300"),
    (Format::Id12, "id12"),
    (Format::Ascii, "ascii"),
    (Format::Decimal, "decimal"),
];

/// A reader that has read a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    device: PathBuf,
    format: &'static str,
    baud: u32,
    card: CardUid,
}

impl Heard {
    /// The lines of its table in the settings.
    pub fn settings(&self) -> String {
        let device = quoted(&self.device.to_string_lossy());
        let format = self.format;
        let baud = if self.baud == BAUDS[0] {
            String::new()
        } else {
            format!("\nbaud = {}", self.baud)
        };
        format!("kind = \"serial\"\ndevice = {device}\nformat = \"{format}\"{baud}")
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "A card that ends in {} at {}, written as {} at {} baud.",
            self.card.last_digits(),
            self.device.display(),
            self.format,
            self.baud
        )?;
        if self.format == "decimal" {
            out.write_str(
                " Its ten digits are taken for a decimal number; if `door-agent watch` shows letters for other cards, the format is ascii.",
            )?;
        }
        Ok(())
    }
}

/// All that listens.
pub struct Ears(Vec<Ear>);

struct Ear {
    /// As the settings name it.
    device: PathBuf,
    port: SerialStream,
    baud: usize,
    recogniser: Recogniser,
}

impl Ears {
    /// Opens every serial line that nothing else uses, and those that somebody has named, and tells what was found.
    pub fn open(machine: &Machine, named: &[PathBuf]) -> (Self, Vec<String>) {
        let (mut ears, mut told) = (Vec::new(), Vec::new());
        for device in serial_lines(machine, named) {
            let name = device.display();
            if let Some(Found::Bad { what, to_do }) = check::serial_line(machine, &device) {
                told.push(format!("{name}: {what}. To use it: {to_do}"));
                continue;
            }
            let path = machine.path(&device.to_string_lossy());
            let port = tokio_serial::new(path.to_string_lossy(), BAUDS[0]).open_native_async();
            match port {
                Ok(port) => {
                    told.push(format!("{name}: listening"));
                    ears.push(Ear {
                        device,
                        port,
                        baud: 0,
                        recogniser: Recogniser::default(),
                    });
                }
                Err(error) => told.push(format!("{name}: cannot be used: {error}")),
            }
        }
        if ears.is_empty() {
            told.push("There is no serial line to listen at: plug the reader in, or switch the header's line on.".to_owned());
        }
        (Self(ears), told)
    }

    /// The first card, or what to tell a person about a line that speaks and cannot be understood.
    pub async fn hear(&mut self) -> Result<Heard, String> {
        loop {
            let (index, bytes) = poll_fn(|context| self.poll_bytes(context)).await;
            let ear = &mut self.0[index];
            match ear.recogniser.hear(&bytes) {
                Recognised::Nothing => {}
                Recognised::Card(format, card) => {
                    return Ok(Heard {
                        device: ear.device.clone(),
                        format,
                        baud: BAUDS[ear.baud],
                        card,
                    });
                }
                Recognised::Nonsense => return Err(ear.next_baud()),
            }
        }
    }

    /// What the next line says, with the line's place; one that is gone says nothing.
    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<(usize, Vec<u8>)> {
        for (index, ear) in self.0.iter_mut().enumerate() {
            let mut bytes = [0; 256];
            let mut bytes = ReadBuf::new(&mut bytes);
            let read = Pin::new(&mut ear.port).poll_read(context, &mut bytes);
            if matches!(read, Poll::Ready(Ok(()))) && !bytes.filled().is_empty() {
                return Poll::Ready((index, bytes.filled().to_vec()));
            }
        }
        Poll::Pending
    }
}

impl Ear {
    fn next_baud(&mut self) -> String {
        self.baud = (self.baud + 1) % BAUDS.len();
        self.recogniser = Recogniser::default();
        let (name, baud) = (self.device.display(), BAUDS[self.baud]);
        match self.port.set_baud_rate(baud) {
            Ok(()) => format!(
                "{name} speaks, but no card as a reader known here writes it. Now at {baud} baud: hold the card again."
            ),
            Err(error) => format!("{name} does not take {baud} baud: {error}"),
        }
    }
}

/// The serial lines of a machine, each once, by the name that stays the same when it is plugged in again.
fn serial_lines(machine: &Machine, named: &[PathBuf]) -> Vec<PathBuf> {
    let by_id = names(machine, "/dev/serial/by-id", &[""]);
    let dev = names(machine, "/dev", &["serial0", "ttyUSB", "ttyACM", "ttyAMA"]);
    let mut seen = BTreeSet::new();
    named
        .iter()
        .cloned()
        .chain(by_id)
        .chain(dev)
        .filter(|device| {
            let path = machine.path(&device.to_string_lossy());
            path.canonicalize().is_ok_and(|real| seen.insert(real))
        })
        .collect()
}

/// What lies in a folder and begins with one of these, in order.
fn names(machine: &Machine, folder: &str, beginnings: &[&str]) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(machine.path(folder)) else {
        return Vec::new();
    };
    let all = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut wanted: Vec<PathBuf> = all
        .filter(|name| beginnings.iter().any(|begin| name.starts_with(begin)))
        .map(|name| Path::new(folder).join(name))
        .collect();
    wanted.sort();
    wanted
}

/// Every format at once.
struct Recogniser {
    parsers: Vec<(Format, &'static str, Box<dyn Parser>)>,
    heard: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Recognised {
    Nothing,
    Nonsense,
    Card(&'static str, CardUid),
}

impl Default for Recogniser {
    fn default() -> Self {
        let parsers = FORMATS.map(|(format, name)| (format, name, parser(format)));
        Self {
            parsers: parsers.into(),
            heard: 0,
        }
    }
}

impl Recogniser {
    fn hear(&mut self, bytes: &[u8]) -> Recognised {
        self.heard += bytes.len();
        let mut cards = Vec::new();
        for (format, name, parser) in &mut self.parsers {
            let mut reads = Vec::new();
            parser.push(bytes, &mut reads);
            let card = reads.into_iter().find_map(|read| match read {
                Read::Card(card) => Some(card),
                Read::Key(_) | Read::Rejected(_) => None,
            });
            cards.extend(card.map(|card| (*format, *name, card)));
        }
        // Ten digits without a letter are nearly always a decimal number; of hexadecimal ones it is one card in a hundred.
        let ten = |card: &CardUid| card.as_bytes().len() == 5;
        let decimal = cards
            .iter()
            .any(|(format, _, _)| *format == Format::Decimal);
        cards.retain(|(format, _, card)| !(*format == Format::Ascii && decimal && ten(card)));
        match cards.into_iter().next() {
            Some((_, name, card)) => Recognised::Card(name, card),
            None if self.heard > NONSENSE => Recognised::Nonsense,
            None => Recognised::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(bytes: &[u8]) -> Recognised {
        let mut recogniser = Recogniser::default();
        // Cut as unkindly as a line cuts.
        bytes
            .chunks(3)
            .map(|bytes| recogniser.hear(bytes))
            .find(|heard| *heard != Recognised::Nothing)
            .unwrap_or(Recognised::Nothing)
    }

    #[test]
    fn one_card_tells_the_format() {
        let card = |digits: &str| CardUid::parse(digits).expect("a card");
        let cases: [(&[u8], &str, &str); 6] = [
            (b"\x0262E3086CED08\x03", "rdm6300", "62E3086CED"),
            (b"\xff\x0262E3086CED08\r\n\x03", "id12", "62E3086CED"),
            (b"04A1B2C3\r\n", "ascii", "04A1B2C3"),
            (b"12345678\r\n", "ascii", "12345678"),
            (b"62E3086CED\n", "ascii", "62E3086CED"),
            (b"0012345678\r\n", "decimal", "00BC614E"),
        ];
        for (bytes, format, digits) in cases {
            let wanted = Recognised::Card(format, card(digits));
            assert_eq!(hear(bytes), wanted, "{format}");
        }
    }

    #[test]
    fn what_is_no_card_after_many_bytes_is_another_baud_rate() {
        assert_eq!(hear(&[0x80, 0, 0xf8, 0x1c].repeat(8)), Recognised::Nothing);
        assert_eq!(
            hear(&[0x80, 0, 0xf8, 0x1c].repeat(11)),
            Recognised::Nonsense
        );
    }

    #[test]
    fn a_line_with_two_names_is_listened_at_once_by_the_name_that_stays() {
        let root = tempfile::tempdir().expect("a folder");
        let dev = root.path().join("dev");
        std::fs::create_dir_all(dev.join("serial/by-id")).expect("its own folder");
        for name in ["ttyUSB0", "ttyUSB1", "ttyAMA0", "ttyS0", "tty1", "null"] {
            std::fs::write(dev.join(name), "").expect("its own folder");
        }
        let link = |to: &str, from: &str| {
            std::os::unix::fs::symlink(to, dev.join(from)).expect("its own folder");
        };
        link("ttyAMA0", "serial0");
        link("../../ttyUSB1", "serial/by-id/usb-Maker_Reader-if00");
        link("../../gone", "serial/by-id/usb-Gone-if00");
        let found = serial_lines(
            &Machine::at(root.path()),
            &[PathBuf::from("/dev/ttyS0"), PathBuf::from("/dev/none")],
        );
        let found: Vec<_> = found.iter().filter_map(|path| path.to_str()).collect();
        assert_eq!(
            found,
            [
                "/dev/ttyS0",
                "/dev/serial/by-id/usb-Maker_Reader-if00",
                "/dev/serial0",
                "/dev/ttyUSB0"
            ]
        );
    }
}
