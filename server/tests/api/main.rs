//! The interface as those who use it meet it: every resource, every class of bad input.

mod alarms;
mod attention;
mod by_hand;
mod catalogue;
mod doors;
mod doubts;
mod gift_cards;
mod happened;
mod hours;
mod importing;
mod inductions;
mod order;
mod pages;
mod people;
mod pins;
mod plan_changes;
mod readers;
mod refused;
mod reports;
mod rules;
mod seats;
mod story;
mod stripe;
mod support;
mod sweep;
mod twin;
