//! The door agent: decides at the door, offline, from signed lists.

pub mod agent;
pub mod check;
pub mod clock;
pub mod config;
pub mod control;
pub mod controller;
pub mod disk;
pub mod event_loop;
pub mod guard;
pub mod hardware;
pub mod hasty_disk;
pub mod identity;
pub mod keeper;
pub mod link;
pub mod listeners;
pub mod local;
pub mod notify;
pub mod pairing;
pub mod readers;
pub mod realtime;
pub mod records;
pub mod run;
pub mod spool;
pub mod store;
pub mod watch;
pub mod zone;
