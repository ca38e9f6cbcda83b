//! The way between the server and the doors.

pub mod access;
pub mod broker;
mod gate;
pub mod mqtt;
pub mod tls;
