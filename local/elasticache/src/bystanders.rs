//! Replication groups of others in the account: they exist from the start, have no servers, and make listings long.

use std::{collections::BTreeMap, path::PathBuf};

use jiff::Timestamp;

use crate::{
    catalog::versions::Engine,
    config::Config,
    groups::{Group, GroupSpec, Limits, ShardSpec, Status, kind::Kind, slots::SlotRanges},
};

/// A primary and five replicas, the most that a group has without cluster mode.
const GROUP_MEMBERS: usize = 6;

/// As many groups as have the configured number of members.
pub(crate) fn groups(config: &Config) -> BTreeMap<String, Group> {
    let mut left = config.switches.other_members;
    let mut groups = BTreeMap::new();
    while left > 0 {
        let members = left.min(GROUP_MEMBERS);
        let spec = spec(format!("other-{:04}", groups.len() + 1), members);
        let group = Group {
            members: spec.members(&config.region),
            status: Status::Available,
            created_at: Timestamp::now(),
            tags: BTreeMap::new(),
            nodes: Vec::new(),
            simulated: true,
            dir: PathBuf::new(),
            creation: None,
            spec,
        };
        groups.insert(group.spec.key(), group);
        left -= members;
    }
    groups
}

fn spec(id: String, members: usize) -> GroupSpec {
    let shard = ShardSpec {
        id: "0001".to_owned(),
        slots: SlotRanges::all(),
        replicas: members as u32 - 1,
        zones: Vec::new(),
    };
    GroupSpec {
        kind: Kind::ReplicationGroup,
        id,
        description: "of somebody else".to_owned(),
        engine: Engine::Redis,
        version: "7.1",
        parameter_group: "default.redis7".to_owned(),
        databases: 16,
        server_parameters: Vec::new(),
        node_type: "cache.r7g.large".to_owned(),
        maxmemory: 14_037_181_030,
        cluster_mode: false,
        shards: vec![shard],
        backups: Vec::new(),
        auth_token: None,
        transit_encryption: false,
        at_rest_encryption: false,
        kms_key_id: None,
        automatic_failover: members > 1,
        multi_az: false,
        snapshot_retention_limit: 0,
        subnet_group: None,
        security_group_ids: Vec::new(),
        user_group_ids: Vec::new(),
        limits: Limits::default(),
        subnet_ids: Vec::new(),
    }
}
