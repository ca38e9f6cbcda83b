//! What Home Assistant needs to show the doors by itself: MQTT discovery documents, one for each thing of a door.
//!
//! They describe the doors' status topics, which are decoration: nothing is concluded from them, and nothing can be opened
//! through them. See <https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery>.

use super::publish::Publication;
use crate::store::places::Door;
use serde_json::{Value, json};
use shared::ids::{DoorId, OrganisationId};
use shared::wire::Topic;
use shared::wire::topics::Channel;

/// The topic under which Home Assistant looks for such documents, by its own default.
pub const USUAL_PREFIX: &str = "homeassistant";

/// One thing of a door: its kind there, our name for it, what people read, its class, and how it is read from the status.
const THINGS: [(&str, &str, &str, Option<&str>, &str); 4] = [
    (
        "binary_sensor",
        "lock",
        "Lock",
        Some("lock"),
        "{{ 'ON' if value_json.lock == 'released' else 'OFF' }}",
    ),
    (
        "binary_sensor",
        "contact",
        "Door",
        Some("door"),
        "{{ 'ON' if value_json.door == 'open' else 'OFF' if value_json.door == 'closed' else 'None' }}",
    ),
    (
        "binary_sensor",
        "alarm",
        "Alarm",
        Some("problem"),
        "{{ 'ON' if value_json.alarms else 'OFF' }}",
    ),
    (
        "sensor",
        "badge",
        "Last badge",
        None,
        "{{ value_json.last_badge.reason if value_json.last_badge else 'none' }}",
    ),
];

/// As which device Home Assistant knows a door.
#[must_use]
pub fn device(organisation: &OrganisationId, door: &DoorId) -> String {
    format!("goodstanding_{organisation}_{door}")
}

/// The documents of a door, below Home Assistant's prefix.
pub fn documents<'a>(
    prefix: &'a str,
    organisation: &'a OrganisationId,
    door: &'a Door,
) -> impl Iterator<Item = Publication> + 'a {
    let status = Topic::new(organisation, Channel::Status(door.id.clone())).to_string();
    let device = device(organisation, &door.id);
    THINGS
        .into_iter()
        .map(move |(kind, thing, name, class, template)| {
            let mut document = json!({
                "name": name,
                "unique_id": format!("{device}_{thing}"),
                "state_topic": status,
                "value_template": template,
                "availability_topic": status,
                "availability_template": "{{ 'online' if value_json.online else 'offline' }}",
                "device": {"identifiers": [device], "name": door.name, "manufacturer": "Goodstanding"},
                "origin": {"name": "Goodstanding", "sw_version": env!("CARGO_PKG_VERSION")},
            });
            if let (Some(class), Value::Object(document)) = (class, &mut document) {
                document.insert("device_class".to_owned(), class.into());
            }
            if thing == "alarm" || thing == "badge" {
                // Which alarms, and when the badge was shown.
                document["json_attributes_topic"] = status.clone().into();
            }
            Publication {
                topic: format!("{prefix}/{kind}/{device}/{thing}/config"),
                payload: serde_json::to_vec(&document).expect("plain data is JSON"),
                retain: true,
                may_wait: false,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_of_a_door_has_its_document_and_none_can_be_commanded() {
        let organisation = OrganisationId::new("main").expect("a name");
        let door = Door {
            id: "front".parse().expect("a name"),
            name: "Front door".to_owned(),
            zone: "house".parse().expect("a name"),
            agent: None,
            enrols: false,
            again_within: None,
        };
        let documents: Vec<Publication> = documents(USUAL_PREFIX, &organisation, &door).collect();
        let topics: Vec<&str> = documents.iter().map(|one| one.topic.as_str()).collect();
        assert_eq!(
            topics,
            [
                "homeassistant/binary_sensor/goodstanding_main_front/lock/config",
                "homeassistant/binary_sensor/goodstanding_main_front/contact/config",
                "homeassistant/binary_sensor/goodstanding_main_front/alarm/config",
                "homeassistant/sensor/goodstanding_main_front/badge/config",
            ]
        );
        for one in documents {
            assert!(one.retain);
            let document: Value = serde_json::from_slice(&one.payload).expect("JSON");
            assert_eq!(document["state_topic"], "gs/1/main/doors/front/status");
            assert_eq!(document.get("command_topic"), None);
        }
    }
}
