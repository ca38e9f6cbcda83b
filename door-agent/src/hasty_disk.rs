//! A disk behind a thread, so that a slow or hanging one delays the lock by 20 ms at most.
//!
//! Every call waits that long for the real disk; while an earlier call is overdue, not at all. An append that is
//! overdue counts as done: it is carried out in order, and if it fails after all, every further call on that file
//! fails until the file is cut or replaced. Any other call that is overdue fails, and when it is repeated unchanged it
//! has the result of the first. Only what is read before [`HastyDisk::started`] says otherwise takes as long as it takes:
//! without what the last run left there is nothing to begin with.
//!
//! Syncs have a thread of their own and are not waited for at all: what a card leaves to write must not wait until the
//! one before it is durable, which takes a cheap card tenths of a second.

use crate::disk::Disk;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel,
};
use std::thread;
use std::time::Duration;

/// How long a lock may wait for the disk.
pub const PATIENCE: Duration = Duration::from_millis(20);
/// What is handed over and not done; more than that is refused, and stays with the caller.
const MOST_OVERDUE: usize = 4096;
/// How long the end of the agent waits for what is overdue.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// A disk that never keeps anybody waiting.
pub struct HastyDisk {
    calls: Option<Sender<(Call, SyncSender<Answer>)>>,
    ended: Receiver<()>,
    overdue: RefCell<Option<Receiver<Answer>>>,
    /// Questions that are overdue.
    asked: RefCell<Vec<(Call, Receiver<Answer>)>>,
    started: Arc<AtomicBool>,
    repeatable: BTreeMap<String, (Call, Receiver<Answer>)>,
    waiting: Arc<AtomicUsize>,
    patience: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Call {
    Read(String),
    WriteAtomic(String, Vec<u8>),
    Append(String, Vec<u8>),
    Truncate(String, u64),
    Sync(String),
    Remove(String),
    List,
}

enum Answer {
    Done(io::Result<()>),
    Content(io::Result<Option<Vec<u8>>>),
    Names(io::Result<Vec<String>>),
}

impl HastyDisk {
    /// Puts a disk behind threads; `sync` makes everything appended to one of its files durable, and its name with it,
    /// while the disk goes on.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn start(
        disk: impl Disk + 'static,
        sync: impl FnMut(&str) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        Self::with_patience(disk, sync, PATIENCE)
    }

    fn with_patience(
        disk: impl Disk + 'static,
        sync: impl FnMut(&str) -> io::Result<()> + Send + 'static,
        patience: Duration,
    ) -> io::Result<Self> {
        let (calls, to_do) = channel();
        let (end, ended) = channel();
        let (syncs, to_sync) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let undone = Arc::clone(&waiting);
        let syncer = thread::Builder::new()
            .name("badge sync".to_owned())
            .spawn(move || make_durable(sync, &to_sync))?;
        thread::Builder::new()
            .name("badge disk".to_owned())
            .spawn(move || {
                work(disk, &to_do, syncs, &undone);
                // Nothing is left to do about a fault.
                let _ = syncer.join();
                // Nobody listens any more if the patience was over.
                let _ = end.send(());
            })?;
        Ok(Self {
            calls: Some(calls),
            ended,
            overdue: RefCell::default(),
            asked: RefCell::default(),
            started: Arc::default(),
            repeatable: BTreeMap::new(),
            waiting,
            patience,
        })
    }

