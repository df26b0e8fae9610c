//! The errors, each with the name under which Lambda reports it.

use std::fmt;

use lambda_runtime::Diagnostic;

/// Every way in which an invocation fails. The name of the variant is the `errorType` that Lambda shows; the text is
/// one line.
#[derive(Clone, PartialEq, Eq)]
pub enum Error {
    /// The payload has a shape that this function does not serve.
    UnrecognizedEvent(String),
    /// A failover event from which no instance can be read, with no RDS to ask.
    MalformedEvent(String),
    /// The writer has no address: it is in no map, and RDS does not know it as a member of the cluster.
    UnknownInstance {
        /// The instance that was asked for.
        instance: String,
        /// The instances that have an address, sorted.
        known: Vec<String>,
    },
    /// The run needs `DB_CLUSTER_ID`, which is not set. Holds why.
    ClusterIdRequired(String),
    /// RDS did not settle on one writer before the deadline. Holds what it said last.
    WriterUnsettled(String),
    /// The endpoint of an instance has no address that a target group accepts, or more than one.
    AddressUnresolved(String),
    /// A call to AWS failed, after the SDK's retries.
    AwsCallFailed {
        /// The API action.
        action: &'static str,
        /// The error code of the service; `NoAnswer` if there was no answer.
        code: String,
        /// The service's own words, which may be none; or why there was no answer.
        message: String,
    },
    /// AWS answered, but something that must be there is not.
    UnreadableAnswer {
        /// The API action.
        action: &'static str,
        /// What is missing or cannot be read.
        what: String,
    },
    /// The invocation's time ran out, or the part of it that one wait may take. Holds what was under way.
    DeadlineExceeded(String),
}

impl Error {
    /// The `errorType` that Lambda reports, and that alarms and tests go by.
    pub fn name(&self) -> &'static str {
        match self {
            Error::UnrecognizedEvent(_) => "UnrecognizedEvent",
            Error::MalformedEvent(_) => "MalformedEvent",
            Error::UnknownInstance { .. } => "UnknownInstance",
            Error::ClusterIdRequired(_) => "ClusterIdRequired",
            Error::WriterUnsettled(_) => "WriterUnsettled",
            Error::AddressUnresolved(_) => "AddressUnresolved",
            Error::AwsCallFailed { .. } => "AwsCallFailed",
            Error::UnreadableAnswer { .. } => "UnreadableAnswer",
            Error::DeadlineExceeded(_) => "DeadlineExceeded",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::UnrecognizedEvent(what)
            | Error::MalformedEvent(what)
            | Error::AddressUnresolved(what)
            | Error::ClusterIdRequired(what) => f.write_str(what),
            Error::UnknownInstance { instance, known } => {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                write!(f, "instance {instance:?} has no address; known instances: {known}; add it to IP_DICT")
            }
            Error::WriterUnsettled(view) => write!(f, "RDS did not settle on one writer before the deadline: {view}"),
            Error::AwsCallFailed { action, code, message } if message.is_empty() => write!(f, "{action} failed: {code}"),
            Error::AwsCallFailed { action, code, message } => write!(f, "{action} failed: {code}: {message}"),
            Error::UnreadableAnswer { action, what } => write!(f, "{action} returned an answer that cannot be read: {what}"),
            Error::DeadlineExceeded(doing) => write!(f, "deadline exceeded while {doing}"),
        }
    }
}

/// Makes another's text part of one line: folds white space, and cuts what is long.
pub(crate) fn one_line(text: &str) -> String {
    const LONGEST: usize = 300;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

/// The Lambda runtime logs a failed invocation by this, so it is the same one line, with the name before it.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.name())
    }
}

impl std::error::Error for Error {}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Diagnostic { error_type: error.name().to_owned(), error_message: error.to_string() }
    }
}
