//! `seeder.toml`: defaults of options, which flags and the environment replace.

use std::{
    collections::BTreeMap,
    env,
    fs::read_to_string,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::{ArgAction, Command};
use seeding::near_names;
use toml_edit::{DocumentMut, TomlError};

use crate::usage::Usage;

/// The name of the file.
const FILE: &str = "seeder.toml";
/// Its folder among those of the user's other settings.
const FOLDER: &str = "elasticache-seeder";
/// The options that it may set: where things are, and how this machine reads. What a cluster is to be like, the stack's
/// parameters say.
const MEMBERS: [&str; 9] = [
    "profile",
    "region",
    "stack",
    "state-machine",
    "bucket",
    "reports-bucket",
    "prefix",
    "timeout-seconds",
    "threads",
];
/// Parts of names that are those of secrets.
const SECRETS: [&str; 4] = ["password", "secret", "token", "auth"];

/// What the file says of the account and the region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Weak {
    pub(crate) profile: Option<String>,
    pub(crate) region: Option<String>,
}

/// A file that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) path: PathBuf,
    members: BTreeMap<&'static str, String>,
}

impl Config {
    /// Reads the file in the working folder, or else the user's. None if there is neither.
    pub(crate) fn find() -> Result<Option<Self>> {
        let users = env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let users = users.or_else(|| Some(env::home_dir()?.join(".config")));
        let paths = [Some(PathBuf::from(FILE)), users.map(|folder| folder.join(FOLDER).join(FILE))];
        for path in paths.into_iter().flatten() {
            match read_to_string(&path) {
                Ok(text) => return Self::parse(path, &text).map(Some),
                Err(error) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => {}
                Err(error) => {
                    let error: Result<()> = Err(error).context(format!("failed to read {}", path.display()));
                    return error.map(|()| None).map_err(Usage::error);
                }
            }
        }
        Ok(None)
    }

    fn parse(path: PathBuf, text: &str) -> Result<Self> {
        let shown = path.display();
        let file: DocumentMut = text.parse().map_err(|error: TomlError| {
            // The text itself is not shown: it may have what should not be in it.
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.lines().count().max(1);
            Usage::of(format!("{shown} is not TOML, line {line}: {}", error.message()))
        })?;
        let mut members = BTreeMap::new();
        for (name, value) in file.iter() {
            let Some(member) = MEMBERS.into_iter().find(|member| *member == name) else {
                return Err(unknown(&path, name));
            };
            let value = value.as_str().map(str::to_owned).or_else(|| Some(value.as_integer()?.to_string()));
            let value = value
                .ok_or_else(|| Usage::of(format!("{shown}: {member} is neither a text nor a number")))?;
            members.insert(member, value);
        }
        Ok(Self { path, members })
    }

    /// Makes the members defaults of the options of all commands that have them.
    pub(crate) fn apply(&self, command: Command) -> Command {
        command.mut_subcommands(|command| {
            // Naming a stack there asks to write into it.
            if command.get_name() == "prices" {
                return command;
            }
            command.mut_args(|option| {
                let value = option.get_long().and_then(|name| self.members.get(name));
                match value {
                    // Of options that may be repeated, the meaning is another one.
                    Some(value) if matches!(option.get_action(), ArgAction::Set) => {
                        // It lives as long as the process, which it does once.
                        option.default_value(&*value.clone().leak()).hide_default_value(true)
                    }
                    _ => option,
                }
            })
        })
    }

    /// The members about the account and the region that no variable replaces.
    pub(crate) fn weak(&self) -> Weak {
        let unless = |name: &str, variables: &[&str]| {
            let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
            self.members.get(name).filter(|_| !variables.iter().any(is_set)).cloned()
        };
        Weak {
            profile: unless("profile", &["AWS_PROFILE"]),
            region: unless("region", &["AWS_REGION", "AWS_DEFAULT_REGION"]),
        }
    }
}

fn unknown(path: &Path, name: &str) -> anyhow::Error {
    let lower = name.to_lowercase();
    let hint = if SECRETS.iter().any(|secret| lower.contains(secret)) {
        "no secret belongs in this file: SEEDER_PASSWORD or --password-file name that of a server".to_owned()
    } else {
        let near = near_names(name, MEMBERS.into_iter());
        let near = if near.is_empty() { MEMBERS.map(str::to_owned).to_vec() } else { near };
        format!("it may have {}", near.join(", "))
    };
    Usage::of(format!("{}: {} is not known\nhint: {hint}", path.display(), name.escape_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Config> {
        Config::parse("seeder.toml".into(), text)
    }

    #[test]
    fn what_the_file_cannot_have_is_named_without_its_value() {
        for (text, expected) in [
            ("stak = \"x\"", "seeder.toml: stak is not known\nhint: it may have stack"),
            ("password = \"geheim\"", "hint: no secret belongs in this file"),
            ("stack = \"x\"\nregion = geheim", "seeder.toml is not TOML, line 2"),
            ("stack = [\"geheim\"]", "stack is neither a text nor a number"),
            ("[seed]\nid = \"geheim\"", "seed is not known"),
        ] {
            let error = parsed(text).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("geheim"), "{text}: {error}");
        }
    }

    /// Otherwise a member would be accepted and do nothing.
    #[test]
    fn every_member_is_an_option_of_a_command() {
        let mut command = crate::command();
        command.build();
        for member in MEMBERS {
            let has = |command: &Command| {
                command.get_arguments().any(|option| {
                    option.get_long() == Some(member) && matches!(option.get_action(), ArgAction::Set)
                })
            };
            assert!(command.get_subcommands().any(has), "{member}");
        }
    }
}