    /// To be set when the agent has started: from then on a question waits no longer than anything else.
    #[must_use]
    pub fn started(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.started)
    }

    fn hand_over(&self, call: Call) -> io::Result<Receiver<Answer>> {
        if self.waiting.load(Ordering::Relaxed) >= MOST_OVERDUE {
            return Err(overdue());
        }
        let (answer, answered) = sync_channel(1);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let calls = self.calls.as_ref().ok_or_else(gone)?;
        calls.send((call, answer)).map_err(|_| gone())?;
        Ok(answered)
    }

    /// Waits for an answer as long as may be; none if it is overdue.
    fn wait(&self, answered: Receiver<Answer>) -> Result<Answer, Receiver<Answer>> {
        let still_overdue = self
            .overdue
            .borrow()
            .as_ref()
            .is_some_and(|earlier| matches!(earlier.try_recv(), Err(TryRecvError::Empty)));
        let patience = if still_overdue {
            Duration::ZERO
        } else {
            self.patience
        };
        match answered.recv_timeout(patience) {
            Ok(answer) => {
                *self.overdue.borrow_mut() = None;
                Ok(answer)
            }
            Err(RecvTimeoutError::Timeout) => Err(answered),
            Err(RecvTimeoutError::Disconnected) => Ok(Answer::Done(Err(gone()))),
        }
    }

    fn change(&mut self, name: &str, call: Call) -> io::Result<()> {
        let answered = match self.repeatable.remove(name) {
            Some((earlier, answered)) if earlier == call => answered,
            Some(_) | None => self.hand_over(call.clone())?,
        };
        match self.wait(answered) {
            Ok(answer) => done(answer),
            Err(answered) => {
                self.repeatable.insert(name.to_owned(), (call, answered));
                Err(self.note_overdue(name))
            }
        }
    }

    /// Whatever is handed over next finds out by this whether the disk has caught up.
    fn note_overdue(&self, name: &str) -> io::Error {
        match self.hand_over(Call::Read(format!("{name}.no-such-file"))) {
            Ok(probe) => {
                *self.overdue.borrow_mut() = Some(probe);
                overdue()
            }
            Err(error) => error,
        }
    }

    fn ask(&self, call: Call) -> io::Result<Answer> {
        if !self.started.load(Ordering::Relaxed) {
            return self.hand_over(call)?.recv().map_err(|_| gone());
        }
        let earlier = {
            let mut asked = self.asked.borrow_mut();
            let place = asked.iter().position(|(earlier, _)| *earlier == call);
            place.map(|place| asked.swap_remove(place).1)
        };
        let answered = match earlier {
            Some(answered) => answered,
            None => self.hand_over(call.clone())?,
        };
        self.wait(answered).map_err(|answered| {
            self.asked.borrow_mut().push((call, answered));
            self.note_overdue("question")
        })
    }
}

impl Disk for HastyDisk {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match self.ask(Call::Read(name.to_owned()))? {
            Answer::Content(content) => content,
            Answer::Done(done) => Err(done.err().unwrap_or_else(gone)),
            Answer::Names(_) => Err(gone()),
        }
    }

    fn write_atomic(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.change(name, Call::WriteAtomic(name.to_owned(), bytes.to_vec()))
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        // A sync under way goes on: it tells of what was there when it was begun.
        if !matches!(self.repeatable.get(name), Some((Call::Sync(_), _))) {
            self.repeatable.remove(name);
        }
        let answered = self.hand_over(Call::Append(name.to_owned(), bytes.to_vec()))?;
        match self.wait(answered) {
            Ok(answer) => done(answer),
            Err(answered) => {
                *self.overdue.borrow_mut() = Some(answered);
                Ok(())
            }
        }
    }

    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        self.change(name, Call::Truncate(name.to_owned(), len))
    }

    /// Begins; while that is under way it fails with `WouldBlock`, and then has the result when it is repeated.
    fn sync(&mut self, name: &str) -> io::Result<()> {
        let call = Call::Sync(name.to_owned());
        let answered = match self.repeatable.remove(name) {
            Some((earlier, answered)) if earlier == call => answered,
            Some(_) | None => self.hand_over(call.clone())?,
        };
        match answered.try_recv() {
            Ok(answer) => done(answer),
            Err(TryRecvError::Disconnected) => Err(gone()),
            Err(TryRecvError::Empty) => {
                self.repeatable.insert(name.to_owned(), (call, answered));
                Err(io::Error::new(
                    ErrorKind::WouldBlock,
                    "the disk is still at it",
                ))
            }
        }
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.change(name, Call::Remove(name.to_owned()))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        match self.ask(Call::List)? {
            Answer::Names(names) => names,
            Answer::Done(done) => Err(done.err().unwrap_or_else(gone)),
            Answer::Content(_) => Err(gone()),
        }
    }
}

