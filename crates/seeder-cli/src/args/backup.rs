//! The options of `seeder backup`.

use std::path::PathBuf;

use super::{ServerArgs, SourceText};

#[derive(Debug, clap::Args)]
pub(crate) struct BackupArgs {
    /// Server, as `redis://HOST:PORT`, `rediss://HOST:PORT` (TLS) or `unix:///PATH`.
    #[arg(value_name = "SOURCE")]
    pub(crate) source: SourceText,
    /// File to write, an object to create as `s3://bucket/key`, or `-` for standard output. [default: `HOST-PORT.rdb`]
    #[arg(value_name = "TO")]
    pub(crate) to: Option<PathBuf>,
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
    // Last, because its heading is that of every option after it.
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}
