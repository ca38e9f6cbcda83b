//! What Stripe sends, of any API version, becomes facts: each field from its new place, then from its old one.
//!
//! `null` is as good as absent, words that this version does not know are data, and what a fact cannot do without is
//! named when it is missing. Nothing here panics, whatever the JSON.

mod catalogue;
mod event;
mod invoice;
mod lenient;
pub mod money;
mod subscription;

pub use catalogue::{CustomerInfo, PriceInfo, ProductInfo, customer, item_price, price, product};
pub use event::{Event, Head, overlaid};
pub use invoice::{has_more_lines, invoice};
pub use subscription::{has_more_items, subscription};

/// Something that Stripe sent cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or not an object.
    #[error("the body is not a JSON object, as line {line}, column {column} shows")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// A field without which the object means nothing.
    #[error("the {object} `{id}` has no readable `{field}`")]
    Field {
        /// What was being read.
        object: &'static str,
        /// Its id; empty if it has none.
        id: String,
        /// Path of the field.
        field: String,
    },
}

#[cfg(test)]
mod tests;
