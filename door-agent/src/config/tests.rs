use super::*;
use shared::time::Span;

const GOOD: &str = r#"state_dir = "/var/lib/building"

[[door]]
id = "front"
exit_pin = 5
contact_pin = 6
tamper_pin = 12
fire_pin = 13
green_pin = 22
red_pin = 23
buzzer_pin = 24

[door.reader]
kind = "serial"
device = "/dev/serial0"
format = "rdm6300"

[door.lock]
kind = "gpio"
pin = 17
active = "low"
unlock_seconds = 3
release = "until_open"
held_open_seconds = 45
unreleased = "ignored"

[door.relay]
pin = 27
follows = "siren"

[[door]]
id = "workshop"

[door.reader]
kind = "simulated"
input = "/run/building/workshop.in"

[door.lock]
kind = "simulated"
output = "/run/building/workshop.out"
"#;

/// The example of the README.
const README: &str = r#"
state_dir = "/var/lib/door-agent"
[[door]]
id = "front"
[door.reader]       # serial (rdm6300, id12, ascii), wiegand, pn532, mfrc522, keyboard, simulated; later osdp, pcsc
kind = "serial"
device = "/dev/serial0"
format = "rdm6300"
[door.lock]         # gpio | simulated
kind = "gpio"
pin = 17
active = "high"
unlock_seconds = 5
"#;

fn problem(text: &str) -> Problem {
    match Config::parse(text) {
        Err(ConfigError::Wrong(problem)) => problem,
        Err(ConfigError::Read { .. }) => unreachable!("no file is read"),
        Ok(config) => panic!("accepted: {config:?}"),
    }
}

#[test]
fn a_good_file_is_read_whole() {
    let config = Config::parse(GOOD).expect("it is good");
    assert_eq!(config.state_dir, Path::new("/var/lib/building"));
    let front = Door {
        id: DoorId::new("front").expect("a good name"),
        reader: Reader {
            source: Source::Serial {
                device: "/dev/serial0".into(),
                format: Format::Rdm6300,
                baud: 9_600,
            },
            reversed: false,
        },
        settings: Settings {
            unlock: Span::seconds(3),
            until_open: true,
            held_open: Some(Span::seconds(45)),
            forced: false,
        },
        wiring: Wiring::Gpio(Pins {
            chip: Chip::Header,
            lock: Relay {
                pin: 17,
                active: Level::Low,
            },
            relay: Some(SecondRelay {
                relay: Relay {
                    pin: 27,
                    active: Level::High,
                },
                follows: Follows::Siren,
            }),
            green: Some(22),
            red: Some(23),
            buzzer: Some(24),
            inputs: Inputs {
                exit: Some(5),
                contact: Some(6),
                tamper: Some(12),
                fire: Some(13),
            },
        }),
    };
    let workshop = Door {
        id: DoorId::new("workshop").expect("a good name"),
        reader: Reader {
            source: Source::Simulated {
                input: "/run/building/workshop.in".into(),
            },
            reversed: false,
        },
        settings: Settings {
            unlock: Span::seconds(5),
            until_open: false,
            held_open: Some(Span::seconds(30)),
            forced: true,
        },
        wiring: Wiring::Simulated {
            output: "/run/building/workshop.out".into(),
        },
    };
    assert_eq!(config.doors, [front, workshop]);
}

#[test]
fn a_shadow_keeps_its_readers_and_touches_no_line() {
    let config = Config::parse(&format!("shadow = true\ninside = false\n{GOOD}")).expect("good");
    let plain = Config::parse(GOOD).expect("good");
    assert_eq!((config.shadow, config.inside), (true, Some(false)));
    assert_eq!((plain.shadow, plain.inside), (false, None));
    for (shadow, door) in config.doors.iter().zip(&plain.doors) {
        assert_eq!((&shadow.id, &shadow.reader), (&door.id, &door.reader));
        // Nothing is heard of a contact either.
        let settings = Settings::unlocking(door.settings.unlock);
        assert_eq!(shadow.settings, settings);
        let output = PathBuf::from("/dev/null");
        assert_eq!(shadow.wiring, Wiring::Simulated { output });
    }
    let inside = None;
    assert_eq!(plain.shadowed(), Config { inside, ..config });
}

