//! A started process, and what it has used.

use std::fs;
use std::process::Child;
use std::time::Duration;

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

    /// The CPU time of all threads so far.
    pub fn cpu(&self) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        let spent = |thread: fs::DirEntry| {
            let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            text.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
        };
        Duration::from_nanos(threads.flatten().map(spent).sum())
    }

    /// The most memory that it had at once, in MB.
    pub fn peak_rss(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let kb = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        kb.unwrap_or(f64::NAN) / 1024.0
    }
}
