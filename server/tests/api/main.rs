//! The interface as those who use it meet it: every resource, every class of bad input.

mod doors;
mod happened;
mod order;
mod people;
mod refused;
mod rules;
mod support;
