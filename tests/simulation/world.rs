//! The world outside Lambda: truth, RDS's view and DNS come to pass as the history says, targets pass through their states, and
//! calls to AWS go wrong.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::climate::Follows;
use crate::history::{History, Ms, address, instance};
use crate::ledger::{Ledger, RUN};
use crate::play::Stage;
use crate::standin::{Chaos, Fault, Hook, Standin, Target, View};

/// Brings a stand-in to where the history begins; `written` is notified of each write.
pub fn begin(history: &History, ledger: &Arc<Mutex<Ledger>>, written: Arc<Notify>) -> Standin {
    let standin = match history.follows {
        Follows::Cluster => Standin::new(),
        Follows::Instance => Standin::new().with_instance(&address(0, 0)),
    };
    let mut world = standin.world();
    let target =
        |(id, state): &(String, &str)| Target { id: id.clone(), port: "3306".to_owned(), zone: None, state: (*state).to_owned() };
    world.targets = history.targets.iter().map(target).collect();
    world.chaos = Some(Hook(chaos(history, ledger.clone())));
    let ledger = ledger.clone();
    world.probe = Some(Hook(Box::new(move |before, action, after| {
        ledger.lock().unwrap().written(before, action, after);
        written.notify_one();
    })));
    drop(world);
    standin
}

/// Truth, views and addresses come to pass; in the end all is quiet.
pub async fn move_on(stage: Stage) {
    let (history, standin) = (&stage.history, &stage.standin);
    let replacements = history.replacements.iter().flat_map(|moved| [moved.at, moved.in_dns]);
    let truths = history.truths.iter().map(|truth| truth.at);
    let mut moments: Vec<Ms> = truths.chain(history.views.iter().map(|view| view.at)).chain(replacements).collect();
    moments.sort_unstable();
    moments.dedup();
    for at in moments {
        stage.until(at).await;
        let mut world = standin.world();
        let view = history.view(at);
        let writers = view.writers.iter().map(|writer| instance(*writer)).collect();
        world.views = [View { status: view.status.to_owned(), writers }].into();
        let host = |member| address(member, history.generation(member, at, |moved| moved.in_dns));
        world.members = (0..history.members).map(|member| (instance(member), Some(host(member)))).collect();
        stage.ledger().world(&world.targets);
    }
    stage.until(history.quiet).await;
    standin.world().chaos = None;
}

/// Targets become `unhealthy` after `initial`, because the health check is blind, and go after `draining`.
pub async fn balance(stage: Stage, written: Arc<Notify>) {
    let (history, standin) = (&stage.history, &stage.standin);
    let mut due: HashMap<(String, String), (String, Instant)> = HashMap::new();
    loop {
        let now = Instant::now();
        let next = {
            let targets = &mut standin.world().targets;
            for target in targets.iter_mut() {
                let lasts = match target.state.as_str() {
                    "initial" => history.initial,
                    "draining" => history.draining,
                    _ => continue,
                };
                let entry = || (target.state.clone(), now + Duration::from_millis(lasts));
                let known = due.entry((target.id.clone(), target.port.clone())).or_insert_with(entry);
                if known.0 != target.state {
                    *known = entry();
                }
                if known.1 <= now {
                    let then = if target.state == "initial" { "unhealthy" } else { "gone" };
                    then.clone_into(&mut target.state);
                }
            }
            targets.retain(|target| target.state != "gone");
            due.retain(|(id, port), (state, _)| targets.iter().any(|t| (&t.id, &t.port, &t.state) == (&*id, &*port, &*state)));
            due.values().map(|(_, at)| *at).min()
        };
        let next = next.unwrap_or(now + Duration::from_secs(24 * 3600));
        drop(timeout_at(next, written.notified()).await);
    }
}

/// Decides for each call what goes wrong with it.
fn chaos(history: &History, ledger: Arc<Mutex<Ledger>>) -> Box<Chaos> {
    let mut rng = Rng::with_seed(history.seed ^ 0xFA17);
    let (faults, kills) = (history.faults, history.kills);
    Box::new(move |action| {
        if rng.f64() < kills {
            RUN.with(|run| run.killed.notify_one());
            ledger.lock().unwrap().note(|| format!("{action}: the process dies"));
            return Some(if rng.bool() { Fault::Delay(Duration::from_secs(3600)) } else { Fault::DropBefore });
        }
        let fault = (rng.f64() < faults).then(|| match rng.u8(0..9) {
            0 | 1 => Fault::Throttle,
            2 => Fault::Error(503, "ServiceUnavailable", "down"),
            3 => Fault::Error(403, "AccessDenied", "not authorized"),
            4 => Fault::Delay(Duration::from_millis(rng.u64(0..20_000))),
            5 => Fault::DropBefore,
            6 => Fault::DropAfter,
            7 => Fault::Delay(Duration::from_secs(3600)),
            _ => Fault::Body(if rng.bool() { "" } else { "<Nonsense><TargetHealthDescriptions/></Nonsense>" }),
        });
        if action == "DescribeTargetHealth" {
            RUN.with(|run| run.garbled.set(matches!(fault, Some(Fault::Body(_)))));
        }
        if let Some(fault) = &fault {
            ledger.lock().unwrap().note(|| format!("{action}: {fault:?}"));
        }
        fault
    })
}
