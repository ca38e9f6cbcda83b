//! Stripe: what it sends is checked, read leniently, put in order and mirrored; what it is asked goes through one client.

pub mod apply;
mod ask;
pub mod catalogue;
pub mod client;
pub mod differences;
pub mod discounts;
pub mod fetch;
pub mod gift;
pub mod import;
pub mod news;
pub mod notices;
mod oddities;
pub mod order;
pub mod plan_change;
mod prices;
pub mod pull;
pub mod read;
pub mod receive;
pub mod reconcile;
pub mod retrofit;
pub mod roll;
mod settle;
pub mod sheet;
pub mod signature;
pub mod tag;
mod thin;
mod trace;
