//! The way between the server and the doors.

pub mod access;
pub mod access_table;
pub mod broker;
mod gate;
pub mod intake;
pub mod mqtt;
pub mod publish;
pub mod tls;
pub mod commands;
pub mod pairing;
