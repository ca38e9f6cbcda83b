//! Looking into JSON without ever failing, and naming what is missing.

use super::ReadError;
use serde_json::Value;
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// An object being read: its kind and id for error texts.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) object: &'static str,
    pub(super) id: &'a str,
    pub(super) value: &'a Value,
}

impl<'a> Reading<'a> {
    /// Refuses what says that it is something else; `or_a` is another kind that reads alike.
    pub(super) fn of(
        object: &'static str,
        or_a: &'static str,
        value: &'a Value,
    ) -> Result<Self, ReadError> {
        let mut reading = Self {
            object,
            id: "",
            value,
        };
        if text(value, "object").is_some_and(|kind| kind != object && kind != or_a) {
            return Err(reading.lacks("object"));
        }
        reading.id = reading.need("id", text(value, "id"))?;
        Ok(reading)
    }

    pub(super) fn lacks(&self, field: impl Into<String>) -> ReadError {
        ReadError::Field {
            object: self.object,
            id: self.id.to_owned(),
            field: field.into(),
        }
    }

    pub(super) fn need<T>(&self, field: &str, found: Option<T>) -> Result<T, ReadError> {
        found.ok_or_else(|| self.lacks(field))
    }

    /// A field of the `at`th entry of a list.
    pub(super) fn need_in<T>(
        &self,
        list: &str,
        at: usize,
        field: &str,
        found: Option<T>,
    ) -> Result<T, ReadError> {
        found.ok_or_else(|| self.lacks(format!("{list}[{at}].{field}")))
    }
}

/// A text that is not empty.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value
        .get(key)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// A text along a path.
pub(super) fn text_at<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// `true` and nothing else.
pub(super) fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}

/// A whole number, also when written as a text or with a point.
pub(super) fn whole(value: &Value, key: &str) -> Option<i64> {
    number(value.get(key)?)
}

pub(super) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| rounded(number.as_f64()?)),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the range was checked, and nothing is behind the point"
)]
fn rounded(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

/// Stripe's whole seconds as a moment.
pub(super) fn moment(value: &Value, key: &str) -> Option<Timestamp> {
    whole(value, key).map(Timestamp::from_seconds)
}

/// An id, or the object it stands for.
pub(super) fn id_of(value: &Value) -> Option<&str> {
    let id = value
        .as_str()
        .or_else(|| value.get("id").and_then(Value::as_str));
    id.filter(|id| !id.is_empty())
}

/// An id, or the object it stands for, under a key.
pub(super) fn reference<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(id_of)
}

/// The entries of Stripe's list object or of a plain array.
pub(super) fn entries<'a>(value: &'a Value, key: &str) -> Option<&'a [Value]> {
    let list = value.get(key)?;
    list.as_array()
        .or_else(|| list.get("data").and_then(Value::as_array))
        .map(Vec::as_slice)
}

/// The customer, who may be an account since clover.
pub(super) fn customer_of(value: &Value) -> Option<&str> {
    reference(value, "customer").or_else(|| reference(value, "customer_account"))
}

/// Texts under a key; entries that are no text are left out.
pub(super) fn texts(value: &Value, key: &str) -> BTreeMap<String, String> {
    let entries = value.get(key).and_then(Value::as_object);
    let pairs = entries.into_iter().flatten();
    pairs
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// Seats: one where nothing is counted, none below zero.
pub(super) fn seats(value: &Value) -> u32 {
    whole(value, "quantity").map_or(1, |count| u32::try_from(count.max(0)).unwrap_or(u32::MAX))
}
