//! The options of `seeder backup`.

use std::{
    convert::Infallible,
    fmt::{
        Debug, {self},
    },
    path::PathBuf,
    str::FromStr,
};

#[derive(Debug, clap::Args)]
pub(crate) struct BackupArgs {
    /// Server, as `redis://HOST:PORT`, `rediss://HOST:PORT` (TLS) or `unix:///PATH`.
    #[arg(value_name = "SOURCE")]
    pub(crate) source: SourceUrl,
    /// File to write, an object to create as `s3://bucket/key`, or `-` for standard output. [default: `HOST-PORT.rdb`]
    #[arg(value_name = "TO")]
    pub(crate) to: Option<PathBuf>,
    /// Name of a master. SOURCE is then a sentinel that watches it. A replica is preferred.
    #[arg(long, value_name = "MASTER-NAME", conflicts_with = "cluster")]
    pub(crate) sentinel: Option<String>,
    /// Back up every shard of the cluster of SOURCE, as TO-0001.rdb and so on. Replicas are preferred.
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
    /// Make the server save its own file with BGSAVE, wait until it is done, and say where it is. Nothing is
    /// transferred.
    #[arg(long, conflicts_with_all = ["to", "cluster", "save", "force"])]
    pub(crate) bgsave: bool,
    /// As `--bgsave`, with SAVE. The server answers no one until it is done.
    #[arg(long, conflicts_with_all = ["to", "cluster", "force"])]
    pub(crate) save: bool,
    /// Replace TO if it exists.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print one JSON object on one line.
    #[arg(long)]
    pub(crate) json: bool,
    /// Show no progress and no description of the server. Warnings are shown.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// The source as it was typed. It may have a password, so it is never formatted.
#[derive(Clone)]
pub(crate) struct SourceUrl(String);

impl SourceUrl {
    /// The text, to be parsed only.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl FromStr for SourceUrl {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl Debug for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SourceUrl")
    }
}
