//! A shelf with a thread of its own: the disk may take its time, the doors do not wait for it.

use super::{Finished, Job, Keeper, Shelf, Work};
use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

/// A keeper at work on its own thread.
pub struct ShelfThread {
    queue: Arc<Queue>,
    finished: Receiver<Finished>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

/// Work that the disk has not begun, in order.
#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Waiting {
    /// Of counters and marks only the newest waits: while a disk hangs there are some every second.
    fn add(&mut self, job: Job) {
        let is_state = |job: &Job| matches!(job.work, Work::State(_));
        if is_state(&job) {
            self.jobs.retain(|waiting| !is_state(waiting));
        }
        self.jobs.push_back(job);
    }
}

impl Queue {
    fn change(&self, does: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        does(&mut waiting);
        self.changed.notify_one();
    }

    /// Waits for the next work; none if there will be no more.
    fn next(&self) -> Option<Job> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_idle = |waiting: &mut Waiting| waiting.jobs.is_empty() && !waiting.closed;
        let waiting = self.changed.wait_while(waiting, is_idle);
        waiting
            .unwrap_or_else(PoisonError::into_inner)
            .jobs
            .pop_front()
    }
}

impl ShelfThread {
    /// Starts the thread; `wake` is called whenever there is something to ask [`Shelf::finished`] for.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn start(mut keeper: Keeper, wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let to_do = Arc::clone(&queue);
        let (done, finished) = channel();
        let thread = Builder::new().name("disk".to_owned()).spawn(move || {
            while let Some(job) = to_do.next() {
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
            queue,
            finished,
            thread: Some(thread),
        })
    }
}

impl Shelf for ShelfThread {
    fn submit(&mut self, job: Job) {
        let is_dead = |thread: &JoinHandle<()>| thread.is_finished();
        if self.thread.as_ref().is_none_or(is_dead) {
            tracing::error!(
                "the thread that stores lists has died: what comes is only in memory until a restart"
            );
            return;
        }
        self.queue.change(|waiting| waiting.add(job));
    }

    fn finished(&mut self) -> Option<Finished> {
        self.finished.try_recv().ok()
    }
}

impl Drop for ShelfThread {
    /// Work handed over is done before the agent ends.
    fn drop(&mut self) {
        self.queue.change(|waiting| waiting.closed = true);
        if let Some(thread) = self.thread.take() {
            // A panic over there was logged over there.
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::AgentState;

    #[test]
    fn while_the_disk_hangs_only_the_newest_counters_wait_and_other_work_stays_in_order() {
        let mut waiting = Waiting::default();
        let state = |number| {
            let state = AgentState::default();
            let work = Work::State(state);
            Job { number, work }
        };
        for number in 0..1000 {
            waiting.add(state(number));
            if number % 400 == 0 {
                let work = Work::Marks;
                waiting.add(Job { number, work });
            }
        }
        let left: Vec<u64> = waiting.jobs.iter().map(|job| job.number).collect();
        assert_eq!(left, [0, 400, 800, 999]);
    }
}
