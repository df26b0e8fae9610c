//! Plays a history: the world's clock, Lambda's queue, and the real handler with the real SDK client, all in paused
//! time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aurora_nlb_failover::aws::Clients;
use aurora_nlb_failover::{Config, Function};
use aws_config::SdkConfig;
use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinHandle, LocalSet, spawn_local};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::algorithm::{Algorithm, Handler};
use crate::history::{History, Ms, Payload, address, instance};
use crate::standin::{CLUSTER, Chaos, Fault, Hook, Standin, TARGET_GROUP, Target};

const LAMBDA_TIMEOUT: Duration = Duration::from_secs(30);
const SCHEDULE: Duration = Duration::from_secs(300);

/// What came of a history.
#[derive(Clone, Debug, Default)]
pub struct Result {
    /// Broken promises, each with its moment.
    pub violations: Vec<String>,
    /// Milliseconds with a writer, and those of them with exactly its target registered.
    pub with_writer: Ms,
    pub right: Ms,
    /// How often a write left the group empty.
    pub emptied: u64,
    /// Milliseconds without any registered target, where there had been one.
    pub empty: Ms,
    /// For each failover, from the moment that there is a writer again until its target is the only one.
    pub recoveries: Vec<Ms>,
    /// Whether the group held exactly the writer when all was over.
    pub ends_right: bool,
    pub trace: Vec<String>,
}

tokio::task_local! {
    /// The run that a call belongs to.
    static RUN: Rc<Run>;
}

#[derive(Default)]
struct Run {
    killed: Notify,
    /// Whether the last list of targets that this run was given was unreadable.
    garbled: Cell<bool>,
}

/// Plays it from beginning to end.
pub fn play(history: &History, algorithm: Algorithm, sdk: &SdkConfig) -> Result {
    // The SDK's jitter comes from this thread's generator.
    fastrand::seed(history.seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, async { Play::new(history, algorithm, sdk).play().await })
}

struct Play {
    history: History,
    algorithm: Algorithm,
    standin: Standin,
    handler: Handler,
    guard: Rc<Semaphore>,
    begin: Instant,
    ledger: Arc<Mutex<Ledger>>,
    invocations: RefCell<Vec<JoinHandle<()>>>,
    /// What the last run saw that found nothing to do.
    in_order: RefCell<Option<String>>,
}

impl Play {
    fn new(history: &History, algorithm: Algorithm, sdk: &SdkConfig) -> Rc<Play> {
        let begin = Instant::now();
        let standin = Standin::new();
        let ledger = Arc::new(Mutex::new(Ledger::new(history, begin)));
        {
            let mut world = standin.world();
            world.members = (0..history.members).map(|member| (instance(member), Some(address(member)))).collect();
            let target = |(id, state): &(String, &str)| Target {
                id: id.clone(),
                port: "3306".to_owned(),
                zone: None,
                state: (*state).to_owned(),
            };
            world.targets = history.targets.iter().map(target).collect();
            world.chaos = Some(Hook(chaos(history, ledger.clone())));
            let probed = ledger.clone();
            world.probe =
                Some(Hook(Box::new(move |before, action, after| probed.lock().unwrap().written(before, action, after))));
        }
        let sdk = sdk.to_builder().http_client(standin.clone()).build();
        let config = config(history, algorithm);
        let aws = Clients::new(&sdk, &config);
        let function = Rc::new(Function::new(config.clone(), aws.clone()));
        Rc::new(Play {
            history: history.clone(),
            algorithm,
            standin,
            handler: Handler { algorithm, function, aws, config },
            guard: Rc::new(Semaphore::new(permits(history))),
            begin,
            ledger,
            invocations: RefCell::default(),
            in_order: RefCell::default(),
        })
    }

    async fn play(self: Rc<Self>) -> Result {
        let world = spawn_local(self.clone().move_the_world());
        let schedule = spawn_local(self.clone().run_on_schedule());
        if self.algorithm.hears_events() {
            for delivery in self.history.deliveries.clone() {
                sleep_until(self.begin + Duration::from_millis(delivery.at)).await;
                self.invoke(self.payload(&delivery.payload));
            }
        }
        world.await.unwrap();
        schedule.await.unwrap();
        while let Some(invocation) = { self.invocations.borrow_mut().pop() } {
            invocation.await.unwrap();
        }
        if self.algorithm.runs_on_schedule() {
            self.invoke(json!({"source": "aws.events"}));
            let last = self.invocations.borrow_mut().pop();
            last.unwrap().await.unwrap();
        }
        self.ledger.lock().unwrap().close(&self.standin.world().targets)
    }

