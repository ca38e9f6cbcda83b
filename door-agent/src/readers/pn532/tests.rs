use super::*;
use proptest::prelude::*;
use shared::card::CardUid;

const ACK: [u8; 6] = [0x00, 0x00, 0xff, 0x00, 0xff, 0x00];

fn uid(text: &str) -> Read {
    Read::Card(CardUid::parse(text).expect("a good number"))
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| *byte != b' ').collect();
    let pair = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).expect("digits");
        u8::from_str_radix(text, 16).expect("digits")
    };
    digits.chunks(2).map(pair).collect()
}

/// A frame of the chip, by the description: from D5 on, without ending.
fn from_chip(data: &[u8]) -> Vec<u8> {
    let sum = data.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
    let len = u8::try_from(data.len()).expect("a normal frame");
    [
        &[0x00, 0x00, 0xff, len, len.wrapping_neg()],
        data,
        &[sum.wrapping_neg(), 0x00],
    ]
    .concat()
}

/// The answer of a chip that sees a card with this number.
fn seen(uid: &[u8]) -> Vec<u8> {
    let len = u8::try_from(uid.len()).expect("short");
    from_chip(&[&[0xd5, 0x4b, 0x01, 0x01, 0x00, 0x44, 0x00, len], uid].concat())
}

fn nobody() -> Vec<u8> {
    from_chip(&[0xd5, 0x4b, 0x00])
}

/// A machine that has got as far as its first look for a card, at this uptime.
fn looking(now: Span) -> Pn532 {
    let (mut chip, mut out) = (Pn532::new(Wire::Uart, now), Vec::new());
    for answer in [&[0xd5, 0x15][..], &[0xd5, 0x33]] {
        assert!(chip.take_write().is_some());
        chip.hear(&ACK, now, &mut out);
        chip.hear(&from_chip(answer), now, &mut out);
    }
    assert_eq!(chip.take_write(), Some(bytes("0000FF04FCD44A0100E100")));
    assert_eq!(out, []);
    chip
}

fn hear(chip: &mut Pn532, bytes: &[u8], now: Span) -> Vec<Read> {
    let mut out = Vec::new();
    chip.hear(bytes, now, &mut out);
    out
}

/// What is read of a card of this number.
pub(in crate::readers) fn listed(uid: &[u8]) -> Vec<Read> {
    hear(&mut looking(Span(0)), &seen(uid), Span(0))
}

#[test]
fn the_chip_is_woken_set_up_and_asked_for_a_card_again_and_again() {
    let mut now = Span(1_000);
    let mut chip = Pn532::new(Wire::Uart, now);
    let wake = bytes("5555 0000000000000000000000000000 0000FF03FDD414011700");
    assert_eq!(chip.take_write(), Some(wake));
    assert_eq!(chip.take_write(), None);
    assert!(!chip.is_ready());
    assert_eq!(hear(&mut chip, &ACK, now), []);
    assert_eq!(hear(&mut chip, &from_chip(&[0xd5, 0x15]), now), []);
    assert_eq!(chip.take_write(), Some(bytes("0000FF06FAD43205FF0102F300")));
    hear(&mut chip, &ACK, now);
    hear(&mut chip, &from_chip(&[0xd5, 0x33]), now);
    for _ in 0..3 {
        // As a library for this chip sends it: adafruit/Adafruit-PN532, "Mifare classic 7-byte UID authentication".
        assert_eq!(chip.take_write(), Some(bytes("0000FF04FCD44A0100E100")));
        hear(&mut chip, &ACK, now);
        assert_eq!(hear(&mut chip, &nobody(), now), []);
        assert!(chip.is_ready() && !chip.is_waiting());
        assert_eq!((chip.take_write(), chip.deadline()), (None, now + REST));
        chip.tick(now).expect("it is there");
        assert_eq!(chip.take_write(), None);
        now = chip.deadline();
        chip.tick(now).expect("it is there");
    }
}

#[test]
fn answers_that_real_chips_gave_are_the_cards_they_say() {
    let now = Span(0);
    // adafruit/Adafruit-PN532, "Mifare classic 7-byte UID authentication": as printed there, which is without the last
    // checksum; that is computed.
    let seven = "0000FF0FF1D54B01010042180704 5D46B2505D80".replace(' ', "");
    let mut seven = bytes(&seven);
    let sum = seven[5..]
        .iter()
        .fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
    seven.extend_from_slice(&[sum.wrapping_neg(), 0]);
    assert_eq!(
        hear(&mut looking(now), &seven, now),
        [uid("045D46B2505D80")]
    );
    // nfc-tools/libnfc, "Fix nfc_initiator_select_passive_target target count": printed from the number of cards on.
    let four = [&[0xd5, 0x4b][..], &bytes("01010004 08041ADA7444")].concat();
    assert_eq!(
        hear(&mut looking(now), &from_chip(&four), now),
        [uid("1ADA7444")]
    );
}

#[test]
fn a_card_is_released_and_seen_again_as_long_as_it_rests() {
    let mut now = Span(0);
    let mut chip = looking(now);
    for number in [
        &bytes("04A1B2C3")[..],
        &bytes("04A1B2C3D4E5F6"),
        &bytes("04A1B2C3D4E5F6071829"),
    ] {
        hear(&mut chip, &ACK, now);
        let expected = CardUid::from_bytes(number).expect("a good number");
        assert_eq!(hear(&mut chip, &seen(number), now), [Read::Card(expected)]);
        assert_eq!(chip.take_write(), Some(bytes("0000FF03FDD45200DA00")));
        hear(&mut chip, &ACK, now);
        hear(&mut chip, &from_chip(&[0xd5, 0x53, 0x00]), now);
        now = chip.deadline();
        chip.tick(now).expect("it is there");
        assert!(chip.take_write().is_some());
    }
    // With an ATS behind the number, as a DESFire has it.
    let ats = bytes("D54B01010344200704A1B2C3D4E5F6 067577810280");
    hear(&mut chip, &ACK, now);
    assert_eq!(
        hear(&mut chip, &from_chip(&ats), now),
        [uid("04A1B2C3D4E5F6")]
    );
}

