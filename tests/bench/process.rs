//! A started process: what it has used, and how it stands still, as Lambda freezes one between two invocations.

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

/// A stopped process; it goes on when the handle is dropped, at the latest.
///
/// A shell sends the signals. It waits for a line in between: to start a program for the second signal would take as long as
/// what is measured.
pub struct Frozen {
    shell: Child,
    pid: u32,
}

impl Frozen {
    pub fn new(pid: u32) -> Frozen {
        let script = "kill -STOP $0; read -r _; kill -CONT $0";
        let shell = Command::new("sh").args(["-c", script, &pid.to_string()]).stdin(Stdio::piped()).spawn().unwrap();
        let frozen = Frozen { shell, pid };
        let deadline = Instant::now() + Duration::from_secs(5);
        while !frozen.stands_still() {
            assert!(Instant::now() < deadline, "process {pid} does not stop");
            std::thread::sleep(Duration::from_millis(1));
        }
        frozen
    }

    /// Whether all of its threads are stopped.
    pub fn stands_still(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid)).unwrap();
        threads.flatten().all(|thread| {
            // One that has just ended has none.
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('T'))
        })
    }

    /// Lets it go on; when.
    pub fn thaw(&mut self) -> Instant {
        let now = Instant::now();
        self.shell.stdin.take().unwrap().write_all(b"\n").unwrap();
        now
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        drop(self.shell.wait());
    }
}
