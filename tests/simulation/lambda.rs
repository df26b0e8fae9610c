//! Lambda: its asynchronous queue, reserved concurrency, and the processes that it starts, keeps and forgets.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use aurora_nlb_failover::Config;
use aws_config::SdkConfig;
use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{Instant, sleep, timeout};

use crate::algorithm::{Algorithm, Code, Process};
use crate::climate::Follows;
use crate::delivery::Payload;
use crate::history::Ms;
use crate::ledger::{RUN, Run};
use crate::play::Stage;

pub struct Lambda {
    algorithm: Algorithm,
    config: Config,
    sdk: SdkConfig,
    stage: Stage,
    /// As the template sets it.
    timeout: Duration,
    slots: Semaphore,
    under_way: Cell<usize>,
    /// The chance that a run is in a new process although another stands idle.
    forgets: f64,
    rng: RefCell<Rng>,
    idle: RefCell<Vec<Process>>,
    invocations: RefCell<Vec<JoinHandle<()>>>,
    /// What the last run saw that found nothing to do.
    in_order: RefCell<Option<String>>,
}

/// What is handed over: an event, or a run of the schedule.
#[derive(Clone)]
pub enum Invocation {
    Event(Payload),
    Schedule(Value),
}

impl Lambda {
    pub fn new(stage: Stage, algorithm: Algorithm, sdk: &SdkConfig) -> Lambda {
        let history = &stage.history;
        Lambda {
            algorithm,
            config: algorithm.config(history),
            sdk: sdk.to_builder().http_client(stage.standin.clone()).build(),
            timeout: Duration::from_secs(if history.follows == Follows::Instance { 120 } else { 30 }),
            slots: Semaphore::new(if history.guard { 1 } else { 1000 }),
            under_way: Cell::new(0),
            // With reserved concurrency there is one process, which Lambda replaces now and then.
            forgets: if history.guard { 0.02 } else { 0.5 },
            rng: RefCell::new(Rng::with_seed(history.seed ^ 0x1A3B)),
            idle: RefCell::default(),
            invocations: RefCell::default(),
            in_order: RefCell::default(),
            stage,
        }
    }

    pub fn invoke(self: &Rc<Self>, invocation: Invocation) {
        let invocation = spawn_local(self.clone().asynchronously(invocation));
        self.invocations.borrow_mut().push(invocation);
    }

    /// Waits for what was invoked, with all its retries.
    pub async fn finish(&self) {
        while let Some(invocation) = { self.invocations.borrow_mut().pop() } {
            invocation.await.unwrap();
        }
    }

    /// Throttled runs wait with growing pauses, for at most an hour as the template says; a failed one is tried again after one
    /// minute and then two.
    async fn asynchronously(self: Rc<Self>, invocation: Invocation) {
        let arrived = Instant::now();
        for pause in [60, 120, 0] {
            let mut back_off = Duration::from_secs(1);
            let slot = loop {
                match self.slots.try_acquire() {
                    Ok(slot) => break slot,
                    Err(_) if arrived.elapsed() > Duration::from_secs(3600) => return,
                    Err(_) => sleep(back_off).await,
                }
                back_off = (back_off * 2).min(Duration::from_secs(300));
            };
            let succeeded = self.run(&invocation).await;
            drop(slot);
            if succeeded {
                return;
            }
            sleep(Duration::from_secs(pause)).await;
        }
    }

