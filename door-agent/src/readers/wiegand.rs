//! Wiegand: each bit a short low pulse on one of two lines, D0 for a zero and D1 for a one.
//!
//! SIA AC-01, "Access Control Standard Protocol for the 26-Bit Wiegand Reader Interface", as readers' manuals repeat it
//! (Promag WEC200, appendix B; ZKTeco ProCapture-T, section 16.2): pulses of 20 to 100 µs, 200 µs to 20 ms apart.
//! Formats, P being parity, the first one even over the first half, the last one odd over the second half:
//! - 26 bits, H10301 (RF IDeas, "Standard 26 Bit Format Structure"): P, facility 8, number 16, P.
//! - 34 bits (Promag WEC200, appendix B): P, facility 16, number 16, P. Readers of ISO 14443 cards put a 4-byte UID here.
//! - 37 bits, H10304 (ooaccess, "37 Bit Card Format (with facility code)"): P, facility 16, number 19, P; the halves are
//!   the first and the last 19 bits, so both hold the middle one. H10302 has the same bits as one number of 35.
//! - 4 bits (Rosslare AYC-Qx4, 4.2.3.9) and 8 bits (HID, "Wiegand PINPad Rev C", table 1): a key; of 8 bits the first 4
//!   are the others inverted; 10 is `*`, 11 is `#`.
//!
//! A card keeps the bits between the parities, right-aligned in whole bytes: 3, 4 or 5 of them.

use super::{Digit, Key, Read, Rejection, card};
use std::time::Duration;

/// More bits than any format has, here or elsewhere; what follows is counted no more.
const MAX_BITS: usize = 64;
/// Shorter than the shortest pulse and the pause after it, by far; so much that a late interrupt is not taken for noise.
const TOO_CLOSE_US: u64 = 50;

/// One of the two lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Its pulses are zeros.
    D0,
    /// Its pulses are ones.
    D1,
}

/// The begin of a pulse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// On which line.
    pub line: Line,
    /// When, in nanoseconds of any clock that does not jump.
    pub at: u64,
}

/// Collects one frame. Edges may come late and out of order; their times count.
pub struct Wiegand {
    gap: u64,
    edges: [Edge; MAX_BITS],
    len: usize,
    too_long: bool,
    newest: u64,
}

const NONE: Edge = Edge {
    line: Line::D0,
    at: 0,
};

impl Wiegand {
    /// Between two frames; a silence of `gap` ends one.
    #[must_use]
    pub fn new(gap: Duration) -> Self {
        Self {
            gap: u64::try_from(gap.as_nanos()).unwrap_or(u64::MAX),
            edges: [NONE; MAX_BITS],
            len: 0,
            too_long: false,
            newest: 0,
        }
    }

    /// Takes a pulse; adds the frame that ended before it, if one did.
    pub fn push(&mut self, edge: Edge, out: &mut Vec<Read>) {
        if edge.at.saturating_sub(self.newest) >= self.gap {
            self.silence(out);
        }
        match self.edges.get_mut(self.len) {
            Some(slot) => {
                *slot = edge;
                self.len += 1;
            }
            None => self.too_long = true,
        }
        self.newest = self.newest.max(edge.at);
    }

    /// There was no pulse for the length of the gap: a frame is at its end.
    pub fn silence(&mut self, out: &mut Vec<Read>) {
        if self.len > 0 {
            out.push(self.read());
        }
        self.edges = [NONE; MAX_BITS];
        self.len = 0;
        self.too_long = false;
        self.newest = 0;
    }

    /// Whether no frame has begun.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.len == 0
    }

    fn read(&mut self) -> Read {
        if self.too_long {
            return Read::Rejected(Rejection::FrameTooLong(MAX_BITS));
        }
        let edges = &mut self.edges[..self.len];
        edges.sort_by_key(|edge| edge.at);
        let close = |pair: &[Edge]| pair[1].at - pair[0].at < TOO_CLOSE_US * 1_000;
        if edges.windows(2).any(close) {
            return Read::Rejected(Rejection::PulsesTooClose(TOO_CLOSE_US));
        }
        let bits = edges
            .iter()
            .fold(0, |bits, edge| bits << 1 | u64::from(edge.line == Line::D1));
        match self.len {
            4 => key(bits),
            8 if bits >> 4 == !bits & 0xf => key(bits & 0xf),
            8 => Read::Rejected(Rejection::NoKey),
            26 => number(bits, 26, 13, 3),
            34 => number(bits, 34, 17, 4),
            37 => number(bits, 37, 19, 5),
            len => Read::Rejected(Rejection::Bits(len)),
        }
    }
}

fn key(code: u64) -> Read {
    let key = match code {
        10 => Some(Key::Clear),
        11 => Some(Key::Enter),
        code => u8::try_from(code).ok().and_then(Digit::new).map(Key::Digit),
    };
    key.map_or(Read::Rejected(Rejection::NoKey), Read::Key)
}