    /// Truth and views come to pass; targets pass through their states; in the end all is quiet.
    async fn move_the_world(self: Rc<Self>) {
        let mut rng = Rng::with_seed(self.history.seed ^ 0x5EED);
        let mut moments: Vec<Ms> = (0..self.history.quiet).step_by(15_000).collect();
        moments.extend(self.history.truths.iter().map(|truth| truth.at));
        moments.extend(self.history.views.iter().map(|view| view.at));
        moments.sort_unstable();
        moments.dedup();
        for at in moments {
            sleep_until(self.begin + Duration::from_millis(at)).await;
            let mut world = self.standin.world();
            let view = self.history.views.iter().rfind(|view| view.at <= at).unwrap();
            let writers = view.writers.iter().map(|writer| instance(*writer)).collect();
            world.views = [crate::standin::View { status: view.status.to_owned(), writers }].into();
            if at % 15_000 == 0 {
                world.targets.retain(|target| target.is_registered() || rng.f64() < 0.8);
                let settles = |target: &&mut Target| target.state == "initial";
                world
                    .targets
                    .iter_mut()
                    .filter(settles)
                    .filter(|_| rng.f64() < 0.1)
                    .for_each(|target| "unhealthy".clone_into(&mut target.state));
            }
            let writer = self.history.truths.iter().rfind(|truth| truth.at <= at).unwrap().writer;
            self.ledger.lock().unwrap().truth(writer, &world.targets);
        }
        sleep_until(self.begin + Duration::from_millis(self.history.quiet)).await;
        let writer = self.history.truths.last().unwrap().writer.unwrap();
        self.standin.world().views =
            [crate::standin::View { status: "available".to_owned(), writers: vec![instance(writer)] }].into();
        self.standin.world().chaos = None;
    }

    async fn run_on_schedule(self: Rc<Self>) {
        let mut next = self.begin + Duration::from_millis(self.history.phase);
        while self.algorithm.runs_on_schedule() && next < self.begin + Duration::from_millis(self.history.quiet) {
            sleep_until(next).await;
            // A calm hour is played once, which saves a fifth of the time: a run that is alone and sees what the last one found in
            // order has nothing to do, unless a fault befalls it, and faults befall the others often enough.
            let is_calm =
                self.guard.available_permits() == permits(&self.history) && *self.in_order.borrow() == Some(self.sight());
            if !is_calm {
                self.invoke(json!({"source": "aws.scheduler"}));
            }
            next += SCHEDULE;
        }
    }

    /// What decides whether there is something to do.
    fn sight(&self) -> String {
        let world = self.standin.world();
        let registered: Vec<_> = world.targets.iter().filter(|target| target.is_registered()).map(|target| &target.id).collect();
        format!("{registered:?} {:?}", world.views)
    }

    fn invoke(self: &Rc<Self>, payload: Value) {
        let invocation = spawn_local(self.clone().asynchronous_invocation(payload));
        self.invocations.borrow_mut().push(invocation);
    }

    /// As Lambda does it: throttled runs wait with growing pauses, for at most an hour as the template says; a failed
    /// one is tried again after one minute and then two.
    async fn asynchronous_invocation(self: Rc<Self>, payload: Value) {
        let arrived = Instant::now();
        for pause in [60, 120, 0] {
            let mut back_off = Duration::from_secs(1);
            let permit = loop {
                match self.guard.try_acquire() {
                    Ok(permit) => break permit,
                    Err(_) if arrived.elapsed() > Duration::from_secs(3600) => return,
                    Err(_) => sleep(back_off).await,
                }
                back_off = (back_off * 2).min(Duration::from_secs(300));
            };
            let succeeded = self.run(&payload).await;
            drop(permit);
            if succeeded {
                return;
            }
            sleep(Duration::from_secs(pause)).await;
        }
    }

