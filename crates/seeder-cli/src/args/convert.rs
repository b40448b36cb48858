//! The options of `seeder convert`.

use std::path::PathBuf;

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
    /// Where databases go: `merge` for all into 0, or a list such as `1=drop,2=3,4=0:db4:`, in which a database is
    /// dropped, gets a new number, or a new number and a key prefix. Databases that are not named stay.
    #[arg(long, value_name = "WHERE", default_value = "keep")]
    pub(crate) databases: String,
    /// Reaction to a key that two databases bring to one.
    #[arg(long, value_name = "REACTION", value_parser = ["refuse", "first", "last"], default_value = "refuse")]
    pub(crate) on_conflict: String,
    /// Keep only keys that match a pattern, as of the command `KEYS`. Repeatable.
    #[arg(long, value_name = "GLOB")]
    pub(crate) include: Vec<String>,
    /// Drop keys that match a pattern. Repeatable; wins over `--include`.
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// Drop keys that have expired.
    #[arg(long)]
    pub(crate) drop_expired: bool,
    /// Keep only keys of these types, separated by commas.
    #[arg(long, value_name = "TYPES", value_delimiter = ',',
        value_parser = ["string", "list", "set", "zset", "hash", "stream", "module", "array"])]
    pub(crate) only: Vec<String>,
    /// Keep only keys in these cluster slots, 0 to 16383.
    #[arg(long, value_name = "A-B")]
    pub(crate) slots: Option<String>,
    /// Write one file or object for each of this many shards, as OUT-0001.rdb and so on.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=500))]
    pub(crate) split: Option<u16>,
    /// Mend what ends a load: keys that occur twice (the first stays), collections without elements, wrong lengths of
    /// streams, huge table sizes and databases without keys.
    #[arg(long)]
    pub(crate) repair: bool,
    /// Write every intact record of a damaged or truncated backup, and list what was lost.
    #[arg(long)]
    pub(crate) salvage: bool,
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
