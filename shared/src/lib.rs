//! The rules and the language of Goodstanding: plain functions over plain data, time passed in.
//!
//! In the order of the flow: facts from Stripe and from admins ([`facts`]) become a [`standing`], standing becomes
//! [`rights`] and an [`allow_list`], the list travels over the [`wire`], a door [`decide`]s from it, and what happened
//! comes back as a [`badge`] event.

pub mod allow_list;
pub mod badge;
pub mod calendar;
pub mod card;
pub mod concerns;
pub mod decide;
pub mod door_clock;
pub mod facts;
pub mod ids;
pub mod keys;
pub mod pin;
pub mod reasons;
pub mod receipts;
pub mod reversals;
pub mod rights;
pub mod schedule;
pub mod seats;
pub mod standing;
pub mod story;
pub mod time;
pub mod wire;
