//! Plays a history: the world, Lambda, and the real handler with the real SDK client, all in paused time.

use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_config::SdkConfig;
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep_until};

use crate::algorithm::Algorithm;
use crate::history::{History, Ms};
use crate::lambda::{Invocation, Lambda};
use crate::ledger::{Ledger, Outcome};
use crate::standin::Standin;
use crate::world;

/// Plays it from beginning to end.
pub fn play(history: History, algorithm: Algorithm, sdk: &SdkConfig) -> Outcome {
    // The SDK's jitter comes from this thread's generator.
    fastrand::seed(history.seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, play_all_of(Arc::new(history), algorithm, sdk))
}

/// A history under way: what the world, the balancer and Lambda share.
#[derive(Clone)]
pub struct Stage {
    pub history: Arc<History>,
    pub standin: Standin,
    ledger: Arc<Mutex<Ledger>>,
    pub begin: Instant,
}

impl Stage {
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    pub fn now(&self) -> Ms {
        self.begin.elapsed().as_millis() as Ms
    }

    pub async fn until(&self, at: Ms) {
        sleep_until(self.begin + Duration::from_millis(at)).await;
    }
}

async fn play_all_of(history: Arc<History>, algorithm: Algorithm, sdk: &SdkConfig) -> Outcome {
    let begin = Instant::now();
    let (ledger, written) = (Arc::new(Mutex::new(Ledger::new(history.clone(), begin))), Arc::new(Notify::new()));
    let standin = world::begin(&history, &ledger, written.clone());
    let stage = Stage { history, standin, ledger, begin };
    let lambda = Rc::new(Lambda::new(stage.clone(), algorithm, sdk));

    let world = spawn_local(world::move_on(stage.clone()));
    let balancer = spawn_local(world::balance(stage.clone(), written));
    let schedule = spawn_local(run_on_schedule(stage.clone(), algorithm, lambda.clone()));
    if algorithm.hears_events {
        for delivery in &stage.history.deliveries {
            stage.until(delivery.at).await;
            lambda.invoke(Invocation::Event(delivery.payload.clone()));
        }
    }
    world.await.unwrap();
    schedule.await.unwrap();
    lambda.finish().await;
    stage.ledger().calm();
    if algorithm.period.is_some() {
        lambda.invoke(Invocation::Schedule(json!({"source": "aws.events"})));
        lambda.finish().await;
    }
    balancer.abort();
    let targets = stage.standin.world().targets.clone();
    stage.ledger().close(&targets)
}

async fn run_on_schedule(stage: Stage, algorithm: Algorithm, lambda: Rc<Lambda>) {
    let Some(period) = algorithm.period else { return };
    let mut at = (period as f64 * stage.history.phase) as u64;
    while at < stage.history.quiet {
        stage.until(at).await;
        if !lambda.is_calm() {
            lambda.invoke(Invocation::Schedule(json!({"source": "aws.scheduler"})));
        }
        at += period;
    }
}
