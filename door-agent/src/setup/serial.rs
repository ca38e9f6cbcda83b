//! Serial lines that a reader writes to by itself: each is heard in every format at once, at one speed after the other.

use crate::config::Format;
use crate::readers::{Parser, Read, parser};
use shared::card::CardUid;
use std::io;
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
const FORMATS: [Format; 4] = [
    Format::Rdm6300,
    Format::Id12,
    Format::Ascii,
    Format::Decimal,
];

/// A serial line that is listened at.
pub struct Line {
    /// As the settings name it.
    pub device: PathBuf,
    port: SerialStream,
    baud: usize,
    recogniser: Recogniser,
}

impl Line {
    /// Listens at `path`, which the settings will call `device`.
    pub fn open(device: PathBuf, path: &Path) -> io::Result<Self> {
        let port = tokio_serial::new(path.to_string_lossy(), BAUDS[0]).open_native_async()?;
        Ok(Self {
            device,
            port,
            baud: 0,
            recogniser: Recogniser::default(),
        })
    }

    /// The speed at which it is listened at now.
    pub fn baud(&self) -> u32 {
        BAUDS[self.baud]
    }

    /// What comes; a line that is gone says nothing.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Recognised> {
        let mut bytes = [0; 256];
        let mut bytes = ReadBuf::new(&mut bytes);
        let read = Pin::new(&mut self.port).poll_read(context, &mut bytes);
        if matches!(read, Poll::Ready(Ok(()))) && !bytes.filled().is_empty() {
            return Poll::Ready(self.recogniser.hear(bytes.filled()));
        }
        Poll::Pending
    }

    /// Goes on at the next speed, and says so.
    pub fn next_baud(&mut self) -> String {
        self.baud = (self.baud + 1) % BAUDS.len();
        self.recogniser = Recogniser::default();
        let (name, baud) = (self.device.display(), self.baud());
        match self.port.set_baud_rate(baud) {
            Ok(()) => format!(
                "{name} speaks, but no card as a reader known here writes it. Now at {baud} baud: hold the card again."
            ),
            Err(error) => format!("{name} does not take {baud} baud: {error}"),
        }
    }
}

/// Every format at once.
struct Recogniser {
    parsers: Vec<(Format, Box<dyn Parser>)>,
    heard: usize,
}

/// What was made of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Recognised {
    /// No card yet.
    Nothing,
    /// More than any reader says before a card.
    Nonsense,
    /// A card, and how it was written.
    Card(Format, CardUid),
}

impl Default for Recogniser {
    fn default() -> Self {
        Self {
            parsers: FORMATS.map(|format| (format, parser(format))).into(),
            heard: 0,
        }
    }
}

impl Recogniser {
    fn hear(&mut self, bytes: &[u8]) -> Recognised {
        self.heard += bytes.len();
        let mut cards = Vec::new();
        for (format, parser) in &mut self.parsers {
            let mut reads = Vec::new();
            parser.push(bytes, &mut reads);
            cards.extend(first_card(reads).map(|card| (*format, card)));
        }
        let has_decimal = cards.iter().any(|(format, _)| *format == Format::Decimal);
        cards.retain(|(format, card)| {
            !(*format == Format::Ascii && has_decimal && is_rather_decimal(card))
        });
        match cards.into_iter().next() {
            Some((format, card)) => Recognised::Card(format, card),
            None if self.heard > NONSENSE => Recognised::Nonsense,
            None => Recognised::Nothing,
        }
    }
}

/// Ten digits without a letter are nearly always a decimal number; of hexadecimal ones it is one card in a hundred.
pub fn is_rather_decimal(hex: &CardUid) -> bool {
    hex.as_bytes().len() == 5
}

/// The first card among what was read.
pub fn first_card(reads: Vec<Read>) -> Option<CardUid> {
    reads.into_iter().find_map(|read| match read {
        Read::Card(card) => Some(card),
        Read::Key(_) | Read::Rejected(_) => None,
    })
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
        let cases: [(&[u8], Format, &str); 6] = [
            (b"\x0262E3086CED08\x03", Format::Rdm6300, "62E3086CED"),
            (b"\xff\x0262E3086CED08\r\n\x03", Format::Id12, "62E3086CED"),
            (b"04A1B2C3\r\n", Format::Ascii, "04A1B2C3"),
            (b"12345678\r\n", Format::Ascii, "12345678"),
            (b"62E3086CED\n", Format::Ascii, "62E3086CED"),
            (b"0012345678\r\n", Format::Decimal, "00BC614E"),
        ];
        for (bytes, format, digits) in cases {
            let wanted = Recognised::Card(format, card(digits));
            assert_eq!(hear(bytes), wanted, "{format:?}");
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
}
