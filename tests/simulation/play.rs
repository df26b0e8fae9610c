//! Plays a history: the world, Lambda, and the real handler with the real SDK client, all in paused time.

use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::SdkConfig;
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep_until};

use crate::algorithm::Algorithm;
use crate::history::History;
use crate::lambda::{Invocation, Lambda};
use crate::ledger::{Ledger, Outcome};
use crate::world;

/// Plays it from beginning to end.
pub fn play(history: &History, algorithm: Algorithm, sdk: &SdkConfig) -> Outcome {
    // The SDK's jitter comes from this thread's generator.
    fastrand::seed(history.seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, play_all_of(Rc::new(history.clone()), algorithm, sdk))
}

async fn play_all_of(history: Rc<History>, algorithm: Algorithm, sdk: &SdkConfig) -> Outcome {
    let begin = Instant::now();
    let (ledger, written) = (Arc::new(Mutex::new(Ledger::new(&history, begin))), Arc::new(Notify::new()));
    let standin = world::begin(&history, &ledger, written.clone());
    let lambda = Rc::new(Lambda::new(&history, algorithm, sdk, &standin, &ledger, begin));

    let (of_world, told) = ((standin.clone(), ledger.clone()), history.clone());
    let world = spawn_local(async move { world::move_on(&told, &of_world.0, &of_world.1, begin).await });
    let (of_balancer, told) = (standin.clone(), history.clone());
    let balancer = spawn_local(async move { world::balance(&told, &of_balancer, &written).await });
    let schedule = spawn_local(run_on_schedule(history.clone(), algorithm, lambda.clone(), begin));
    if algorithm.hears_events {
        for delivery in &history.deliveries {
            sleep_until(begin + Duration::from_millis(delivery.at)).await;
            lambda.invoke(Invocation::Event(delivery.payload.clone()));
        }
    }
    world.await.unwrap();
    schedule.await.unwrap();
    lambda.finish().await;
    ledger.lock().unwrap().calm();
    if algorithm.period.is_some() {
        lambda.invoke(Invocation::Schedule(json!({"source": "aws.events"})));
        lambda.finish().await;
    }
    balancer.abort();
    let targets = standin.world().targets.clone();
    ledger.lock().unwrap().close(&targets)
}

async fn run_on_schedule(history: Rc<History>, algorithm: Algorithm, lambda: Rc<Lambda>, begin: Instant) {
    let Some(period) = algorithm.period else { return };
    let mut at = (period as f64 * history.phase) as u64;
    while at < history.quiet {
        sleep_until(begin + Duration::from_millis(at)).await;
        if !lambda.is_calm() {
            lambda.invoke(Invocation::Schedule(json!({"source": "aws.scheduler"})));
        }
        at += period;
    }
}
