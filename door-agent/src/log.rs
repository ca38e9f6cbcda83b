//! The log, written by a thread of its own: whoever takes it may hang with a dying disk, the doors do not wait for that.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::Duration;

/// What waits to be written; a line that finds so many before it is dropped and counted.
const QUEUE: usize = 1024;
/// How long the end of the program waits for the rest of its log.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// Where lines go; clones write to the same log.
#[derive(Debug, Clone)]
pub struct Log {
    lines: SyncSender<Item>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Item {
    Line(Vec<u8>),
    /// Everything before it is written.
    Mark(Sender<()>),
}

impl Log {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, waiting) = sync_channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let uncounted = Arc::clone(&lost);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(output, &waiting, &uncounted))?;
        Ok(Self { lines, lost })
    }

    /// Waits until everything is written, but no longer than a second.
    pub fn finish(&self) {
        let (done, is_done) = channel();
        if self.lines.try_send(Item::Mark(done)).is_ok() {
            // Whatever comes of it, the program ends.
            let _ = is_done.recv_timeout(LAST_PATIENCE);
        }
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self.lines.try_send(Item::Line(line.to_vec())) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A log that cannot be written must not end what keeps the doors: what fails is dropped.
fn write(mut output: impl Write, waiting: &Receiver<Item>, lost: &AtomicU64) {
    while let Ok(item) = waiting.recv() {
        let lines = lost.swap(0, Ordering::Relaxed);
        if lines > 0 {
            drop(writeln!(
                output,
                "{lines} lines of the log were lost: nobody took them"
            ));
        }
        match item {
            Item::Line(line) => drop(output.write_all(&line)),
            // The program may have ended without waiting.
            Item::Mark(done) => drop(done.send(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Mutex, MutexGuard};

    /// An output that hangs while somebody else holds it.
    #[derive(Clone, Default)]
    struct Held(Arc<Mutex<Vec<u8>>>);

    impl Held {
        fn hold(&self) -> MutexGuard<'_, Vec<u8>> {
            self.0.lock().expect("nobody panics")
        }
    }

    impl Write for Held {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.hold().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_nobody_takes_holds_nobody_up_and_says_what_is_missing() {
        let output = Held::default();
        let mut log = Log::start(output.clone()).expect("a thread");
        let hanging = output.hold();
        let lines = QUEUE + 500;
        for number in 0..lines {
            let line = format!("line {number}\n");
            log.write_all(line.as_bytes())
                .expect("it is on its way, or dropped");
        }
        drop(hanging);
        log.lines
            .send(Item::Line(b"last\n".to_vec()))
            .expect("the thread lives");
        log.finish();
        let text = String::from_utf8(output.hold().clone()).expect("text");
        let written = text
            .lines()
            .filter(|line| line.starts_with("line "))
            .count();
        let lost: usize = text
            .lines()
            .find_map(|line| line.strip_suffix(" lines of the log were lost: nobody took them"))
            .expect("it is said")
            .parse()
            .expect("a number");
        assert_eq!(written + lost, lines);
        assert!(text.contains("line 0\n") && text.ends_with("last\n"));
    }
}
