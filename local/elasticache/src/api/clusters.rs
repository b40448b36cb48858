//! Cache clusters: describes the members of replication groups.

use std::sync::Arc;

use super::{groups::endpoint, page::page};
use crate::{
    api::{query::Params, xml::Xml},
    error::ApiError,
    groups::{Group, Member},
    state::State,
};

pub(super) fn describe(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let asked = params.text("CacheClusterId").map(str::to_ascii_lowercase);
    let nodes = params.flag("ShowCacheNodeInfo")?.unwrap_or(false);
    // Every cache cluster here belongs to a replication group.
    let alone = params.flag("ShowCacheClustersNotInReplicationGroups")?.unwrap_or(false);
    let groups = state.groups();
    let leavers = state.leavers();
    let members = groups
        .values()
        .chain(leavers.iter())
        .filter(|group| group.spec.kind.shows_nodes())
        .flat_map(|group| group.members.iter().enumerate().map(move |member| (group, member)));
    let chosen: Vec<_> = members
        .filter(|(_, (_, member))| !alone && asked.as_ref().is_none_or(|id| *id == member.id))
        .collect();
    if let (Some(id), []) = (asked, chosen.as_slice()) {
        return Err(ApiError::not_found(
            "CacheClusterNotFound",
            format_args!("CacheCluster not found: {id}"),
        ));
    }
    let page = page(state, params, chosen)?;
    let mut xml = Xml::default();
    xml.optional("Marker", page.marker);
    xml.list("CacheClusters", "CacheCluster", page.items, |xml, (group, (number, member))| {
        write(xml, state, group, number, member, nodes);
    });
    Ok(xml)
}

fn write(xml: &mut Xml, state: &State, group: &Group, number: usize, member: &Member, nodes: bool) {
    let spec = &group.spec;
    xml.text("CacheClusterId", &member.id)
        .text("CacheNodeType", &spec.node_type)
        .text("Engine", spec.engine)
        .text("EngineVersion", spec.version)
        .text("CacheClusterStatus", group.status.of_member())
        .text("NumCacheNodes", 1)
        .text("PreferredAvailabilityZone", &member.zone)
        .text("CacheClusterCreateTime", group.created_at)
        .element("CacheParameterGroup", |xml| {
            xml.text("CacheParameterGroupName", &spec.parameter_group)
                .text("ParameterApplyStatus", "in-sync");
        })
        .optional("CacheSubnetGroupName", spec.subnet_group.as_ref());
    if nodes {
        xml.list("CacheNodes", "CacheNode", [()], |xml, ()| {
            xml.text("CacheNodeId", "0001")
                .text("CacheNodeStatus", group.status.of_node_group())
                .text("CacheNodeCreateTime", group.created_at);
            endpoint(xml, "Endpoint", group.port(number));
            xml.text("ParameterGroupStatus", "in-sync").text("CustomerAvailabilityZone", &member.zone);
        });
    }
    xml.text("AutoMinorVersionUpgrade", true)
        .list("SecurityGroups", "member", &spec.security_group_ids, |xml, id| {
            xml.text("SecurityGroupId", id).text("Status", "active");
        })
        .text("ReplicationGroupId", &spec.id)
        .text("SnapshotRetentionLimit", spec.snapshot_retention_limit)
        .text("AuthTokenEnabled", spec.auth_token.is_some())
        .text("TransitEncryptionEnabled", spec.transit_encryption)
        .text("AtRestEncryptionEnabled", spec.at_rest_encryption)
        .text("ARN", state.arn("cluster", &member.id))
        .text("NetworkType", "ipv4")
        .text("IpDiscovery", "ipv4");
}