#[test]
fn extended_frames_are_frames() {
    let body = bytes("D54B01010004080404A1B2C3");
    let frame = from_chip(&body);
    let (len, rest) = (frame[3], &frame[5..]);
    let extended = [
        &[0x00, 0x00, 0xff, 0xff, 0xff, 0x00, len, len.wrapping_neg()],
        rest,
    ]
    .concat();
    assert_eq!(
        hear(&mut looking(Span(0)), &extended, Span(0)),
        [uid("04A1B2C3")]
    );
}

#[test]
fn a_chip_that_says_nothing_is_asked_three_times_and_given_up() {
    let mut chip = Pn532::new(Wire::Spi, Span(0));
    let configure = bytes("0000FF03FDD414011700");
    assert_eq!(chip.take_write(), Some(configure.clone()));
    assert_eq!(chip.tick(Span(99)), Ok(()));
    for uptime in [100, 200] {
        assert_eq!(chip.tick(Span(uptime)), Ok(()));
        assert_eq!(chip.take_write(), Some(configure.clone()));
    }
    // An acknowledgement buys time for the answer, once.
    hear(&mut chip, &ACK, Span(210));
    hear(&mut chip, &ACK, Span(600));
    assert_eq!(chip.tick(Span(709)), Ok(()));
    assert_eq!(chip.tick(Span(710)), Err(Silent));
}

#[test]
fn a_chip_that_falls_silent_is_woken_and_goes_on() {
    let mut chip = looking(Span(0));
    hear(&mut chip, &ACK, Span(0));
    hear(&mut chip, &nobody(), Span(0));
    chip.tick(Span(100)).expect("it is there");
    assert!(chip.take_write().is_some());
    chip.tick(Span(200)).expect("not for the first time");
    let written = chip.take_write().expect("it is woken");
    assert!(written.starts_with(&[0x55, 0x55]));
    // Refused at once: no time is lost.
    hear(&mut chip, &bytes("0000FF01FF7F8100"), Span(210));
    assert_eq!(chip.deadline(), Span(210));
}

#[test]
fn a_damaged_or_senseless_answer_is_told_and_is_no_card() {
    let mut damaged = seen(&bytes("04A1B2C3D4E5F6"));
    let place = damaged.len() - 4;
    damaged[place] ^= 1;
    assert_eq!(
        hear(&mut looking(Span(0)), &damaged, Span(0)),
        [Read::Rejected(Rejection::Checksum)]
    );
    for answer in [
        "D54B01",
        "D54B0101004408",
        "D54B010100440005A1A2A3A4A5",
        "D54B010100440007A1",
    ] {
        assert_eq!(
            hear(&mut looking(Span(0)), &from_chip(&bytes(answer)), Span(0)),
            [Read::Rejected(Rejection::Nonsense)],
            "{answer}"
        );
    }
    // An answer to something else is none.
    assert_eq!(
        hear(&mut looking(Span(0)), &from_chip(&[0xd5, 0x15]), Span(0)),
        []
    );
}

#[test]
fn on_spi_every_byte_goes_with_its_lowest_bit_first() {
    assert_eq!(spi::write(&[0x00, 0xff, 0xd4]), [0x80, 0x00, 0xff, 0x2b]);
    assert_eq!(spi::status(), [0x40, 0x00]);
    assert!(spi::is_ready(&[0x00, 0x80]) && !spi::is_ready(&[0xff, 0x00]));
    let read = spi::read();
    assert_eq!((read[0], read.len()), (0xc0, 277));
    let answer = seen(&bytes("04A1B2C3"));
    let came = [&[0x00], &answer[..]].concat();
    let came = came.iter().map(|byte| byte.reverse_bits()).collect();
    assert_eq!(spi::came(came), answer);
    assert!(spi::came(Vec::new()).is_empty());
}

proptest! {
    #[test]
    fn a_frame_may_come_in_any_pieces_and_after_any_noise(
        noise in prop::collection::vec(prop_oneof![any::<u8>(), Just(0x00), Just(0xff), Just(0xd5)], 0..80),
        cut in 0_usize..40,
    ) {
        let answer = seen(&bytes("04A1B2C3D4E5F6"));
        // Noise can look like the begin of a frame that is still to come; when that has passed, what is whole is read.
        let after = [0x55; 280];
        let stream = [&noise[..], &answer, &after].concat();
        let mut chip = looking(Span(0));
        let mut out = Vec::new();
        let cut = (noise.len() + cut).min(stream.len());
        for piece in [&stream[..cut], &stream[cut..]] {
            chip.hear(piece, Span(0), &mut out);
        }
        prop_assert!(out.contains(&uid("04A1B2C3D4E5F6")), "{:?}", out);
    }

    #[test]
    fn no_bytes_make_it_keep_more_than_a_frame_or_wait_for_ever(
        pieces in prop::collection::vec(prop::collection::vec(prop_oneof![any::<u8>(), Just(0x00), Just(0xff)], 0..60), 0..8),
    ) {
        let mut chip = looking(Span(0));
        let mut out = Vec::new();
        for (piece, now) in pieces.iter().zip(0..) {
            chip.hear(piece, Span(now), &mut out);
            prop_assert!(chip.kept() <= 280);
        }
        prop_assert!(chip.deadline() <= Span(8) + ANSWER_TIME);
    }
}
