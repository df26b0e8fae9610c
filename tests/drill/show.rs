//! What a person sees of an act: one line, or all of it.

use std::time::Duration;

use aurora_nlb_failover::Error;
use serde_json::Value;

use crate::acts::Act;
use crate::standin::function::summary;

/// An act and its outcome.
pub struct Played {
    pub is_right: bool,
    /// What the event says.
    pub message: String,
    pub answer: Result<Value, Error>,
    /// The group, with states.
    pub before: Vec<String>,
    pub after: Vec<String>,
    pub calls: Vec<String>,
    pub took: Duration,
}

impl Played {
    pub fn print(&self, number: usize, act: &Act, verbose: bool) {
        let calls: Vec<_> = self.calls.iter().map(|call| call.split(' ').next().unwrap_or_default()).collect();
        let calls = calls.join(" ").replace("Describe", "").replace("Targets", "");
        let outcome = format!("{} {}", summary(&self.answer), doubt(&self.answer));
        let outcome = outcome.trim_end();
        let (event, ms) = (act.event, self.took.as_secs_f64() * 1000.0);
        let (before, after) = (addresses(&self.before), addresses(&self.after));
        println!("{number:>2}  {event:<27} → {outcome:<36} {before:>20} → {after:<10} {ms:>6.0} ms  {calls}");
        if !self.is_right {
            let error = if act.fails { "an" } else { "no" };
            println!("    WRONG: expected {} alone in the group, {error} error, and the doubt \"{}\"", act.target, act.doubt);
        }
        if verbose {
            let answer = self.answer.as_ref().map_or_else(|error| format!("{error:?}"), Value::to_string);
            println!("    {}", act.story);
            println!("    event   {} s ago{}", act.ago, self.message);
            println!("    RDS     {}, writer {}", act.rds.0, act.rds.1);
            println!("    answer  {answer}");
            println!("    group   {} → {}", self.before.join(", "), self.after.join(", "));
            println!("    calls   {}\n", self.calls.join(", "));
        }
    }
}

/// The doubt of the answer; empty if it has none.
pub fn doubt(answer: &Result<Value, Error>) -> &str {
    answer.as_ref().ok().and_then(|answer| answer["doubt"].as_str()).unwrap_or_default()
}

/// The addresses that are registered.
fn addresses(listed: &[String]) -> String {
    let registered = listed.iter().filter(|target| !target.ends_with(" draining"));
    let addresses: Vec<_> = registered.filter_map(|target| target.rsplit_once(':')).map(|(address, _)| address).collect();
    if addresses.is_empty() { "(empty)".to_owned() } else { addresses.join(" ") }
}
