//! Commands to a server, sent without waiting for replies.
use std::{
    fmt::Display,
    io::{BufRead as _, BufReader, Read as _, Write},
    os::unix::net::UnixStream,
    path::Path,
};

use anyhow::{Context as _, Result, bail, ensure};

/// A command under construction: its name and arguments in RESP.
#[derive(Debug, Default)]
pub struct Command {
    body: Vec<u8>,
    argument: String,
    arguments: usize,
}

impl Command {
    /// Starts a new command, and reuses the memory of the previous one.
    pub fn begin(&mut self, name: &str) -> &mut Self {
        self.body.clear();
        self.arguments = 0;
        self.arg(name)
    }

    /// Adds an argument.
    pub fn arg(&mut self, argument: impl Display) -> &mut Self {
        self.argument.clear();
        // Writing to memory cannot fail.
        let _ = std::fmt::Write::write_fmt(&mut self.argument, format_args!("{argument}"));
        let _ = write!(self.body, "${}\r\n{}\r\n", self.argument.len(), self.argument);
        self.arguments += 1;
        self
    }

    /// Writes the command in RESP.
    pub fn send(&self, out: &mut dyn Write) -> std::io::Result<()> {
        write!(out, "*{}\r\n", self.arguments)?;
        out.write_all(&self.body)
    }
}

/// A connection that gets replies only to [`Connection::ask`].
#[derive(Debug)]
pub struct Connection {
    replies: BufReader<UnixStream>,
    commands: UnixStream,
}

impl Connection {
    /// Connects to a server's socket.
    pub fn open(socket: &Path) -> Result<Self> {
        let commands = UnixStream::connect(socket)?;
        Ok(Self { replies: BufReader::new(commands.try_clone()?), commands })
    }

    /// Sends one command and returns the text of its reply: a status, a number or a bulk string.
    pub fn ask(&mut self, words: &[&str]) -> Result<String> {
        let mut command = Command::default();
        for word in words {
            command.arg(word);
        }
        command.send(&mut self.commands)?;
        self.reply().with_context(|| format!("failed to ask {}", words.join(" ")))
    }

    /// Number of keys in all databases.
    pub fn keys(&mut self) -> Result<u64> {
        Ok(stored_keys(&self.ask(&["INFO", "keyspace"])?))
    }

    /// Sends the commands that `write` writes, without replies. Fails if the server counts errors meanwhile.
    pub fn pour(&mut self, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
        const BUFFER_BYTES: usize = 1 << 18;
        let errors_before = self.errors()?;
        let mut command = Command::default();
        let mut out = std::io::BufWriter::with_capacity(BUFFER_BYTES, &self.commands);
        command.begin("CLIENT").arg("REPLY").arg("OFF").send(&mut out)?;
        write(&mut out)?;
        command.begin("CLIENT").arg("REPLY").arg("ON").send(&mut out)?;
        out.flush()?;
        drop(out);
        ensure!(self.reply()? == "OK", "the server did not take up answering again");
        let errors = self.errors()?.saturating_sub(errors_before);
        ensure!(
            errors == 0,
            "the server refused {errors} commands; its INFO errorstats: {}",
            self.ask(&["INFO", "errorstats"])?
        );
        Ok(())
    }

    fn errors(&mut self) -> Result<u64> {
        let stats = self.ask(&["INFO", "stats"])?;
        let count = stats.lines().find_map(|line| line.strip_prefix("total_error_replies:"));
        Ok(count
            .context("the server does not count its errors: Redis 6.2 or newer is needed")?
            .trim()
            .parse()?)
    }

    fn reply(&mut self) -> Result<String> {
        const LONGEST_BYTES: usize = 1 << 20;
        let mut line = String::new();
        ensure!(self.replies.read_line(&mut line)? > 0, "the server closed the connection");
        let line = line.trim_end();
        match line.split_at_checked(1) {
            Some(("+" | ":", text)) => Ok(text.to_owned()),
            Some(("$", length)) => {
                let length: usize = length.parse().with_context(|| format!("unexpected reply: {line}"))?;
                ensure!(length <= LONGEST_BYTES, "a reply of {length} bytes");
                let mut text = vec![0; length + 2];
                self.replies.read_exact(&mut text)?;
                text.truncate(length);
                Ok(String::from_utf8(text)?)
            }
            _ => bail!("the server answered {line}"),
        }
    }
}

/// The number of keys in all databases, from lines such as `db0:keys=1,expires=0,avg_ttl=0`.
fn stored_keys(keyspace: &str) -> u64 {
    let counts = keyspace
        .lines()
        .filter_map(|line| line.split_once(":keys=")?.1.split(',').next()?.parse::<u64>().ok());
    counts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_all_databases_are_counted() {
        assert_eq!(
            stored_keys(
                "# Keyspace\r\ndb0:keys=12,expires=1,avg_ttl=0\r\ndb7:keys=30,expires=0,avg_ttl=0\r\n"
            ),
            42
        );
        assert_eq!(stored_keys("# Keyspace\r\n"), 0);
    }

    #[test]
    fn commands_are_in_the_protocols_form() {
        let mut command = Command::default();
        let mut wire = Vec::new();
        command.begin("SET").arg("é").arg(17).send(&mut wire).unwrap();
        command.begin("PING").send(&mut wire).unwrap();
        assert_eq!(
            String::from_utf8(wire).unwrap(),
            "*3\r\n$3\r\nSET\r\n$2\r\né\r\n$2\r\n17\r\n*1\r\n$4\r\nPING\r\n"
        );
    }
}
