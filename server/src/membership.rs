//! Facts become standing, and standing becomes list changes, in one transaction.

pub mod build;
pub mod bulk;
pub mod card_number;
pub mod cards;
pub(crate) mod causes;
pub mod clock;
mod concerns;
pub mod demands;
pub mod derive;
pub mod entrance;
pub mod explain;
pub mod forget;
pub mod history;
pub mod link;
pub mod locked_out;
pub mod story;
pub mod way_back;
