//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

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
    /// Exit status: 0 sound, 1 faults or rejected, 2 usage, 3 not readable. What is printed is described in docs/CHECK.md.
    Check(Box<CheckArgs>),
    /// Seed a new cluster and follow it until it is up.
    ///
    /// Files are read while they are uploaded, and become objects only if they are sound.
    ///
    /// Exit status: 0 seeded, 1 rejected or failed, 2 usage, 130 interrupted.
    Seed(Box<SeedArgs>),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// The .rdb files, objects as `s3://bucket/key`, or - for standard input. Several are one set, such as the shards of a cluster.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave key names out.
    #[arg(long)]
    pub(crate) hide_keys: bool,
    /// Threads that read; as many as there are cores if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
    /// How many of the biggest keys are told.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub(crate) top: u16,
    /// Show no progress.
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

/// The cluster that the backups are meant for. Any of these asks for a verdict and a plan.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The cluster that they are to fit")]
pub(crate) struct TargetArgs {
    /// valkey or redis; valkey if not given.
    #[arg(long, value_name = "NAME", value_parser = ["valkey", "redis"])]
    pub(crate) engine: Option<String>,
    /// The engine's version, such as 8.1.
    #[arg(long, value_name = "VERSION")]
    pub(crate) engine_version: Option<String>,
    /// A node type such as cache.r7g.large, or auto, which is also what is taken if it is not given.
    #[arg(long, value_name = "TYPE")]
    pub(crate) node_type: Option<String>,
    /// The number of shards; with cluster mode on, as few as the data fits into if it is not given.
    #[arg(long, value_name = "N")]
    pub(crate) shards: Option<u32>,
    /// Replicas of each shard.
    #[arg(long, value_name = "N")]
    pub(crate) replicas: Option<u32>,
    /// Cluster mode; on for several shards or files if not given.
    #[arg(long, value_name = "MODE", value_parser = ["on", "off"])]
    pub(crate) cluster_mode: Option<String>,
    /// How slots are shared out: even, or balanced by what they hold.
    #[arg(long, value_name = "HOW", value_parser = ["even", "balanced"])]
    pub(crate) slots: Option<String>,
    /// Room to grow, in percent of what a shard's data takes; 10 if not given.
    #[arg(long, value_name = "N")]
    pub(crate) headroom_percent: Option<u32>,
    /// The node families that auto chooses from, such as r7g,m7g.
    #[arg(long, value_name = "FAMILIES", value_delimiter = ',')]
    pub(crate) node_families: Option<Vec<String>>,
    /// A finding that is not to forbid the seeding; may be given several times.
    #[arg(long, value_name = "CODE")]
    pub(crate) allow: Vec<String>,
    /// The spacing of the servers' smallest size classes in bytes, 8 or 16: which one AWS has is not known; 16 is the
    /// careful choice, and what is taken if it is not given.
    #[arg(long, value_name = "BYTES", value_parser = ["8", "16"])]
    pub(crate) allocator_quantum: Option<String>,
    /// Tell the memory that the data takes in every engine.
    #[arg(long)]
    pub(crate) all_engines: bool,
}

impl TargetArgs {
    /// Whether a verdict is asked for.
    pub(crate) fn is_asked(&self) -> bool {
        self.engine.is_some()
            || self.engine_version.is_some()
            || self.node_type.is_some()
            || self.shards.is_some()
            || self.replicas.is_some()
            || self.cluster_mode.is_some()
            || self.slots.is_some()
            || self.headroom_percent.is_some()
            || self.node_families.is_some()
            || !self.allow.is_empty()
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct SeedArgs {
    /// Backups: .rdb files, which are uploaded, or objects as `s3://bucket/key` or ARNs.
    #[arg(required = true)]
    pub(crate) backups: Vec<String>,
    /// The bucket that files are uploaded to.
    #[arg(long, env = "SEEDER_BUCKET")]
    pub(crate) bucket: Option<String>,
    /// The state machine of the stack.
    #[arg(long, env = "SEEDER_STATE_MACHINE_ARN", value_name = "ARN")]
    pub(crate) state_machine: String,
    /// A request as JSON (docs/REQUEST.md); the options below go over it.
    #[arg(long, value_name = "FILE")]
    pub(crate) request: Option<PathBuf>,
    /// The id of the new cluster.
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// valkey or redis.
    #[arg(long)]
    pub(crate) engine: Option<String>,
    /// The engine's version, such as 8.1.
    #[arg(long)]
    pub(crate) engine_version: Option<String>,
    /// A node type such as cache.r7g.large, or auto.
    #[arg(long)]
    pub(crate) node_type: Option<String>,
    /// The number of shards.
    #[arg(long)]
    pub(crate) shards: Option<u32>,
    /// Replicas of each shard.
    #[arg(long)]
    pub(crate) replicas: Option<u32>,
    /// Cluster mode.
    #[arg(long, value_parser = ["on", "off"])]
    pub(crate) cluster_mode: Option<String>,
    /// How ElastiCache is let into the bucket.
    #[arg(long, value_parser = ["auto", "policy", "acl", "existing"])]
    pub(crate) access: Option<String>,
    /// What happens when the restore fails.
    #[arg(long, value_parser = ["delete", "keep", "startOver"])]
    pub(crate) on_restore_failed: Option<String>,
    /// A finding that is not to forbid the seeding; may be given several times.
    #[arg(long, value_name = "CODE")]
    pub(crate) allow: Vec<String>,
    /// Stop after the verdict.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Keep what was uploaded when the backups are rejected; it is deleted otherwise.
    #[arg(long)]
    pub(crate) keep_upload: bool,
    /// Print the outcome as JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}
