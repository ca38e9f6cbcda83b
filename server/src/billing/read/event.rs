//! The envelope of an event (docs.stripe.com/api/events/object), with or without a payload.

use super::ReadError;
use super::lenient::{customer_of, id_of, text};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use shared::time::Timestamp;

/// What must be known of an event to keep it; the payload is not looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// `evt_…`
    pub id: String,
    /// `customer.subscription.updated` and the like.
    pub kind: String,
    /// When Stripe made it.
    pub created: Timestamp,
    /// `acct_…`, for events of connected accounts.
    pub account: Option<String>,
    /// Live or test.
    pub livemode: bool,
}

/// An event as Stripe sent it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// `evt_…`
    pub id: String,
    /// `customer.subscription.updated` and the like.
    pub kind: String,
    /// When Stripe made it.
    pub created: Timestamp,
    /// `acct_…`, for events of connected accounts.
    pub account: Option<String>,
    /// Live or test.
    pub livemode: bool,
    /// The version in which the payload is written.
    pub api_version: Option<String>,
    /// The payload; null for thin events.
    pub object: Value,
    /// What changed, as it was before.
    pub previous: Option<Value>,
    /// `subscription`, `invoice`, …
    pub object_kind: Option<String>,
    /// The object's id; previews have none.
    pub object_id: Option<String>,
    /// `cus_…` whom it is about.
    pub customer: Option<String>,
    /// The event with the payload, if this is the thin one beside it.
    pub snapshot: Option<String>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    created: Option<&'a RawValue>,
    #[serde(borrow, default)]
    account: Option<&'a RawValue>,
    #[serde(borrow, default)]
    context: Option<&'a RawValue>,
    #[serde(borrow, default)]
    livemode: Option<&'a RawValue>,
    #[serde(borrow, default)]
    api_version: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    related_object: Option<&'a RawValue>,
    #[serde(borrow, default)]
    snapshot_event: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Payload {
    #[serde(default)]
    object: Value,
    #[serde(default)]
    previous_attributes: Option<Value>,
}

fn parsed<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
}

impl<'a> Envelope<'a> {
    fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        // An array would fill the fields by their place.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(ReadError::NotJson { line: 1, column: 1 });
        }
        serde_json::from_slice(body).map_err(|error| ReadError::NotJson {
            line: error.line(),
            column: error.column(),
        })
    }

    fn text(raw: Option<&'a RawValue>) -> Option<String> {
        parsed::<String>(raw).filter(|text| !text.is_empty())
    }

    fn head(&self) -> Result<Head, ReadError> {
        let id = Self::text(self.id);
        let lacks = |field: &str| ReadError::Field {
            object: "event",
            id: id.clone().unwrap_or_default(),
            field: field.into(),
        };
        Ok(Head {
            id: id.clone().ok_or_else(|| lacks("id"))?,
            kind: Self::text(self.kind).ok_or_else(|| lacks("type"))?,
            created: created(self.created).ok_or_else(|| lacks("created"))?,
            account: Self::text(self.account)
                .or_else(|| self.related_object.and_then(|_| Self::text(self.context))),
            livemode: parsed(self.livemode).ok_or_else(|| lacks("livemode"))?,
        })
    }
}

/// Whole seconds, or RFC 3339 in thin events.
fn created(raw: Option<&RawValue>) -> Option<Timestamp> {
    let value: Value = parsed(raw)?;
    if let Some(seconds) = super::lenient::number(&value) {
        return Some(Timestamp::from_seconds(seconds));
    }
    let moment: jiff::Timestamp = value.as_str()?.parse().ok()?;
    Some(Timestamp(moment.as_millisecond()))
}

impl Head {
    /// Reads the outer fields only.
    pub fn read(body: &[u8]) -> Result<Self, ReadError> {
        Envelope::read(body)?.head()
    }
}

impl Event {
    /// Reads an event from its raw body.
    pub fn read(body: &[u8]) -> Result<Self, ReadError> {
        let envelope = Envelope::read(body)?;
        let Head {
            id,
            kind,
            created,
            account,
            livemode,
        } = envelope.head()?;
        let payload = match (parsed(envelope.data), envelope.data) {
            (Some(payload), _) => payload,
            (None, None) => Payload::default(),
            (None, Some(_)) => {
                return Err(ReadError::Field {
                    object: "event",
                    id,
                    field: "data".to_owned(),
                });
            }
        };
        let related: Value = parsed(envelope.related_object).unwrap_or_default();
        let object = payload.object;
        let object_kind = text(&object, "object").or_else(|| text(&related, "type"));
        let object_id = text(&object, "id").or_else(|| text(&related, "id"));
        let customer = if object_kind == Some("customer") {
            object_id
        } else {
            customer_in(&object)
        };
        Ok(Self {
            id,
            kind,
            created,
            account,
            livemode,
            api_version: Envelope::text(envelope.api_version),
            previous: payload.previous_attributes.filter(Value::is_object),
            object_kind: object_kind.map(str::to_owned),
            object_id: object_id.map(str::to_owned),
            customer: customer.map(str::to_owned),
            snapshot: Envelope::text(envelope.snapshot_event),
            object,
        })
    }

    /// A thin event as if it had shown the object as it was at a moment: those of v1 objects bear the names of the events
    /// with a payload, with `v1.` before them.
    #[must_use]
    pub fn showing(self, object: Value, at: Timestamp) -> Self {
        let kind = self.kind.strip_prefix("v1.").unwrap_or(&self.kind);
        Self {
            kind: kind.to_owned(),
            created: at,
            customer: customer_in(&object).map(str::to_owned),
            object_kind: text(&object, "object").map(str::to_owned),
            object,
            ..self
        }
    }

    /// The invoice of a payload that hangs on one: charges, refunds, credit notes.
    #[must_use]
    pub fn invoice_id(&self) -> Option<&str> {
        self.object.get("invoice").and_then(id_of)
    }

    /// The payload as it was before the event, made of the payload itself, which is gone then; none, and nothing gone, if
    /// nothing says how it was.
    #[must_use]
    pub fn take_before(&mut self) -> Option<Value> {
        let previous = self.previous.take()?;
        Some(overlaid(self.object.take(), previous))
    }
}

/// Whom an object is about.
fn customer_in(object: &Value) -> Option<&str> {
    if text(object, "object") == Some("customer") {
        return text(object, "id");
    }
    customer_of(object)
}

/// The state before a change: objects member by member, everything else whole.
#[must_use]
pub fn overlaid(object: Value, previous: Value) -> Value {
    match (object, previous) {
        (Value::Object(mut now), Value::Object(was)) => {
            for (key, was) in was {
                match now.get_mut(&key) {
                    Some(value) => *value = overlaid(value.take(), was),
                    None => {
                        now.insert(key, was);
                    }
                }
            }
            Value::Object(now)
        }
        (_, previous) => previous,
    }
}
