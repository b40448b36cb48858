//! What a conversion changes, the same for every command.

use rdb_convert::{DatabaseError, Databases};

/// What a conversion changes in the data.
#[derive(Debug, clap::Args)]
pub(crate) struct ChangeArgs {
    /// Where databases go: `merge` for all into 0, or a list such as `1=drop,2=3,4=0:db4:`, in which a database is
    /// dropped, gets a new number, or a new number and a key prefix. Databases that are not named stay.
    /// [default: keep]
    #[arg(long, value_name = "WHERE", value_parser = databases)]
    pub(crate) databases: Option<Databases>,
    /// Reaction to a key that two databases bring to one. [default: refuse]
    #[arg(long, value_name = "REACTION", value_parser = ["refuse", "first", "last"])]
    pub(crate) on_conflict: Option<String>,
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
    /// Mend what ends a load: keys that occur twice (the first stays), collections without elements, wrong lengths of
    /// streams, huge table sizes and databases without keys.
    #[arg(long)]
    pub(crate) repair: bool,
    /// Take every intact record of a damaged or truncated backup, and list what is lost.
    #[arg(long)]
    pub(crate) salvage: bool,
}

fn databases(text: &str) -> Result<Databases, DatabaseError> {
    Databases::parse(text)
}
