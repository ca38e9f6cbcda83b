//! The pages as browsers meet them: signing in, rights, forms, and what other sites must not do.

mod audit;
pub mod browser;
mod bulk;
mod cards;
mod desk;
mod doing;
mod money;
mod own_data;
mod own_in;
mod own_money;
mod passkeys;
mod places;
mod provider;
mod rights;
mod signing_in;
mod start;
mod switching;

pub use browser::{Browser, PASSWORD};
