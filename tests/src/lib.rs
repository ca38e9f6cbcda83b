//! The building under test: a simulated Stripe and, around it, what scenarios need.

pub mod bench;
pub mod building;
pub mod chance;
pub mod cores;
pub mod coverage;
pub mod demo;
pub mod random_days;
pub mod settings;
pub mod stripe_sim;
