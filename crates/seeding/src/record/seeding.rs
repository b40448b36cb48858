//! The record of a seeding, written by the first step and read by all others.

use rdb_footprint::Settings;
use rdb_scan::{InspectOptions, Weighing};
use serde::{Deserialize, Serialize};

use crate::{
    facts::{
        location::BackupLocation, memory::MemoryParameters, node_types::NodeTypes, partition::Partition,
        prices::NodePrices,
    },
    record::{file_key::FileKey, known::KnownInspection},
    request::{cluster::ClusterSpec, options::Options},
};

/// The record: everything that is decided about a seeding before its backups are read.
///
/// It is stored in the reports bucket (`ExecutionFiles::seeding`), so that the state machine
/// carries only the execution's name, and a clean-up knows what a stopped execution was about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seeding {
    /// The version of this record's shape: 1.
    pub schema: u32,
    /// The execution's name.
    pub execution: String,
    /// The partition, region and account it runs in.
    pub partition: Partition,
    /// The backups, in the order of the request.
    pub backups: Vec<Backup>,
    /// The cluster that they are to seed.
    #[serde(flatten)]
    pub target: Target,
}

/// The cluster to create, and everything that decides whether backups can seed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The cluster.
    pub cluster: ClusterSpec,
    /// How to seed it, and the findings that are allowed.
    pub options: Options,
    /// The node types that the engine version offers.
    pub node_types: NodeTypes,
    /// The percentage of `maxmemory` that is reserved for backups and failover, from the parameter group. Default 25.
    pub reserved_memory_percent: u32,
    /// The number of databases that the cluster will have, from the parameter group: `cluster-databases` with cluster
    /// mode on, `databases` otherwise.
    pub databases: u64,
    /// The parameters that affect the memory of the loaded data.
    #[serde(default)]
    pub memory: MemoryParameters,
    /// The time of the check, in milliseconds since the Unix epoch: keys that have expired by then count as expired,
    /// for every worker alike.
    #[serde(default)]
    pub looked_at_ms: u64,
    /// The most nodes that the cluster may have, by the stack's parameter `MaxNodes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_nodes: Option<u32>,
    /// The prices of nodes, if they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<NodePrices>,
}

impl Target {
    /// How files are inspected for it. `size_bytes`: the size of the file.
    pub fn inspect_options(&self, size_bytes: u64) -> InspectOptions {
        /// A partial result with the hashes of so many keys stays below 1 MiB.
        const MAX_COMPARED_KEYS: usize = 1 << 15;
        InspectOptions {
            hide_keys: self.options.hide_keys,
            now_ms: self.looked_at_ms,
            size_bytes: Some(size_bytes),
            max_compared_keys: MAX_COMPARED_KEYS,
            weighings: vec![Weighing::by(self.memory_settings())],
            ..InspectOptions::default()
        }
    }

    /// The settings for the memory prediction.
    pub fn memory_settings(&self) -> Settings {
        let MemoryParameters { thresholds, shares_integers, quantum } = self.memory;
        let generation = self.cluster.engine.generation(self.cluster.engine_version);
        Settings { generation, quantum, thresholds, shares_integers }
    }
}

/// A backup as it was at the start of the seeding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// The object.
    #[serde(flatten)]
    pub location: BackupLocation,
    /// Size of the object in bytes.
    pub size_bytes: u64,
    /// ETag of the object, with quotes.
    pub etag: String,
    /// KMS key that the object is encrypted with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// File in the reports bucket with the contents of the object, from an earlier seeding. The object is not read
    /// again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_inspection: Option<FileKey<KnownInspection>>,
    /// The object that this one was converted from, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub converted_from: Option<BackupLocation>,
    /// Magic and RDB version, for workers that begin in the middle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<rdb_scan::Header>,
}
