//! A process that stands still, as Lambda freezes one between two invocations.

use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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