    /// One run, which may be killed, and which Lambda ends when its time is up. A process that ends so is not used again.
    async fn run(&self, invocation: &Invocation) -> bool {
        let (payload, trigger) = self.payload(invocation);
        let (process, sight) = (self.process(), self.sight());
        let run = Rc::new(Run::new(trigger, process.resolver));
        self.stage.ledger().note(|| format!("run {} {}", run.trigger, told(&payload)));
        self.note_waiting(invocation, &run, &process);
        self.under_way.set(self.under_way.get() + 1);
        let handled = Box::pin(process.handle(&payload, self.wall_clock(self.stage.now()), Instant::now() + self.timeout));
        let handled = RUN.scope(run.clone(), handled);
        let answer = tokio::select! {
            () = run.killed.notified() => Err("killed".to_owned()),
            handled = timeout(self.timeout, handled) => match handled {
                Err(_) => Err("timed out".to_owned()),
                Ok(answer) => Ok(answer),
            },
        };
        self.under_way.set(self.under_way.get() - 1);
        let mut ledger = self.stage.ledger();
        match &answer {
            Err(end) => ledger.note(|| format!("→ {end}")),
            Ok(Err(error)) => ledger.note(|| format!("→ {error:?}")),
            Ok(Ok(answer)) => ledger.note(|| format!("→ {answer}")),
        }
        if answer == Err("timed out".to_owned()) && self.algorithm.code == Code::Ours {
            ledger.violation("a run did not end in time by itself");
        }
        if answer.is_ok() {
            self.idle.borrow_mut().push(process);
        }
        let answer = answer.ok().and_then(Result::ok);
        ledger.ended(&run, answer.as_ref());
        drop(ledger);
        if answer.as_ref().is_some_and(found_in_order) && sight == self.sight() {
            *self.in_order.borrow_mut() = Some(sight);
        }
        answer.is_some()
    }

    /// A fresh *started* event of one DB instance waits for the address to move.
    fn note_waiting(&self, invocation: &Invocation, run: &Run, process: &Process) {
        if let Invocation::Event(payload) = invocation
            && run.trigger == "fresh started"
        {
            self.stage.ledger().watching(payload.happened(), process.resolver);
        }
    }

    fn process(&self) -> Process {
        let idle = self.idle.borrow_mut().pop();
        let idle = idle.filter(|_| self.rng.borrow_mut().f64() >= self.forgets);
        let resolver = || match self.stage.history.follows {
            Follows::Cluster => 0,
            Follows::Instance => self.rng.borrow_mut().usize(0..2),
        };
        idle.unwrap_or_else(|| Process::new(self.algorithm, &self.config, &self.sdk, &self.stage, resolver()))
    }

    /// Whether a scheduled run would be alone and see what the last one found in order: it has nothing to do, unless a fault
    /// meets it, and faults meet the others often enough. Most scheduled runs are like that.
    pub fn is_calm(&self) -> bool {
        self.under_way.get() == 0 && *self.in_order.borrow() == Some(self.sight())
    }

    /// What decides whether there is something to do.
    fn sight(&self) -> String {
        let world = self.stage.standin.world();
        let registered: Vec<_> = world.targets.iter().filter(|target| target.is_registered()).map(|target| &target.id).collect();
        let resolved = match self.stage.history.follows {
            Follows::Cluster => [0, 0],
            Follows::Instance => [0, 1].map(|resolver| self.stage.history.resolved(resolver, self.stage.now())),
        };
        format!("{registered:?} {:?} {:?} {resolved:?}", world.views, world.members)
    }

    fn wall_clock(&self, at: Ms) -> DateTime<Utc> {
        DateTime::<Utc>::from_timestamp_millis(1_773_457_927_000).unwrap() + TimeDelta::milliseconds(at as i64)
    }

    /// As Lambda hands it over, and what it is called when causes are counted.
    fn payload(&self, invocation: &Invocation) -> (Value, String) {
        match invocation {
            Invocation::Schedule(payload) => (payload.clone(), "schedule".to_owned()),
            Invocation::Event(payload) => {
                let age = self.stage.now().saturating_sub(payload.happened());
                (payload.to_json(|at| self.wall_clock(at)), payload.cause(age))
            }
        }
    }
}

fn found_in_order(answer: &Value) -> bool {
    answer["outcome"] == "unchanged" && (answer["evidence"] == "rds" || answer["evidence"] == "dns")
}

fn told(payload: &Value) -> String {
    let message = payload.pointer("/Records/0/Sns/Message").and_then(Value::as_str);
    let notification = message.and_then(|message| serde_json::from_str::<Value>(message).ok());
    notification.map_or_else(String::new, |event| format!("{} {}", event["Event Time"], event["Event Message"]))
}
