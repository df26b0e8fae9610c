//! A started process: what it has used, and how it stands still, as Lambda freezes one between two invocations.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// It dies with the handle.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Process {
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// The CPU time of each thread so far, in nanoseconds.
    pub fn threads(&self) -> BTreeMap<OsString, u64> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        let spent = |thread: &fs::DirEntry| {
            let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            text.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
        };
        threads.flatten().map(|thread| (thread.file_name(), spent(&thread))).collect()
    }

    /// The CPU time of all threads since then. Of a thread that has ended meanwhile nothing is known, so it does not count.
    pub fn cpu_since(&self, before: &BTreeMap<OsString, u64>) -> Duration {
        let spent = |(thread, ns): (OsString, u64)| ns - before.get(&thread).unwrap_or(&0);
        Duration::from_nanos(self.threads().into_iter().map(spent).sum())
    }

    /// The most memory that it had at once, in MB.
    pub fn peak_rss(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let (_, peak) = status.split_once("VmHWM:").unwrap();
        let kb: f64 = peak.split_whitespace().next().unwrap().parse().unwrap();
        kb / 1024.0
    }

    fn is_stopped(&self) -> bool {
        fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap().contains(") T ")
    }
}

/// A stopped process; it goes on when the handle is dropped, at the latest.
///
/// A shell sends the signals. It waits for a line in between: to start a program for the second signal would take as long as
/// what is measured.
pub struct Frozen(Child);

impl Frozen {
    pub fn new(process: &Process) -> Frozen {
        let script = "kill -STOP $0; read -r _; kill -CONT $0";
        let pid = process.pid().to_string();
        let shell = Command::new("sh").args(["-c", script, &pid]).stdin(Stdio::piped()).spawn().unwrap();
        while !process.is_stopped() {
            std::thread::sleep(Duration::from_millis(1));
        }
        Frozen(shell)
    }

    /// Lets it go on; when.
    pub fn thaw(&self) -> Instant {
        let now = Instant::now();
        self.0.stdin.as_ref().unwrap().write_all(b"\n").unwrap();
        now
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}
