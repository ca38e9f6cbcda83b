//! The doors: each hears what concerns it, and what it says is done.

use super::{Agent, Door, Drive, LastBadge, Output, zone_view};
use crate::controller;
use shared::badge::What;
use shared::door_clock::Sources;
use shared::ids::{DoorId, ZoneId};

impl Agent {
    /// Lets a door hear something and does what it says, the badge event first.
    pub(super) fn door(&mut self, id: &DoorId, input: controller::Input, sources: Sources) {
        let now = self.moment(sources);
        let Some(door) = self.doors.get_mut(id) else {
            tracing::warn!(door.id = %id, "nothing happens: the settings name no such door");
            return;
        };
        let view = door
            .zone
            .as_ref()
            .and_then(|zone| self.zones.get(zone))
            .map(zone_view)
            .unwrap_or_default();
        let view = controller::View {
            again_within: door.again_within,
            ..view
        };
        let before = door.shown();
        let commands = door.controller.handle(input, now, view);
        let told = |command: &controller::Command| {
            if let controller::Command::Event(What::Card { reason, .. }) = command {
                Some(*reason)
            } else {
                None
            }
        };
        if let Some(reason) = commands.iter().rev().find_map(told) {
            let at = now.reading.time;
            door.last_badge = Some(LastBadge { at, reason });
        }
        let changed = before != door.shown();
        for command in commands {
            match command {
                controller::Command::Event(what) => {
                    if let What::Card { reason, .. } = &what {
                        self.shown.push((id.clone(), *reason));
                    }
                    self.log_event(Some(id), what, sources);
                }
                controller::Command::Energise { until } => {
                    self.drive(id, Drive::Energise { until })
                }
                controller::Command::Rest => self.drive(id, Drive::Rest),
                controller::Command::Signal(signal) => self.drive(id, Drive::Signal(signal)),
                controller::Command::Siren(on) => self.drive(id, Drive::Siren(on)),
                controller::Command::Enrolled { counter, uid } => {
                    self.enrolled(counter, uid.as_ref())
                }
            }
        }
        if changed && self.connected {
            self.publish_status(id);
        }
    }

    fn drive(&mut self, door: &DoorId, drive: Drive) {
        self.out.push_back(Output::Drive {
            door: door.clone(),
            drive,
        });
    }

    /// Lets the doors hear that their time has come.
    pub(super) fn tick_doors(&mut self, sources: Sources) {
        let due = |door: &Door| {
            door.controller
                .poll_timeout()
                .is_some_and(|due| due <= sources.uptime)
        };
        let due: Vec<DoorId> = self
            .doors
            .iter()
            .filter(|(_, door)| due(door))
            .map(|(id, _)| id.clone())
            .collect();
        for door in due {
            self.door(&door, controller::Input::Tick, sources);
        }
    }

    /// Lets the doors of a zone look at what holds now.
    pub(super) fn tell_doors(&mut self, id: &ZoneId, sources: Sources) {
        let follows = |door: &super::Door| door.zone.as_ref() == Some(id);
        let doors: Vec<DoorId> = self
            .doors
            .iter()
            .filter(|(_, door)| follows(door))
            .map(|(id, _)| id.clone())
            .collect();
        for door in doors {
            self.door(&door, controller::Input::Tick, sources);
        }
    }
}
