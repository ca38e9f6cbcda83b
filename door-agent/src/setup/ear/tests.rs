use super::*;
use std::io;

fn card() -> CardUid {
    CardUid::parse("04A1B2C3").expect("a card")
}

/// Readers that are asked, with what they say spoken by a test.
fn asked(candidates: &[&[Source]]) -> Asked {
    let mut asked = Asked::new();
    for sources in candidates {
        asked.add(Candidate::new(sources.to_vec(), sources.to_vec()));
    }
    asked
}

fn gone(index: usize) -> listeners::Heard {
    listeners::Heard::Device(name(index), Err(io::ErrorKind::NotFound.into()))
}

fn reads(index: usize) -> listeners::Heard {
    listeners::Heard::Input(Input::Card {
        door: name(index),
        uid: card(),
    })
}

const SPI: SpiDevice = SpiDevice { bus: 0, select: 0 };
const CHIPS: [Source; 2] = [
    Source::Mfrc522 { device: SPI },
    Source::Pn532Spi { device: SPI },
];

#[test]
fn on_spi_each_chip_is_asked_for_in_turn_and_the_one_that_reads_the_card_is_it() {
    let mut both = asked(&[&CHIPS]);
    let heard = both.understand(reads(0));
    let [mfrc522, pn532] = CHIPS;
    let found = |source| {
        Some(Ok(Heard {
            source,
            card: card(),
        }))
    };
    assert_eq!(heard, found(mfrc522));
    // It was none: the next kind is tried without a word.
    assert_eq!(both.understand(gone(0)), None);
    assert_eq!(both.understand(reads(0)), found(pn532));
    let told = both
        .understand(gone(0))
        .expect("the last")
        .expect_err("none");
    assert!(told.starts_with("the PN532 at /dev/spidev0.0: "), "{told}");
    assert!(both.is_empty());
    assert_eq!(both.understand(gone(0)), None);
}

#[test]
fn a_wiegand_reader_with_its_lines_the_other_way_round_is_turned_for_the_person() {
    let mut wired = asked(&[&CHIPS, &[wiegand(14, 15)]]);
    let noise = listeners::Heard::Rejected(name(1), Rejection::Bits(25));
    let told = wired.understand(noise).expect("told").expect_err("no card");
    assert!(
        told.contains("D0 at GPIO 14") && told.contains("25 bits"),
        "{told}"
    );
    let turned = listeners::Heard::Rejected(name(1), Rejection::BothParities);
    let told = wired
        .understand(turned)
        .expect("told")
        .expect_err("no card");
    assert!(told.contains("D0 at GPIO 15 and D1 at GPIO 14"), "{told}");
    let source = wiegand(15, 14);
    let found = Heard {
        source,
        card: card(),
    };
    assert_eq!(wired.understand(reads(1)), Some(Ok(found)));
}

#[test]
fn a_reader_that_answers_is_told_and_keys_are_no_cards() {
    let mut asked = asked(&[&CHIPS]);
    let there = listeners::Heard::Device(name(0), Ok(()));
    let told = asked.understand(there).expect("told").expect_err("no card");
    assert_eq!(
        told,
        "the MFRC522 at /dev/spidev0.0 is there: hold a card to it."
    );
    let key = listeners::Heard::Input(Input::Key {
        door: name(0),
        key: crate::readers::Key::Enter,
    });
    assert_eq!(asked.understand(key), None);
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
    let serial = |path: &str| Named::Serial(PathBuf::from(path));
    let named = [
        serial("/dev/ttyS0"),
        Named::Wiegand { d0: 14, d1: 15 },
        serial("/dev/none"),
    ];
    let found = serial_lines(&Machine::at(root.path()), &named);
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

#[test]
fn spi_devices_are_found_by_their_names() {
    let root = tempfile::tempdir().expect("a folder");
    let dev = root.path().join("dev");
    std::fs::create_dir_all(&dev).expect("its own folder");
    for name in ["spidev0.1", "spidev0.0", "spidev10.0", "spidev", "spi"] {
        std::fs::write(dev.join(name), "").expect("its own folder");
    }
    let found = spi_devices(&Machine::at(root.path()));
    let select = |select| SpiDevice { bus: 0, select };
    assert_eq!(found, [select(0), select(1)]);
}
