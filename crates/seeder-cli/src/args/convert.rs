//! The options of `seeder convert`.

use std::path::PathBuf;

use super::changes::ChangeArgs;

/// What may happen to something that the engine cannot hold.
pub(super) const POLICY: [&str; 2] = ["refuse", "drop"];

#[derive(Debug, clap::Args)]
pub(crate) struct ConvertArgs {
    /// Backup to convert: a file, which may be compressed, an object as `s3://bucket/key`, or `-` for standard input.
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// File to write, an object to create as `s3://bucket/key`, or `-` for standard output.
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Engine that is to read the new file: `redis-6.2`, `redis-7.0`, `redis-7.1`, `valkey-7.2`, `valkey-8.0`,
    /// `valkey-8.1`, `valkey-8.2`, `valkey-9.0` or `valkey-9.1`.
    #[arg(long, value_name = "ENGINE-VERSION")]
    pub(crate) to: String,
    /// Reaction to expiries of hash fields that the engine does not have. Dropped, fields stay without an expiry.
    #[arg(long, value_name = "POLICY", value_parser = POLICY, default_value = "refuse")]
    pub(crate) field_expiries: String,
    /// Reaction to data of modules, vector sets among them. Dropped, their keys go.
    #[arg(long, value_name = "POLICY", value_parser = POLICY, default_value = "refuse")]
    pub(crate) modules: String,
    /// Reaction to functions if the engine has none.
    #[arg(long, value_name = "POLICY", value_parser = POLICY, default_value = "refuse")]
    pub(crate) functions: String,
    /// Reaction to deduplication and given-back entries of streams. Dropped, the streams stay.
    #[arg(long, value_name = "POLICY", value_parser = POLICY, default_value = "refuse")]
    pub(crate) stream_state: String,
    /// Reaction to values of types that the engine does not have. Dropped, their keys go.
    #[arg(long, value_name = "POLICY", value_parser = POLICY, default_value = "refuse")]
    pub(crate) unsupported_types: String,
    #[command(flatten)]
    pub(crate) changes: ChangeArgs,
    /// Keep only keys in these cluster slots, 0 to 16383.
    #[arg(long, value_name = "A-B")]
    pub(crate) slots: Option<String>,
    /// Write one file or object for each of this many shards, as OUT-0001.rdb and so on.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=500))]
    pub(crate) split: Option<u16>,
    /// Say what would be done, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Replace OUT if it exists.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print one JSON object on one line instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
    /// Number of threads that check the backup, plan and write, 1 to 256. [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
    /// Omit key names everywhere.
    #[arg(long)]
    pub(crate) hide_keys: bool,
}
