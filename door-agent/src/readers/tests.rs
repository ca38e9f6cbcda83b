mod cards;

use super::*;

/// The example of the RDM6300's maker.
const RDM6300: &[u8] = b"\x0262E3086CED08\x03";
/// The same card as an ID-12 writes it.
const ID12: &[u8] = b"\x0262E3086CED08\r\n\x03";

fn read(format: Format, bytes: &[u8]) -> Vec<Read> {
    let mut out = Vec::new();
    parser(format).push(bytes, &mut out);
    out
}

fn uid(text: &str) -> Read {
    Read::Card(CardUid::parse(text).expect("a good number"))
}

fn rejected(rejection: Rejection) -> Read {
    Read::Rejected(rejection)
}

const HEX: Format = Format::Ascii;

fn read_decimal(bytes: usize, line: &[u8]) -> Vec<Read> {
    let mut out = Vec::new();
    Ascii::new(Digits::Decimal { bytes }).push(line, &mut out);
    out
}

#[test]
fn the_makers_example_is_the_card_it_says_and_both_readers_agree() {
    assert_eq!(read(Format::Rdm6300, RDM6300), [uid("62E3086CED")]);
    assert_eq!(read(Format::Id12, ID12), [uid("62E3086CED")]);
    assert_eq!(
        read(Format::Rdm6300, &RDM6300.to_ascii_lowercase()),
        [uid("62E3086CED")]
    );
}

#[test]
fn a_frame_may_come_in_any_pieces() {
    for (format, frame) in [
        (Format::Rdm6300, RDM6300),
        (Format::Id12, ID12),
        (HEX, b"62E3086CED\r\n"),
    ] {
        for cut in 0..=frame.len() {
            let mut parser = parser(format);
            let mut out = Vec::new();
            parser.push(&frame[..cut], &mut out);
            parser.push(&frame[cut..], &mut out);
            assert_eq!(out, [uid("62E3086CED")], "{format:?} cut at {cut}");
        }
    }
}

#[test]
fn every_wrong_digit_is_caught_by_the_checksum() {
    for place in 1..=12 {
        for digit in *b"0123456789ABCDEF" {
            let mut frame = RDM6300.to_vec();
            if frame[place] == digit {
                continue;
            }
            frame[place] = digit;
            assert_eq!(
                read(Format::Rdm6300, &frame),
                [rejected(Rejection::Checksum)]
            );
        }
    }
}

#[test]
fn what_a_wrong_setting_gives_says_so() {
    let ending = Rejection::Unexpected {
        byte: 0x03,
        place: 13,
    };
    assert_eq!(read(Format::Id12, RDM6300), [rejected(ending)]);
    let ending = Rejection::Unexpected {
        byte: b'\r',
        place: 13,
    };
    assert_eq!(read(Format::Rdm6300, ID12), [rejected(ending)]);
    assert_eq!(
        read(Format::Rdm6300, b"62E3086CED\r\n"),
        [rejected(Rejection::OutsideFrame)]
    );
    assert_eq!(
        read(HEX, b"0006475000\r\nhello\n"),
        [uid("0006475000"), rejected(Rejection::NotDigits)]
    );
    assert_eq!(
        read(Format::Rdm6300, b"\x020000000000\x02"),
        [rejected(Rejection::BrokenOff(11))]
    );
}

#[test]
fn an_empty_field_is_no_card() {
    assert_eq!(
        read(Format::Rdm6300, b"\x02000000000000\x03"),
        [rejected(Rejection::Uid(CardUidError::Blank))]
    );
    assert_eq!(read(HEX, b"\r\n\r\n \n"), []);
    assert_eq!(
        read(HEX, b"FFFFFFFF\n"),
        [rejected(Rejection::Uid(CardUidError::Blank))]
    );
}

#[test]
fn a_line_may_have_separators_and_any_length_of_a_card() {
    for line in [
        &b"04:A1:B2:C3\n"[..],
        b"04 a1 b2 c3\r",
        b" 04-A1-B2-C3 \r\n",
        b"04.A1.B2.C3\n",
    ] {
        assert_eq!(read(HEX, line), [uid("04A1B2C3")]);
    }
    assert_eq!(read(HEX, b"04A1B2\n"), [uid("04A1B2")]);
    assert_eq!(
        read(HEX, b"04A1B2C3D4E5F6071829\n"),
        [uid("04A1B2C3D4E5F6071829")]
    );
    assert_eq!(
        read(HEX, b"04A1\n"),
        [rejected(Rejection::Uid(CardUidError::Length(2)))]
    );
    assert_eq!(read(HEX, b"04A1B2C\n"), [rejected(Rejection::NotDigits)]);
    assert_eq!(
        read(HEX, b"04A1B2C3D4E5F607182930\n"),
        [rejected(Rejection::TooLarge(10))]
    );
}

