//! What readers send: bytes, pulses, keys, answers.

use door_agent::config::{Format, Number};
use door_agent::hardware::simulated;
use door_agent::readers::mfrc522::select::with_crc;
use door_agent::readers::mfrc522::{Mfrc522, Registers};
use door_agent::readers::pn532::frame::{Decoder, Frame};
use door_agent::readers::pn532::{Pn532, Wire};
use door_agent::readers::{
    Ascii, Digit, Edge, Id12, Key, Keyboard, Line, Rdm6300, Read, Wiegand, parser,
};
use shared::card::CardUid;
use shared::time::Span;
use std::io;
use std::time::Duration;

/// What owns no memory elsewhere keeps as much after any input as before it.
const fn keeps_nothing_elsewhere<T>() -> bool {
    !std::mem::needs_drop::<T>()
}

const _: () = assert!(
    keeps_nothing_elsewhere::<Rdm6300>()
        && keeps_nothing_elsewhere::<Id12>()
        && keeps_nothing_elsewhere::<Ascii>()
        && keeps_nothing_elsewhere::<Keyboard>()
        && keeps_nothing_elsewhere::<Wiegand>()
);

fn is_some(read: &Read) -> bool {
    matches!(read, Read::Card(_) | Read::Key(_))
}

fn card(digits: &str) -> Read {
    Read::Card(CardUid::parse(digits).expect("a card number"))
}

pub fn rdm6300(data: &[u8]) -> bool {
    serial(
        Format::Rdm6300,
        data,
        b"\x0262E3086CED08\x03",
        "62E3086CED",
        true,
    )
}

pub fn id12(data: &[u8]) -> bool {
    serial(
        Format::Id12,
        data,
        b"\x0262E3086CED08\r\n\x03",
        "62E3086CED",
        true,
    )
}

pub fn ascii(data: &[u8]) -> bool {
    // A line has no begin of its own: what stands before it on the same line spoils it, and it alone.
    let at_begin = data.last().is_none_or(|last| matches!(last, b'\r' | b'\n'));
    let lines = [
        (Format::Ascii, &b"04A1B2C3D4E5F6\r\n"[..], "04A1B2C3D4E5F6"),
        (Format::Decimal, b"0141061357\r\n", "08686CED"),
    ];
    let read = lines.map(|(format, line, digits)| serial(format, data, line, digits, at_begin));
    read.contains(&true)
}

/// The same whether bytes come at once or one by one; and of two frames behind them the second is read, and the first if it
/// can be told where it begins.
fn serial(format: Format, data: &[u8], frame: &[u8], digits: &str, at_begin: bool) -> bool {
    let (mut at_once, mut one_by_one) = (Vec::new(), Vec::new());
    parser(format).push(data, &mut at_once);
    let mut parser = parser(format);
    for byte in data {
        parser.push(&[*byte], &mut one_by_one);
    }
    assert_eq!(at_once, one_by_one);
    assert!(at_once.len() <= data.len());

    let (mut first, mut second) = (Vec::new(), Vec::new());
    parser.push(frame, &mut first);
    parser.push(frame, &mut second);
    assert!(
        !at_begin || first.last() == Some(&card(digits)),
        "{first:?}"
    );
    assert_eq!(second, [card(digits)]);
    at_once.iter().any(is_some)
}

const GAP: Duration = Duration::from_millis(25);
const GAP_NS: u64 = 25_000_000;
const MS: u64 = 1_000_000;

