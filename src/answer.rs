//! What an invocation answers, and the one log line that says the same.

use serde::Serialize;
use serde_json::Value;

use crate::check::Report;
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
    /// The trigger is none of ours.
    Ignored,
    /// Dry run: what would have been done.
    Planned,
}

/// The decision, with why and what came of it. Fields that do not apply are absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// What became of the trigger.
    pub outcome: Outcome,
    /// The event ID, `schedule` or `reconcile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The writer's instance ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writer: Option<String>,
    /// The writer's target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// On whose word.
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
}

impl Decision {
    /// A decision that did nothing, for this reason.
    pub fn nothing(outcome: Outcome, cause: Option<String>, reason: String) -> Decision {
        Decision {
            outcome,
            cause,
            reason: Some(reason),
            writer: None,
            target: None,
            evidence: None,
            registered: None,
            deregistered: None,
            event_age_ms: None,
        }
    }
}

impl Answer {
    /// Writes the one line of the decision: the answer's fields, each a field of the line.
    pub fn log(&self) {
        let Ok(Value::Object(fields)) = serde_json::to_value(self) else { return };
        crate::log::decision(&fields);
    }
}
