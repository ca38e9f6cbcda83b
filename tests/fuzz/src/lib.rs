//! What eats bytes that come from outside, each as a function of bytes that panics where a promise is broken, and otherwise
//! says whether it could make anything of them.
//!
//! A fuzzer makes the bytes up; `tests/corpus` runs the same functions with the seeds and with changes of them.

mod files;
mod readers;
mod wire;

/// Feeds one eater.
pub type Eat = fn(&[u8]) -> bool;

/// Every eater by the name of its target and of its folder of seeds.
pub const TARGETS: &[(&str, Eat)] = &[
    ("rdm6300", readers::rdm6300),
    ("id12", readers::id12),
    ("ascii", readers::ascii),
    ("wiegand", readers::wiegand),
    ("keyboard", readers::keyboard),
    ("pn532_frames", readers::pn532_frames),
    ("pn532", readers::pn532),
    ("mfrc522", readers::mfrc522),
    ("simulated_line", readers::simulated_line),
    ("card_number", readers::card_number),
    ("settings", files::settings),
    ("list", files::list),
    ("list_files", files::list_files),
    ("counters", files::counters),
    ("identity", files::identity),
    ("spool", files::spool),
    ("envelope", wire::envelope),
    ("sealed", wire::sealed),
    ("topic", wire::topic),
    ("head", wire::head),
    ("policy", wire::policy),
    ("delta", wire::delta),
    ("config", wire::config),
    ("card_keys", wire::card_keys),
    ("sync", wire::sync),
    ("request", wire::request),
    ("report", wire::report),
    ("events", wire::events),
    ("badge_event", wire::badge_event),
    ("ack", wire::ack),
    ("command", wire::command),
    ("result", wire::result),
    ("pairing_code", wire::pairing_code),
    ("server_hello", wire::server_hello),
    ("pair_request", wire::pair_request),
    ("pairing", wire::pairing),
];

/// Feeds the eater of that name; true if it could make anything of it.
///
/// # Panics
/// If there is none, or a promise of it is broken.
pub fn eat(name: &str, data: &[u8]) -> bool {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, eat) = target.expect("every target is in the list");
    eat(data)
}
