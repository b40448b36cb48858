//! Passwords, and where they could be shown.

use std::{
    fs::File,
    io::{IsTerminal, Read},
    path::Path,
};

use anyhow::{Context, Result, bail};
use replication::{Credentials, Secret};

/// The longest password file that is read.
const MAX_FILE_BYTES: u64 = 64 << 10;

/// Who connects: by the file, the URL or the environment, in this order.
pub(super) fn credentials(file: Option<&Path>, url: Option<Credentials>) -> Result<Credentials> {
    let mut found = url.unwrap_or_default();
    if found.password.is_some() {
        eprintln!(
            "warning: a password in SOURCE is visible to all users of this machine and stays in the shell's history; use SEEDER_PASSWORD or --password-file"
        );
    }
    if let Some(path) = file {
        found.password = Some(first_line(path)?);
    }
    if found.password.is_none() {
        let set = ["SEEDER_PASSWORD", "REDISCLI_AUTH"].into_iter().find_map(variable);
        found.password = set.map(Secret::new);
    }
    if found.username.is_none()
        && let Some(name) = variable("SEEDER_USERNAME")
    {
        let name = String::from_utf8(name).ok().context("SEEDER_USERNAME is not UTF-8")?;
        found.username = Some(name);
    }
    Ok(found)
}

/// A variable that is set and not empty.
fn variable(name: &str) -> Option<Vec<u8>> {
    let value = std::env::var_os(name)?.into_encoded_bytes();
    Some(value).filter(|value| !value.is_empty())
}

fn first_line(path: &Path) -> Result<Secret> {
    let reading = || format!("failed to read the password file {}", path.display());
    let mut text = Vec::new();
    File::open(path)
        .with_context(reading)?
        .take(MAX_FILE_BYTES)
        .read_to_end(&mut text)
        .with_context(reading)?;
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        bail!("the first line of the password file {} is empty", path.display());
    }
    Ok(Secret::new(line))
}

/// Whether a person can be asked for a password.
pub(super) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for a password, which is not shown while it is typed.
pub(super) fn ask(server: &str) -> Result<Secret> {
    let typed = rpassword::prompt_password(format!("Password for {server}: "));
    Ok(Secret::new(typed.context("failed to read a password from the terminal")?))
}

/// Hides arguments that may have a password in a message about the command line.
pub(crate) fn without_secrets(message: &str, arguments: impl Iterator<Item = String>) -> String {
    // Of an option with its value in one word, a message may have either.
    let words = arguments.flat_map(|argument| {
        let value = argument.split_once('=').map(|(_, value)| value.to_owned());
        [Some(argument), value].into_iter().flatten()
    });
    words
        .filter(|word| may_have_password(word))
        .fold(message.to_owned(), |message, word| message.replace(&word, "[hidden]"))
}

/// Whether a word could be a URL, well-formed or not.
fn may_have_password(word: &str) -> bool {
    !word.starts_with("s3://") && (word.contains('@') || word.contains("://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_about_the_command_line_have_no_password() {
        for (argument, found, expected) in [
            ("redis://:secret@h:1", "redis://:secret@h:1", "[hidden]"),
            (":se/cret@x@h", ":se/cret@x@h", "[hidden]"),
            ("--ca=redis://secret", "redis://secret", "[hidden]"),
            ("--ca=redis://secret", "--ca=redis://secret", "[hidden]"),
            ("s3://b/k", "s3://b/k", "s3://b/k"),
            ("plain", "plain", "plain"),
        ] {
            let arguments = ["seeder", "backup", argument].map(str::to_owned).into_iter();
            assert_eq!(
                without_secrets(&format!("found '{found}'"), arguments),
                format!("found '{expected}'")
            );
        }
    }
}
