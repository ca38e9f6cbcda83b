//! The door agent: decides at the door, offline, from signed lists.

pub mod disk;
pub mod records;
pub mod store;
