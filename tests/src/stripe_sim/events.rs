//! Events: what changed, in which shape it was written down, and who asked for it.

use serde_json::{Map, Value, json};

use super::StripeSim;
use super::render::{Shape, render};

/// An event and the two states it stands between, from which its body can be drawn in any shape.
#[derive(Clone, Debug)]
pub struct Event {
    /// `evt_…`
    pub id: String,
    /// Stripe's event type.
    pub kind: String,
    /// Unix seconds; several events share one.
    pub created: i64,
    /// The account's API version when the event was created.
    pub shape: Shape,
    /// Whether a webhook delivery of it has succeeded, once anything is known about that.
    pub delivered: Option<bool>,
    pub(crate) object: Value,
    pub(crate) before: Option<Value>,
    pub(crate) request: Option<(String, Option<String>)>,
    /// The connected account it comes from.
    pub(crate) account: Option<String>,
}

impl Event {
    /// The body as Stripe would send it to an endpoint of that API shape.
    pub fn body(&self, shape: Shape, livemode: bool) -> Value {
        let object = render(&self.object, shape);
        let mut data = Map::new();
        if let Some(before) = &self.before {
            let before = previous_attributes(&render(before, shape), &object);
            data.insert("previous_attributes".to_owned(), Value::Object(before));
        }
        data.insert("object".to_owned(), object);
        let request = match &self.request {
            Some((id, key)) => json!({"id": id, "idempotency_key": key}),
            None => json!({"id": null, "idempotency_key": null}),
        };
        let mut body = json!({
            "id": self.id, "object": "event", "api_version": shape.version(), "created": self.created,
            "livemode": livemode, "pending_webhooks": i64::from(self.delivered != Some(true)),
            "request": request, "type": self.kind,
        });
        // Moved: the macro would copy it.
        body["data"] = Value::Object(data);
        // docs.stripe.com/connect/webhooks
        if let Some(account) = &self.account {
            body["account"] = json!(account);
        }
        body
    }
}

/// What `after` no longer says of `before`: hashes member by member, arrays whole, new members as null.
///
/// docs.stripe.com/api/events/object#event_object-data-previous_attributes
pub(crate) fn previous_attributes(before: &Value, after: &Value) -> Map<String, Value> {
    let mut changed = Map::new();
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else {
        return changed;
    };
    for (key, was) in old {
        let is = new.get(key).unwrap_or(&Value::Null);
        if was == is {
            continue;
        }
        if was.is_object() && is.is_object() {
            changed.insert(key.clone(), Value::Object(previous_attributes(was, is)));
        } else {
            changed.insert(key.clone(), was.clone());
        }
    }
    for key in new.keys().filter(|key| !old.contains_key(*key)) {
        changed.insert(key.clone(), Value::Null);
    }
    changed
}

impl StripeSim {
    /// Writes down that something exists or has ended; answers its place among the events.
    pub(crate) fn emit(&mut self, kind: &str, object: Value) -> usize {
        self.push_event(kind, object, None)
    }

    /// Writes down a change, unless nothing changed.
    pub(crate) fn emit_change(&mut self, kind: &str, before: Value, after: Value) {
        if before != after {
            self.push_event(kind, after, Some(before));
        }
    }

    fn push_event(&mut self, kind: &str, object: Value, before: Option<Value>) -> usize {
        let id = self.next_id("evt_1");
        self.events.push(Event {
            id,
            kind: kind.to_owned(),
            created: self.wall_time.unwrap_or(self.now),
            shape: self.shape,
            delivered: None,
            object,
            before,
            request: self.current_request.clone(),
            account: self.platform.then(|| self.account.clone()),
        });
        self.events.len() - 1
    }

    /// Something is told of which no rule is simulated.
    pub fn tell(&mut self, kind: &str, object: Value) {
        self.emit(kind, object);
    }

    /// A second event object for each change since the first `from` events, as Stripe makes them at times
    /// (docs.stripe.com/webhooks#handle-duplicate-events).
    pub fn tell_again(&mut self, from: usize) {
        let told: Vec<Event> = self.events.iter().skip(from).cloned().collect();
        for event in told {
            let id = self.next_id("evt_1");
            self.events.push(Event { id, ..event });
        }
    }

    /// The events created since the last call, oldest first, each in the account's shape when it was created.
    pub fn take_events(&mut self) -> Vec<Value> {
        let livemode = self.livemode;
        self.take_event_records()
            .iter()
            .map(|event| event.body(event.shape, livemode))
            .collect()
    }

    /// The same as records, to be drawn in the shape of each endpoint.
    pub fn take_event_records(&mut self) -> Vec<Event> {
        let fresh = self
            .events
            .get(self.taken..)
            .map(<[Event]>::to_vec)
            .unwrap_or_default();
        self.taken = self.events.len();
        fresh
    }

    /// All events of the account, oldest first.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Notes what became of an event's webhook delivery, for `delivery_success=` on `/v1/events`.
    pub fn note_delivery(&mut self, event: &str, delivered: bool) {
        if let Some(found) = self
            .events
            .iter_mut()
            .rev()
            .find(|candidate| candidate.id == event)
        {
            found.delivered = Some(delivered);
        }
    }
}
