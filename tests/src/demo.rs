//! The demo: the whole building in real time. Server, broker and door agents are the real ones; Stripe is simulated,
//! unless a key of a real test account is given.

pub mod api;
pub mod deeds;
pub mod doors;
pub mod log;
pub mod page;
pub mod story;
pub mod stripe;
pub mod time;
pub mod watch;
