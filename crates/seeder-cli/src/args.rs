//! The command line.

mod aws;
mod backup;
mod changes;
mod cluster;
mod convert;
mod doctor;
mod executions;
mod manual;
mod prices;
mod request;
mod server;
mod upload;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(crate) use self::{
    aws::AwsArgs,
    backup::BackupArgs,
    cluster::{ClusterArgs, given},
    convert::ConvertArgs,
    doctor::DoctorArgs,
    executions::{CancelArgs, ExecutionArgs, ExecutionsArgs, RejectArgs, ReportArgs},
    manual::{CompletionsArgs, ManArgs},
    prices::PricesArgs,
    request::RequestArgs,
    server::{ServerArgs, SourceText},
    upload::UploadArgs,
};

/// Seeds Amazon ElastiCache from Redis and Valkey backups.
#[derive(Debug, Parser)]
#[command(name = "seeder", version = env!("SEEDER_VERSION"), about)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read backups completely; say whether they are sound, and whether they fit a cluster.
    ///
    /// Exit status: 0 sound, 1 faults or rejected, 2 usage, 3 not readable. docs/CHECK.md describes the output.
    Check(Box<CheckArgs>),
    /// Make a backup of a live server, as a replica of it, and check it on the way.
    ///
    /// It becomes a file or an object only if it is complete and sound. docs/RUNNING.md describes what the server does
    /// meanwhile.
    ///
    /// Exit status: 0 done, 1 refused by the server or unsound, 2 usage, 3 not reachable, broken off or not writable;
    /// 130 interrupted.
    Backup(Box<BackupArgs>),
    /// Write a backup anew for an engine that does not read it as it is.
    ///
    /// Nothing is lost unless an option says so. Without one, every obstacle is listed, and nothing is written.
    ///
    /// Exit status: 0 written, 1 refused, 2 usage, 3 not readable or not writable.
    Convert(Box<ConvertArgs>),
    /// Seed a new cluster and follow it until it is available.
    ///
    /// A live server is backed up straight into the stack's bucket. Files are read while they are uploaded. Both become
    /// objects only if they are sound.
    ///
    /// Exit status: 0 seeded, 1 rejected or failed, 2 usage, 3 the live server is not reachable or broke off, 130
    /// interrupted.
    Seed(Box<SeedArgs>),
    /// Upload backups as one set, whose list starts a seeding.
    ///
    /// An upload that was interrupted continues where it stopped when the same command is run again. Files are read
    /// while they are uploaded, and become objects only if all are sound.
    ///
    /// Exit status: 0 uploaded, 1 unsound or failed, 2 usage, 130 interrupted.
    Upload(Box<UploadArgs>),
    /// Start the clean-ups of ended executions that may have left something.
    ///
    /// The stack does the same every hour. The command itself deletes and revokes nothing. Running executions
    /// and seeded clusters are left alone.
    ///
    /// Exit status: 0 done, 1 failed or incomplete, 2 usage.
    Sweep(SweepArgs),
    /// List the stack's executions, newest first.
    ///
    /// Exit status: 0 listed, 2 usage, 3 not reachable: no stack, no access, or no network.
    Executions(ExecutionsArgs),
    /// Show an execution: its states with their times, its findings, and what is left of it.
    ///
    /// Exit status: 0 shown, 1 unknown, 2 usage, 3 not reachable: no stack, no access, or no network.
    Status(ExecutionArgs),
    /// Download the report of an execution: a page for a browser.
    ///
    /// Exit status: 0 downloaded, 1 unknown or not there yet, 2 usage, 3 not reachable: no stack, no access, or no
    /// network.
    Report(ReportArgs),
    /// Stop an execution, and wait for its clean-up.
    ///
    /// A cluster that becomes available meanwhile is kept.
    ///
    /// Exit status: 0 cleaned up, 1 unknown, ended already or not cleaned up, 2 usage, 3 not reachable: no stack, no
    /// access, or no network; 130 interrupted.
    Cancel(CancelArgs),
    /// Approve a seeding that waits for it.
    ///
    /// Exit status: 0 approved, 1 unknown or not waiting, 2 usage, 3 not reachable: no stack, no access, or no network.
    Approve(ExecutionArgs),
    /// Reject a seeding that waits for approval.
    ///
    /// Exit status: 0 rejected, 1 unknown or not waiting, 2 usage, 3 not reachable: no stack, no access, or no network.
    Reject(RejectArgs),
    /// Check the stack and what it needs, before the first drop and whenever something looks wrong.
    ///
    /// Every line is `ok`, `warning` or `fault`, with what to do. Nothing is changed.
    ///
    /// Exit status: 0 no fault, 1 a fault, 2 usage, 3 not reachable: no stack, no access, or no network.
    Doctor(DoctorArgs),
    /// Show what nodes cost, or fetch it from AWS's public price list.
    ///
    /// With prices, plans name the price of the cluster, and `auto` takes the cheapest that fits.
    ///
    /// Exit status: 0 shown, 1 no prices or unusable ones, 2 usage, 3 not reachable: no stack, no access, or no
    /// network.
    Prices(PricesArgs),
    /// Print completions for a shell.
    ///
    /// For bash: `source <(seeder completions bash)`. docs/RUNNING.md has the other shells.
    Completions(CompletionsArgs),
    /// Write the man pages of all commands.
    Man(ManArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// Backups: files, objects as `s3://bucket/key`, or `-` for standard input. Several files are one set, such as the
    /// shards of a cluster.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Print one JSON object on one line instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
    /// Also write the result as a page for a browser: one file that loads nothing. An existing page
    /// is replaced.
    #[arg(long, value_name = "PAGE")]
    pub(crate) html: Option<PathBuf>,
    /// Omit key names everywhere: in tables, JSON, faults and prefixes.
    #[arg(long)]
    pub(crate) hide_keys: bool,
    /// Number of threads that read, 1 to 256. [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
    /// Number of biggest keys to list, 0 to 1000.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub(crate) top: u16,
    /// Show no progress.
    ///
    /// Progress is written to standard error: a bar on a terminal, otherwise a line every ten seconds.
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Spacing of the servers' smallest allocation classes in bytes. AWS does not disclose that of its servers; 16 is
    /// the conservative choice (docs/MEMORY.md). [default: 16]
    #[arg(long, value_name = "BYTES", value_parser = ["8", "16"])]
    pub(crate) allocator_quantum: Option<String>,
    /// Prices of nodes, for the price of the cluster and the choice of `auto`: a file that `seeder prices` keeps, or
    /// AWS's `index.json` of a region. [default: what is kept for the region of the AWS configuration]
    #[arg(long, value_name = "FILE")]
    pub(crate) prices: Option<PathBuf>,
    /// Report the memory in each engine, with cluster mode off and on. Requests no verdict.
    #[arg(long)]
    pub(crate) all_engines: bool,
    // Last, because its heading is that of every option after it.
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// The name of the deployed stack.
#[derive(Debug, clap::Args)]
pub(crate) struct StackName {
    /// Name of the CloudFormation stack, `$SEEDER_STACK`. Its outputs fill in what no option or variable sets.
    /// [default: elasticache-seeder]
    #[arg(
        long,
        env = "SEEDER_STACK",
        hide_env = true,
        value_name = "NAME",
        default_value = "elasticache-seeder",
        hide_default_value = true
    )]
    pub(crate) stack: String,
}

