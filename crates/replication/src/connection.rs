//! A connection that runs commands.

use std::{
    io::{
        BufReader, ErrorKind, Write, {self},
    },
    time::Duration,
};

use crate::{
    Address, Credentials, Doing, Error, Info, Refusal, Reply, Secret, Tls,
    reply::{quoted, read_line, read_reply},
    stream::Stream,
};

/// What is read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// How to connect.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The longest time to wait for an answer, and within a transfer for its next bytes.
    pub limit: Duration,
    /// TLS, for addresses that have it.
    pub tls: Option<Tls>,
}

/// An open connection to a server.
pub struct Connection {
    pub(crate) address: Address,
    pub(crate) stream: BufReader<Stream>,
    limit: Duration,
}

impl Connection {
    /// Connects.
    pub fn open(address: &Address, settings: &Settings) -> Result<Self, Error> {
        let stream = Stream::open(address, settings.limit, settings.tls.as_ref())?;
        let stream = BufReader::with_capacity(BUFFER_BYTES, stream);
        Ok(Self { address: address.clone(), stream, limit: settings.limit })
    }

    /// The server.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Says who connects, and asks whether the server answers. Returns whether it asks for a password at all.
    pub fn log_in(&mut self, credentials: &Credentials) -> Result<bool, Error> {
        let is_asked_for = self.authenticate(credentials)?;
        match self.ask(&[b"PING"], "PING")? {
            // A user need not be allowed to run it, and a replica without its master runs nothing else.
            Reply::Error(answer) if !answer.starts_with("NOPERM") && !answer.starts_with("MASTERDOWN") => {
                Err(self.refusal("PING", &answer))
            }
            _ => Ok(is_asked_for),
        }
    }

    /// What the server answers is not passed on: some servers quote the command, with the password.
    fn authenticate(&mut self, credentials: &Credentials) -> Result<bool, Error> {
        let Some(password) = &credentials.password else { return Ok(true) };
        let user = credentials.username.as_deref().unwrap_or_default();
        let words = [b"AUTH", user.as_bytes(), password.bytes()];
        let reply =
            if user.is_empty() { self.ask(&[words[0], words[2]], "AUTH") } else { self.ask(&words, "AUTH") };
        let Reply::Error(answer) = reply? else { return Ok(true) };
        let has = |text: &str| answer.to_ascii_lowercase().contains(text);
        if has("without any password configured") || has("no password is set") {
            return Ok(false);
        }
        let code = answer.split(' ').next().unwrap_or_default();
        let answer = if code == "WRONGPASS" || has("invalid password") {
            "WRONGPASS wrong password, wrong user, or the user is disabled"
        } else if code == "DENIED" || code == "LOADING" {
            &answer
        } else if has("unknown command") {
            "unknown command"
        } else if has("wrong number of arguments") {
            "the server is too old for users; give a password alone"
        } else {
            "an error that is not shown, because it may quote the password"
        };
        Err(self.refusal("AUTH", answer))
    }

    /// Runs a command. An error that the server answers is one here.
    pub fn call(&mut self, words: &[&str]) -> Result<Reply, Error> {
        let bytes: Vec<_> = words.iter().map(|word| word.as_bytes()).collect();
        let name = words.iter().take(2).copied().collect::<Vec<_>>().join(" ");
        match self.ask(&bytes, &name)? {
            Reply::Error(answer) => Err(self.refusal(&name, &answer)),
            reply => Ok(reply),
        }
    }

    /// Runs `INFO`.
    pub fn info(&mut self) -> Result<Info, Error> {
        Ok(Info::parse(&self.call(&["INFO"])?.text().unwrap_or_default()))
    }

    /// The value of a parameter; none if the server does not have it.
    pub fn parameter(&mut self, name: &str) -> Result<Option<String>, Error> {
        let reply = self.call(&["CONFIG", "GET", name])?;
        Ok(reply.list().get(1).and_then(Reply::text))
    }

    /// Waits for answers as long as they take, such as that of `SAVE`.
    pub fn wait_without_limit(&self) -> Result<(), Error> {
        let set = self.stream.get_ref().set_limit(None);
        set.map_err(|error| Error::Unreachable { address: self.address.clone(), error })
    }

    /// Runs a command.
    pub(crate) fn ask(&mut self, words: &[&[u8]], name: &str) -> Result<Reply, Error> {
        let sent = self.send(words);
        // A server that refuses connections says why, and closes without reading the command.
        let reply = read_reply(&mut self.stream);
        match (sent, reply) {
            (_, Ok(reply)) => Ok(reply),
            (Err(error), Err(_)) | (Ok(()), Err(error)) => {
                Err(self.fault(Doing::Command(name.to_owned()), error))
            }
        }
    }

    /// Sends a command.
    pub(crate) fn send(&mut self, words: &[&[u8]]) -> io::Result<()> {
        let mut command = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            command.extend(format!("${}\r\n", word.len()).as_bytes());
            command.extend(*word);
            command.extend(b"\r\n");
        }
        let stream = self.stream.get_mut();
        stream.write_all(&command)?;
        stream.flush()
    }

    /// Reads a line that is not empty, and calls `waited` for each that is.
    pub(crate) fn line(&mut self, doing: &Doing, waited: &mut dyn FnMut()) -> Result<Vec<u8>, Error> {
        loop {
            let line = read_line(&mut self.stream).map_err(|error| self.fault(doing.clone(), error))?;
            if !line.is_empty() {
                return Ok(line);
            }
            waited();
        }
    }

    pub(crate) fn refusal(&self, command: &str, answer: &str) -> Error {
        Error::Refused(Refusal {
            address: self.address.clone(),
            command: command.to_owned(),
            answer: answer.to_owned(),
        })
    }

    pub(crate) fn unexpected(&self, doing: &str, found: &[u8]) -> Error {
        Error::Protocol { address: self.address.clone(), doing: doing.to_owned(), found: quoted(found) }
    }

    /// What an error of the connection means.
    pub(crate) fn fault(&self, doing: Doing, error: io::Error) -> Error {
        let address = self.address.clone();
        let is_tls = error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>);
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                Error::Silent { address, seconds: self.limit.as_secs(), doing }
            }
            ErrorKind::InvalidData if is_tls => Error::Tls { address, error },
            ErrorKind::InvalidData => {
                Error::Protocol { address, doing: doing.to_string(), found: error.to_string() }
            }
            ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe => Error::Closed { address, doing, detail: String::new() },
            _ => Error::Closed { address, doing, detail: format!(": {error}") },
        }
    }
}

impl Credentials {
    /// Whether there is a user without a password.
    pub fn lacks_password(&self) -> bool {
        self.username.is_some() && self.password.as_ref().is_none_or(Secret::is_empty)
    }
}
