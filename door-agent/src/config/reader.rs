//! The reader of a door: which kind, where it is connected, how it writes a card.

use super::section::{At, Section};
use super::taken::{Chip, Taken};
use super::{Problem, absolute};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

const BAUDS: [u32; 8] = [1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200];
const BAUD: u32 = 9_600;
/// The PN532 starts with it (UM0701-02, section 6.2.3).
const PN532_BAUD: u32 = 115_200;
/// The names of the serial port on the header, and the lines it occupies.
const SERIAL_PORTS: [&str; 3] = ["/dev/serial0", "/dev/ttyAMA0", "/dev/ttyS0"];
const SERIAL_PINS: [u8; 2] = [14, 15];
const SPI: &str = "/dev/spidev";
/// Buses and selects for which the kernel makes device names on any board of today.
const SPI_BUSES: u8 = 6;
const SPI_SELECTS: u8 = 15;
/// The lines of the header that a bus occupies, both selects of the first one included: the kernel takes them together.
const SPI_0_PINS: [u8; 5] = [7, 8, 9, 10, 11];
const SPI_1_PINS: [u8; 3] = [19, 20, 21];
const SPI_1_SELECTS: [u8; 3] = [18, 17, 16];
/// A Wiegand reader may be silent for 20 ms within a frame.
const FRAME_GAP_MS: u32 = 25;
const FRAME_GAPS_MS: std::ops::RangeInclusive<u32> = 21..=250;

/// What reads cards at a door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Where it is connected, and how it speaks.
    pub source: Source,
    /// Whether it writes the bytes of a card in the other order than other readers do.
    pub reversed: bool,
}

/// Where a reader is connected, and how it speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A serial line that a reader writes to by itself.
    Serial {
        /// Such as `/dev/serial0`.
        device: PathBuf,
        /// How it writes a card.
        format: Format,
        /// Bits per second.
        baud: u32,
    },
    /// Two lines, one for zeros and one for ones.
    Wiegand {
        /// The line of the zeros, by its number on the chip.
        d0: u32,
        /// The line of the ones.
        d1: u32,
        /// Which GPIO chip they belong to.
        chip: Chip,
        /// Silence that ends a frame.
        frame_gap: Duration,
    },
    /// A USB reader that types.
    Keyboard {
        /// Such as `/dev/input/by-id/usb-…-event-kbd`.
        device: PathBuf,
        /// What it types.
        number: Number,
    },
    /// A PN532 on its high-speed UART.
    Pn532Serial {
        /// Such as `/dev/serial0`.
        device: PathBuf,
        /// Bits per second.
        baud: u32,
    },
    /// A PN532 on SPI.
    Pn532Spi {
        /// Where.
        device: SpiDevice,
    },
    /// An MFRC522 on SPI.
    Mfrc522 {
        /// Where.
        device: SpiDevice,
    },
    /// JSON lines from a file, a FIFO or a socket.
    Simulated {
        /// Read from here.
        input: PathBuf,
    },
}

/// How a serial reader writes a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RDM6300.
    Rdm6300,
    /// ID-12, ID-20.
    Id12,
    /// A line of hexadecimal digits.
    Ascii,
    /// A line with a decimal number.
    Decimal,
}

/// What the digits are that a reader types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// Two hexadecimal digits for each byte.
    Hex,
    /// One decimal number.
    Decimal,
}

/// `/dev/spidevB.S`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpiDevice {
    /// The bus.
    pub bus: u8,
    /// The chip select.
    pub select: u8,
}

impl SpiDevice {
    /// The device of this name; none if it is not one that an SPI bus of today's boards has.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let number =
            |text: &str, most: u8| text.parse::<u8>().ok().filter(|number| *number <= most);
        let (bus, select) = name.strip_prefix(SPI)?.split_once('.')?;
        let device = Self {
            bus: number(bus, SPI_BUSES)?,
            select: number(select, SPI_SELECTS)?,
        };
        // Compared as text too, so that one device has one name.
        (device.to_string() == name).then_some(device)
    }
}

impl fmt::Display for SpiDevice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{SPI}{}.{}", self.bus, self.select)
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Serial,
    Wiegand,
    Keyboard,
    Pn532,
    Mfrc522,
    Simulated,
}

const KINDS: [(&str, Kind); 6] = [
    ("serial", Kind::Serial),
    ("wiegand", Kind::Wiegand),
    ("keyboard", Kind::Keyboard),
    ("pn532", Kind::Pn532),
    ("mfrc522", Kind::Mfrc522),
    ("simulated", Kind::Simulated),
];

