//! The built programs among real ones: databases, brokers, a serial line, Stripe's own library, kill -9 at any moment.
//!
//! `tests/run real` builds the programs and says where everything is. Nothing here waits for a guessed time: every step
//! waits until what it needs can be seen, and fails if that does not come.

mod agent;
mod bad_input;
mod browser;
mod club;
mod commands;
mod connected;
mod hand_clock;
mod http;
mod impostor;
mod kill;
mod kill_agent;
mod localstripe;
mod mail;
mod missed;
mod mosquitto;
mod offline;
mod pi;
mod postgres;
mod program;
mod rich;
mod server;
mod standing;
mod stripe;
mod stripe_cli;
mod stripe_honest;
mod triggers;
mod uml;
mod wait;
