//! The command line.

mod cluster;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(crate) use self::cluster::{ClusterArgs, given};

/// Seeds Amazon ElastiCache from Redis and Valkey backups.
#[derive(Debug, Parser)]
#[command(name = "seeder", version, about)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read backups completely; say whether they are sound, and whether they fit a cluster.
    ///
    /// Exit status: 0 sound, 1 faults or rejected, 2 usage, 3 not readable. What is printed is described in
    /// docs/CHECK.md.
    Check(Box<CheckArgs>),
    /// Seed a new cluster and follow it until it is available.
    ///
    /// Files are read while they are uploaded, and become objects only if they are sound.
    ///
    /// Exit status: 0 seeded, 1 rejected or failed, 2 usage, 130 interrupted.
    Seed(Box<SeedArgs>),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// The .rdb files, objects as `s3://bucket/key`, or - for standard input. Several files are one set, such as the
    /// shards of a cluster.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave key names out.
    #[arg(long)]
    pub(crate) hide_keys: bool,
    /// Number of threads. [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
    /// Number of biggest keys to list.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub(crate) top: u16,
    /// Show no progress.
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// Spacing of the servers' smallest allocation classes in bytes. AWS does not disclose which one its servers have;
    /// 16 is the careful choice. [default: 16]
    #[arg(long, value_name = "BYTES", value_parser = ["8", "16"])]
    pub(crate) allocator_quantum: Option<String>,
    /// List the memory that the data needs in every engine.
    #[arg(long)]
    pub(crate) all_engines: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SeedArgs {
    /// Backups: .rdb files, which are uploaded, or objects as `s3://bucket/key` or ARNs.
    #[arg(required = true)]
    pub(crate) backups: Vec<String>,
    /// Bucket to upload files to.
    #[arg(long, env = "SEEDER_BUCKET")]
    pub(crate) bucket: Option<String>,
    /// ARN of the stack's state machine.
    #[arg(long, env = "SEEDER_STATE_MACHINE_ARN", value_name = "ARN")]
    pub(crate) state_machine: String,
    /// A request as JSON (docs/REQUEST.md). Options override it.
    #[arg(long, value_name = "FILE")]
    pub(crate) request: Option<PathBuf>,
    /// Id of the new cluster. [default: from the first file's name]
    #[arg(long)]
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// How ElastiCache is granted access to the bucket. [default: auto]
    #[arg(long, value_parser = ["auto", "policy", "acl", "existing"])]
    pub(crate) access: Option<String>,
    /// Reaction to a failed restore. [default: delete]
    #[arg(long, value_parser = ["delete", "keep", "startOver"])]
    pub(crate) on_restore_failed: Option<String>,
    /// Stop after the verdict.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Keep uploaded objects if the backups are rejected. They are deleted otherwise.
    #[arg(long)]
    pub(crate) keep_upload: bool,
    /// Print the outcome as JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}