/// The deployed stack.
#[derive(Debug, clap::Args)]
pub(crate) struct StackArgs {
    #[command(flatten)]
    pub(crate) name: StackName,
    /// ARN of the state machine, `$SEEDER_STATE_MACHINE_ARN`. [default: the stack's]
    #[arg(long, env = "SEEDER_STATE_MACHINE_ARN", hide_env = true, value_name = "ARN")]
    pub(crate) state_machine: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SweepArgs {
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// Bucket of the stack's own files, `$SEEDER_REPORTS_BUCKET`. [default: the stack's reports bucket]
    #[arg(long, env = "SEEDER_REPORTS_BUCKET", hide_env = true, value_name = "BUCKET")]
    pub(crate) reports_bucket: Option<String>,
    /// Print the clean-ups that are due and start none.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SeedArgs {
    /// Backups: .rdb files, which are uploaded, or objects as `s3://bucket/key`, addresses or ARNs. Or one live server,
    /// as `redis://HOST:PORT`, `rediss://HOST:PORT` (TLS) or `unix:///PATH`, which is backed up first.
    #[arg(required = true, value_name = "SOURCE")]
    pub(crate) sources: Vec<SourceText>,
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// Bucket to upload to, `$SEEDER_BUCKET`. [default: the stack's drop bucket]
    #[arg(long, env = "SEEDER_BUCKET", hide_env = true)]
    pub(crate) bucket: Option<String>,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    /// Keep uploaded objects if the backups are rejected. They are deleted otherwise.
    #[arg(long)]
    pub(crate) keep_upload: bool,
    /// Print the outcome as JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
    // Last, because the heading of each is that of every option after it.
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}
