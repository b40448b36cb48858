//! The options that say how to reach a live server, the same for every command.

use std::{
    convert::Infallible,
    fmt::{
        Debug, {self},
    },
    path::PathBuf,
    str::FromStr,
};

/// How to reach a live server.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Live server")]
pub(crate) struct ServerArgs {
    /// Name of a master. SOURCE is then a sentinel that watches it. A replica is preferred.
    #[arg(long, value_name = "MASTER-NAME", conflicts_with = "cluster")]
    pub(crate) sentinel: Option<String>,
    /// Back up every shard of the cluster of SOURCE, each to a file of its own, NAME-0001.rdb and so on. Replicas are
    /// preferred.
    #[arg(long)]
    pub(crate) cluster: bool,
    /// Certificates of the authorities to trust, as PEM. [default: those of the system]
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Certificate to show to the server, as PEM.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// Private key of the certificate, as PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Name in the server's certificate. [default: the host]
    #[arg(long, value_name = "NAME")]
    pub(crate) server_name: Option<String>,
    /// File whose first line is the password. [default: `$SEEDER_PASSWORD` or `$REDISCLI_AUTH`]
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// The longest time without a byte from the server, in seconds, 1 to 86400. While it saves to its own disk first,
    /// it sends one every second.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) timeout_seconds: u32,
}

impl ServerArgs {
    /// An option that is given and makes sense for a live server only.
    pub(crate) fn first_given(&self) -> Option<&'static str> {
        [
            ("--sentinel", self.sentinel.is_some()),
            ("--cluster", self.cluster),
            ("--ca", self.ca.is_some()),
            ("--cert", self.cert.is_some()),
            ("--server-name", self.server_name.is_some()),
            ("--password-file", self.password_file.is_some()),
        ]
        .into_iter()
        .find_map(|(name, is_given)| is_given.then_some(name))
    }
}

/// A source as it was typed. It may be a URL with a password, so it is never formatted.
#[derive(Clone)]
pub(crate) struct SourceText(String);

impl SourceText {
    /// The text, to be parsed only.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl FromStr for SourceText {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl Debug for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SourceText")
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::args::Args;

    #[test]
    fn a_panic_that_shows_all_arguments_shows_no_password() {
        for command in ["backup", "seed"] {
            let args = Args::try_parse_from(["seeder", command, "redis://ann:geheim@h:1"]).unwrap();
            let shown = format!("{args:?} {args:#?}");
            assert!(shown.contains("SourceText") && !shown.contains("geheim"), "{shown}");
        }
    }
}
