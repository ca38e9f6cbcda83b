//! The way between the server and the doors.

pub mod access;
pub mod access_table;
pub mod alarms;
pub mod broker;
pub mod commands;
mod gate;
pub mod home_assistant;
pub mod intake;
pub mod mqtt;
pub mod pairing;
pub mod publish;
pub mod refused;
pub mod tls;
