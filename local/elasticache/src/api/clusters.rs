//! Cache clusters: creates and deletes those of their own, describes also the members of replication groups.

use std::sync::Arc;

use super::{
    groups::{begin, endpoint},
    page::page,
};
use crate::{
    api::{create_request, query::Params, xml::Xml},
    error::ApiError,
    groups::{Group, Member, Status, kind::Kind},
    lifecycle,
    state::State,
};

const KIND: Kind = Kind::CacheCluster;

pub(super) async fn create(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let spec = create_request::parse_cache_cluster(params, &state.catalog())?;
    let id = spec.id.clone();
    begin(state, spec, params).await?;
    one(state, &id)
}

pub(super) fn delete(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let id = params.required("CacheClusterId")?.to_ascii_lowercase();
    if params.text("FinalSnapshotIdentifier").is_some() {
        return Err(ApiError::combination(
            "FinalSnapshotIdentifier is not supported by the local ElastiCache",
        ));
    }
    let is_member = state
        .groups()
        .values()
        .any(|group| group.spec.kind.has_members() && group.members.iter().any(|member| member.id == id));
    if is_member {
        return Err(KIND.invalid_state(&id, "a member of a replication group"));
    }
    lifecycle::begin_delete(state, KIND, &id)?;
    one(state, &id)
}

fn one(state: &State, id: &str) -> Result<Xml, ApiError> {
    let groups = state.groups();
    let group = groups.get(&KIND.key(id)).ok_or_else(|| KIND.not_found(id))?;
    let mut xml = Xml::default();
    xml.element("CacheCluster", |xml| write(xml, state, group, 0, &group.members[0], false));
    Ok(xml)
}

pub(super) fn describe(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let asked = params.text("CacheClusterId").map(str::to_ascii_lowercase);
    let nodes = params.flag("ShowCacheNodeInfo")?.unwrap_or(false);
    let alone = params.flag("ShowCacheClustersNotInReplicationGroups")?.unwrap_or(false);
    let groups = state.groups();
    let leavers = state.leavers();
    let members = groups
        .values()
        .chain(leavers.iter())
        .filter(|group| group.spec.kind == KIND || (group.spec.kind.has_members() && !alone))
        .flat_map(|group| group.members.iter().enumerate().map(move |member| (group, member)));
    let chosen: Vec<_> =
        members.filter(|(_, (_, member))| asked.as_ref().is_none_or(|id| *id == member.id)).collect();
    if let (Some(id), []) = (asked, chosen.as_slice()) {
        return Err(KIND.not_found(&id));
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
    // AWS does not show it before. Of the members of a group, the group's is shown.
    let created_at = (spec.kind != KIND || group.status != Status::Creating).then_some(group.created_at);
    xml.text("CacheClusterId", &member.id)
        .text("CacheNodeType", &spec.node_type)
        .text("Engine", spec.engine)
        .text("EngineVersion", spec.version)
        .text("CacheClusterStatus", group.status.of_member())
        .text("NumCacheNodes", 1)
        .text("PreferredAvailabilityZone", &member.zone)
        .optional("CacheClusterCreateTime", created_at)
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
        .optional("ReplicationGroupId", spec.kind.has_members().then_some(&spec.id))
        .text("SnapshotRetentionLimit", spec.snapshot_retention_limit)
        .text("AuthTokenEnabled", spec.auth_token.is_some())
        .text("TransitEncryptionEnabled", spec.transit_encryption)
        .text("AtRestEncryptionEnabled", spec.at_rest_encryption)
        .text("ARN", state.arn("cluster", &member.id))
        .text("NetworkType", "ipv4")
        .text("IpDiscovery", "ipv4");
}
