//! What an invocation answers, and the one log line that says the same.

use serde::Serialize;

use crate::check::finding::Report;
use crate::decide::doubt::Doubt;
use crate::decide::trust::Evidence;
use crate::log;
use crate::target::Target;

/// The answer to a trigger.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To an event, a schedule, `reconcile`.
    Decision(Decision),
    /// To `check`.
    Checked(Report),
}

/// What a run did about a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Targets were registered or deregistered; the group now holds exactly the writer.
    Switched,
    /// The group held exactly the writer already, or nothing may be changed yet (`doubt`, `reason`).
    Unchanged,
    /// The trigger is not for this function.
    Ignored,
    /// Dry run: what would have been done.
    Planned,
}

/// The decision, its reasons and its writes. Fields that do not apply are absent.
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
    /// Why nothing was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The code of what is in doubt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
    /// `DRY_RUN` is on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

impl Decision {
    /// A decision with no other field.
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
            doubt: None,
            dry_run: false,
        }
    }

    /// A decision that did nothing, for this reason.
    pub fn nothing(outcome: Outcome, cause: Option<String>, reason: String) -> Decision {
        Decision { reason: Some(reason), ..Decision::bare(outcome, cause) }
    }

    /// A decision that changed nothing because something is in doubt.
    pub fn in_doubt(cause: Option<String>, doubt: Doubt) -> Decision {
        Decision { doubt: Some(doubt.clone()), ..Decision::nothing(Outcome::Unchanged, cause, doubt.to_string()) }
    }
}

impl Answer {
    /// Writes the one line of the decision: the answer's fields, each a field of the line.
    pub fn log(&self) {
        log::info("decision", self);
    }
}
