//! A process's share of the CPU.

use std::fs;
use std::path::{Path, PathBuf};

/// How often the share is handed out anew. A longer period would let a short run have the CPU for itself.
const PERIOD_US: u64 = 20_000;

/// A cgroup for one process, version 1 or 2, removed in the end: drop the process first. One for each: a process that overruns
/// its share leaves the debt to the next one in the same cgroup.
pub struct Cgroup(PathBuf);

impl Cgroup {
    /// Holds the process to this many percent of one CPU from now on.
    pub fn limit(pid: u32, percent: u64) -> Cgroup {
        let (v1, v2) = (Path::new("/sys/fs/cgroup/cpu"), Path::new("/sys/fs/cgroup"));
        let folder = if v1.exists() { v1 } else { v2 }.join(format!("aurora-nlb-failover-bench-{pid}"));
        fs::create_dir(&folder).expect("the limit on the CPU takes root");
        let quota = PERIOD_US * percent / 100;
        if v1.exists() {
            fs::write(folder.join("cpu.cfs_period_us"), PERIOD_US.to_string()).unwrap();
            fs::write(folder.join("cpu.cfs_quota_us"), quota.to_string()).unwrap();
        } else {
            fs::write(v2.join("cgroup.subtree_control"), "+cpu").unwrap();
            fs::write(folder.join("cpu.max"), format!("{quota} {PERIOD_US}")).unwrap();
        }
        fs::write(folder.join("cgroup.procs"), pid.to_string()).unwrap();
        Cgroup(folder)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        drop(fs::remove_dir(&self.0));
    }
}
