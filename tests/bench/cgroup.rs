//! A process's share of the CPU.

use std::fs;
use std::path::{Path, PathBuf};

/// How often the share is handed out anew. A longer period would let a short run have the CPU for itself.
const PERIOD_US: u64 = 20_000;

const V1: &str = "/sys/fs/cgroup/cpu";
const V2: &str = "/sys/fs/cgroup";

/// A cgroup for one process, version 1 or 2, removed in the end: drop the process first. One for each: a process that overruns
/// its share leaves the debt to the next one in the same cgroup.
pub struct Cgroup(PathBuf);

impl Cgroup {
    /// Fails where cgroups cannot be made, before anything that takes time.
    pub fn assert_possible() {
        drop(Cgroup::make("possible"));
    }

    fn make(name: &str) -> Cgroup {
        let root = if Path::new(V1).exists() { V1 } else { V2 };
        let folder = Path::new(root).join(format!("aurora-nlb-failover-bench-{name}"));
        fs::create_dir(&folder).expect("the limit on the CPU takes root");
        Cgroup(folder)
    }

    /// Holds the process to this many percent of one CPU from now on.
    pub fn limit(pid: u32, percent: u64) -> Cgroup {
        let cgroup = Cgroup::make(&pid.to_string());
        let write = |file: &str, text: String| fs::write(cgroup.0.join(file), text).unwrap();
        let quota = PERIOD_US * percent / 100;
        if cgroup.0.starts_with(V1) {
            write("cpu.cfs_period_us", PERIOD_US.to_string());
            write("cpu.cfs_quota_us", quota.to_string());
        } else {
            write("../cgroup.subtree_control", "+cpu".to_owned());
            write("cpu.max", format!("{quota} {PERIOD_US}"));
        }
        write("cgroup.procs", pid.to_string());
        cgroup
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        drop(fs::remove_dir(&self.0));
    }
}
