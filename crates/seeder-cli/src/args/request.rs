//! The options that make up a request, beside those of the cluster.

use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct RequestArgs {
    /// A request as JSON (docs/REQUEST.md). Options override it.
    #[arg(long, value_name = "FILE")]
    pub(crate) request: Option<PathBuf>,
    /// ID of the new cluster. [default: from the name of the first file or the server]
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// Give a cache cluster this ID as it is. Otherwise, a hash of the execution is added to it.
    #[arg(long, requires = "id")]
    pub(crate) exact_id: bool,
    /// How ElastiCache is granted access to the bucket. [default: auto]
    #[arg(long, value_name = "HOW", value_parser = ["auto", "policy", "acl", "existing"])]
    pub(crate) access: Option<String>,
    /// Reaction to a failed restore. [default: delete]
    #[arg(long, value_name = "ACTION", value_parser = ["delete", "keep", "startOver"])]
    pub(crate) on_restore_failed: Option<String>,
    /// Stop after the verdict.
    #[arg(long)]
    pub(crate) dry_run: bool,
}
