//! Many invocations of one process: `LOAD_INVOCATIONS=100000 cargo test --test scenarios load:: -- --nocapture`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;

use crate::lambda::{Lambda, fresh};
use crate::standin::Hook;
use crate::support::*;

/// Resident kilobytes and open file descriptors of a process.
fn held_by(pid: u32) -> (u64, usize) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes = resident.trim().trim_end_matches(" kB").parse().unwrap();
    (kilobytes, std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count())
}

/// Fresh and late events, schedules, checks and nonsense, in a fixed random order.
fn payload(rng: &mut Rng) -> Vec<u8> {
    let instance = ["aurora-1", "aurora-2", "aurora-3", "aurora-9"][rng.usize(0..4)];
    fresh(&match rng.u8(0..8) {
        0 | 1 => started(instance, 0),
        2 => completed("aurora-1", 0),
        3 => reconcile(),
        4 => check(),
        5 => started(instance, 3_600_000),
        6 => return (0..rng.usize(0..2_000)).map(|_| rng.u8(..)).collect(),
        _ => sns([&Value::from("a notice in plain text")]),
    })
}

/// Makes one call in fifty fail; counts those, and all.
fn with_random_faults(standin: &Standin) -> (Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let (calls, faults) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (mut dice, all, failed) = (Rng::with_seed(7), calls.clone(), faults.clone());
    standin.world().chaos = Some(Hook(Box::new(move |_| {
        all.fetch_add(1, Ordering::Relaxed);
        let fault = match dice.u16(0..1000) {
            0..5 => Fault::Throttle,
            5..10 => DOWN,
            10..15 => DENIED,
            15..20 => Fault::Body("<html/>"),
            20..22 => Fault::DropAfter,
            _ => return None,
        };
        failed.fetch_add(1, Ordering::Relaxed);
        Some(fault)
    })));
    (calls, faults)
}

#[tokio::test]
async fn a_long_life_leaks_nothing_loses_nothing_and_keeps_its_connections() {
    let invocations = std::env::var("LOAD_INVOCATIONS").map_or(500, |text| text.parse().unwrap());
    let (standin, mut rng, mut errors, mut warm) = (Standin::new(), Rng::with_seed(42), 0, (0, 0));
    let (calls, faults) = with_random_faults(&standin);
    let mut lambda = Lambda::start(&standin, WITH_RDS).await;
    let pid = lambda.function.id().unwrap();
    // The log is read, or its pipe would fill up and the function would wait for ever.
    let mut log = lambda.function.stdout.take().unwrap();
    tokio::spawn(async move { tokio::io::copy(&mut log, &mut tokio::io::sink()).await });
    for i in 0..invocations {
        // The group always holds what RDS shows when a late event asks, and RDS contradicts no completed one, so that no run spends
        // seconds on another look.
        standin.clone().with_targets("10.0.1.11:3306 unhealthy").world().calls.clear();
        let (path, _) = lambda.invoke(payload(&mut rng)).await;
        assert!(path.starts_with(&format!("invocation/request-{i}/")), "{path}: each is answered once");
        errors += usize::from(path.ends_with("/error"));
        warm = if i == invocations / 4 { held_by(pid) } else { warm };
    }
    let ((kilobytes, descriptors), (kilobytes_after, descriptors_after)) = (warm, held_by(pid));
    let connections = lambda.connections();
    let [calls, faults] = [calls, faults].map(|count| count.load(Ordering::Relaxed));
    println!(
        "{invocations} invocations, {errors} of them errors; resident {kilobytes} → {kilobytes_after} kB, {descriptors} → \
         {descriptors_after} descriptors; {connections} connections for {calls} calls, {faults} of them made to fail"
    );
    assert!(kilobytes_after < kilobytes + 2_048, "{kilobytes} kB → {kilobytes_after} kB");
    assert!(descriptors_after <= descriptors + 3, "{descriptors} → {descriptors_after} file descriptors");
    // Reads that go at once need more than one, up to five in a check; after a fault the SDK takes a new one.
    assert!(connections <= 10 + faults, "{connections} connections, {faults} faults");
}
