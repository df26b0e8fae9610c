//! What a consumer of the binary log meets in a failover, on top of what the function has registered: when the balancer follows, and
//! when the consumer tries again.
//!
//! Times as public captures have them: after *started* the old writer answers no more within 2 s and is back as a reader after 21 to
//! 23 s; the new one is a reader until 8 to 13 s. A consumer tries again at once and then at its interval; one that meets a reader
//! stops for good, unless readers have a gate, which refuses its login.

use std::fmt;

use fastrand::Rng;

use crate::history::{History, MINUTE, Ms, SECOND, address};
use crate::measure::quantile;

/// How long the balancer takes to carry out a registration and a deregistration, at least and at most.
struct Balancer {
    name: &'static str,
    registers: (Ms, Ms),
    deregisters: (Ms, Ms),
}

const fn seconds(least: Ms, most: Ms) -> (Ms, Ms) {
    (least * SECOND, most * SECOND)
}

const BALANCERS: [Balancer; 4] = [
    Balancer { name: "1–3 s", registers: seconds(1, 3), deregisters: seconds(1, 3) },
    Balancer { name: "10–20 s", registers: seconds(10, 20), deregisters: seconds(10, 20) },
    Balancer { name: "60 s / 10 s", registers: seconds(50, 70), deregisters: seconds(5, 15) },
    Balancer { name: "60–120 s", registers: seconds(60, 120), deregisters: seconds(60, 120) },
];
const RETRIES: [Ms; 3] = [60 * SECOND, 10 * SECOND, SECOND];
const GIVES_UP: Ms = 20 * MINUTE;

/// One failover, with what the function made of it.
pub struct Failover {
    seed: u64,
    started: Ms,
    promoted: Ms,
    old: String,
    new: String,
    /// What was registered from a moment on.
    registrations: Vec<(Ms, Vec<String>)>,
}

/// What became of a consumer, and how long after *started*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Stopped,
    Served(Ms),
    Never,
}

/// An address to which the balancer sends connections, from one moment until another.
struct Spell<'a> {
    address: &'a str,
    from: Ms,
    until: Ms,
}

impl Failover {
    pub fn new(history: &History, registrations: Vec<(Ms, Vec<String>)>) -> Failover {
        let [before, started, promoted] = &history.truths[..] else { panic!("one failover") };
        let at = |truth: &crate::history::Truth| address(truth.rightful, 0);
        let (old, new) = (at(before), at(promoted));
        Failover { seed: history.seed, started: started.at, promoted: promoted.at, old, new, registrations }
    }

    fn end(&self, balancer: &Balancer, retry: Ms, has_gate: bool) -> End {
        // Each failover has its own times, the same for all retries and modes.
        let mut rng = Rng::with_seed(self.seed ^ 0xC025);
        let mut within = |(least, most): (Ms, Ms)| rng.u64(least..most);
        let spells = self.spells(within(balancer.registers), within(balancer.deregisters));
        let [old_down, old_back] = [seconds(0, 2), seconds(21, 23)].map(|bounds| self.started + within(bounds));
        let new_reads_until = self.started + within(seconds(8, 13));
        let mut at = old_down;
        while at < self.started + GIVES_UP {
            let serving: Vec<_> = spells.iter().filter(|spell| (spell.from..spell.until).contains(&at)).collect();
            let met = if serving.is_empty() { "" } else { serving[rng.usize(0..serving.len())].address };
            let is_reader = (met == self.old && at >= old_back) || (met == self.new && at < new_reads_until);
            match met {
                _ if is_reader && !has_gate => return End::Stopped,
                _ if met == self.new && at >= self.promoted => return End::Served(at - self.started),
                _ => at += retry,
            }
        }
        End::Never
    }

    fn spells(&self, registers: Ms, deregisters: Ms) -> Vec<Spell<'_>> {
        let mut spells: Vec<Spell> = Vec::new();
        for (at, registered) in &self.registrations {
            let gone = |spell: &&mut Spell| spell.until == Ms::MAX && !registered.iter().any(|address| address == spell.address);
            spells.iter_mut().filter(gone).for_each(|spell| spell.until = at + deregisters);
            for address in registered {
                if !spells.iter().any(|spell| spell.until == Ms::MAX && spell.address == address) {
                    // What is there at the beginning is served already.
                    let from = if *at == 0 { 0 } else { at + registers };
                    spells.push(Spell { address, from, until: Ms::MAX });
                }
            }
        }
        spells
    }
}

/// A balancer and a retry interval: what became of the consumers in each mode, without and with a gate.
pub struct Row {
    balancer: &'static str,
    retry: Ms,
    started: [Ends; 2],
    completed: [Ends; 2],
}

#[derive(Default)]
struct Ends {
    stopped: usize,
    served: Vec<Ms>,
    never: usize,
}

pub const HEAD: &str = "\
| balancer | retry | `started`: stopped of 1,000 | served again: median, 95 % | `completed`: stopped of 1,000 | median, 95 % | gate, `started`: median, 95 % | gate, `completed`: median, 95 % |
|---|---|---|---|---|---|---|---|";

/// The failovers by mode, `started` and `completed`.
pub fn rows([started, completed]: &[Vec<Failover>; 2]) -> Vec<Row> {
    let row = |balancer: &Balancer, retry| {
        let ends = |failovers: &[Failover]| [false, true].map(|gate| Ends::of(failovers, balancer, retry, gate));
        Row { balancer: balancer.name, retry, started: ends(started), completed: ends(completed) }
    };
    BALANCERS.iter().flat_map(|balancer| RETRIES.map(|retry| row(balancer, retry))).collect()
}

impl Ends {
    fn of(failovers: &[Failover], balancer: &Balancer, retry: Ms, has_gate: bool) -> Ends {
        let mut ends = Ends::default();
        for failover in failovers {
            match failover.end(balancer, retry, has_gate) {
                End::Stopped => ends.stopped += 1,
                End::Served(after) => ends.served.push(after),
                End::Never => ends.never += 1,
            }
        }
        ends
    }

    fn stopped_of_1000(&self) -> f64 {
        self.stopped as f64 * 1000.0 / (self.stopped + self.served.len() + self.never) as f64
    }

    fn times(&self) -> String {
        let time = |share| quantile(&self.served, share);
        if self.served.is_empty() { "–".to_owned() } else { format!("{:.0} s, {:.0} s", time(0.5), time(0.95)) }
    }
}

impl Row {
    pub fn all_served_with_a_gate(&self) -> bool {
        [&self.started[1], &self.completed[1]].iter().all(|ends| ends.stopped == 0 && ends.never == 0)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| {} | {} s |", self.balancer, self.retry / SECOND)?;
        for [bare, _] in [&self.started, &self.completed] {
            write!(f, " {:.0} | {} |", bare.stopped_of_1000(), bare.times())?;
        }
        write!(f, " {} | {} |", self.started[1].times(), self.completed[1].times())
    }
}
