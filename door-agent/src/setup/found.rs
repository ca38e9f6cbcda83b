//! A reader that has read a card: what the person reads of it, and what the settings will say.

use super::quoted;
use crate::config::{Chip, Format, Number, Source};
use shared::card::CardUid;
use std::fmt;
use std::path::Path;

/// A reader that has read a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Where it is, and how it speaks.
    pub source: Source,
    /// What it read.
    pub card: CardUid,
}

/// As the settings name it.
pub fn format_name(format: Format) -> &'static str {
    match format {
        Format::Rdm6300 => "rdm6300",
        Format::Id12 => "id12",
        Format::Ascii => "ascii",
        Format::Decimal => "decimal",
    }
}

fn number_name(number: Number) -> &'static str {
    match number {
        Number::Hex => "hex",
        Number::Decimal => "decimal",
    }
}

impl Heard {
    /// The lines of its table in the settings.
    pub fn settings(&self) -> String {
        match &self.source {
            Source::Serial {
                device,
                format,
                baud,
            } => {
                let baud = said(9_600, *baud);
                let format = format_name(*format);
                format!(
                    "kind = \"serial\"\n{}\nformat = \"{format}\"{baud}",
                    of(device)
                )
            }
            Source::Wiegand { d0, d1, chip, .. } => {
                let chip = match chip {
                    Chip::Header => String::new(),
                    Chip::Path(_) | Chip::Label(_) => {
                        format!("\nchip = {}", quoted(&chip.to_string()))
                    }
                };
                format!("kind = \"wiegand\"\nd0 = {d0}\nd1 = {d1}{chip}")
            }
            Source::Keyboard { device, number } => {
                let number = number_name(*number);
                format!("kind = \"keyboard\"\n{}\nformat = \"{number}\"", of(device))
            }
            Source::Pn532Serial { device, baud } => {
                format!("kind = \"pn532\"\n{}{}", of(device), said(115_200, *baud))
            }
            Source::Pn532Spi { device } => format!("kind = \"pn532\"\ndevice = \"{device}\""),
            Source::Mfrc522 { device } => format!("kind = \"mfrc522\"\ndevice = \"{device}\""),
            Source::Simulated { input } => {
                let input = quoted(&input.to_string_lossy());
                format!("kind = \"simulated\"\ninput = {input}")
            }
        }
    }

    /// Whether somebody who types the same digits would have written this line.
    pub fn is_typed(&self, line: &str) -> bool {
        let Source::Keyboard { number, .. } = self.source else {
            return false;
        };
        crate::readers::typed(number, line).as_ref() == Some(&self.card)
    }
}

fn of(device: &Path) -> String {
    format!("device = {}", quoted(&device.to_string_lossy()))
}

fn said(usual: u32, baud: u32) -> String {
    if baud == usual {
        String::new()
    } else {
        format!("\nbaud = {baud}")
    }
}

/// What a reader is and where, in short.
pub fn place(source: &Source) -> String {
    match source {
        Source::Serial { device, .. } => device.display().to_string(),
        Source::Wiegand { d0, d1, .. } => {
            format!("the Wiegand reader with D0 at GPIO {d0} and D1 at GPIO {d1}")
        }
        Source::Keyboard { device, .. } => format!("the keyboard {}", device.display()),
        Source::Pn532Serial { device, .. } => format!("the PN532 at {}", device.display()),
        Source::Pn532Spi { device } => format!("the PN532 at {device}"),
        Source::Mfrc522 { device } => format!("the MFRC522 at {device}"),
        Source::Simulated { input } => input.display().to_string(),
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (digits, place) = (self.card.last_digits(), place(&self.source));
        write!(out, "A card that ends in {digits} at {place}")?;
        match &self.source {
            Source::Serial { format, baud, .. } => {
                write!(out, ", written as {} at {baud} baud.", format_name(*format))?;
                decimal(out, *format == Format::Decimal, "ascii")
            }
            Source::Keyboard { number, .. } => {
                write!(out, ", typed as {}.", number_name(*number))?;
                decimal(out, *number == Number::Decimal, "hex")
            }
            Source::Wiegand { .. }
            | Source::Pn532Serial { .. }
            | Source::Pn532Spi { .. }
            | Source::Mfrc522 { .. }
            | Source::Simulated { .. } => out.write_str("."),
        }
    }
}

fn decimal(out: &mut fmt::Formatter<'_>, is_decimal: bool, other: &str) -> fmt::Result {
    if is_decimal {
        write!(
            out,
            " Its ten digits are taken for a decimal number; if `door-agent watch` shows letters for other cards, the format is {other}."
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Reader, SpiDevice};
    use std::path::PathBuf;
    use std::time::Duration;

    #[test]
    fn what_is_written_of_every_kind_of_reader_is_read_back_as_the_same() {
        let spi = SpiDevice { bus: 0, select: 1 };
        let serial = |baud| Source::Serial {
            device: PathBuf::from("/dev/ttyUSB0"),
            format: Format::Id12,
            baud,
        };
        let pn532 = |baud| Source::Pn532Serial {
            device: PathBuf::from("/dev/serial0"),
            baud,
        };
        let wiegand = |chip| Source::Wiegand {
            d0: 14,
            d1: 15,
            chip,
            frame_gap: Duration::from_millis(25),
        };
        let keyboard = |number| Source::Keyboard {
            device: PathBuf::from("/dev/input/by-id/usb-Maker_\"Reader\"-event-kbd"),
            number,
        };
        let sources = [
            serial(9_600),
            serial(19_200),
            wiegand(Chip::Header),
            wiegand(Chip::Label("gpio-sim".to_owned())),
            keyboard(Number::Hex),
            keyboard(Number::Decimal),
            pn532(115_200),
            pn532(9_600),
            Source::Pn532Spi { device: spi },
            Source::Mfrc522 { device: spi },
        ];
        for source in sources {
            let heard = Heard {
                source: source.clone(),
                card: CardUid::parse("04A1B2C3").expect("a card"),
            };
            let text = format!(
                "[[door]]\nid = \"front\"\n[door.reader]\n{}\n[door.lock]\nkind = \"gpio\"\npin = 17\n",
                heard.settings()
            );
            let config = Config::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let reversed = false;
            assert_eq!(config.doors[0].reader, Reader { source, reversed });
            assert!(!heard.to_string().contains("04A1"), "{heard}");
        }
    }

    #[test]
    fn only_what_a_keyboard_typed_is_taken_for_typed() {
        let keyboard = |number, card| Heard {
            source: Source::Keyboard {
                device: PathBuf::from("/dev/input/event0"),
                number,
            },
            card: CardUid::parse(card).expect("a card"),
        };
        let decimal = keyboard(Number::Decimal, "00BC614E");
        assert!(decimal.is_typed("0012345678"));
        assert!(
            !decimal.is_typed("17") && !decimal.is_typed("0012345679") && !decimal.is_typed("")
        );
        assert!(keyboard(Number::Hex, "04A1B2C3").is_typed("04a1b2c3"));
        let serial = Heard {
            source: Source::Pn532Serial {
                device: PathBuf::from("/dev/serial0"),
                baud: 115_200,
            },
            ..decimal
        };
        assert!(!serial.is_typed("0012345678"));
    }
}
