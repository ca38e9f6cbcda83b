use super::select::with_crc;
use super::*;
use proptest::prelude::*;
use shared::card::CardUid;
use std::collections::VecDeque;

/// A card of ISO/IEC 14443-3 type A, made from the standard's state diagram.
#[derive(Clone)]
struct FakeCard {
    uid: Vec<u8>,
    state: State,
    /// Answers SELECT with this instead of what it should.
    sak: Option<u8>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Idle,
    /// Ready in this cascade level.
    Ready(usize),
    Active,
    Halted,
}

impl FakeCard {
    fn new(uid: &[u8]) -> Self {
        Self {
            uid: uid.to_vec(),
            state: State::Idle,
            sak: None,
        }
    }

    /// Its number in this level, with checksum.
    fn part(&self, level: usize) -> [u8; 5] {
        let last = (self.uid.len() - 4) / 3;
        let begin = level * 3;
        let four: Vec<u8> = if level < last {
            [&[0x88], &self.uid[begin..begin + 3]].concat()
        } else {
            self.uid[begin..begin + 4].to_vec()
        };
        let check = four.iter().fold(0, |sum, byte| sum ^ byte);
        [four[0], four[1], four[2], four[3], check]
    }

    /// What it answers to these bits, as bits; and what becomes of it.
    fn hear(&mut self, sent: &[bool]) -> Vec<bool> {
        if *sent == to_bits(&[REQA])[..7] {
            if self.state != State::Idle {
                return Vec::new();
            }
            self.state = State::Ready(0);
            return to_bits(&[if self.uid.len() > 4 { 0x44 } else { 0x04 }, 0x00]);
        }
        let level = match self.state {
            State::Ready(level) => level,
            State::Active if sent == to_bits(&with_crc(&[0x50, 0x00])) => {
                self.state = State::Halted;
                return Vec::new();
            }
            State::Idle | State::Active | State::Halted => return Vec::new(),
        };
        let part = self.part(level);
        let command = [0x93, 0x95, 0x97][level];
        let select = with_crc(&[&[command, 0x70], &part[..]].concat());
        if sent == to_bits(&select) {
            let more = level < (self.uid.len() - 4) / 3;
            self.state = if more {
                State::Ready(level + 1)
            } else {
                State::Active
            };
            return to_bits(&with_crc(&[self.sak.unwrap_or(if more {
                0x04
            } else {
                0x08
            })]));
        }
        let known = sent.len().saturating_sub(16);
        let nvb = u8::try_from(((known / 8 + 2) << 4) | (known % 8)).expect("a byte");
        let part = to_bits(&part);
        if sent.get(..16) == Some(&to_bits(&[command, nvb])[..]) && sent[16..] == part[..known] {
            return part[known..].to_vec();
        }
        self.state = State::Idle;
        Vec::new()
    }
}

fn to_bits(bytes: &[u8]) -> Vec<bool> {
    let bits = bytes
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
    bits.collect()
}

/// The registers of a chip, and cards before it; made from the data sheet's description of what is used here.
struct FakeChip {
    registers: [u8; 64],
    fifo: VecDeque<u8>,
    cards: Vec<FakeCard>,
    /// Bits of answers that noise turns, counted over all answers.
    noise: Vec<usize>,
    answered: usize,
    waited: Duration,
}

impl FakeChip {
    fn with(uids: &[&[u8]]) -> Self {
        Self {
            registers: [0; 64],
            fifo: VecDeque::new(),
            cards: uids.iter().map(|uid| FakeCard::new(uid)).collect(),
            noise: Vec::new(),
            answered: 0,
            waited: Duration::ZERO,
        }
    }

    fn set(&mut self, register: u8, value: u8) {
        self.registers[usize::from(register)] = value;
    }

    fn get(&self, register: u8) -> u8 {
        self.registers[usize::from(register)]
    }

    fn transceive(&mut self, framing: u8) {
        assert!(
            self.get(r::TX_CONTROL) & ANTENNA == ANTENNA,
            "there is a field"
        );
        let (last, align) = (usize::from(framing & 7), usize::from(framing >> 4 & 7));
        let mut sent = to_bits(&self.fifo.drain(..).collect::<Vec<u8>>());
        if last > 0 {
            sent.truncate(sent.len() - 8 + last);
        }
        let known = sent.len().saturating_sub(16);
        let answers: Vec<Vec<bool>> = self
            .cards
            .iter_mut()
            .map(|card| card.hear(&sent))
            .filter(|answer| !answer.is_empty())
            .collect();
        let Some(first) = answers.first() else {
            return self.set(r::COM_IRQ, TIMER);
        };
        let mut bits = first.clone();
        let differ = |place: &usize| {
            answers
                .iter()
                .any(|other| other.get(*place) != first.get(*place))
        };
        let collision = (0..bits.len()).find(differ);
        self.set(r::ERROR, 0);
        if let Some(place) = collision {
            bits.truncate(place);
            bits.resize(first.len(), false);
            self.set(r::ERROR, COLLISION);
            self.set(
                r::COLL,
                u8::try_from((known + place + 1) % 32).expect("a byte"),
            );
        }
        for bit in &mut bits {
            *bit ^= self.noise.contains(&self.answered);
            self.answered += 1;
        }
        let mut aligned = vec![false; align];
        aligned.extend(bits);
        self.set(r::CONTROL, u8::try_from(aligned.len() % 8).expect("a byte"));
        let byte = |bits: &[bool]| {
            (0..)
                .zip(bits)
                .fold(0, |byte, (bit, on)| byte | u8::from(*on) << bit)
        };
        self.fifo = aligned.chunks(8).map(byte).collect();
        self.set(r::COM_IRQ, 0x20);
    }
}

