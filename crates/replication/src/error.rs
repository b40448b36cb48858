//! What can go wrong with a source.

use std::{
    fmt::{
        Display, {self},
    },
    io::{
        ErrorKind, {self},
    },
};

use crate::Address;

/// Why a server did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be reached.
    #[error("failed to connect to {address}: {error}")]
    Unreachable {
        /// The server.
        address: Address,
        /// The last of the reasons, if the host has several addresses.
        error: io::Error,
    },
    /// The files for TLS cannot be used.
    #[error("failed to use the certificates for TLS: {0}")]
    TlsFiles(String),
    /// TLS could not be agreed on.
    #[error("failed to agree on TLS with {address}: {error}{}", tls_hint(.error))]
    Tls {
        /// The server.
        address: Address,
        /// The reason.
        error: io::Error,
    },
    /// It sent nothing in time.
    #[error("{address} sent nothing for {seconds} s after {doing}; --timeout-seconds waits longer")]
    Silent {
        /// The server.
        address: Address,
        /// The limit.
        seconds: u64,
        /// What it was asked for.
        doing: Doing,
    },
    /// It closed the connection, or the connection broke.
    #[error("{address} closed the connection after {doing}{detail}")]
    Closed {
        /// The server.
        address: Address,
        /// What it was asked for.
        doing: Doing,
        /// The reason, if there is one, after a colon.
        detail: String,
    },
    /// It answered with an error.
    #[error("{0}")]
    Refused(Refusal),
    /// It does not speak the protocol.
    #[error("{address} answered {doing} with {found}, and not like Redis or Valkey")]
    Protocol {
        /// The server.
        address: Address,
        /// What it was asked for.
        doing: String,
        /// What it answered.
        found: String,
    },
}

/// What a server was asked for when something went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doing {
    /// A command.
    Command(String),
    /// The data set, which it has not begun to send.
    Preparing {
        /// Whether it has agreed to.
        agreed: bool,
    },
    /// The data set, of which a part has come.
    Sending {
        /// The bytes that have come.
        bytes: u64,
        /// All bytes, if the server knew it.
        of: Option<u64>,
    },
}

impl Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(name) => f.write_str(name),
            Self::Preparing { agreed: false } => f.write_str("PSYNC"),
            Self::Preparing { agreed: true } => f.write_str("PSYNC, before the data"),
            Self::Sending { bytes, of: None } => write!(f, "{bytes} bytes of data"),
            Self::Sending { bytes, of: Some(all) } => write!(f, "{bytes} of {all} bytes of data"),
        }
    }
}

/// An error that a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The server.
    pub address: Address,
    /// The command that was refused.
    pub command: String,
    /// What it answered, without a secret.
    pub answer: String,
}

impl Refusal {
    /// The first word of the answer, such as `NOAUTH`.
    pub fn code(&self) -> &str {
        self.answer.split(' ').next().unwrap_or_default()
    }

    /// Whether the server asks for a password, which it does not have.
    pub fn asks_for_password(&self) -> bool {
        // Servers before Redis 3.0 answer the latter.
        self.code() == "NOAUTH" || self.answer.starts_with("ERR operation not permitted")
    }

    /// Whether the server does not have the command, or has it under another name.
    pub fn is_unknown_command(&self) -> bool {
        let answer = self.answer.to_ascii_lowercase();
        answer.contains("unknown command") || answer.contains("unknown subcommand")
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refused {}: {}", self.address, self.command, self.answer)
    }
}

fn tls_hint(error: &io::Error) -> &'static str {
    let text = error.to_string();
    if text.contains("UnknownIssuer") {
        "; name the file of its certificate authority by --ca"
    } else if text.contains("not valid for name") || text.contains("NotValidForName") {
        "; name the server as its certificate does by --server-name"
    } else if text.contains("not valid yet") || text.contains("expired") {
        "; renew the certificate, or set the clock of this machine"
    } else if text.contains("corrupt message")
        // A server without TLS waits for the end of a line, or finds no command in it.
        || [ErrorKind::TimedOut, ErrorKind::UnexpectedEof].contains(&error.kind())
    {
        "; is there TLS on this port? Without it, write redis://"
    } else {
        ""
    }
}