    /// One run, which may be killed, and which Lambda ends when its time is up.
    async fn run(&self, payload: &Value) -> bool {
        let run = Rc::new(Run::default());
        let deadline = Instant::now() + LAMBDA_TIMEOUT;
        let sight = self.sight();
        let handled = RUN.scope(run.clone(), Box::pin(self.handler.handle(payload, self.now(), deadline)));
        self.ledger.lock().unwrap().note(|| format!("run {}", brief(payload)));
        let (outcome, succeeded) = tokio::select! {
            () = run.killed.notified() => ("killed".to_owned(), false),
            handled = timeout(LAMBDA_TIMEOUT, handled) => match handled {
                Err(_) => ("timed out".to_owned(), false),
                Ok(Err(error)) => (format!("{error:?}"), false),
                Ok(Ok(answer)) => (answer, true),
            },
        };
        let found_in_order = outcome.contains(r#""outcome":"unchanged","#) && outcome.contains(r#""evidence":"rds""#);
        if found_in_order && sight == self.sight() {
            *self.in_order.borrow_mut() = Some(sight);
        }
        let mut ledger = self.ledger.lock().unwrap();
        ledger.note(|| format!("→ {outcome}"));
        if outcome == "timed out" && self.algorithm != Algorithm::Article {
            ledger.violation("a run did not end in time by itself");
        }
        succeeded
    }

    fn now(&self) -> DateTime<Utc> {
        wall_clock(self.begin.elapsed().as_millis() as Ms)
    }

    fn payload(&self, payload: &Payload) -> Value {
        payload.to_json(|at| wall_clock(at).format("%Y-%m-%d %H:%M:%S%.3f").to_string())
    }
}

/// How many runs there may be at once.
fn permits(history: &History) -> usize {
    if history.guard { 1 } else { 1000 }
}

fn wall_clock(at: Ms) -> DateTime<Utc> {
    DateTime::<Utc>::from_timestamp_millis(1_773_457_927_000).unwrap() + TimeDelta::milliseconds(at as i64)
}

fn brief(payload: &Value) -> String {
    let message = payload.pointer("/Records/0/Sns/Message").and_then(Value::as_str);
    let notification = message.and_then(|message| serde_json::from_str::<Value>(message).ok());
    notification
        .map_or_else(|| payload["source"].to_string(), |event| format!("{} {}", event["Event Time"], event["Event Message"]))
}

fn config(history: &History, algorithm: Algorithm) -> Config {
    let mapped = if algorithm == Algorithm::Article { history.members } else { history.mapped };
    let map: serde_json::Map<_, _> = (0..mapped).map(|member| (instance(member), address(member).into())).collect();
    let map = Value::Object(map).to_string();
    let variables = [("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", map.as_str()), ("DB_CLUSTER_ID", CLUSTER)];
    Config::read(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())).unwrap()
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

/// Keeps the time and the promises.
struct Ledger {
    members: Vec<String>,
    guard: bool,
    begin: Instant,
    since: Ms,
    writer: Option<usize>,
    registered: Vec<String>,
    had_target: bool,
    /// Since when there is a writer whose target is not yet the only one.
    recovering: Option<Ms>,
    result: Result,
}

impl Ledger {
    fn new(history: &History, begin: Instant) -> Ledger {
        Ledger {
            members: (0..history.members).map(address).collect(),
            guard: history.guard,
            begin,
            since: 0,
            writer: None,
            registered: Vec::new(),
            had_target: false,
            recovering: None,
            result: Result::default(),
        }
    }

    fn is_right(&self) -> bool {
        self.writer.is_some_and(|writer| self.registered == [address(writer)])
    }

    /// Books the time since the last change, then takes over the new state.
    fn book(&mut self, writer: Option<usize>, targets: &[Target]) {
        let now = self.begin.elapsed().as_millis() as Ms;
        let passed = now - self.since;
        self.since = now;
        if self.writer.is_some() {
            self.result.with_writer += passed;
            self.result.right += if self.is_right() { passed } else { 0 };
        }
        self.result.empty += if self.had_target && self.registered.is_empty() { passed } else { 0 };
        self.writer = writer;
        self.registered = targets.iter().filter(|target| target.is_registered()).map(|target| target.id.clone()).collect();
        self.had_target |= !self.registered.is_empty();
        if self.is_right()
            && let Some(since) = self.recovering.take()
        {
            self.result.recoveries.push(now - since);
        }
    }

    fn truth(&mut self, writer: Option<usize>, targets: &[Target]) {
        let now = self.begin.elapsed().as_millis() as Ms;
        if writer != self.writer {
            self.note(|| format!("the writer is {}", writer.map_or("nobody".to_owned(), instance)));
            if let Some(since) = self.recovering.take() {
                self.result.recoveries.push(now - since);
            }
            let again = writer.is_some() && self.since > 0;
            self.recovering = again.then_some(now);
        }
        self.book(writer, targets);
    }

    /// A write took effect.
    fn written(&mut self, before: &[Target], action: &str, after: &[Target]) {
        let registered = |targets: &[Target]| {
            targets.iter().filter(|target| target.is_registered()).map(|target| target.id.clone()).collect::<Vec<_>>()
        };
        let (before, now) = (registered(before), registered(after));
        self.note(|| format!("{action}: {before:?} → {now:?}"));
        if !before.is_empty() && now.is_empty() {
            self.result.emptied += 1;
            // Without the guard two runs can undo each other: that is counted, not promised away.
            if self.guard {
                self.violation("the group was emptied");
            }
        }
        let strangers: Vec<_> = now.iter().filter(|id| !before.contains(id) && !self.members.contains(id)).collect();
        for stranger in strangers {
            self.violation(&format!("{stranger} was registered and is no member"));
        }
        if RUN.with(|run| run.garbled.get()) {
            self.violation("a write followed from a list that could not be read");
        }
        self.book(self.writer, after);
    }

    fn violation(&mut self, what: &str) {
        let line = format!("{:.3} s: {what}", self.begin.elapsed().as_secs_f64());
        self.result.trace.push(line.clone());
        self.result.violations.push(line);
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        self.result.trace.push(format!("{:10.3} s  {}", self.begin.elapsed().as_secs_f64(), line()));
    }

    fn close(&mut self, targets: &[Target]) -> Result {
        self.book(self.writer, targets);
        let now = self.begin.elapsed().as_millis() as Ms;
        self.result.recoveries.extend(self.recovering.map(|since| now - since));
        self.result.ends_right = self.is_right();
        self.result.clone()
    }
}
