//! The errors that a function returns to the state machine.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! error_names {
    ($($variant:ident $retry:ident $doc:literal,)*) => {
        /// The error names that the state machine's `ErrorEquals` matches. Each name is either retryable or final.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorName { $(#[doc = $doc] $variant,)* }

        impl ErrorName {
            /// Every name.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name as it occurs in the state machine.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* }
            }

            /// Its meaning, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }

            /// Whether a retry of the same call may succeed.
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$variant => error_names!(@ $retry),)* }
            }
        }
    };
    (@ retry) => { true };
    (@ final) => { false };
}

error_names! {
    ServiceBusy retry "A service throttled, timed out or failed on its side, also after the client's own retries.",
    GrantBusy retry "Another seeding is changing the same bucket's permissions.",
    PolicyCrowded retry "The statements of other seedings fill the bucket policy: there is room once one of them has ended.",
    TooManySeedings retry "As many seedings that began earlier run as `MaxSeedingsAtOnce` allows: it is tried again until it is this one's turn.",
    AccessDenied final "The stack's role lacks a permission that the step needs.",
    BackupGone final "The object was deleted after it was checked.",
    ChangedDuringSeeding final "The object was overwritten after it was checked.",
    IdTaken final "A cluster with this id exists and is not, or not for certain, this execution's.",
    QuotaExceeded final "An account quota is exceeded.",
    CapacityUnavailable final "AWS has no such nodes available in the requested zones.",
    ParametersRefused final "ElastiCache refuses the parameters.",
    PolicyFull final "The bucket policy has no room for one more statement.",
    GrantRefused final "The bucket does not accept the requested kind of grant.",
    GrantMissing final "ElastiCache has no access, and the request says to use what exists.",
    SeedingEnded final "The execution has ended, and its access is revoked for good.",
    CleanUpRefused final "The execution to clean up for still runs, or is not one of this stack.",
    InvalidInput final "The input of the step is invalid.",
    Internal final "A fault of this product.",
}

impl ErrorName {
    /// The code of the finding that the state machine derives from the error: `BackupGone` becomes `backup-gone`.
    pub fn finding_code(self) -> String {
        let mut code = String::new();
        for (place, letter) in self.as_str().char_indices() {
            if letter.is_ascii_uppercase() && place > 0 {
                code.push('-');
            }
            code.push(letter.to_ascii_lowercase());
        }
        code
    }
}

/// Codes of findings that the state machine reports without an error of a function, and their meaning.
pub const MACHINE_CODES: [(&str, &str); 6] = [
    ("restore-failed", "ElastiCache could not restore the backup; the evidence has its events."),
    ("create-failed", "ElastiCache could not create the cluster; the evidence has its events."),
    ("deadline-passed", "The cluster was not available within `deadlineMinutes`."),
    ("left-behind", "A clean-up could not delete the cluster in time; a sweep tries again within a day."),
    ("timeout", "A function did not end in time, after all retries."),
    (
        "step-failed",
        "A step could not run, or its function crashed; the evidence has AWS's name of the error.",
    ),
];

impl fmt::Display for ErrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error of a step: a name for the state machine, a message and a hint for people.
///
/// Displays as the message and, on a second line, the hint. The state machine splits them at that line again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}\nhint: {hint}")]
pub struct StepError {
    /// The name that the state machine matches.
    pub name: ErrorName,
    /// What happened, with the resource and the numbers.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl StepError {
    /// Creates an error of this name.
    pub fn new(name: ErrorName, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, message: message.into(), hint: hint.into() }
    }

    /// Creates an `Internal` error: something happened that the code considers impossible.
    pub fn internal(message: impl fmt::Display) -> Self {
        Self::new(ErrorName::Internal, message.to_string(), "report this with the execution's history")
    }
}
