//! Errors of the command line.

use std::fmt::{
    Display, {self},
};

/// An error that another command line does not have: its exit status is [`crate::USAGE`].
#[derive(Debug)]
pub(crate) struct Usage(String);

impl Usage {
    /// One with this message.
    pub(crate) fn of(message: impl Into<String>) -> anyhow::Error {
        Self(message.into()).into()
    }

    /// An error that is one of the command line.
    #[allow(clippy::needless_pass_by_value, reason = "it is the argument of map_err")]
    pub(crate) fn error(error: anyhow::Error) -> anyhow::Error {
        Self::of(format!("{error:#}"))
    }
}

impl Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}
