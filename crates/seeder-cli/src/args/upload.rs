//! The options of `seeder upload`.

use std::path::PathBuf;

use super::{ClusterArgs, RequestArgs, StackName};

#[derive(Debug, clap::Args)]
pub(crate) struct UploadArgs {
    /// Backups: .rdb files, the shards of one cluster if they are several.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Name of the set, of letters, digits, `-`, `_` and `.`. [default: the first file's, without a number at its end]
    #[arg(long, value_name = "NAME")]
    pub(crate) set: Option<String>,
    /// Upload no list, so that no seeding starts.
    #[arg(long)]
    pub(crate) no_start: bool,
    /// Replace objects of the same name that have other contents, and start a set once more.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) stack: StackName,
    /// Bucket to upload to, `$SEEDER_BUCKET`. [default: the stack's drop bucket]
    #[arg(long, env = "SEEDER_BUCKET", hide_env = true)]
    pub(crate) bucket: Option<String>,
    /// Prefix under which uploads start seedings. [default: the stack's `TriggerPrefix`]
    #[arg(long)]
    pub(crate) prefix: Option<String>,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    // Last, because its heading is that of every option after it.
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}
