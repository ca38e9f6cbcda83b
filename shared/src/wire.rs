//! What travels between server and doors: CBOR in a signed envelope, bound to its topic.
//!
//! Version 1 only grows: fields are appended with new indices, never moved or reused. The bytes are frozen by
//! `tests/wire_v1.rs`; when that fails, the change is wrong and not the test.

pub mod envelope;
pub mod messages;
pub mod pairing;
pub mod topics;

pub use envelope::{Kind, Opened, WireError, open, seal};
pub use messages::*;
pub use topics::Topic;
