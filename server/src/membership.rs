//! Facts become standing, and standing becomes list changes, in one transaction.

pub mod build;
pub mod cards;
pub mod clock;
pub mod demands;
pub mod derive;
pub mod explain;
pub mod history;
pub mod link;
pub mod story;
