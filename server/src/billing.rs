//! Stripe: what it sends is checked, read leniently, put in order and mirrored; what it is asked goes through one client.

pub mod apply;
pub mod client;
pub mod fetch;
pub mod news;
pub mod notices;
pub mod order;
mod prices;
pub mod read;
pub mod receive;
mod settle;
pub mod sheet;
pub mod signature;
pub mod tag;
mod trace;
