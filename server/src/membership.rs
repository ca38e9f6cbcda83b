//! Facts become standing, and standing becomes list changes, in one transaction.

pub mod build;
pub mod clock;
pub mod derive;
pub mod link;
