//! A process's share of the CPU.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How often the share is handed out anew. A longer period would let a short run have the CPU for itself.
const PERIOD_US: u64 = 20_000;

static MADE: AtomicUsize = AtomicUsize::new(0);

/// A cgroup for one process, version 2 or 1, removed in the end. One for each: a process that overruns its share leaves the
/// debt to the next one in the same cgroup.
pub struct Cgroup {
    folder: PathBuf,
    is_v2: bool,
}

impl Cgroup {
    /// `None` where we may not make one: that takes root, as a rule.
    pub fn new() -> Option<Cgroup> {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("aurora-nlb-failover-bench-{}-{number}", std::process::id());
        let v2 = Path::new("/sys/fs/cgroup");
        let is_v2 = fs::read_to_string(v2.join("cgroup.controllers")).is_ok_and(|names| names.contains("cpu"));
        let parent = if is_v2 { v2.to_owned() } else { v2.join("cpu") };
        if is_v2 {
            fs::write(v2.join("cgroup.subtree_control"), "+cpu").ok()?;
        }
        let folder = parent.join(name);
        fs::create_dir(&folder).ok()?;
        let cgroup = Cgroup { folder, is_v2 };
        cgroup.try_set(None).then_some(cgroup)
    }

    pub fn add(&self, pid: u32) {
        fs::write(self.folder.join("cgroup.procs"), pid.to_string()).unwrap();
    }

    /// This many percent of one CPU from now on; `None` is all that there is.
    pub fn set(&self, percent: Option<u64>) {
        assert!(self.try_set(percent), "{} does not take a limit any more", self.folder.display());
    }

    fn try_set(&self, percent: Option<u64>) -> bool {
        let quota = percent.map(|percent| (PERIOD_US * percent / 100).to_string());
        let write = |file: &str, text: String| fs::write(self.folder.join(file), text).is_ok();
        if self.is_v2 {
            return write("cpu.max", format!("{} {PERIOD_US}", quota.as_deref().unwrap_or("max")));
        }
        write("cpu.cfs_period_us", PERIOD_US.to_string()) && write("cpu.cfs_quota_us", quota.unwrap_or_else(|| "-1".to_owned()))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // It is busy until the last process has gone.
        for _ in 0..100 {
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
