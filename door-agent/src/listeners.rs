//! What the readers say: one task for each, which opens its device again whenever it goes away.

use crate::agent::Input;
use crate::config::{Reader, Source};
use crate::readers::{self, Read, Rejection};
use shared::ids::DoorId;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

mod keyboard;
mod mfrc522;
mod pn532;
mod serial;
mod simulated;
mod spi;
mod thread;
mod wiegand;

pub use keyboard::PAUSE;

/// A device that went away is looked for again after this time.
const AGAIN: Duration = Duration::from_secs(1);
/// What was heard and not yet taken; more than that many cards a moment do not exist.
const QUEUE: usize = 64;

/// What a listener heard.
#[derive(Debug)]
pub enum Heard {
    /// Something for the agent.
    Input(Input),
    /// Something that was no card.
    Rejected(DoorId, Rejection),
    /// A device is there, or is gone for this reason.
    Device(DoorId, Result<(), io::Error>),
}

/// Listens at the readers of all doors on the current runtime; a listener ends when what it hears is received no more.
pub struct Listeners {
    heard: mpsc::Sender<Heard>,
    tasks: BTreeMap<DoorId, (Reader, JoinHandle<()>)>,
}

impl Listeners {
    /// Starts with no reader, and with what will be heard.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Heard>) {
        let (heard, received) = mpsc::channel(QUEUE);
        let tasks = BTreeMap::new();
        (Self { heard, tasks }, received)
    }

    /// Listens at these readers from now on, and at no other; one that is the same goes on undisturbed.
    pub async fn follow(&mut self, readers: impl IntoIterator<Item = (DoorId, Reader)>) {
        let wanted: BTreeMap<DoorId, Reader> = readers.into_iter().collect();
        let is_other =
            |id: &DoorId, listener: &mut (Reader, _)| wanted.get(id) != Some(&listener.0);
        let ended: Vec<_> = self.tasks.extract_if(.., is_other).collect();
        for (_, (_, task)) in ended {
            task.abort();
            // Its device is free when it has ended, which it was just told to.
            drop(task.await);
        }
        for (id, reader) in wanted {
            let post = Post {
                door: id.clone(),
                reversed: reader.reversed,
                heard: self.heard.clone(),
                gone: false,
            };
            self.tasks.entry(id).or_insert_with(|| {
                let task = tokio::spawn(listen(reader.clone(), post));
                (reader, task)
            });
        }
    }
}

/// Says in a log what is worth knowing and passes on what the agent must hear.
#[must_use]
pub fn logged(heard: Heard) -> Option<Input> {
    match heard {
        Heard::Input(input) => return Some(input),
        Heard::Rejected(door, why) => {
            tracing::debug!(door.id = %door, reason = %why, "the reader sent no card")
        }
        Heard::Device(door, Ok(())) => {
            tracing::info!(door.id = %door, "the reader is there");
            return Some(Input::ReaderGone { door, on: false });
        }
        Heard::Device(door, Err(error)) => {
            tracing::warn!(door.id = %door, reason = %error, "no reader: check its cable and device name");
            return Some(Input::ReaderGone { door, on: true });
        }
    }
    None
}

/// Where a listener tells what it hears.
struct Post {
    door: DoorId,
    reversed: bool,
    heard: mpsc::Sender<Heard>,
    gone: bool,
}

impl Post {
    /// The device answers.
    async fn there(&mut self) {
        self.gone = false;
        tell(&self.heard, Heard::Device(self.door.clone(), Ok(()))).await;
    }

    /// The device does not answer; told once.
    async fn gone(&mut self, error: io::Error) {
        if !self.gone {
            self.gone = true;
            tell(&self.heard, Heard::Device(self.door.clone(), Err(error))).await;
        }
    }

    /// Tells what a reader read, in order.
    async fn tell(&self, reads: &mut Vec<Read>) {
        for read in reads.drain(..) {
            tell(&self.heard, self.item(read)).await;
        }
    }

    fn item(&self, read: Read) -> Heard {
        let door = self.door.clone();
        match read {
            Read::Card(uid) if self.reversed => Heard::Input(Input::Card {
                door,
                uid: readers::reversed(&uid),
            }),
            Read::Card(uid) => Heard::Input(Input::Card { door, uid }),
            Read::Key(key) => Heard::Input(Input::Key { door, key }),
            Read::Rejected(why) => Heard::Rejected(door, why),
        }
    }
}

async fn tell(heard: &mpsc::Sender<Heard>, item: Heard) {
    // Nobody listens any more: the loop of the listener ends by itself.
    drop(heard.send(item).await);
}

async fn listen(reader: Reader, mut post: Post) {
    while !post.heard.is_closed() {
        let Err(error) = listen_once(&reader.source, &mut post).await;
        post.gone(error).await;
        if timeout(AGAIN, post.heard.closed()).await.is_ok() {
            return;
        }
    }
}

async fn listen_once(source: &Source, post: &mut Post) -> io::Result<Infallible> {
    match source {
        Source::Serial {
            device,
            format,
            baud,
        } => serial::listen(device, *format, *baud, post).await,
        Source::Wiegand {
            d0,
            d1,
            chip,
            frame_gap,
        } => wiegand::listen(chip, [*d0, *d1], *frame_gap, post).await,
        Source::Keyboard { device, number } => keyboard::listen(device, *number, post).await,
        Source::Pn532Serial { device, baud } => pn532::listen_serial(device, *baud, post).await,
        Source::Pn532Spi { device } => pn532::listen_spi(*device, post).await,
        Source::Mfrc522 { device } => mfrc522::listen(*device, post).await,
        Source::Simulated { input } => simulated::listen(input, post).await,
    }
}

#[cfg(test)]
mod tests;
