//! The building under test: a simulated Stripe and, around it, what scenarios need.

pub mod stripe_sim;