#[test]
fn a_decimal_number_is_the_bytes_it_stands_for() {
    assert_eq!(read(Format::Decimal, b"0141061357\r\n"), [uid("08686CED")]);
    assert_eq!(read_decimal(4, b"0141061357\r\n"), [uid("08686CED")]);
    assert_eq!(read_decimal(4, b"141061357\n"), [uid("08686CED")]);
    assert_eq!(read_decimal(5, b"141061357\n"), [uid("0008686CED")]);
    assert_eq!(
        read_decimal(3, b"16777216\n"),
        [rejected(Rejection::TooLarge(3))]
    );
    assert_eq!(
        read_decimal(8, b"18446744073709551616\n"),
        [rejected(Rejection::TooLarge(8))]
    );
    assert_eq!(
        read_decimal(4, b"08686CED\n"),
        [rejected(Rejection::NotDigits)]
    );
}

#[test]
fn an_endless_line_is_told_once_and_the_next_line_is_read() {
    let mut bytes = vec![b'7'; 10_000];
    bytes.extend_from_slice(b"\n04A1B2C3\n");
    assert_eq!(
        read(HEX, &bytes),
        [rejected(Rejection::LineTooLong(64)), uid("04A1B2C3")]
    );
}

#[test]
fn after_any_noise_the_next_whole_frame_is_read() {
    let formats = [
        (Format::Rdm6300, RDM6300),
        (Format::Id12, ID12),
        (HEX, &b"62E3086CED\r\n"[..]),
    ];
    let mut noise = Noise(1);
    for round in 0..20_000 {
        let (format, frame) = formats[round % 3];
        let mut bytes = noise.bytes();
        // A line has no start of its own: noise without an end spoils the line it runs into, and that line only.
        if format == HEX {
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(frame);
        assert_eq!(
            read(format, &bytes).last(),
            Some(&uid("62E3086CED")),
            "{format:?} after {bytes:02x?}"
        );
    }
}

#[test]
fn noise_never_becomes_a_frame_card_and_a_damaged_frame_never_another_card() {
    let mut noise = Noise(2);
    for round in 0..20_000_usize {
        let (format, frame) = [(Format::Rdm6300, RDM6300), (Format::Id12, ID12)][round % 2];
        let mut damaged = frame.to_vec();
        let place = noise.below(damaged.len());
        damaged[place] =
            damaged[place].wrapping_add(1 + u8::try_from(noise.below(255)).expect("a byte"));
        for read in read(format, &damaged)
            .into_iter()
            .chain(read(format, &noise.bytes()))
        {
            // A digit in the other case is the same digit.
            assert!(
                matches!(read, Read::Rejected(_)) || read == uid("62E3086CED"),
                "{damaged:02x?}"
            );
        }
    }
}

#[test]
fn a_rejection_never_names_a_card() {
    for line in [
        &b"\x0262E3086CED09\x03"[..],
        b"\x0262E3086C\x02",
        b"\x0262E3086CED08\r",
    ] {
        let text = format!("{:?}", read(Format::Rdm6300, line));
        assert!(!text.contains("62E3") && !text.contains("6CED"), "{text}");
    }
}

/// Bytes as a bad line makes them: many that matter to a parser, the others any.
struct Noise(u64);

impl Noise {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }

    fn bytes(&mut self) -> Vec<u8> {
        let telling = b"\x02\x02\x03\r\n0123456789ABCDEF";
        (0..self.below(60))
            .map(|_| match self.below(3) {
                0 => u8::try_from(self.below(256)).expect("a byte"),
                _ => telling[self.below(telling.len())],
            })
            .collect()
    }
}
/// What a reader sends at most: much more than any could.
#[test]
fn a_flood_of_frames_is_as_many_cards_with_noise_between_them_or_not() {
    let mut noise = Noise(3);
    for (format, frame) in [(Format::Rdm6300, RDM6300), (Format::Id12, ID12)] {
        let (mut parser, mut cards) = (parser(format), 0);
        for round in 0..60_000 {
            let mut bytes = frame.to_vec();
            if round % 2 == 0 {
                bytes.extend(noise.bytes());
            }
            let mut out = Vec::new();
            parser.push(&bytes, &mut out);
            cards += out
                .iter()
                .filter(|read| **read == uid("62E3086CED"))
                .count();
        }
        assert_eq!(cards, 60_000, "{format:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_in_any_pieces_say_the_same_and_the_frame_after_them_is_read(
        noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        piece in 1_usize..40,
    ) {
        let frames = [
            (Format::Rdm6300, RDM6300),
            (Format::Id12, ID12),
            (HEX, &b"\n62E3086CED\n"[..]),
            (Format::Decimal, b"\n0141061357\n"),
        ];
        for (format, frame) in frames {
            let all = [&noise[..], frame].concat();
            let whole = read(format, &all);
            let mut pieces = Vec::new();
            let mut parser = parser(format);
            for bytes in all.chunks(piece) {
                parser.push(bytes, &mut pieces);
            }
            proptest::prop_assert_eq!(&pieces, &whole);
            let card = if format == Format::Decimal { "08686CED" } else { "62E3086CED" };
            proptest::prop_assert_eq!(whole.last(), Some(&uid(card)));
        }
    }
}
