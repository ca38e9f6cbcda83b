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
pub mod mail;
pub mod membership;
mod money;
pub mod oidc;
pub mod own;
pub mod passkeys;
pub mod random;
pub mod rights;
pub mod said;
pub mod serve;
pub mod setup;
pub mod staff;
pub mod store;
mod suggest;
pub mod tools;
pub mod web;
mod words;