impl Drop for HastyDisk {
    fn drop(&mut self) {
        self.calls = None;
        // Whatever comes of it, the agent ends.
        let _ = self.ended.recv_timeout(LAST_PATIENCE);
    }
}

fn work(
    mut disk: impl Disk,
    to_do: &Receiver<(Call, SyncSender<Answer>)>,
    syncs: Sender<(String, SyncSender<Answer>)>,
    undone: &AtomicUsize,
) {
    let mut broken: BTreeSet<String> = BTreeSet::new();
    while let Ok((call, answer)) = to_do.recv() {
        let answered = match call {
            Call::Read(name) => Answer::Content(disk.read(&name)),
            Call::List => Answer::Names(disk.list()),
            Call::Append(name, _) | Call::Sync(name) if broken.contains(&name) => Answer::Done(
                Err(io::Error::other("an earlier write to this file failed")),
            ),
            Call::Append(name, bytes) => {
                let result = disk.append(&name, &bytes);
                if result.is_err() {
                    broken.insert(name);
                }
                Answer::Done(result)
            }
            Call::Sync(name) => {
                undone.fetch_sub(1, Ordering::Relaxed);
                // It came after all that was appended before.
                if syncs.send((name, answer)).is_err() {
                    return;
                }
                continue;
            }
            Call::WriteAtomic(name, bytes) => {
                mended(disk.write_atomic(&name, &bytes), &name, &mut broken)
            }
            Call::Truncate(name, len) => mended(disk.truncate(&name, len), &name, &mut broken),
            Call::Remove(name) => mended(disk.remove(&name), &name, &mut broken),
        };
        undone.fetch_sub(1, Ordering::Relaxed);
        // Whoever asked may have stopped waiting.
        let _ = answer.send(answered);
    }
}

fn make_durable(
    mut sync: impl FnMut(&str) -> io::Result<()>,
    to_sync: &Receiver<(String, SyncSender<Answer>)>,
) {
    while let Ok((name, answer)) = to_sync.recv() {
        // Whoever asked may have stopped waiting.
        let _ = answer.send(Answer::Done(sync(&name)));
    }
}

fn mended(result: io::Result<()>, name: &str, broken: &mut BTreeSet<String>) -> Answer {
    if result.is_ok() {
        broken.remove(name);
    }
    Answer::Done(result)
}

fn done(answer: Answer) -> io::Result<()> {
    match answer {
        Answer::Done(result) => result,
        Answer::Content(_) | Answer::Names(_) => Err(gone()),
    }
}

fn overdue() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, "the disk does not answer in time")
}