/// The reader of a door; its lines belong to the door's chip unless it names another one.
pub(super) fn reader(
    mut section: Section<'_>,
    chip: &Chip,
    taken: &mut Taken,
) -> Result<Reader, Problem> {
    let source = match section.required_choice("kind", &KINDS)? {
        Kind::Serial => serial(&mut section, taken)?,
        Kind::Wiegand => wiegand(&mut section, chip, taken)?,
        Kind::Keyboard => keyboard(&mut section, taken)?,
        Kind::Pn532 => pn532(&mut section, taken)?,
        Kind::Mfrc522 => Source::Mfrc522 {
            device: spi(&spi_text(&mut section)?, taken)?,
        },
        Kind::Simulated => {
            let input = section.required_text("input", "the path of a file, FIFO or socket")?;
            let source = Source::Simulated {
                input: absolute(input, "/run/door-agent/reader")?,
            };
            // Whoever writes the lines writes the number that is meant.
            section.finish()?;
            return Ok(Reader {
                source,
                reversed: false,
            });
        }
    };
    let reversed = section.flag("reversed")?.unwrap_or(false);
    section.finish()?;
    Ok(Reader { source, reversed })
}

fn serial(section: &mut Section<'_>, taken: &mut Taken) -> Result<Source, Problem> {
    let device = section.required_text("device", "a serial device such as \"/dev/serial0\"")?;
    let device = port(device, taken)?;
    let formats = [
        ("rdm6300", Format::Rdm6300),
        ("id12", Format::Id12),
        ("ascii", Format::Ascii),
        ("decimal", Format::Decimal),
    ];
    Ok(Source::Serial {
        device,
        format: section.required_choice("format", &formats)?,
        baud: baud(section, BAUD)?,
    })
}

/// A serial port, and on a Raspberry Pi the lines it occupies.
fn port(device: At<&str>, taken: &mut Taken) -> Result<PathBuf, Problem> {
    taken.claim(format!("the device {}", device.value), &device)?;
    if SERIAL_PORTS.contains(&device.value) {
        for pin in SERIAL_PINS {
            taken.claim(format!("GPIO {pin}"), &device)?;
        }
    }
    absolute(device, SERIAL_PORTS[0])
}

fn baud(section: &mut Section<'_>, unsaid: u32) -> Result<u32, Problem> {
    let baud = section.number("baud", 1_200..=115_200)?;
    if let Some(baud) = baud.as_ref().filter(|baud| !BAUDS.contains(&baud.value)) {
        return Err(baud.problem(
            format!("is {}", baud.value),
            BAUDS.map(|baud| baud.to_string()).join(", "),
        ));
    }
    Ok(baud.map_or(unsaid, |baud| baud.value))
}

fn wiegand(section: &mut Section<'_>, doors: &Chip, taken: &mut Taken) -> Result<Source, Problem> {
    let chip = Chip::named(section)?.unwrap_or_else(|| doors.clone());
    let d0 = taken.required_line(section, "d0", &chip)?;
    let d1 = taken.required_line(section, "d1", &chip)?;
    let gap = section.number("frame_gap_ms", FRAME_GAPS_MS)?;
    let gap = gap.map_or(FRAME_GAP_MS, |gap| gap.value);
    Ok(Source::Wiegand {
        d0,
        d1,
        chip,
        frame_gap: Duration::from_millis(gap.into()),
    })
}

fn keyboard(section: &mut Section<'_>, taken: &mut Taken) -> Result<Source, Problem> {
    let device = section.required_text(
        "device",
        "an input device such as \"/dev/input/by-id/usb-READER-event-kbd\"",
    )?;
    taken.claim(format!("the device {}", device.value), &device)?;
    let numbers = [("hex", Number::Hex), ("decimal", Number::Decimal)];
    Ok(Source::Keyboard {
        device: absolute(device, "/dev/input/by-id/usb-reader-event-kbd")?,
        number: section.required_choice("format", &numbers)?,
    })
}

fn pn532(section: &mut Section<'_>, taken: &mut Taken) -> Result<Source, Problem> {
    let valid = "a serial or an SPI device, such as \"/dev/serial0\" or \"/dev/spidev0.0\"";
    let device = section.required_text("device", valid)?;
    if device.value.starts_with(SPI) {
        let device = spi(&device, taken)?;
        return Ok(Source::Pn532Spi { device });
    }
    Ok(Source::Pn532Serial {
        device: port(device, taken)?,
        baud: baud(section, PN532_BAUD)?,
    })
}

fn spi_text<'a>(section: &mut Section<'a>) -> Result<At<&'a str>, Problem> {
    section.required_text("device", "an SPI device such as \"/dev/spidev0.0\"")
}

fn spi(device: &At<&str>, taken: &mut Taken) -> Result<SpiDevice, Problem> {
    let Some(spi) = SpiDevice::parse(device.value) else {
        return Err(device.problem(
            format!("is {:?}", device.value),
            "an SPI device such as \"/dev/spidev0.0\"",
        ));
    };
    taken.claim(format!("the device {spi}"), device)?;
    let bus = format!("SPI bus {}", spi.bus);
    let pins: &[u8] = match spi.bus {
        0 => &SPI_0_PINS,
        1 => &SPI_1_PINS,
        _ => &[],
    };
    for pin in pins {
        taken.share(format!("GPIO {pin}"), &bus, device)?;
    }
    if let Some(pin) = SPI_1_SELECTS
        .get(usize::from(spi.select))
        .filter(|_| spi.bus == 1)
    {
        taken.claim(format!("GPIO {pin}"), device)?;
    }
    Ok(spi)
}
