//! The most tangled cases: their events in every order, doubled, in one second and in their own, with and without a key.
//!
//! Each case is lived through at the simulated Stripe, which makes the events. A server that knows what came before hears
//! of them in each order and always comes to the same.

mod cases;
mod tangle;
