//! The server: what Stripe says becomes what doors know.

pub mod app;
pub mod attention;
pub mod billing;
pub mod clock;
pub mod config;
pub mod doors;
pub mod drive;
pub mod keys;
pub mod location_calendar;
pub mod membership;
mod money;
pub mod random;
pub mod rights;
pub mod serve;
pub mod setup;
pub mod staff;
pub mod store;
mod suggest;
pub mod tools;
pub mod web;
