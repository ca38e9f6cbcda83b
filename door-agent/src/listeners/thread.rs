//! Readers that must be asked, and waited for, on a thread of their own: nothing they do may hold up a door.

use super::Post;
use crate::readers::Read;
use std::convert::Infallible;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use tokio::sync::mpsc as queue;

/// What a thread says.
enum Said {
    There,
    Reads(Vec<Read>),
    Ended(io::Error),
}

/// The thread's end of the line.
pub(super) struct Speaker {
    said: queue::Sender<Said>,
    /// Nothing is ever sent here: it ends with the listener.
    listener: mpsc::Receiver<Infallible>,
}

impl Speaker {
    /// The device answers.
    pub fn there(&self) -> io::Result<()> {
        self.say(Said::There)
    }

    /// Tells what was read, if anything was.
    pub fn tell(&self, reads: &mut Vec<Read>) -> io::Result<()> {
        if reads.is_empty() {
            return Ok(());
        }
        self.say(Said::Reads(std::mem::take(reads)))
    }

    /// Lets so much time pass.
    pub fn wait(&self, time: Duration) -> io::Result<()> {
        match self.listener.recv_timeout(time) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => Err(nobody_listens()),
        }
    }

    fn say(&self, said: Said) -> io::Result<()> {
        self.said.blocking_send(said).map_err(|_| nobody_listens())
    }
}

fn nobody_listens() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

/// Passes on what the work says on a thread of its own, until it ends; the thread ends with this.
pub(super) async fn run(
    post: &mut Post,
    work: impl FnOnce(Speaker) -> io::Result<Infallible> + Send + 'static,
) -> io::Result<Infallible> {
    let (said, mut hears) = queue::channel(1);
    let (_listens, listener) = mpsc::channel();
    std::thread::Builder::new()
        .name("reader".to_owned())
        .spawn(move || {
            let last = said.clone();
            let Err(error) = work(Speaker { said, listener });
            // If nobody listens any more, that is why it ended.
            drop(last.blocking_send(Said::Ended(error)));
        })?;
    loop {
        match hears.recv().await {
            Some(Said::There) => post.there().await,
            Some(Said::Reads(mut reads)) => post.tell(&mut reads).await,
            Some(Said::Ended(error)) => return Err(error),
            // It panicked.
            None => return Err(io::Error::other("the reader's thread ended by a fault")),
        }
    }
}
