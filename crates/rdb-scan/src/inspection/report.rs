//! An inspection as it is shown to users.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    BigKey, IdleTimes, Inspection, Prefix, REPORT_SCHEMA, RdbInfo, TimesToLive, TypeCounts, Unchecked,
};
use crate::fault::{Fault, Hazard};

/// The JSON of one file in `seeder check --json`. Without the slot table, which is for programs.
///
/// The tables in docs/CHECK.md are written from these structs: the first paragraph of a comment is the meaning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Version of this JSON, 1. It changes when the meaning of a member changes.
    pub schema: u32,
    /// Properties of the file; null if it is not an RDB file.
    pub rdb: Option<RdbInfo>,
    /// Keys in all databases, including those that have already expired.
    pub keys: u64,
    /// Keys with an expiry.
    pub expires: u64,
    /// Keys whose expiry has passed.
    pub already_expired: u64,
    /// Keys with an expiry, by the time left.
    pub times_to_live: TimesToLive,
    /// Keys by the time since they were last used; absent if the file does not have it.
    #[serde(default, skip_serializing_if = "IdleTimes::is_none")]
    pub idle_times: IdleTimes,
    /// Databases that hold keys, in ascending order, at most 1,024.
    pub databases: Vec<DatabaseReport>,
    /// Sums of all further databases; absent if there are none.
    #[serde(default, skip_serializing_if = "OtherDatabases::is_empty")]
    pub other_databases: OtherDatabases,
    /// Counts by type: `string`, `list`, `set`, `zset`, `hash`, `stream`, `module`, `array`.
    pub types: BTreeMap<String, TypeCounts>,
    /// Hash fields with an expiry of their own.
    pub field_expires: u64,
    /// AUX fields by name, such as `redis-ver`, `ctime` (Unix seconds) and `used-mem`; at most 64, with values cut to
    /// 256 bytes.
    pub aux: BTreeMap<String, String>,
    /// Libraries of functions.
    pub functions: u64,
    /// Values and auxiliary data by the name of their module type.
    pub modules: BTreeMap<String, u64>,
    /// The biggest keys by bytes in the file, in descending order. Keys are escaped like Rust strings.
    pub biggest: Vec<BigKey>,
    /// Prefixes of keys, up to one of `:/.|#`, estimated from a random sample of 2,048 keys, or of all keys if there
    /// are fewer. Empty if keys are hidden.
    pub prefixes: Vec<Prefix>,
    /// What was not compared because of its size. Files of up to 131,072 keys are searched for duplicate keys, values
    /// of up to 262,144 members for duplicate members.
    pub unchecked: Unchecked,
    /// Faults in file order, at most 100. [What was done to a file](docs/CHECK.md#what-was-done-to-a-file) lists each
    /// `cause`.
    pub faults: Vec<Fault>,
    /// Hazards in file order, at most ten of each code.
    pub hazards: Vec<Hazard>,
    /// Number of occurrences of each hazard, by code.
    pub hazard_counts: BTreeMap<String, u64>,
}

/// One database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseReport {
    /// Number of the database.
    pub index: u64,
    /// Keys in it.
    pub keys: u64,
    /// Keys in it with an expiry.
    pub expires: u64,
}

/// The databases that are not listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OtherDatabases {
    /// Keys in them.
    pub keys: u64,
    /// Keys in them with an expiry.
    pub expires: u64,
}

impl OtherDatabases {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Inspection {
    /// The inspection as it is shown to users.
    pub fn report(&self) -> Report {
        let holding = self.databases.iter().filter(|(_, counts)| counts.keys > 0);
        let databases = holding.map(|(index, counts)| DatabaseReport {
            index: *index,
            keys: counts.keys,
            expires: counts.expires,
        });
        Report {
            schema: REPORT_SCHEMA,
            rdb: self.rdb.clone(),
            keys: self.keys,
            expires: self.expires,
            already_expired: self.already_expired,
            times_to_live: self.times_to_live,
            idle_times: self.idle_times,
            databases: databases.collect(),
            other_databases: OtherDatabases {
                keys: self.other_databases.keys,
                expires: self.other_databases.expires,
            },
            types: self.types.clone(),
            field_expires: self.field_expires,
            aux: self.aux.clone(),
            functions: self.functions,
            modules: self.modules.clone(),
            biggest: self.biggest.clone(),
            prefixes: self.part.sample.prefixes(self.keys),
            unchecked: self.unchecked,
            faults: self.faults.clone(),
            hazards: self.hazards.clone(),
            hazard_counts: self
                .hazard_counts
                .iter()
                .map(|(code, count)| (code.to_string(), *count))
                .collect(),
        }
    }
}
