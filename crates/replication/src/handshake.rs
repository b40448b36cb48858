//! What a replica says before it receives the data set.

use crate::{Connection, Doing, Error, Payload, Reply, payload::Form};

/// The version that Valkey's own unreleased builds announce. Valkey 9.1 writes an older format for a replica that
/// announces an older version or none, and breaks off if its data needs the newer one.
const NEWEST: &str = "255.255.255";

/// What a server and this connection have agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// Whether the server keeps no writes for this connection while it sends the data set (Redis 6.2 and later).
    pub is_rdb_only: bool,
}

impl Connection {
    /// Says that this is a replica, and what it understands.
    ///
    /// The port is 0, since nothing listens. A sentinel may list it as a replica that is down.
    pub fn announce(&mut self) -> Result<Announced, Error> {
        self.option(&["listening-port", "0"])?;
        // It reads payloads that end with a mark, and knows two replication IDs.
        self.option(&["capa", "eof", "capa", "psync2"])?;
        self.option(&["version", NEWEST])?;
        Ok(Announced { is_rdb_only: self.option(&["rdb-only", "1"])? })
    }

    /// Returns whether the server has the option.
    fn option(&mut self, words: &[&str]) -> Result<bool, Error> {
        let command: Vec<_> = ["REPLCONF"].iter().chain(words).map(|word| word.as_bytes()).collect();
        match self.ask(&command, "REPLCONF")? {
            Reply::Error(answer) if answer.starts_with("ERR") => Ok(false),
            Reply::Error(answer) => Err(self.refusal("REPLCONF", &answer)),
            _ => Ok(true),
        }
    }

    /// Requests the data set. Calls `waited` while the server prepares it, once a second or less often.
    ///
    /// Nothing is sent from here on. A server waits for acknowledgements only after the data set, and one that has
    /// closed its end would answer with a reset, which discards what is still to be read.
    pub fn replicate(mut self, waited: &mut dyn FnMut()) -> Result<Payload, Error> {
        let sent = self.send(&[b"PSYNC", b"?", b"-1"]);
        let asked = Doing::Preparing { agreed: false };
        sent.map_err(|error| self.fault(asked.clone(), error))?;
        let answer = self.line(&asked, waited)?;
        if let Some(error) = answer.strip_prefix(b"-") {
            let error = String::from_utf8_lossy(error).into_owned();
            let refused = self.refusal("PSYNC", &error);
            if !matches!(&refused, Error::Refused(refusal) if refusal.is_unknown_command()) {
                return Err(refused);
            }
            // Servers before Redis 2.8, and some proxies, have only this. It answers with the data set.
            let sent = self.send(&[b"SYNC"]);
            sent.map_err(|error| self.fault(Doing::Command("SYNC".to_owned()), error))?;
        } else if !answer.starts_with(b"+FULLRESYNC") {
            return Err(self.unexpected("PSYNC", &answer));
        }
        let header = self.line(&Doing::Preparing { agreed: true }, waited)?;
        if let Some(error) = header.strip_prefix(b"-") {
            return Err(self.refusal("PSYNC", &String::from_utf8_lossy(error)));
        }
        let form = Form::parse(&header).ok_or_else(|| self.unexpected("PSYNC", &header))?;
        Ok(Payload::new(self, form))
    }
}