impl Registers for &mut FakeChip {
    fn read(&mut self, register: u8) -> io::Result<u8> {
        Ok(match register {
            r::FIFO_DATA => self.fifo.pop_front().unwrap_or(0),
            r::FIFO_LEVEL => u8::try_from(self.fifo.len()).expect("a byte"),
            r::VERSION => 0x92,
            register => self.get(register),
        })
    }

    fn write(&mut self, register: u8, value: u8) -> io::Result<()> {
        match register {
            r::FIFO_DATA => self.fifo.push_back(value),
            r::FIFO_LEVEL => self.fifo.clear(),
            r::COM_IRQ => self.set(register, 0),
            r::COMMAND if value == SOFT_RESET => {
                self.registers = [0; 64];
                self.set(r::TX_CONTROL, 0x80);
            }
            r::BIT_FRAMING if value & START_SEND != 0 => {
                assert_eq!(self.get(r::COMMAND), TRANSCEIVE);
                self.transceive(value);
            }
            r::TX_CONTROL if value & ANTENNA == 0 => {
                self.set(register, value);
                // Without a field a card forgets.
                for card in &mut self.cards {
                    card.state = State::Idle;
                }
            }
            register => self.set(register, value),
        }
        Ok(())
    }

    fn wait(&mut self, time: Duration) -> io::Result<()> {
        self.waited += time;
        Ok(())
    }
}

fn look(chip: &mut FakeChip) -> Vec<Read> {
    let mut out = Vec::new();
    let mut chip = Mfrc522::start(chip).expect("it is there");
    chip.look(&mut out).expect("it is there");
    out
}

/// What is read of a card of this number.
pub(in crate::readers) fn seen_by_chip(uid: &[u8]) -> Vec<Read> {
    look(&mut FakeChip::with(&[uid]))
}

fn uid(bytes: &[u8]) -> Read {
    Read::Card(CardUid::from_bytes(bytes).expect("a good number"))
}

const FOUR: &[u8] = &[0x1a, 0xda, 0x74, 0x44];
const SEVEN: &[u8] = &[0x04, 0x5d, 0x46, 0xb2, 0x50, 0x5d, 0x80];
const TEN: &[u8] = &[0x04, 0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x07, 0x18, 0x29];

#[test]
fn the_checksum_is_that_of_the_standard() {
    // ISO/IEC 14443-3, annex B: the examples for CRC_A; and HLTA as every reader sends it.
    assert_eq!(with_crc(&[0x00, 0x00]), [0x00, 0x00, 0xa0, 0x1e]);
    assert_eq!(with_crc(&[0x12, 0x34]), [0x12, 0x34, 0x26, 0xcf]);
    assert_eq!(with_crc(&[0x50, 0x00]), [0x50, 0x00, 0x57, 0xcd]);
}

#[test]
fn a_register_is_addressed_as_the_data_sheet_says() {
    // 8.1.2.3: the first bit is 1 to read, then six of address, then a zero. VersionReg is 37h, CommandReg 01h.
    assert_eq!(read_transfer(r::VERSION), [0xee, 0x00]);
    assert_eq!(write_transfer(r::COMMAND, SOFT_RESET), [0x02, 0x0f]);
}

#[test]
fn a_card_of_each_length_is_found_and_found_again_while_it_rests() {
    for number in [FOUR, SEVEN, TEN] {
        let mut chip = FakeChip::with(&[number]);
        let mut out = Vec::new();
        {
            let mut reader = Mfrc522::start(&mut chip).expect("it is there");
            for _ in 0..3 {
                reader.look(&mut out).expect("it is there");
            }
        }
        assert_eq!(out, [uid(number), uid(number), uid(number)]);
        assert!(chip.get(r::TX_CONTROL) & ANTENNA == 0, "the field is off");
        chip.cards.clear();
        assert_eq!(look(&mut chip), []);
    }
}

#[test]
fn cards_that_lie_together_are_all_found() {
    let close = [0x1a, 0xda, 0x74, 0x45];
    let far = [0x1a, 0xda, 0x74, 0xc4];
    let mut chip = FakeChip::with(&[FOUR, &close, SEVEN, &far]);
    let found = look(&mut chip);
    assert_eq!(found.len(), 4, "{found:?}");
    for number in [FOUR, &close, SEVEN, &far] {
        assert!(found.contains(&uid(number)), "{found:?}");
    }
}