#[test]
fn the_example_of_the_readme_is_valid_and_the_state_lies_where_it_says_even_unsaid() {
    let config = Config::parse(README).expect("it is good");
    assert_eq!(config.doors[0].settings.unlock, Span::seconds(5));
    let unsaid = README.replace("state_dir = \"/var/lib/door-agent\"", "");
    assert_eq!(Config::parse(&unsaid).expect("it is good"), config);
}

/// What was changed in the good file, and what must be said about it.
const BAD: &[(&str, &str, &str)] = &[
    (
        "/var/lib/building",
        "building",
        "line 1: `state_dir` is \"building\"; valid: an absolute path, such as \"/var/lib/door-agent\"",
    ),
    (
        "\"/var/lib/building\"",
        "7",
        "line 1: `state_dir` is a value of type integer; valid: text in quotes",
    ),
    (
        "state_dir",
        "statedir",
        "line 1: `statedir` is not a key here, did you mean `state_dir`?; valid: state_dir, inside, shadow, door",
    ),
    (
        "id = \"front\"",
        "id = \"the front\"",
        "line 4: `door.id` is \"the front\"; valid: 1 to 64 of a-z, A-Z, 0-9, `_` and `-`",
    ),
    (
        "id = \"front\"\n",
        "",
        "line 3: `door.id` is missing; valid: the door's name on the server",
    ),
    (
        "id = \"workshop\"",
        "id = \"front\"",
        "line 32: `door.id` is the name `front`, which line 4 has taken; valid: each thing used once",
    ),
    (
        "exit_pin",
        "exitpin",
        "line 5: `door.exitpin` is not a key here, did you mean `exit_pin`?; valid: id, chip, reader, lock, relay, exit_pin, contact_pin, tamper_pin, fire_pin, green_pin, red_pin, buzzer_pin",
    ),
    (
        "exit_pin = 5",
        "exit_pin = 17",
        "line 5: `door.exit_pin` is GPIO 17, which line 20 has taken; valid: each thing used once",
    ),
    (
        "red_pin = 23",
        "red_pin = 22",
        "line 10: `door.red_pin` is GPIO 22, which line 9 has taken; valid: each thing used once",
    ),
    (
        "red_pin = 23",
        "red_pin = 1",
        "line 10: `door.red_pin` is 1; valid: a whole number from 2 to 27",
    ),
    (
        "kind = \"serial\"\n",
        "",
        "line 13: `door.reader.kind` is missing; valid: serial, wiegand, keyboard, pn532, mfrc522, simulated",
    ),
    (
        "kind = \"serial\"",
        "kind = \"serail\"",
        "line 14: `door.reader.kind` is \"serail\"; valid: serial, wiegand, keyboard, pn532, mfrc522, simulated",
    ),
    (
        "device = \"/dev/serial0\"\n",
        "",
        "line 13: `door.reader.device` is missing; valid: a serial device such as \"/dev/serial0\"",
    ),
    (
        "/dev/serial0",
        "serial0",
        "line 15: `door.reader.device` is \"serial0\"; valid: an absolute path, such as \"/dev/serial0\"",
    ),
    (
        "\"rdm6300\"",
        "\"em4100\"",
        "line 16: `door.reader.format` is \"em4100\"; valid: rdm6300, id12, ascii, decimal",
    ),
    (
        "\"rdm6300\"",
        "\"rdm6300\"\nbaud = 9601",
        "line 17: `door.reader.baud` is 9601; valid: 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200",
    ),
    (
        "\"rdm6300\"",
        "\"rdm6300\"\ninput = \"/x\"",
        "line 17: `door.reader.input` is not a key here; valid: kind, device, format, baud, reversed",
    ),
    (
        "[door.lock]\nkind = \"gpio\"\npin = 17\nactive = \"low\"\nunlock_seconds = 3\nrelease = \"until_open\"\nheld_open_seconds = 45\nunreleased = \"ignored\"\n",
        "",
        "line 3: `door.lock` is missing; valid: a table `[door.lock]`",
    ),
    (
        "kind = \"gpio\"",
        "kind = \"relay\"",
        "line 19: `door.lock.kind` is \"relay\"; valid: gpio, simulated",
    ),
    (
        "pin = 17",
        "pin = 40",
        "line 20: `door.lock.pin` is 40; valid: a whole number from 2 to 27",
    ),
    (
        "pin = 17",
        "pin = -1",
        "line 20: `door.lock.pin` is -1; valid: a whole number from 2 to 27",
    ),
    (
        "pin = 17",
        "pin = \"17\"",
        "line 20: `door.lock.pin` is a value of type string; valid: a whole number from 2 to 27",
    ),
    (
        "pin = 17",
        "pin = 14",
        "line 20: `door.lock.pin` is GPIO 14, which line 15 has taken; valid: each thing used once",
    ),
    (
        "pin = 17\n",
        "",
        "line 18: `door.lock.pin` is missing; valid: a whole number from 2 to 27",
    ),
    (
        "active = \"low\"",
        "active = \"off\"",
        "line 21: `door.lock.active` is \"off\"; valid: high, low",
    ),
    (
        "unlock_seconds = 3",
        "unlock_seconds = 0",
        "line 22: `door.lock.unlock_seconds` is 0; valid: a whole number from 1 to 60",
    ),
    (
        "unlock_seconds = 3",
        "unlock_seconds = 2.5",
        "line 22: `door.lock.unlock_seconds` is a value of type float; valid: a whole number from 1 to 60",
    ),
    (
        "unlock_seconds = 3",
        "unlock_second = 3",
        "line 22: `door.lock.unlock_second` is not a key here, did you mean `unlock_seconds`?; valid: kind, unlock_seconds, held_open_seconds, release, unreleased, pin, active",
    ),
    (
        "release = \"until_open\"",
        "release = \"hold\"",
        "line 23: `door.lock.release` is \"hold\"; valid: pulse, until_open",
    ),
    (
        "held_open_seconds = 45",
        "held_open_seconds = 4",
        "line 24: `door.lock.held_open_seconds` is 4; valid: a whole number from 5 to 3600",
    ),
    (
        "contact_pin = 6\n",
        "",
        "line 23: `door.lock.held_open_seconds` needs a door contact; valid: left out, or `contact_pin` at the door",
    ),
    (
        "pin = 27",
        "pin = 17",
        "line 28: `door.relay.pin` is GPIO 17, which line 20 has taken; valid: each thing used once",
    ),
    (
        "follows = \"siren\"",
        "follows = \"horn\"",
        "line 29: `door.relay.follows` is \"horn\"; valid: lock, siren",
    ),
    (
        "follows = \"siren\"\n",
        "",
        "line 27: `door.relay.follows` is missing; valid: lock, siren",
    ),
    (
        "tamper_pin = 12",
        "tamper_pin = 15",
        "line 7: `door.tamper_pin` is GPIO 15, which line 15 has taken; valid: each thing used once",
    ),
    (
        "fire_pin = 13",
        "fire_pin = 12",
        "line 8: `door.fire_pin` is GPIO 12, which line 7 has taken; valid: each thing used once",
    ),
    (
        "id = \"workshop\"",
        "id = \"workshop\"\nchip = \"gpio-sim\"",
        "line 33: `door.chip` needs a lock of kind \"gpio\"; valid: left out: a simulated door is all JSON lines",
    ),
    (
        "id = \"workshop\"",
        "id = \"workshop\"\nred_pin = 9",
        "line 33: `door.red_pin` needs a lock of kind \"gpio\"; valid: left out: a simulated door is all JSON lines",
    ),
];

