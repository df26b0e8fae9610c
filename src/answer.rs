//! What an invocation answers, and the one log line that says the same.

use serde::Serialize;

use crate::log;
use crate::target::Target;
use crate::writer::Evidence;

/// The answer to a trigger.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To an event, a schedule, `reconcile`.
    Decision(Decision),
    /// To `check`.
    Checked(Report),
}

/// What became of a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Targets were registered or deregistered; the group now holds exactly the writer.
    Switched,
    /// Nothing was to be done, or nothing may be done yet (`reason`).
    Unchanged,
    /// The trigger is not for this function.
    Ignored,
    /// Dry run: what would have been done.
    Planned,
}

/// The decision, with why and what came of it. Fields that do not apply are absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    pub outcome: Outcome,
    /// The event ID, `schedule` or `reconcile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writer: Option<String>,
    /// The writer's target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// What was registered, or would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registered: Option<Vec<Target>>,
    /// What was deregistered, or would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deregistered: Option<Vec<Target>>,
    /// The event's age when the run began, in milliseconds; below zero where the clocks differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_age_ms: Option<i64>,
    /// Why nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `DRY_RUN` is on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

impl Decision {
    /// A decision that says no more than this.
    pub fn bare(outcome: Outcome, cause: Option<String>) -> Decision {
        Decision {
            outcome,
            cause,
            writer: None,
            target: None,
            evidence: None,
            registered: None,
            deregistered: None,
            event_age_ms: None,
            reason: None,
            dry_run: false,
        }
    }

    /// A decision that did nothing, for this reason.
    pub fn nothing(outcome: Outcome, cause: Option<String>, reason: String) -> Decision {
        Decision { reason: Some(reason), ..Decision::bare(outcome, cause) }
    }
}

impl Answer {
    /// Writes the one line of the decision: the answer's fields, each a field of the line.
    pub fn log(&self) {
        log::info("decision", self);
    }
}

/// The answer to `check`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub outcome: &'static str,
    /// The version of this function.
    pub version: &'static str,
    /// Whether the group holds exactly the writer.
    pub in_sync: bool,
    /// The writer as RDS shows it, if it shows exactly one.
    pub writer: Option<String>,
    pub targets: Vec<Target>,
    /// What is wrong; empty if nothing is.
    pub findings: Vec<Finding>,
}

/// One fault, with its remedy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    pub level: Level,
    /// A stable name for it.
    pub code: &'static str,
    /// What is wrong and what to do about it.
    pub message: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The next failover fails, or comes late.
    Error,
    /// Worth putting right.
    Warning,
}

impl Finding {
    pub(crate) fn error(code: &'static str, message: String) -> Finding {
        Finding { level: Level::Error, code, message }
    }

    pub(crate) fn warning(code: &'static str, message: String) -> Finding {
        Finding { level: Level::Warning, code, message }
    }
}