fn gone() -> io::Error {
    io::Error::new(ErrorKind::BrokenPipe, "the thread of the disk has ended")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::MemoryDisk;
    use std::sync::{Condvar, Mutex};

    /// A disk on which every change waits until the gate is open.
    #[derive(Clone, Default)]
    struct Gated {
        disk: MemoryDisk,
        gate: Arc<(Mutex<bool>, Condvar)>,
        /// Whether its names wait too.
        names_wait: bool,
        lists: Arc<AtomicUsize>,
    }

    impl Gated {
        fn open(&self) {
            *self.gate.0.lock().expect("nobody panics") = true;
            self.gate.1.notify_all();
        }

        fn pass(&self) {
            let open = self.gate.0.lock().expect("nobody panics");
            drop(
                self.gate
                    .1
                    .wait_while(open, |open| !*open)
                    .expect("nobody panics"),
            );
        }
    }

    impl Disk for Gated {
        fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
            self.disk.read(name)
        }
        fn write_atomic(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
            self.pass();
            self.disk.write_atomic(name, bytes)
        }
        fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
            self.pass();
            self.disk.append(name, bytes)
        }
        fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
            self.pass();
            self.disk.truncate(name, len)
        }
        fn sync(&mut self, name: &str) -> io::Result<()> {
            self.pass();
            self.disk.sync(name)
        }
        fn remove(&mut self, name: &str) -> io::Result<()> {
            self.pass();
            self.disk.remove(name)
        }
        fn list(&self) -> io::Result<Vec<String>> {
            self.lists.fetch_add(1, Ordering::Relaxed);
            if self.names_wait {
                self.pass();
            }
            self.disk.list()
        }
    }

    fn hasty(disk: &Gated) -> HastyDisk {
        let mut syncer = disk.clone();
        let sync = move |name: &str| syncer.sync(name);
        HastyDisk::with_patience(disk.clone(), sync, Duration::from_millis(1)).expect("threads")
    }

    /// What comes of a sync in the end.
    fn synced(hasty: &mut HastyDisk, name: &str) -> io::Result<()> {
        loop {
            match hasty.sync(name) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::yield_now(),
                ended => return ended,
            }
        }
    }

    #[test]
    fn appends_to_a_hanging_disk_return_and_are_carried_out_in_order() {
        let disk = Gated::default();
        let mut hasty = hasty(&disk);
        for byte in 0..100 {
            hasty.append("log", &[byte]).expect("it is on its way");
        }
        disk.open();
        assert_eq!(
            hasty.read("log").expect("it reads"),
            Some((0..100).collect())
        );
    }

    #[test]
    fn a_sync_is_not_waited_for_and_tells_in_the_end() {
        let disk = Gated::default();
        let mut hasty = hasty(&disk);
        hasty.append("log", b"a").expect("it is on its way");
        for _ in 0..3 {
            let error = hasty.sync("log").expect_err("under way");
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
        }
        disk.open();
        synced(&mut hasty, "log").expect("it was done meanwhile");
        assert_eq!(disk.disk.changes(), 2, "and once");
    }

    #[test]
    fn what_comes_while_the_disk_is_at_a_sync_is_written_at_once() {
        let disk = Gated::default();
        let (mut syncer, open) = (disk.clone(), disk.disk.clone());
        let mut hasty =
            HastyDisk::start(open, move |name: &str| syncer.sync(name)).expect("threads");
        hasty.append("log", b"a").expect("it is written");
        assert!(hasty.sync("log").is_err());
        hasty.append("log", b"b").expect("it is written");
        let kept = hasty.read("log").expect("it reads");
        assert_eq!(kept, Some(b"ab".to_vec()), "before the sync has ended");
        disk.open();
        synced(&mut hasty, "log").expect("the disk works");
    }

    #[test]
    fn what_failed_after_all_is_told_by_every_later_call_until_the_file_is_mended() {
        let disk = Gated::default();
        let mut hasty = hasty(&disk);
        disk.disk.fail_writes(true);
        hasty.append("log", b"a").expect("it is on its way");
        disk.open();
        // From here on it only ends a hang.
        hasty.patience = Duration::from_secs(60);
        hasty.list().expect("the disk caught up");
        disk.disk.fail_writes(false);
        assert!(hasty.append("log", b"b").is_err());
        assert!(synced(&mut hasty, "log").is_err());
        hasty.truncate("log", 0).expect("mended");
        hasty.append("log", b"b").expect("it works again");
        assert_eq!(hasty.read("log").expect("it reads"), Some(b"b".to_vec()));
    }

    #[test]
    fn once_the_agent_has_started_a_question_to_a_hanging_disk_returns_and_is_asked_once() {
        let disk = Gated {
            names_wait: true,
            ..Gated::default()
        };
        disk.disk.overwrite("log", b"a".to_vec());
        let hasty = hasty(&disk);
        hasty.started().store(true, Ordering::Relaxed);
        for _ in 0..3 {
            let error = hasty.list().expect_err("it hangs");
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            assert!(hasty.read("log").is_err());
        }
        disk.open();
        let names = loop {
            match hasty.list() {
                Err(error) if error.kind() == ErrorKind::TimedOut => thread::yield_now(),
                ended => break ended,
            }
        };
        assert_eq!(names.expect("it lists"), ["log"]);
        assert_eq!(disk.lists.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_disk_that_hangs_for_long_is_not_given_more_than_it_can_ever_do() {
        let disk = Gated::default();
        let mut hasty = hasty(&disk);
        let refused = (0..2 * MOST_OVERDUE)
            .filter(|_| hasty.append("log", b"x").is_err())
            .count();
        assert!(refused >= MOST_OVERDUE);
        disk.open();
    }
}