#[test]
fn every_bad_file_is_told_by_line_key_and_what_would_be_valid() {
    for (good, bad, expected) in BAD {
        assert!(GOOD.contains(good), "{good}");
        assert_eq!(problem(&GOOD.replacen(good, bad, 1)).to_string(), *expected);
    }
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let problem = problem(&GOOD.replace("pin = 17", "pin = "));
    assert_eq!((problem.line, problem.key.as_str()), (20, ""));
}

#[test]
fn a_file_without_doors_or_with_one_door_table_is_told() {
    let none =
        "line 1: `door` is missing: an agent serves one door or more; valid: a `[[door]]` for each";
    assert_eq!(problem("state_dir = \"/s\"").to_string(), none);
    assert_eq!(problem("door = []").to_string(), none);
    let table = problem("state_dir = \"/s\"\n[door]\nid = \"front\"");
    assert_eq!(
        table.to_string(),
        "line 2: `door` is not a list of tables; valid: one `[[door]]` for each door"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_told_by_name() {
    let error = Config::load(Path::new("/nowhere/door-agent.toml")).expect_err("it is not there");
    assert_eq!(
        error.to_string(),
        "cannot read the settings file /nowhere/door-agent.toml (`sudo door-agent setup` writes it)"
    );
}

#[test]
fn any_cut_of_a_good_file_is_read_or_told() {
    for cut in 0..GOOD.len() {
        if let Err(error) = Config::parse(&GOOD[..cut]) {
            assert!(
                matches!(error, ConfigError::Wrong(problem) if problem.line >= 1 && !problem.valid.is_empty())
            );
        }
    }
}

/// The settings of the good file's first reader, changed.
fn with_reader(reader: &str) -> String {
    let good = "kind = \"serial\"\ndevice = \"/dev/serial0\"\nformat = \"rdm6300\"\n";
    assert!(GOOD.contains(good));
    GOOD.replacen(good, reader, 1)
}

#[test]
fn every_kind_of_reader_is_read_with_what_it_leaves_out() {
    let spi = SpiDevice { bus: 0, select: 1 };
    let wiegand = |chip, milliseconds| Source::Wiegand {
        d0: 14,
        d1: 15,
        chip,
        frame_gap: std::time::Duration::from_millis(milliseconds),
    };
    let keyboard = "/dev/input/by-id/usb-reader-event-kbd";
    let kinds = [
        (
            "kind = \"wiegand\"\nd0 = 14\nd1 = 15\n".to_owned(),
            wiegand(Chip::Header, 25),
        ),
        (
            "kind = \"wiegand\"\nd0 = 14\nd1 = 15\nchip = \"gpio-sim\"\nframe_gap_ms = 60\n"
                .to_owned(),
            wiegand(Chip::Label("gpio-sim".to_owned()), 60),
        ),
        (
            "kind = \"wiegand\"\nd0 = 14\nd1 = 15\nchip = \"/dev/gpiochip3\"\n".to_owned(),
            wiegand(Chip::Path("/dev/gpiochip3".into()), 25),
        ),
        (
            format!("kind = \"keyboard\"\ndevice = \"{keyboard}\"\nformat = \"decimal\"\n"),
            Source::Keyboard {
                device: keyboard.into(),
                number: Number::Decimal,
            },
        ),
        (
            "kind = \"pn532\"\ndevice = \"/dev/ttyUSB0\"\n".to_owned(),
            Source::Pn532Serial {
                device: "/dev/ttyUSB0".into(),
                baud: 115_200,
            },
        ),
        (
            "kind = \"pn532\"\ndevice = \"/dev/spidev0.1\"\n".to_owned(),
            Source::Pn532Spi { device: spi },
        ),
        (
            "kind = \"mfrc522\"\ndevice = \"/dev/spidev0.1\"\n".to_owned(),
            Source::Mfrc522 { device: spi },
        ),
    ];
    for (text, source) in kinds {
        for reversed in [false, true] {
            let text = with_reader(&format!("{text}reversed = {reversed}\n"));
            let config = Config::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let source = source.clone();
            assert_eq!(config.doors[0].reader, Reader { source, reversed });
        }
    }
}

#[test]
fn every_bad_reader_is_told() {
    let bad = [
        (
            "kind = \"wiegand\"\nd0 = 14\n",
            "line 13: `door.reader.d1` is missing; valid: a whole number from 2 to 27",
        ),
        (
            "kind = \"wiegand\"\nd0 = 14\nd1 = 14\n",
            "line 16: `door.reader.d1` is GPIO 14, which line 15 has taken; valid: each thing used once",
        ),
        (
            "kind = \"wiegand\"\nchip = \"gpio-sim\"\nd0 = 2\nd1 = 2\n",
            "line 17: `door.reader.d1` is line 2 of gpio-sim, which line 16 has taken; valid: each thing used once",
        ),
        (
            "kind = \"wiegand\"\nd0 = 14\nd1 = 15\nframe_gap_ms = 20\n",
            "line 17: `door.reader.frame_gap_ms` is 20; valid: a whole number from 21 to 250",
        ),
        (
            "kind = \"keyboard\"\ndevice = \"/dev/input/event0\"\nformat = \"ascii\"\n",
            "line 16: `door.reader.format` is \"ascii\"; valid: hex, decimal",
        ),
        (
            "kind = \"mfrc522\"\ndevice = \"/dev/serial0\"\n",
            "line 15: `door.reader.device` is \"/dev/serial0\"; valid: an SPI device such as \"/dev/spidev0.0\"",
        ),
        (
            "kind = \"mfrc522\"\ndevice = \"/dev/spidev0.00\"\n",
            "line 15: `door.reader.device` is \"/dev/spidev0.00\"; valid: an SPI device such as \"/dev/spidev0.0\"",
        ),
        (
            "kind = \"pn532\"\ndevice = \"/dev/spidev1.1\"\n",
            "line 19: `door.lock.pin` is GPIO 17, which line 15 has taken; valid: each thing used once",
        ),
        (
            "kind = \"pn532\"\ndevice = \"/dev/serial0\"\nreversed = \"yes\"\n",
            "line 16: `door.reader.reversed` is a value of type string; valid: true or false",
        ),
        (
            "kind = \"simulated\"\ninput = \"/run/in\"\nreversed = true\n",
            "line 16: `door.reader.reversed` is not a key here; valid: kind, input",
        ),
    ];
    for (reader, expected) in bad {
        assert_eq!(problem(&with_reader(reader)).to_string(), expected);
    }
}

#[test]
fn readers_on_one_bus_share_its_lines_and_nothing_else_may_have_them() {
    let spi = |select| format!("kind = \"mfrc522\"\ndevice = \"/dev/spidev0.{select}\"\n");
    let second = |select: u8| {
        let simulated = "kind = \"simulated\"\ninput = \"/run/building/workshop.in\"\n";
        let text = with_reader(&spi(0));
        assert!(text.contains(simulated));
        text.replacen(simulated, &spi(select), 1)
    };
    Config::parse(&second(1)).expect("two selects of one bus");
    assert_eq!(
        problem(&second(0)).to_string(),
        "line 35: `door.reader.device` is the device /dev/spidev0.0, which line 15 has taken; valid: each thing used once"
    );
    let lock = problem(&with_reader(&spi(0)).replacen("pin = 17", "pin = 10", 1));
    assert_eq!(
        lock.to_string(),
        "line 19: `door.lock.pin` is GPIO 10, which line 15 has taken; valid: each thing used once"
    );
}

#[test]
fn what_a_contact_is_needed_for_is_refused_without_one() {
    let without =
        GOOD.replacen("contact_pin = 6\n", "", 1)
            .replacen("held_open_seconds = 45\n", "", 1);
    assert_eq!(
        problem(&without).to_string(),
        "line 22: `door.lock.release` needs a door contact; valid: left out, or `contact_pin` at the door"
    );
    let pulse = without.replacen("until_open", "pulse", 1);
    let config = Config::parse(&pulse).expect("a pulse needs none");
    let settings = Settings::unlocking(Span::seconds(3));
    assert_eq!(config.doors[0].settings, settings);
}

/// A door on lines of a chip, with a reader on lines of another one if it names one.
fn on_chips(door: &str, reader: &str) -> String {
    format!(
        "[[door]]\nid = \"front\"\n{door}exit_pin = 2\n[door.reader]\nkind = \"wiegand\"\n{reader}d0 = 3\nd1 = 4\n\
         [door.lock]\nkind = \"gpio\"\npin = 400\n"
    )
}

#[test]
fn a_doors_chip_is_its_readers_too_unless_that_names_another_one() {
    let chips = |text: &str| {
        let config = Config::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let door = &config.doors[0];
        match (&door.wiring, &door.reader.source) {
            (Wiring::Gpio(pins), Source::Wiegand { chip, .. }) => (pins.chip.clone(), chip.clone()),
            other => panic!("{other:?}"),
        }
    };
    let label = |name: &str| Chip::Label(name.to_owned());
    let sim = "chip = \"gpio-sim\"\n";
    let path = "chip = \"/dev/gpiochip3\"\n";
    assert_eq!(
        chips(&on_chips(sim, "")),
        (label("gpio-sim"), label("gpio-sim"))
    );
    assert_eq!(
        chips(&on_chips(sim, path)),
        (label("gpio-sim"), Chip::Path("/dev/gpiochip3".into()))
    );
    // One line of one chip is one thing, whoever has it.
    let both = on_chips(sim, "").replacen("exit_pin = 2", "exit_pin = 3", 1);
    assert_eq!(
        problem(&both).to_string(),
        "line 4: `door.exit_pin` is line 3 of gpio-sim, which line 7 has taken; valid: each thing used once"
    );
    chips(&on_chips(sim, path).replacen("exit_pin = 2", "exit_pin = 3", 1));
}

#[test]
fn the_header_by_its_label_has_the_same_numbers() {
    let text = on_chips("chip = \"pinctrl-rp1\"\n", "");
    assert_eq!(
        problem(&text).to_string(),
        "line 11: `door.lock.pin` is 400; valid: a whole number from 2 to 27"
    );
    let text = text.replacen("400", "4", 1);
    assert_eq!(
        problem(&text).to_string(),
        "line 11: `door.lock.pin` is GPIO 4, which line 8 has taken; valid: each thing used once"
    );
}

#[test]
fn one_line_is_one_thing_whatever_its_chip_is_called() {
    let header = |chip: &Chip| match chip {
        Chip::Path(path) if path.ends_with("gpiochip0") => Chip::Header,
        Chip::Path(_) | Chip::Label(_) | Chip::Header => chip.clone(),
    };
    let door = |id: &str, chip: &str| {
        format!(
            "[[door]]\nid = \"{id}\"\n{chip}[door.reader]\nkind = \"simulated\"\ninput = \"/run/{id}\"\n\
             [door.lock]\nkind = \"gpio\"\npin = 17\n"
        )
    };
    let two = |chip: &str| door("front", "") + &door("back", chip);
    let text = two("chip = \"/dev/gpiochip0\"\n");
    let problem = read(&text, header).expect_err("one relay, two doors");
    assert_eq!(
        problem.to_string(),
        "line 17: `door.lock.pin` is GPIO 17, which line 8 has taken; valid: each thing used once"
    );
    let other = two("chip = \"/dev/gpiochip1\"\n");
    assert_eq!(read(&other, header).expect("two chips").doors.len(), 2);
}

#[test]
fn a_file_that_is_no_text_is_wrong_and_its_line_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("door-agent.toml");
    std::fs::write(&path, b"inside = true\n# K\xfcche\n").expect("its own folder");
    let error = Config::load(&path).expect_err("latin 1");
    let ConfigError::Wrong(problem) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        problem.to_string(),
        "line 2: is not UTF-8; valid: a TOML file, which is UTF-8 text"
    );
}
