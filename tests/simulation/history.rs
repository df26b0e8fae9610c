//! Makes a history from a seed, as plain data: what happens to the database, what RDS and DNS show of it, which events reach
//! Lambda when, and how the balancer and Lambda behave.
//!
//! Times are milliseconds from the beginning of the history.

use fastrand::Rng;

use crate::climate::{Climate, Follows, Service};
use crate::delivery::{Delivery, deliver};
use crate::failover::Draft;

pub type Ms = u64;

pub const SECOND: Ms = 1_000;
pub const MINUTE: Ms = 60 * SECOND;

/// Which instance is the writer from a moment on.
#[derive(Clone, Debug)]
pub struct Truth {
    pub at: Ms,
    /// `None` while no instance accepts writes.
    pub writer: Option<usize>,
    /// The writer, or the instance that becomes it in the failover under way.
    pub rightful: usize,
}

/// What RDS shows from a moment on.
#[derive(Clone, Debug)]
pub struct View {
    pub at: Ms,
    pub status: &'static str,
    pub writers: Vec<usize>,
}

/// Instances are replaced: same IDs, new addresses.
#[derive(Clone, Debug)]
pub struct Replacement {
    pub at: Ms,
    /// When DNS has the new addresses.
    pub in_dns: Ms,
    pub members: Vec<usize>,
    pub generation: u8,
}

#[derive(Clone, Debug)]
pub struct History {
    pub seed: u64,
    pub follows: Follows,
    pub members: usize,
    /// How many members the map has; the others are discovered.
    pub mapped: usize,
    /// The targets at the beginning, with their states.
    pub targets: Vec<(String, &'static str)>,
    pub truths: Vec<Truth>,
    /// For each truth, how much longer each of the resolvers gives the address of before. For one DB instance.
    pub lags: Vec<[Ms; 2]>,
    pub views: Vec<View>,
    pub replacements: Vec<Replacement>,
    pub failovers: u64,
    pub deliveries: Vec<Delivery>,
    /// How long a target stays `initial`, and `draining`.
    pub initial: Ms,
    pub draining: Ms,
    /// When in its period the schedule runs, from 0 to 1.
    pub phase: f64,
    /// The chance that a call to AWS goes wrong.
    pub faults: f64,
    /// The chance that the process dies in a call.
    pub kills: f64,
    /// Whether reserved concurrency keeps runs apart.
    pub guard: bool,
    /// From here on nothing goes wrong any more, and RDS shows the truth.
    pub quiet: Ms,
}

pub fn instance(member: usize) -> String {
    format!("aurora-{}", member + 1)
}

/// Where an instance is after so many replacements.
pub fn address(member: usize, generation: u8) -> String {
    format!("10.{generation}.{}.{}", member + 1, (member + 1) * 11)
}

pub fn pick<'a, T>(rng: &mut Rng, choices: &'a [T]) -> &'a T {
    &choices[rng.usize(0..choices.len())]
}

impl History {
    pub fn new(climate: &Climate, seed: u64) -> History {
        let mut rng = Rng::with_seed(seed);
        let members = rng.usize(2..=6);
        let mapped = if rng.bool() { members } else { rng.usize(0..=members) };
        // The primary and its standby have two addresses, which no map has.
        let (members, mapped) = if climate.follows == Follows::Instance { (2, 0) } else { (members, mapped) };
        let mut draft = Draft::new(&mut rng, climate, members, mapped);
        let failovers = draft.rng.u64(1..=4).min(climate.most_failovers);
        draft.fill(failovers);
        let Draft { at: end, mut truths, mut views, replacements, events, .. } = draft;
        let deliveries = deliver(&mut rng, events, climate.service);
        truths.sort_by_key(|truth| truth.at);
        views.sort_by_key(|view| view.at);
        let shown = views.last().map(|view| view.at).into_iter().chain(replacements.last().map(|moved| moved.in_dns));
        let last = deliveries.iter().map(|delivery| delivery.at).chain(shown).max().unwrap_or(0);
        let (about_a_minute, draining) = balancer(&mut rng);
        let fails = if climate.service == Service::Good { 0.0 } else { 1.0 };
        History {
            seed,
            follows: climate.follows,
            members,
            mapped,
            targets: targets(&mut rng),
            lags: lags(seed, truths.len()),
            truths,
            views,
            replacements,
            failovers,
            deliveries,
            initial: climate.initial(seed, about_a_minute),
            draining,
            phase: rng.f64(),
            faults: fails * pick(&mut rng, &[0.0, 0.0, 0.02, 0.2]),
            kills: fails * pick(&mut rng, &[0.0, 0.0, 0.0, 0.02]),
            guard: rng.bool(),
            quiet: last.max(end) + 10 * MINUTE,
        }
    }

