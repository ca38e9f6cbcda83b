//! The server: what Stripe says becomes what doors know.

pub mod doors;
