//! A shelf with a thread of its own: the disk may take its time, the doors do not wait for it.

use super::{Finished, Job, Keeper, Shelf};
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

/// A keeper at work on its own thread.
pub struct ShelfThread {
    jobs: Option<Sender<Job>>,
    finished: Receiver<Finished>,
    thread: Option<JoinHandle<()>>,
}

impl ShelfThread {
    /// Starts the thread; `wake` is called whenever there is something to ask [`Shelf::finished`] for.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn start(mut keeper: Keeper, wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        let (jobs, to_do) = channel();
        let (done, finished) = channel();
        let thread = Builder::new().name("disk".to_owned()).spawn(move || {
            while let Ok(job) = to_do.recv() {
                keeper.submit(job);
                while let Some(item) = keeper.finished() {
                    if done.send(item).is_err() {
                        return;
                    }
                    wake();
                }
            }
        })?;
        Ok(Self {
            jobs: Some(jobs),
            finished,
            thread: Some(thread),
        })
    }
}

impl Shelf for ShelfThread {
    fn submit(&mut self, job: Job) {
        let sent = self
            .jobs
            .as_ref()
            .is_some_and(|jobs| jobs.send(job).is_ok());
        if !sent {
            tracing::error!(
                "the thread that stores lists has died: what comes is only in memory until a restart"
            );
        }
    }

    fn finished(&mut self) -> Option<Finished> {
        self.finished.try_recv().ok()
    }
}

impl Drop for ShelfThread {
    /// Work handed over is done before the agent ends.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic over there was logged over there.
            drop(thread.join());
        }
    }
}
