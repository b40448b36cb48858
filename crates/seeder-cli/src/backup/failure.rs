//! Why there is no backup, and what can be done.

use std::{
    fmt::{
        Display, {self},
    },
    process::ExitCode,
};

use replication::{Doing, Error, Refusal};

use super::{NOT_REACHABLE, REFUSED};

/// The reason, the remedy if there is one, and the exit status.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
    status: u8,
}

impl Failure {
    /// The server refused it, or what it sent cannot be used.
    pub(super) fn refused(message: String, hint: &str) -> Self {
        Self { message, hint: Some(hint.to_owned()), status: REFUSED }
    }

    /// Prints it.
    pub(crate) fn print(&self) -> ExitCode {
        eprintln!("error: {self}");
        if let Some(hint) = &self.hint {
            eprintln!("hint: {hint}");
        }
        ExitCode::from(self.status)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (hint, status) = match &error {
            Error::Refused(refusal) => (Some(remedy(refusal)), REFUSED),
            Error::Closed { doing: Doing::Preparing { .. }, .. } => (Some(CLOSED), NOT_REACHABLE),
            Error::Closed { doing: Doing::Sending { .. }, .. } => (Some(BROKEN_OFF), NOT_REACHABLE),
            _ => (None, NOT_REACHABLE),
        };
        Self { message: error.to_string(), hint: hint.map(str::to_owned), status }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { message: format!("{error:#}"), hint: None, status: NOT_REACHABLE }
    }
}

const FORBIDDEN: &str = "this service or proxy does not let clients replicate. Make the backup with its own export \
     instead: ElastiCache: create-snapshot, then copy-snapshot to a bucket; Memorystore: gcloud redis instances export; \
     Azure: Export; Redis Cloud: Backup. If it is a proxy, name the server itself";
const CLOSED: &str = "a server that cannot fork or save closes without a reason, and its log has it; proxies that do not \
     let clients replicate also do so";

const BROKEN_OFF: &str = "the server's log says why: it ended, its child process failed, or this side was slower than \
     its repl-timeout or client-output-buffer-limit allows";

/// What can be done about a refusal.
fn remedy(refusal: &Refusal) -> &'static str {
    let is_about_the_data = ["PSYNC", "SYNC", "REPLCONF"].contains(&refusal.command.as_str());
    match refusal.code() {
        "NOAUTH" => "set SEEDER_PASSWORD (and SEEDER_USERNAME), or name a file by --password-file",
        "WRONGPASS" => "check SEEDER_PASSWORD and SEEDER_USERNAME, or the file of --password-file",
        "NOPERM" if is_about_the_data => {
            "allow the user what a replica needs: ACL SETUSER NAME +ping +replconf +psync; and to learn more of the server, +info +config|get"
        }
        "NOPERM" => "allow the user this command: ACL SETUSER NAME +COMMAND",
        "DENIED" => {
            "the server is in protected mode: connect from its own machine, or set a password and bind an address on it"
        }
        "LOADING" => "the server loads its data set; try again when it is done",
        "NOMASTERLINK" | "MASTERDOWN" => {
            "a replica without a link to its master passes no data on: name the master or another replica, or wait until INFO replication has master_link_status:up"
        }
        _ if refusal.answer.starts_with("ERR operation not permitted") => {
            "set SEEDER_PASSWORD, or name a file by --password-file"
        }
        _ if refusal.command.starts_with("CLUSTER") => {
            "the server is no node of a cluster; leave out --cluster"
        }
        _ if refusal.command.starts_with("SENTINEL") => "the server is no sentinel; leave out --sentinel",
        _ if refusal.command == "BGSAVE" || refusal.command == "SAVE" => {
            "services such as ElastiCache forbid this; without --bgsave and --save, the backup is transferred instead"
        }
        _ if is_about_the_data && is_forbidden(refusal) => FORBIDDEN,
        _ => "see the server's log",
    }
}

/// Whether a server would do it for others, or not at all.
fn is_forbidden(refusal: &Refusal) -> bool {
    let answer = refusal.answer.to_ascii_lowercase();
    let words =
        ["not allowed", "not supported", "unsupported", "disabled", "forbidden", "restricted", "denied"];
    refusal.is_unknown_command() || words.iter().any(|word| answer.contains(word))
}

#[cfg(test)]
mod tests {
    use replication::Address;

    use super::*;

    #[test]
    fn each_refusal_has_a_remedy_of_its_own() {
        let address = Address::parse("redis://h:1").unwrap().0;
        for (command, answer, expected) in [
            ("PSYNC", "NOPERM no permissions", "+psync"),
            ("PSYNC", "ERR unknown command 'PSYNC'", "create-snapshot"),
            ("SYNC", "ERR command not allowed", "create-snapshot"),
            ("PSYNC", "ERR Can't SYNC while failing over", "log"),
            ("PSYNC", "NOMASTERLINK Can't SYNC", "name the master"),
            ("PING", "NOAUTH Authentication required.", "SEEDER_PASSWORD"),
            ("PING", "ERR operation not permitted", "SEEDER_PASSWORD"),
            ("CLUSTER SLOTS", "ERR This instance has cluster support disabled", "--cluster"),
            ("BGSAVE", "ERR unknown command", "transferred instead"),
        ] {
            let refusal =
                Refusal { address: address.clone(), command: command.to_owned(), answer: answer.to_owned() };
            let failure = Failure::from(Error::Refused(refusal));
            assert!(failure.hint.as_deref().unwrap().contains(expected), "{failure:?}");
            assert_eq!(failure.status, REFUSED);
        }
    }
}
