//! Replication groups, cache clusters and serverless caches: their specification and their state.

pub(crate) mod backup;
pub(crate) mod kind;
pub(crate) mod slots;

use std::{collections::BTreeMap, path::PathBuf};

use jiff::Timestamp;
use tokio::task::AbortHandle;

use crate::{
    catalog::versions::Engine,
    config::FailureStatus,
    groups::{backup::BackupLocation, kind::Kind, slots::SlotRanges},
    servers::server_process::ServerProcess,
};

/// The port of nodes without a server: nothing listens on it.
const SIMULATED_PORT: u16 = 1;

/// A valid create request.
#[derive(Debug, Clone)]
pub(crate) struct GroupSpec {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) engine: Engine,
    pub(crate) version: &'static str,
    pub(crate) parameter_group: String,
    pub(crate) databases: u32,
    pub(crate) server_parameters: Vec<(String, String)>,
    pub(crate) node_type: String,
    /// Memory limit of each primary in bytes.
    pub(crate) maxmemory: u64,
    pub(crate) cluster_mode: bool,
    pub(crate) shards: Vec<ShardSpec>,
    pub(crate) backups: Vec<BackupLocation>,
    pub(crate) auth_token: Option<String>,
    pub(crate) transit_encryption: bool,
    pub(crate) at_rest_encryption: bool,
    pub(crate) kms_key_id: Option<String>,
    pub(crate) automatic_failover: bool,
    pub(crate) multi_az: bool,
    pub(crate) snapshot_retention_limit: u32,
    pub(crate) subnet_group: Option<String>,
    pub(crate) security_group_ids: Vec<String>,
    pub(crate) user_group_ids: Vec<String>,
    /// Of a serverless cache only.
    pub(crate) limits: Limits,
    pub(crate) subnet_ids: Vec<String>,
}

/// Limits of a serverless cache: data in GB, and ECPU per second.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    pub(crate) min_gb: Option<u32>,
    pub(crate) max_gb: Option<u32>,
    pub(crate) min_ecpu: Option<u32>,
    pub(crate) max_ecpu: Option<u32>,
}

/// One shard: a primary and its replicas.
#[derive(Debug, Clone)]
pub(crate) struct ShardSpec {
    /// Four digits, such as `0001`.
    pub(crate) id: String,
    pub(crate) slots: SlotRanges,
    pub(crate) replicas: u32,
    /// Availability Zones of the nodes, the primary's first. May be shorter than the list of nodes.
    pub(crate) zones: Vec<String>,
}

/// A node's name and zone, fixed by the create request.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) shard: usize,
    pub(crate) primary: bool,
    pub(crate) zone: String,
}

impl GroupSpec {
    /// The name among all clusters of the account.
    pub(crate) fn key(&self) -> String {
        self.kind.key(&self.id)
    }

    /// All nodes in order, the primary of each shard first.
    pub(crate) fn members(&self, region: &str) -> Vec<Member> {
        let mut members = Vec::new();
        for (shard, spec) in self.shards.iter().enumerate() {
            for number in 0..=spec.replicas {
                let id = if self.kind == Kind::CacheCluster {
                    self.id.clone()
                } else if self.cluster_mode {
                    format!("{}-{}-{:03}", self.id, spec.id, number + 1)
                } else {
                    format!("{}-{:03}", self.id, number + 1)
                };
                let zone = spec.zones.get(number as usize).cloned();
                let zone = zone
                    .unwrap_or_else(|| format!("{region}{}", ["a", "b", "c"][(shard + number as usize) % 3]));
                members.push(Member { id, shard, primary: number == 0, zone });
            }
        }
        members
    }
}

/// A member and its server.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) member: Member,
    pub(crate) server: ServerProcess,
}

/// The status of a replication group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Creating,
    Available,
    Failed(FailureStatus),
    Deleting,
}

impl Status {
    pub(crate) const fn of_group(self) -> &'static str {
        match self {
            Self::Creating | Self::Failed(FailureStatus::StaysCreating) => "creating",
            Self::Available => "available",
            Self::Failed(FailureStatus::CreateFailed) => "create-failed",
            Self::Failed(FailureStatus::RestoreFailed) => "restore-failed",
            Self::Deleting => "deleting",
        }
    }

    /// The status of a serverless cache, for which the API has one failure status.
    pub(crate) const fn of_cache(self) -> &'static str {
        match self {
            Self::Failed(_) => "create-failed",
            other => other.of_group(),
        }
    }

    pub(crate) const fn of_member(self) -> &'static str {
        match self {
            Self::Failed(_) => "restore-failed",
            other => other.of_group(),
        }
    }

    /// The status of a node group, for which the API has no failure status.
    pub(crate) const fn of_node_group(self) -> &'static str {
        match self {
            Self::Failed(_) => "creating",
            other => other.of_group(),
        }
    }
}

/// A replication group, from creation to deletion.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) spec: GroupSpec,
    pub(crate) members: Vec<Member>,
    pub(crate) status: Status,
    pub(crate) created_at: Timestamp,
    pub(crate) tags: BTreeMap<String, String>,
    /// Nodes in the order of `members`, empty until the group is available.
    pub(crate) nodes: Vec<Node>,
    /// Whether its nodes are only described.
    pub(crate) simulated: bool,
    pub(crate) dir: PathBuf,
    /// Aborts the creation, for a group that is deleted before it is available.
    pub(crate) creation: Option<AbortHandle>,
}

impl Group {
    /// The port of a member, once the group is available.
    pub(crate) fn port(&self, member: usize) -> Option<u16> {
        let simulated = self.simulated && self.status == Status::Available && member < self.members.len();
        self.nodes.get(member).map(|node| node.server.port).or(simulated.then_some(SIMULATED_PORT))
    }
}
