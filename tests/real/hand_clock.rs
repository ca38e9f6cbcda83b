//! A clock that is moved by hand, for a whole club of programs: the built server reads it through a preloaded library.

use crate::program::command;
use crate::wait;
use shared::time::Timestamp;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use tests::demo::time::DemoClock;

/// The clock. Between two moves it runs on as any other.
pub struct HandClock {
    clock: DemoClock,
    ahead: File,
    path: PathBuf,
    library: PathBuf,
}

impl HandClock {
    /// A clock that shows this moment, with its files in the folder.
    pub fn start(folder: &Path, at: Timestamp) -> Self {
        let library = folder.join("hand_clock.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("real/hand_clock.c");
        let mut compiler = command("cc");
        compiler.args(["-O2", "-shared", "-fPIC", "-o"]);
        let status = compiler.arg(&library).arg(source).status();
        assert!(status.expect("a C compiler").success());
        let path = folder.join("hand_clock");
        let clock = Self {
            clock: DemoClock::ahead_by(at - wait::now()),
            ahead: File::create(&path).expect("the test's own folder"),
            path,
            library,
        };
        clock.tell();
        clock
    }

    /// What lets a program read it.
    pub fn settings(&self) -> [(&'static str, String); 2] {
        [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("HAND_CLOCK", self.path.display().to_string()),
        ]
    }

    /// The same clock, for doors of this process.
    pub fn for_doors(&self) -> DemoClock {
        self.clock.clone()
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Turns it to a moment, never back.
    pub fn turn_to(&self, at: Timestamp) {
        let to_come = at - self.now();
        if to_come.0 > 0 {
            self.clock.advance(to_come);
            self.tell();
        }
    }

    fn tell(&self) {
        let milliseconds = self.clock.ahead().0.to_ne_bytes();
        let told = self.ahead.write_all_at(&milliseconds, 0);
        told.expect("the test's own folder");
    }
}
