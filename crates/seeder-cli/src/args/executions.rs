//! The options of the commands about executions: list, show, cancel, approve and reject.

use std::path::PathBuf;

use super::StackArgs;

#[derive(Debug, clap::Args)]
pub(crate) struct ExecutionsArgs {
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// Only executions with this outcome.
    #[arg(long, value_name = "OUTCOME",
        value_parser = ["seeded", "dry-run", "rejected", "failed", "running", "stopped"])]
    pub(crate) outcome: Option<String>,
    /// The most executions to list, 1 to 1000.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    /// List clean-ups too.
    #[arg(long)]
    pub(crate) all: bool,
    /// List again every five seconds until Ctrl-C.
    #[arg(long)]
    pub(crate) watch: bool,
    /// Print one JSON object on one line for each list.
    #[arg(long)]
    pub(crate) json: bool,
}

/// One execution, whose files are read.
#[derive(Debug, clap::Args)]
pub(crate) struct ExecutionArgs {
    /// Name or ARN of the execution.
    #[arg(value_name = "NAME")]
    pub(crate) execution: String,
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// Bucket of the stack's own files, `$SEEDER_REPORTS_BUCKET`. [default: the stack's reports bucket]
    #[arg(long, env = "SEEDER_REPORTS_BUCKET", hide_env = true, value_name = "BUCKET")]
    pub(crate) reports_bucket: Option<String>,
    /// Print one JSON object on one line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) execution: ExecutionArgs,
    /// File to write. [default: NAME.html in this folder]
    #[arg(long, value_name = "PAGE")]
    pub(crate) output: Option<PathBuf>,
    /// Open it in a browser.
    #[arg(long)]
    pub(crate) open: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CancelArgs {
    /// Name or ARN of the execution.
    #[arg(value_name = "NAME")]
    pub(crate) execution: String,
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// The time that the stack has to start the clean-up, in seconds, 1 to 600. After it, the command starts one.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..=600))]
    pub(crate) clean_up_seconds: u16,
    /// Print the result as one JSON object on one line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RejectArgs {
    #[command(flatten)]
    pub(crate) execution: ExecutionArgs,
    /// The reason, which the outcome has.
    #[arg(long, value_name = "REASON")]
    pub(crate) because: String,
}
