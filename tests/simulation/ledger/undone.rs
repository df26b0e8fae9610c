//! Counts what was undone, and by which witnesses.

use serde_json::Value;

use super::{Ledger, Run};
use crate::climate::Follows;
use crate::measure::Cause;

/// What was shown when a right target was taken away.
const OTHER_WRITER: &str = "RDS showed another writer";
const INITIAL: &str = "the target was initial";

impl Ledger {
    /// What RDS or the balancer shows while the rightful writer's target, in this state, is taken away.
    pub fn shown(&self, state: &str) -> &'static str {
        match (self.history.follows, state) {
            (Follows::Cluster, _) => self.rds_showed(),
            (Follows::Instance, "initial") => INITIAL,
            (Follows::Instance, _) => "the target was no longer initial",
        }
    }

    fn rds_showed(&self) -> &'static str {
        let now = self.now();
        let (view, rightful) = (self.history.view(now), self.history.truth(now).rightful);
        match (view.status, view.writers.as_slice()) {
            ("failing-over", _) => "RDS showed failing-over",
            (_, [writer]) if *writer == rightful => "RDS showed the writer",
            (_, [_]) => OTHER_WRITER,
            _ => "RDS showed no single writer",
        }
    }

    /// A run is over, with an answer or without.
    pub fn ended(&mut self, run: &Run, answer: Option<&Value>) {
        let evidence = answer.map(|answer| answer["evidence"].as_str().unwrap_or_default());
        for shown in run.undid.take() {
            let would_be = match self.history.follows {
                Follows::Cluster => run.trigger != "fresh started" && shown == OTHER_WRITER,
                Follows::Instance => !run.trigger.starts_with("fresh"),
            };
            let is_alone = |evidence: &str| evidence == "rds" || evidence == "dns";
            let by_one_witness = run.trigger != "fresh failed" && evidence.map_or(would_be, is_alone);
            if by_one_witness && shown == INITIAL {
                self.violation("DNS alone took away a target that was initial");
            }
            let cause = Cause { by_one_witness, trigger: run.trigger.clone(), shown };
            *self.outcome.measure.undone.entry(cause).or_default() += 1;
        }
    }
}
