//! The door agent: decides at the door, offline, from signed lists.

pub mod agent;
pub mod clock;
pub mod controller;
pub mod disk;
pub mod identity;
pub mod keeper;
pub mod link;
pub mod pairing;
pub mod records;
pub mod spool;
pub mod store;
pub mod zone;
