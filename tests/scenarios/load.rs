//! Many invocations of one process: `LOAD_INVOCATIONS=100000 cargo test --test scenarios load:: -- --nocapture`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use fastrand::Rng;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use crate::runtime_api::RuntimeApi;
use crate::standin::{Fault, Hook, Standin, TARGET_GROUP};
use crate::support::*;

/// Counts the connections that pass through it to `upstream`; gives its own address.
async fn counting_proxy(upstream: std::net::SocketAddr) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counter = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut server = TcpStream::connect(upstream).await.unwrap();
                tokio::io::copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    (format!("http://{address}"), connections)
}

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
    let payload = match rng.u8(0..8) {
        0 | 1 => started(instance, 0),
        2 => completed("aurora-1", 0),
        3 => reconcile(),
        4 => serde_json::json!({"action": "check"}),
        5 => started(instance, 3_600_000),
        6 => return (0..rng.usize(0..2_000)).map(|_| rng.u8(..)).collect(),
        _ => sns([&Value::from("a notice in plain text")]),
    };
    // The helpers write times from a fixed clock; a fresh event must be fresh by the real one.
    let real = chrono::DateTime::<chrono::Utc>::from(SystemTime::now()).format("%Y-%m-%d %H:%M:%S%.3f").to_string();
    payload.to_string().replace(&now().format("%Y-%m-%d %H:%M:%S%.3f").to_string(), &real).into_bytes()
}

#[tokio::test]
async fn a_long_life_leaks_nothing_loses_nothing_and_keeps_its_connections() {
    let invocations = std::env::var("LOAD_INVOCATIONS").map_or(1_000, |text| text.parse().unwrap());
    let standin = Standin::new().rds_shows(&[("available", "aurora-1")]);
    let (calls, faults) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (mut dice, counted_calls, counted) = (Rng::with_seed(7), calls.clone(), faults.clone());
    standin.world().chaos = Some(Hook(Box::new(move |_| {
        counted_calls.fetch_add(1, Ordering::Relaxed);
        let fault = match dice.u16(0..1000) {
            0..5 => Fault::Throttle,
            5..10 => Fault::Error(503, "ServiceUnavailable", "down"),
            10..15 => Fault::Error(403, "AccessDenied", "no"),
            15..20 => Fault::Body("<html/>"),
            20..22 => Fault::DropAfter,
            _ => return None,
        };
        counted.fetch_add(1, Ordering::Relaxed);
        Some(fault)
    })));
    // The group always holds what RDS shows when a late event asks, and RDS contradicts no completed one, so that no run spends seconds
    // on another look.
    let healed = standin.clone();
    let mut rng = Rng::with_seed(42);
    let payloads = (0..invocations).map(move |_| {
        healed.clone().with_targets("10.0.1.11:3306 unhealthy").world().calls.clear();
        payload(&mut rng)
    });
    let aws = standin.serve().await;
    let (endpoint, connections) = counting_proxy(*aws.address()).await;
    let api = RuntimeApi::start(payloads, Duration::from_secs(30)).await;
    let mut function = api.spawn(&[
        ("AWS_ENDPOINT_URL", &endpoint),
        ("TARGET_GROUP_ARN", TARGET_GROUP),
        ("IP_DICT", IP_DICT),
        ("DB_CLUSTER_ID", "aurora-prod"),
    ]);
    let pid = function.id().unwrap();
    // The log is read, else its pipe would fill up and the function would wait for ever.
    let mut log = function.stdout.take().unwrap();
    tokio::spawn(async move { tokio::io::copy(&mut log, &mut tokio::io::sink()).await });

    let begin = Instant::now();
    let warm = invocations / 4;
    api.count(warm, Duration::from_secs(600)).await;
    let (kilobytes, descriptors) = held_by(pid);
    api.count(invocations, Duration::from_secs(3_600)).await;
    let (kilobytes_after, descriptors_after) = held_by(pid);
    let seconds = begin.elapsed().as_secs_f64();

    let sent = api.sent.lock().unwrap();
    let errors = sent.iter().filter(|(path, _)| path.ends_with("/error")).count();
    let (connections, faults, calls) =
        (connections.load(Ordering::Relaxed), faults.load(Ordering::Relaxed), calls.load(Ordering::Relaxed));
    println!(
        "{invocations} invocations in {seconds:.1} s, {errors} of them errors; resident {kilobytes} → {kilobytes_after} kB, \
         {descriptors} → {descriptors_after} descriptors; {connections} connections for {calls} calls, {faults} of them made to fail"
    );
    assert!(
        sent.iter().enumerate().all(|(i, (path, _))| path.starts_with(&format!("invocation/request-{i}/"))),
        "each answered once"
    );
    assert!(kilobytes_after < kilobytes + 2_048, "{kilobytes} kB → {kilobytes_after} kB");
    assert!(descriptors_after <= descriptors + 3, "{descriptors} → {descriptors_after} file descriptors");
    // Reads that go at once need more than one, up to five in a check; after a fault the SDK takes a new one.
    assert!(connections <= 10 + faults, "{connections} connections, {faults} faults");
}
