//! An inspection as it is shown to users.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    BigKey, DatabaseCounts, Inspection, Prefix, REPORT_SCHEMA, RdbInfo, TimesToLive, TypeCounts, Unchecked,
};
use crate::fault::{Fault, Hazard};

/// What `seeder check --json` prints of one file. Without the slot table, which is for programs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The version of this shape, [`REPORT_SCHEMA`].
    pub schema: u32,
    /// The file itself; none if it is not an RDB file.
    pub rdb: Option<RdbInfo>,
    /// Keys in all databases, those already expired included.
    pub keys: u64,
    /// Keys with an expiry.
    pub expires: u64,
    /// Keys whose expiry had passed at the time of the scan.
    pub already_expired: u64,
    /// Keys with an expiry by the time left to them.
    pub times_to_live: TimesToLive,
    /// Databases that hold keys, ascending, at most [`crate::MAX_NAMED_DATABASES`].
    pub databases: Vec<DatabaseReport>,
    /// Keys of the databases beyond those.
    #[serde(default, skip_serializing_if = "DatabaseCounts::is_empty")]
    pub other_databases: DatabaseCounts,
    /// Counts by type: `string`, `list`, `set`, `zset`, `hash`, `stream`, `module`, `array`.
    pub types: BTreeMap<String, TypeCounts>,
    /// Hash fields with an expiry of their own.
    pub field_expires: u64,
    /// AUX fields.
    pub aux: BTreeMap<String, String>,
    /// Libraries of functions.
    pub functions: u64,
    /// Values and auxiliary data by module type name.
    pub modules: BTreeMap<String, u64>,
    /// The biggest keys by bytes in the file, biggest first.
    pub biggest: Vec<BigKey>,
    /// What the keys begin with, from a sample of them; empty when keys are hidden.
    pub prefixes: Vec<Prefix>,
    /// What was not looked for, because there was too much of it.
    pub unchecked: Unchecked,
    /// What is broken, in file order.
    pub faults: Vec<Fault>,
    /// What is dangerous, in file order.
    pub hazards: Vec<Hazard>,
    /// How often each hazard occurs, also where `hazards` lists only the first ten.
    pub hazard_counts: BTreeMap<String, u64>,
}

/// One database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseReport {
    /// The database number.
    pub index: u64,
    /// Keys in it.
    pub keys: u64,
    /// Keys in it with an expiry.
    pub expires: u64,
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
            databases: databases.collect(),
            other_databases: DatabaseCounts {
                announced_keys: 0,
                announced_expires: 0,
                ..self.other_databases
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