#[test]
fn a_card_that_says_its_number_goes_on_for_ever_is_no_card() {
    for number in [FOUR, SEVEN, TEN] {
        for sak in [0x04, 0x24, 0xff] {
            let mut chip = FakeChip::with(&[number]);
            chip.cards[0].sak = Some(sak);
            assert_eq!(look(&mut chip), [Read::Rejected(Rejection::Nonsense)]);
        }
    }
    // A number of 4 bytes that begins like one that goes on.
    let mut chip = FakeChip::with(&[&[0x88, 1, 2, 3]]);
    assert_eq!(look(&mut chip), [Read::Rejected(Rejection::Nonsense)]);
}

#[test]
fn any_one_bit_of_noise_gives_no_other_card() {
    for number in [FOUR, SEVEN, TEN] {
        let mut quiet = FakeChip::with(&[number]);
        assert_eq!(look(&mut quiet), [uid(number)]);
        for bit in 0..quiet.answered {
            let mut chip = FakeChip::with(&[number]);
            chip.noise = vec![bit];
            let found = look(&mut chip);
            assert!(
                found
                    .iter()
                    .all(|read| *read == uid(number) || matches!(read, Read::Rejected(_))),
                "bit {bit}: {found:?}"
            );
        }
    }
}

/// A line without a chip: every register reads the same.
struct Nothing(u8, u32);

impl Registers for Nothing {
    fn read(&mut self, _: u8) -> io::Result<u8> {
        self.1 += 1;
        assert!(self.1 < 10_000, "it gives up");
        Ok(self.0)
    }

    fn write(&mut self, _: u8, _: u8) -> io::Result<()> {
        Ok(())
    }

    fn wait(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_chip_that_is_not_there_is_told() {
    for level in [0x00, 0xff] {
        let error = Mfrc522::start(Nothing(level, 0))
            .map(drop)
            .expect_err("nothing is there");
        assert!(error.to_string().contains("does not answer"));
    }
}

#[test]
fn a_chip_that_was_torn_off_is_told() {
    // It started, and then nothing drives the line any more.
    let mut torn = Mfrc522 {
        registers: Nothing(0x00, 0),
    };
    assert!(torn.look(&mut Vec::new()).is_err());
}

/// A chip whose registers hold anything at any time.
struct Mad(VecDeque<u8>);

impl Registers for Mad {
    fn read(&mut self, _: u8) -> io::Result<u8> {
        self.0
            .pop_front()
            .ok_or_else(|| io::ErrorKind::TimedOut.into())
    }

    fn write(&mut self, _: u8, _: u8) -> io::Result<()> {
        Ok(())
    }

    fn wait(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

proptest! {
    #[test]
    fn any_cards_are_found_by_their_own_numbers_only(
        // One that begins with 08 is random.
        numbers in prop::collection::btree_set(prop::collection::vec(9_u8..0x80, 4..=4), 1..=4),
    ) {
        let numbers: Vec<Vec<u8>> = numbers.into_iter().collect();
        let slices: Vec<&[u8]> = numbers.iter().map(Vec::as_slice).collect();
        let mut found = look(&mut FakeChip::with(&slices));
        prop_assert_eq!(found.len(), numbers.len());
        for number in &numbers {
            let place = found.iter().position(|read| *read == uid(number));
            prop_assert!(place.is_some());
            found.swap_remove(place.unwrap_or_default());
        }
    }

    #[test]
    fn registers_that_hold_anything_do_no_harm(
        values in prop::collection::vec(prop_oneof![any::<u8>(), Just(0x20), Just(0x01), Just(0x08), Just(0x05)], 0..300),
    ) {
        let mut out = Vec::new();
        if let Ok(mut chip) = Mfrc522::start(Mad(values.into())) {
            for _ in 0..20 {
                drop(chip.look(&mut out));
            }
        }
        prop_assert!(out.len() <= 80);
    }
}

/// A field in which these answers are given, whatever is said.
struct Script(VecDeque<Answer>);

impl Field for Script {
    fn request(&mut self) -> io::Result<Answer> {
        Ok(self.0.pop_front().unwrap_or(Answer::Nothing))
    }

    fn exchange(&mut self, _: &[u8], _: u8) -> io::Result<Answer> {
        self.request()
    }
}

#[test]
fn a_number_must_fit_its_checksum_even_if_the_card_takes_it() {
    for (check, found) in [
        (0x1a ^ 0xda ^ 0x74 ^ 0x44, Found::Card(FOUR.to_vec())),
        (0x00, Found::Nonsense),
    ] {
        let number = [FOUR, &[check]].concat();
        let answers = [
            Answer::Bytes(vec![0x04, 0x00]),
            Answer::Bytes(number),
            Answer::Bytes(with_crc(&[0x08])),
        ];
        let all = select::all(&mut Script(answers.into())).expect("there is a field");
        assert!(all == [found]);
    }
}

#[test]
fn cards_that_differ_in_the_same_bit_for_ever_are_several_and_the_look_ends() {
    let collision = Answer::Collision {
        bytes: vec![0; 5],
        bit: 7,
    };
    let mut answers = vec![collision; 10];
    answers.insert(0, Answer::Bytes(vec![0x04, 0x00]));
    let all = select::all(&mut Script(answers.into())).expect("there is a field");
    assert!(all == [Found::Several]);
}