/// Of every length that there is: what is sent, and what that says.
fn wiegand_frames() -> [(&'static str, Read); 5] {
    [
        // Civintec CN56 reader user manual, 6.4.2 and 6.4.5.
        ("11101010000011011100000010", card("D41B81")),
        ("1100010011101010000011011100000011", card("89D41B81")),
        // H10304: facility 12345, number 67890.
        ("0001100000011100100100001001001100101", card("0181C90932")),
        (
            "0101",
            Read::Key(Key::Digit(Digit::new(5).expect("a digit"))),
        ),
        ("01001011", Read::Key(Key::Enter)),
    ]
}

/// Three bytes for each pulse: its line and how its time is meant, and a time.
pub fn wiegand(data: &[u8]) -> bool {
    let (mut decoder, mut out) = (Wiegand::new(GAP), Vec::new());
    let (mut at, mut newest) = (1_u64 << 40, 0);
    for pulse in data.chunks_exact(3) {
        let number = u64::from(u16::from_le_bytes([pulse[1], pulse[2]]));
        at = match pulse[0] >> 1 & 7 {
            // A clock that jumps, and an interrupt that comes late.
            0 => number << 48,
            1 => at.saturating_sub(number * 1_000),
            2 => at.saturating_add(number),
            _ => at.saturating_add(number * 1_000),
        };
        newest = newest.max(at);
        let line = [Line::D0, Line::D1][usize::from(pulse[0] & 1)];
        decoder.push(Edge { line, at }, &mut out);
    }
    assert!(out.len() <= data.len());
    let has_read = out.iter().any(is_some);

    // A frame after a silence that nobody told, which the times tell if they can still go up, and one after one that was told.
    let told = newest > u64::MAX / 2;
    if told {
        decoder.silence(&mut out);
        newest = 0;
    }
    for (bits, read) in wiegand_frames() {
        let ended = out.len() + usize::from(!decoder.is_idle());
        newest += GAP_NS;
        for bit in bits.bytes() {
            let line = if bit == b'1' { Line::D1 } else { Line::D0 };
            decoder.push(Edge { line, at: newest }, &mut out);
            newest += MS;
        }
        assert_eq!(out.len(), ended);
        if told {
            decoder.silence(&mut out);
            assert_eq!(out[ended..], [read]);
        }
    }
    decoder.silence(&mut out);
    let expected = wiegand_frames().map(|(_, read)| read);
    assert_eq!(out[out.len() - expected.len()..], expected);
    assert!(decoder.is_idle());
    has_read
}

/// Two bytes for each event: the code, and what the kernel says of the key.
pub fn keyboard(data: &[u8]) -> bool {
    let (mut keyboard, mut out) = (Keyboard::new(Number::Hex), Vec::new());
    for event in data.chunks_exact(2) {
        let code = u16::from(event[0]) | u16::from(event[1] & 0x80) << 3;
        keyboard.push(code, i32::from(event[1] & 7) - 1, &mut out);
    }
    assert!(out.len() <= data.len());
    let has_read = out.iter().any(is_some);
    out.clear();

    // 04A1B2C3 and Enter.
    let number = [11, 5, 30, 2, 48, 3, 46, 4, 28];
    let mut type_number = |keyboard: &mut Keyboard| {
        for code in number {
            keyboard.push(code, 1, &mut out);
            keyboard.push(code, 0, &mut out);
        }
        std::mem::take(&mut out)
    };
    let at_begin = keyboard.is_idle();
    let first = type_number(&mut keyboard);
    assert!(!at_begin || first == [card("04A1B2C3")]);
    assert_eq!(type_number(&mut keyboard), [card("04A1B2C3")]);

    keyboard.push(2, 1, &mut Vec::new());
    keyboard.silence(&mut Vec::new());
    assert!(keyboard.is_idle());
    has_read
}

/// More than the longest frame with all that stands around it.
const PN532_LONGEST: usize = 280;
const PN532_ACK: [u8; 6] = [0x00, 0x00, 0xff, 0x00, 0xff, 0x00];

/// A frame of the chip (UM0701-02, 6.2.1), from D5 on.
fn from_chip(data: &[u8]) -> Vec<u8> {
    let sum = data.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    let len = u8::try_from(data.len()).expect("a normal frame");
    let head = [0x00, 0x00, 0xff, len, len.wrapping_neg()];
    [&head, data, &[sum.wrapping_neg(), 0x00]].concat()
}

/// One card with the number 1ADA7444.
const LISTED: [u8; 12] = [
    0xd5, 0x4b, 0x01, 0x01, 0x00, 0x04, 0x08, 0x04, 0x1a, 0xda, 0x74, 0x44,
];

fn frames<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Option<Frame>> {
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    for piece in pieces {
        decoder.push(piece);
        while let Some(frame) = decoder.next_frame() {
            out.push(frame.ok());
        }
        assert!(decoder.kept() <= PN532_LONGEST);
    }
    out
}

/// The same whether bytes come at once or one by one; and as soon as a frame must have ended that noise may have begun, frames
/// are read again.
pub fn pn532_frames(data: &[u8]) -> bool {
    let good = from_chip(&LISTED);
    let behind = good.repeat(PN532_LONGEST / good.len() + 2);
    let all = [data, &behind].concat();
    let at_once = frames([&all[..]].into_iter());
    assert!(at_once == frames(all.chunks(1)));
    assert!(at_once.len() <= all.len());
    let Some(Some(Frame::Answer(answer))) = at_once.last() else {
        panic!("the last frame is not read");
    };
    assert_eq!(answer[..], LISTED[1..]);
    frames([data].into_iter()).iter().any(Option::is_some)
}

/// A byte says how many bytes are heard, or how long nothing is.
pub fn pn532(data: &[u8]) -> bool {
    let (mut now, mut out) = (Span(0), Vec::new());
    let mut chip = Pn532::new(Wire::Uart, now);
    let mut rest = data;
    while let Some((what, tail)) = rest.split_first() {
        rest = tail;
        if what & 0x80 == 0 {
            let (heard, tail) = rest.split_at(usize::from(*what).min(rest.len()));
            chip.hear(heard, now, &mut out);
            rest = tail;
        } else {
            now = now + Span(i64::from(what & 0x7f) * 4);
            if chip.tick(now).is_err() {
                chip = Pn532::new(Wire::Uart, now);
            }
        }
        chip.take_write();
        assert!(chip.kept() <= PN532_LONGEST);
        assert!(chip.deadline() <= now + Span(500));
    }
    assert!(out.len() <= data.len());
    let has_read = out.iter().any(is_some);
    out.clear();

    // From here on the chip answers as it should: it is asked again by the next deadline, and the card is read.
    for _ in 0..16 {
        let Some(written) = chip.take_write() else {
            now = now.max(chip.deadline());
            if chip.tick(now).is_err() {
                chip = Pn532::new(Wire::Uart, now);
            }
            continue;
        };
        let start = written
            .windows(3)
            .rposition(|three| three == [0x00, 0x00, 0xff]);
        let answer = match written[start.expect("a frame is written") + 6] {
            0x4a => from_chip(&LISTED),
            command => from_chip(&[0xd5, command + 1]),
        };
        chip.hear(&[&PN532_ACK[..], &answer].concat(), now, &mut out);
    }
    assert!(!out.is_empty());
    assert!(out.iter().all(|read| *read == card("1ADA7444")), "{out:?}");
    has_read
}

/// Registers that hold what they are told to, and then those of a chip with one card before it.
struct Chip<'a> {
    noise: std::slice::Iter<'a, u8>,
    fifo: Vec<u8>,
    irq: u8,
    reads: usize,
}