    pub fn first_failover(&self) -> Ms {
        self.truths[1].at
    }

    /// Whether a member is or ever was at this address.
    pub fn has(&self, at: &str) -> bool {
        let generations = 0..=self.replacements.len() as u8;
        generations.flat_map(|generation| (0..self.members).map(move |member| address(member, generation))).any(|own| own == at)
    }

    pub fn view(&self, at: Ms) -> &View {
        self.views.iter().rfind(|view| view.at <= at).unwrap()
    }

    pub fn truth(&self, at: Ms) -> &Truth {
        self.truths.iter().rfind(|truth| truth.at <= at).unwrap()
    }

    /// Which member is behind the name of the DB instance, as this resolver answers. The name moves when the new primary accepts.
    pub fn resolved(&self, resolver: usize, at: Ms) -> usize {
        let shown = (0..self.truths.len()).rev().filter(|i| self.name_moves(*i, resolver) <= at);
        shown.filter_map(|i| self.truths[i].writer).next().unwrap()
    }

    /// When this resolver begins to answer as this truth has it.
    pub fn name_moves(&self, truth: usize, resolver: usize) -> Ms {
        self.truths[truth].at + self.lags[truth][resolver]
    }

    /// When this resolver, or the first of both, begins to give the address of what takes writes from `at` on. For one DB instance.
    pub fn first_answer(&self, at: Ms, resolver: Option<usize>) -> Option<Ms> {
        let truth = self.truths.iter().rposition(|truth| truth.at <= at).filter(|_| self.follows == Follows::Instance)?;
        let moves = |resolver| self.name_moves(truth, resolver);
        Some(resolver.map_or_else(|| moves(0).min(moves(1)), moves))
    }

    /// Where a member is, or where DNS says that it is.
    pub fn generation(&self, member: usize, at: Ms, moment: impl Fn(&Replacement) -> Ms) -> u8 {
        let moved = |replacement: &&Replacement| moment(replacement) <= at && replacement.members.contains(&member);
        self.replacements.iter().rfind(moved).map_or(0, |replacement| replacement.generation)
    }
}

/// The TTL is 5 s. In a tenth of the histories one of the two resolvers answers old for a minute.
fn lags(seed: u64, truths: usize) -> Vec<[Ms; 2]> {
    let mut rng = Rng::with_seed(seed ^ 0xD25);
    let is_slow = rng.u8(0..10) == 0;
    let mut lag = || rng.u64(0..5 * SECOND);
    let first = [0, 0];
    let others = (1..truths).map(|_| [lag(), if is_slow { MINUTE } else { lag() }]);
    [first].into_iter().chain(others).collect()
}

/// How long a target is `initial`, about a minute, and `draining`. A third of the histories has the recommended attributes and a
/// fast balancer.
fn balancer(rng: &mut Rng) -> (Ms, Ms) {
    if rng.u8(0..3) == 0 {
        return (MINUTE, 0);
    }
    let initial = (10 * SECOND) as f64 * 30_f64.powf((rng.f64() + rng.f64()) / 2.0);
    (initial as Ms, rng.u64(0..5 * MINUTE))
}

/// Mostly as it should be; now and then with targets that were left behind.
fn targets(rng: &mut Rng) -> Vec<(String, &'static str)> {
    let writer = || address(0, 0);
    match rng.u8(0..10) {
        0 => vec![],
        1 => vec![(writer(), "unhealthy"), ("10.9.9.9".to_owned(), "unhealthy")],
        2 => vec![("10.9.9.9".to_owned(), "unused")],
        3 => vec![(writer(), "draining")],
        4 => vec![(writer(), "unhealthy.draining"), (address(1, 0), "draining")],
        _ => vec![(writer(), "unhealthy")],
    }
}