/// A card of so many bits, whose parities are each over `half` of them, from its begin and from its end.
fn number(bits: u64, len: u32, half: u32, bytes: usize) -> Read {
    let first = bits >> (len - half);
    let last = bits & ((1 << half) - 1);
    match (
        first.count_ones().is_multiple_of(2),
        !last.count_ones().is_multiple_of(2),
    ) {
        (true, true) => {
            let data = (bits & ((1 << (len - 1)) - 1)) >> 1;
            card(&data.to_be_bytes()[8 - bytes..])
        }
        // Every half has an odd number of bits: with all of them inverted, both parities turn.
        (false, false) => Read::Rejected(Rejection::BothParities),
        _ => Read::Rejected(Rejection::Parity),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use shared::card::{CardUid, CardUidError};

    const GAP: Duration = Duration::from_millis(25);
    const GAP_NS: u64 = 25_000_000;
    const MS: u64 = 1_000_000;

    fn decoder() -> Wiegand {
        Wiegand::new(GAP)
    }

    /// The pulses of these bits, a millisecond apart as readers send them.
    fn edges(bits: &str, begin: u64) -> Vec<Edge> {
        let line = |bit| match bit {
            '0' => Line::D0,
            '1' => Line::D1,
            other => panic!("{other} is no bit"),
        };
        bits.chars()
            .filter(|bit| *bit != ' ')
            .zip(0..)
            .map(|(bit, place)| Edge {
                line: line(bit),
                at: begin + place * MS,
            })
            .collect()
    }

    fn read(bits: &str) -> Vec<Read> {
        let (mut decoder, mut out) = (decoder(), Vec::new());
        for edge in edges(bits, 1_000 * MS) {
            decoder.push(edge, &mut out);
        }
        decoder.silence(&mut out);
        out
    }

    /// What is read of these data bits in a frame of this length.
    pub(in crate::readers) fn framed(data: u64, len: usize) -> Vec<Read> {
        read(&frame(data, len))
    }

    fn uid(text: &str) -> Read {
        Read::Card(CardUid::parse(text).expect("a good number"))
    }

    fn rejected(why: Rejection) -> [Read; 1] {
        [Read::Rejected(why)]
    }

    /// A frame of these data bits with right parities, made from the formats' description.
    fn frame(data: u64, len: usize) -> String {
        let data = format!("{data:0width$b}", width = len - 2);
        let half = if len == 37 { 18 } else { (len - 2) / 2 };
        let ones = |bits: &str| bits.matches('1').count();
        let even = ones(&data[..half]) % 2;
        let odd = 1 - ones(&data[data.len() - half..]) % 2;
        format!("{even}{data}{odd}")
    }

    #[test]
    fn the_examples_of_a_readers_manual_are_the_cards_they_say() {
        // Civintec CN56 reader user manual, 6.4.2 and 6.4.5.
        assert_eq!(read("1 11010100 00011011 10000001 0"), [uid("D41B81")]);
        assert_eq!(
            read("1 10001001 11010100 00011011 10000001 1"),
            [uid("89D41B81")]
        );
    }

    #[test]
    fn a_frame_of_37_bits_keeps_35_in_5_bytes() {
        // Computed from the format: facility 12345, number 67890.
        let data = 12_345 << 19 | 67_890;
        let bytes: [u8; 8] = u64::to_be_bytes(data);
        let expected = CardUid::from_bytes(&bytes[3..]).expect("a good number");
        assert_eq!(read(&frame(data, 37)), [Read::Card(expected)]);
        assert_eq!(read(&frame((1 << 35) - 2, 37)), [uid("07FFFFFFFE")]);
    }

    #[test]
    fn every_key_of_4_and_8_bits_is_known() {
        // Rosslare AYC-Qx4, 4.2.3.9, and AYC-Ex5, option 3: the same table as HID's.
        let four = [
            "0000", "0001", "0010", "0011", "0100", "0101", "0110", "0111", "1000", "1001", "1010",
            "1011",
        ];
        let eight = [
            "11110000", "11100001", "11010010", "11000011", "10110100", "10100101", "10010110",
            "10000111", "01111000", "01101001", "01011010", "01001011",
        ];
        for (four, eight, code) in four
            .into_iter()
            .zip(eight)
            .zip(0..)
            .map(|((four, eight), code)| (four, eight, code))
        {
            let key = match code {
                10 => Key::Clear,
                11 => Key::Enter,
                digit => Key::Digit(Digit::new(digit).expect("a digit")),
            };
            assert_eq!(read(four), [Read::Key(key)], "{four}");
            assert_eq!(read(eight), [Read::Key(key)], "{eight}");
        }
        for bits in ["1100", "1111", "11110001", "00000000", "00111100"] {
            assert_eq!(read(bits), rejected(Rejection::NoKey), "{bits}");
        }
    }

    #[test]
    fn any_one_wrong_bit_is_caught_and_swapped_wires_are_named() {
        for (len, data) in [(26, 0xd4_1b81), (34, 0x89d4_1b81), (37, 0x3_89d4_1b81)] {
            let good = frame(data, len);
            for place in 0..len {
                let mut bits: Vec<u8> = good.bytes().collect();
                bits[place] ^= 1;
                let bits = String::from_utf8(bits).expect("digits");
                // The middle bit of 37 belongs to both halves.
                let expected = if len == 37 && place == 18 {
                    Rejection::BothParities
                } else {
                    Rejection::Parity
                };
                assert_eq!(read(&bits), rejected(expected), "{bits}");
            }
            let swapped: String = good
                .chars()
                .map(|bit| if bit == '0' { '1' } else { '0' })
                .collect();
            assert_eq!(read(&swapped), rejected(Rejection::BothParities));
        }
    }

    #[test]
    fn other_lengths_and_blank_numbers_are_no_cards() {
        for len in (1..=MAX_BITS).filter(|len| ![4, 8, 26, 34, 37].contains(len)) {
            assert_eq!(
                read(&"01".repeat(64)[..len]),
                rejected(Rejection::Bits(len))
            );
        }
        assert_eq!(
            read(&"01".repeat(33)),
            rejected(Rejection::FrameTooLong(MAX_BITS))
        );
        let blank = rejected(Rejection::Uid(CardUidError::Blank));
        assert_eq!(read(&frame(0, 26)), blank);
        assert_eq!(read(&frame((1 << 32) - 1, 34)), blank);
    }

    #[test]
    fn the_time_of_a_pulse_counts_and_not_when_it_was_heard() {
        let (mut decoder, mut out) = (decoder(), Vec::new());
        let mut late = edges(&frame(0xd4_1b81, 26), 5_000 * MS);
        late.reverse();
        for edge in late {
            decoder.push(edge, &mut out);
        }
        // The next frame tells the end of this one, even if nobody told of the silence.
        for edge in edges(&frame(0x12_3456, 26), 5_025 * MS + GAP_NS) {
            decoder.push(edge, &mut out);
        }
        assert_eq!(out, [uid("D41B81")]);
        decoder.silence(&mut out);
        decoder.silence(&mut out);
        assert_eq!(out, [uid("D41B81"), uid("123456")]);
    }

    #[test]
    fn pulses_that_no_reader_sends_are_noise() {
        let (mut decoder, mut out) = (decoder(), Vec::new());
        let mut ringing = edges(&frame(0xd4_1b81, 26), 0);
        ringing.insert(
            3,
            Edge {
                line: Line::D1,
                at: 2 * MS + 49_999,
            },
        );
        for edge in ringing {
            decoder.push(edge, &mut out);
        }
        decoder.silence(&mut out);
        assert_eq!(out, rejected(Rejection::PulsesTooClose(50)));
    }

    #[test]
    fn an_endless_row_of_pulses_is_told_once_it_ends_and_the_next_frame_is_read() {
        let (mut decoder, mut out) = (decoder(), Vec::new());
        for count in 0..1_000_000 {
            let at = count * MS;
            let line = Line::D0;
            decoder.push(Edge { line, at }, &mut out);
        }
        for edge in edges(&frame(0xd4_1b81, 26), 2_000_000 * MS) {
            decoder.push(edge, &mut out);
        }
        decoder.silence(&mut out);
        let [too_long] = rejected(Rejection::FrameTooLong(MAX_BITS));
        assert_eq!(out, [too_long, uid("D41B81")]);
    }

    fn any_edge() -> impl Strategy<Value = Edge> {
        let at = prop_oneof![any::<u64>(), 0..200 * MS, Just(u64::MAX)];
        (any::<bool>(), at).prop_map(|(one, at)| Edge {
            line: if one { Line::D1 } else { Line::D0 },
            at,
        })
    }

    proptest! {
        #[test]
        fn after_any_noise_and_a_silence_the_next_frame_is_read(
            noise in prop::collection::vec(any_edge(), 0..200),
            data in 1_u64..0xff_ffff,
        ) {
            let (mut decoder, mut out) = (decoder(), Vec::new());
            for edge in noise {
                decoder.push(edge, &mut out);
            }
            decoder.silence(&mut out);
            let before = out.len();
            for edge in edges(&frame(data, 26), 0) {
                decoder.push(edge, &mut out);
            }
            decoder.silence(&mut out);
            prop_assert_eq!(&out[before..], &[card(&data.to_be_bytes()[5..])]);
        }

        #[test]
        fn every_card_of_every_format_is_read_as_it_is(data in 1_u64..(1 << 24) - 1, high in 0_u64..1 << 11) {
            for (len, bits, bytes) in [(26, 24, 3), (34, 32, 4), (37, 35, 5)] {
                let data = (high << 24 | data) & ((1 << bits) - 1);
                prop_assert_eq!(read(&frame(data, len)), [card(&data.to_be_bytes()[8 - bytes..])]);
            }
        }
    }
}
