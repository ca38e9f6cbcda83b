//! What a card's number says to the person who wires a reader, and how other readers would show it.

use super::reversed;
use crate::config::{Format, Number, Reader, Source};
use shared::card::CardUid;

/// A few lines about a card that this reader read. The number itself, whole or in parts, is in them only if it is to be
/// revealed.
#[must_use]
pub fn explain(reader: &Reader, uid: &CardUid, reveal: bool) -> Vec<String> {
    let bytes = uid.as_bytes();
    let wiegand = matches!(reader.source, Source::Wiegand { .. });
    let mut lines = vec![kind(&reader.source, bytes.len())];
    if reader.reversed {
        lines.push("its bytes are turned, because `reversed` is set".to_owned());
    }
    if is_part(&reader.source) {
        lines.push(
            "the reader does not tell what the card has before these bytes: cards that differ only there are one card here"
                .to_owned(),
        );
    }
    if !reveal {
        lines.push("`--reveal` shows the number, and how other readers show it".to_owned());
        return lines;
    }
    if wiegand {
        let turned = reversed(uid);
        lines.push(facility(if reader.reversed {
            turned.as_bytes()
        } else {
            bytes
        }));
    }
    lines.push(elsewhere(uid));
    lines
}

fn kind(source: &Source, len: usize) -> String {
    let by = match source {
        Source::Serial { format, .. } => match format {
            Format::Rdm6300 => "RDM6300",
            Format::Id12 => "ID-12",
            Format::Ascii => "a line of hexadecimal digits",
            Format::Decimal => "a line with a decimal number",
        },
        Source::Wiegand { .. } => match len {
            3 => "Wiegand, 26 bits (H10301)",
            4 => "Wiegand, 34 bits",
            _ => "Wiegand, 37 bits (H10302 or H10304), 35 without the parities",
        },
        Source::Keyboard { number, .. } => match number {
            Number::Hex => "typed hexadecimal digits",
            Number::Decimal => "a typed decimal number",
        },
        Source::Pn532Serial { .. } | Source::Pn532Spi { .. } => "PN532, ISO/IEC 14443 type A",
        Source::Mfrc522 { .. } => "MFRC522, ISO/IEC 14443 type A",
        Source::Simulated { .. } => "simulated",
    };
    format!("{by}; {len} bytes")
}

/// Whether such a reader may leave out the first bytes of a card.
fn is_part(source: &Source) -> bool {
    match source {
        Source::Wiegand { .. } => true,
        Source::Serial { format, .. } => *format == Format::Decimal,
        Source::Keyboard { number, .. } => *number == Number::Decimal,
        Source::Pn532Serial { .. }
        | Source::Pn532Spi { .. }
        | Source::Mfrc522 { .. }
        | Source::Simulated { .. } => false,
    }
}

/// What a Wiegand frame of this many bytes says by its format.
fn facility(bytes: &[u8]) -> String {
    let all = number(bytes);
    match bytes.len() {
        3 => format!("facility {}, number {}", all >> 16, all & 0xffff),
        4 => format!(
            "facility {} (16 bits), number {}; or {all} in one",
            all >> 16,
            all & 0xffff
        ),
        _ => format!(
            "H10304: facility {}, number {}; H10302: number {all}",
            all >> 19,
            all & 0x7_ffff
        ),
    }
}

fn elsewhere(uid: &CardUid) -> String {
    let bytes = uid.as_bytes();
    let mut ways = Vec::new();
    if let Some((_, four)) = bytes.split_last_chunk::<4>() {
        ways.push(format!("{:010} (last 4 bytes, decimal)", number(four)));
    }
    if let Some((_, three)) = bytes.split_last_chunk::<3>() {
        let all = number(three);
        ways.push(format!(
            "{:03},{:05} (last 3 bytes, facility and number)",
            all >> 16,
            all & 0xffff
        ));
    }
    ways.push(format!("{} (bytes turned)", reversed(uid).reveal()));
    format!("other readers show it as {}", ways.join(", "))
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Chip, SpiDevice};
    use std::time::Duration;

    fn reader(source: Source) -> Reader {
        Reader {
            source,
            reversed: false,
        }
    }

    fn serial(format: Format) -> Reader {
        reader(Source::Serial {
            device: "/dev/serial0".into(),
            format,
            baud: 9_600,
        })
    }

    fn wiegand() -> Reader {
        reader(Source::Wiegand {
            d0: 14,
            d1: 15,
            chip: Chip::Header,
            frame_gap: Duration::from_millis(25),
        })
    }

    fn mfrc522() -> Reader {
        let device = SpiDevice { bus: 0, select: 0 };
        reader(Source::Mfrc522 { device })
    }

    fn said(reader: &Reader, uid: &str, reveal: bool) -> String {
        let uid = CardUid::parse(uid).expect("a good number");
        explain(reader, &uid, reveal).join("\n")
    }

    #[test]
    fn a_card_is_shown_as_other_readers_would() {
        assert_eq!(
            said(&serial(Format::Rdm6300), "62E3086CED", true),
            "RDM6300; 5 bytes\n\
             other readers show it as 3808980205 (last 4 bytes, decimal), 008,27885 (last 3 bytes, facility and number), ED6C08E362 (bytes turned)"
        );
    }

    #[test]
    fn facility_and_number_of_each_wiegand_format_are_told() {
        // Civintec's example, and one computed from H10304: facility 12345, number 67890.
        let facility = "facility 212, number 7041";
        assert!(said(&wiegand(), "D41B81", true).contains(facility));
        let turned = Reader {
            reversed: true,
            ..wiegand()
        };
        let text = said(&turned, "811BD4", true);
        assert!(
            text.contains(facility) && text.contains("`reversed`"),
            "{text}"
        );
        assert!(
            said(&wiegand(), "89D41B81", true).contains("facility 35284 (16 bits), number 7041")
        );
        assert!(
            said(&wiegand(), "0181C90932", true)
                .contains("H10304: facility 12345, number 67890; H10302: number 6472403250")
        );
    }

    #[test]
    fn what_is_left_out_is_told() {
        assert!(said(&wiegand(), "D41B81", false).contains("differ only there"));
        assert!(said(&serial(Format::Decimal), "08686CED", false).contains("differ only there"));
        assert!(!said(&serial(Format::Ascii), "08686CED", false).contains("differ only there"));
    }

    #[test]
    fn nothing_of_a_number_is_told_unless_it_is_to_be_revealed() {
        for reader in [wiegand(), serial(Format::Decimal), mfrc522()] {
            let one = said(&reader, "04D41B81", false);
            assert_eq!(one, said(&reader, "05123456", false));
            assert_ne!(one, said(&reader, "04D41B81", true));
        }
    }
}
