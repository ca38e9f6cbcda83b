//! The doors that the machine at hand has: they may change while the agent runs.

use super::{Agent, Door, LocalDoor, Output, reports};
use crate::controller;
use shared::door_clock::Sources;
use shared::ids::DoorId;

impl Agent {
    /// A door is there, its lock at rest.
    pub fn open_door(&mut self, door: LocalDoor, sources: Sources) {
        let LocalDoor { id, settings } = door;
        self.doors.insert(id.clone(), Door::at_rest(settings));
        self.assign();
        // What holds now may release it.
        self.door(&id, controller::Input::Tick, sources);
        if self.connected {
            self.publish_status(&id);
        }
    }

    /// A door is there no longer, or will be another one: whoever held its lock has let it rest.
    pub fn close_door(&mut self, id: &DoorId, sources: Sources) {
        let untold = self.doors.get_mut(id);
        let untold = untold.map(|door| door.controller.end(sources.uptime));
        for what in untold.into_iter().flatten() {
            self.log_event(Some(id), what, sources);
        }
        if self.connected
            && let Some(topic) = self.status_topic(id)
        {
            self.out.push_back(Output::Publish {
                topic,
                payload: reports::offline(),
                retain: true,
            });
        }
        self.doors.remove(id);
    }
}
