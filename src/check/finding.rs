//! What `check` reports, and what scheduled runs log of it.

use serde::Serialize;

use crate::target::Target;

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
    /// Empty in a perfect set-up.
    pub findings: Vec<Finding>,
}

/// One fault and its remedy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    pub level: Level,
    /// A stable name for alarms and tests.
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
    /// Worth correcting.
    Warning,
}

impl Finding {
    pub(crate) fn error(code: &'static str, message: String) -> Finding {
        Finding { level: Level::Error, code, message }
    }

    pub(crate) fn warning(code: &'static str, message: String) -> Finding {
        Finding { level: Level::Warning, code, message }
    }

    /// Logs the finding as scheduled runs do, with its code in `finding` for an alarm.
    pub(crate) fn log(&self) {
        let Finding { level, code, message } = self;
        match level {
            Level::Error => tracing::error!(finding = code, "{message}"),
            Level::Warning => tracing::warn!(finding = code, "{message}"),
        }
    }
}