const REGISTER_COMMAND: u8 = 0x01;
const REGISTER_IRQ: u8 = 0x04;
const REGISTER_FIFO: u8 = 0x09;
const REGISTER_LEVEL: u8 = 0x0a;
const REGISTER_FRAMING: u8 = 0x0d;
const REGISTER_VERSION: u8 = 0x37;

impl Chip<'_> {
    /// What a card with the number 1ADA7444 answers.
    fn answer(&mut self) {
        let number = [0x1a, 0xda, 0x74, 0x44, 0x1a ^ 0xda ^ 0x74 ^ 0x44];
        self.fifo = match self.fifo[..] {
            [0x26] => vec![0x04, 0x00],
            [0x93, 0x20] => number.to_vec(),
            [0x93, 0x70, ..] => with_crc(&[0x08]),
            _ => Vec::new(),
        };
        self.irq = if self.fifo.is_empty() { 0x01 } else { 0x20 };
    }
}

impl Registers for &mut Chip<'_> {
    fn read(&mut self, register: u8) -> io::Result<u8> {
        self.reads += 1;
        if let Some(noise) = self.noise.next() {
            return Ok(*noise);
        }
        Ok(match register {
            REGISTER_IRQ => self.irq,
            REGISTER_FIFO if self.fifo.is_empty() => 0,
            REGISTER_FIFO => self.fifo.remove(0),
            REGISTER_LEVEL => u8::try_from(self.fifo.len()).expect("a byte"),
            REGISTER_VERSION => 0x92,
            _ => 0,
        })
    }

    fn write(&mut self, register: u8, value: u8) -> io::Result<()> {
        match register {
            REGISTER_COMMAND | REGISTER_IRQ => self.irq = 0,
            REGISTER_LEVEL => self.fifo.clear(),
            REGISTER_FIFO => self.fifo.push(value),
            REGISTER_FRAMING if value & 0x80 != 0 => self.answer(),
            _ => {}
        }
        Ok(())
    }

    fn wait(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

/// Each byte is what the next register that is read seems to hold.
pub fn mfrc522(data: &[u8]) -> bool {
    let mut chip = Chip {
        noise: data.iter(),
        fifo: Vec::new(),
        irq: 0,
        reads: 0,
    };
    // A chip that fails is started anew, as often as it takes.
    let mut has_read = false;
    while !chip.noise.as_slice().is_empty() {
        let Ok(mut reader) = Mfrc522::start(&mut chip) else {
            continue;
        };
        for _ in 0..20 {
            let mut out = Vec::new();
            let looked = reader.look(&mut out);
            assert!(out.len() <= 4);
            // The one behind the noise does not count.
            has_read |= out
                .iter()
                .any(|read| is_some(read) && *read != card("1ADA7444"));
            if looked.is_err() {
                break;
            }
        }
    }
    // Once the noise is over, what was begun comes to its end.
    assert!(chip.reads <= data.len() + 2_000);
    let mut out = Vec::new();
    let mut reader = Mfrc522::start(&mut chip).expect("it is there");
    reader.look(&mut out).expect("it is there");
    assert!(out.contains(&card("1ADA7444")));
    has_read
}

pub fn simulated_line(data: &[u8]) -> bool {
    let line = String::from_utf8_lossy(data);
    simulated::inputs(line.trim()).is_ok_and(|inputs| {
        assert!(inputs.len() <= line.len());
        !inputs.is_empty()
    })
}

pub fn card_number(data: &[u8]) -> bool {
    CardUid::parse(&String::from_utf8_lossy(data)).is_ok_and(|uid| {
        assert_eq!(CardUid::parse(&uid.reveal()), Ok(uid.clone()));
        assert_eq!(CardUid::from_bytes(uid.as_bytes()), Ok(uid));
        true
    })
}
