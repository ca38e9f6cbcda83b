//! The network between server, broker and agents: links come up and go down, messages arrive.

use super::Building;
use super::agents::Machine;
use super::broker::{Message, Party};
use door_agent::agent::{Input, Output};
use shared::ids::AgentId;

impl Building {
    /// Brings every arrived message to its reader.
    pub(super) fn carry(&mut self) -> bool {
        let mut worked = false;
        while let Some((to, message)) = self.broker.arrival(self.now) {
            worked = true;
            match to {
                Party::Server => self.server_hears(&message),
                Party::Agent(agent) => {
                    let Message { topic, payload } = message;
                    let now = self.now;
                    if let Some(machine) = self.machines.get_mut(&agent) {
                        machine.hear(Input::Message { topic, payload }, now);
                    }
                }
            }
        }
        worked
    }

    /// Links that should be there come up, others go down.
    pub(super) fn run_links(&mut self) {
        self.link_server();
        let ids: Vec<AgentId> = self.machines.keys().cloned().collect();
        for id in ids {
            self.link_agent(&id);
        }
    }

    fn link_agent(&mut self, id: &AgentId) {
        let Some(machine) = self.machines.get_mut(id) else {
            return;
        };
        let party = Party::Agent(id.clone());
        let Some(agent) = machine.agent() else {
            self.broker.disconnect(&party);
            return;
        };
        let can = machine.network && self.broker.is_up();
        match (can && self.broker.has(&party), agent.is_connected()) {
            (true, true) | (false, false) if !can || agent.is_connected() => {}
            (_, true) => {
                let will = agent.last_will();
                self.broker.disconnect(&party);
                machine.hear(Input::Disconnected, self.now);
                if let Some((topic, payload)) = will.filter(|_| self.broker.is_up()) {
                    self.broker
                        .inject(Message { topic, payload }, true, self.now);
                }
            }
            (_, false) => {
                self.broker.connect(party);
                machine.hear(Input::Connected, self.now);
            }
        }
    }

    pub(super) fn run_agents(&mut self) -> bool {
        let now = self.now;
        let mut worked = false;
        let ids: Vec<AgentId> = self.machines.keys().cloned().collect();
        for id in ids {
            let Some(machine) = self.machines.get_mut(&id) else {
                continue;
            };
            if machine.wakes_at().is_some_and(|at| at <= now) {
                machine.hear(Input::Tick, now);
                assert!(
                    machine.wakes_at().is_some_and(|at| at > now),
                    "a tick leaves {id} waiting for the past"
                );
                worked = true;
            }
            while let Some(output) = self.machines.get_mut(&id).and_then(Machine::wants) {
                worked = true;
                match output {
                    Output::Publish {
                        topic,
                        payload,
                        retain,
                    } => {
                        self.broker.publish(
                            &Party::Agent(id.clone()),
                            Message { topic, payload },
                            retain,
                            now,
                        );
                    }
                    Output::Subscribe(topics) => self.broker.subscribe(&id, topics, now),
                    Output::Unsubscribe(topics) => self.broker.unsubscribe(&id, &topics),
                    Output::Restart => self.restart_agent(&id),
                    Output::Drive { .. } => unreachable!("the machine drives its own doors"),
                }
            }
        }
        worked
    }

    /// The agent's process ends and is started again from its disk.
    pub fn restart_agent(&mut self, id: &AgentId) {
        self.broker.disconnect(&Party::Agent(id.clone()));
        let now = self.now;
        let machine = self
            .machines
            .get_mut(id)
            .expect("an agent of this building");
        machine.crash();
        machine.boot(now);
    }
}
