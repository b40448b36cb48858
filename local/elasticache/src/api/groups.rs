//! Replication groups: create, describe, delete.

use std::sync::{Arc, atomic::Ordering};

use super::page::page;
use crate::{
    api::{create_request, query::Params, xml::Xml},
    error::ApiError,
    groups::{Group, GroupSpec, Member, Status, backup, kind::Kind},
    lifecycle,
    state::State,
};

const KIND: Kind = Kind::ReplicationGroup;

pub(super) async fn create(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let raised_quota = state.config.switches.simulates_nodes;
    let spec = create_request::parse(params, &state.catalog(), raised_quota)?;
    let id = spec.id.clone();
    begin(state, spec, params).await?;
    one(state, &id)
}

/// Starts the creation of a cluster of any kind.
pub(super) async fn begin(state: &Arc<State>, spec: GroupSpec, params: &Params) -> Result<(), ApiError> {
    if state.lacks_role.swap(false, Ordering::Relaxed) {
        return Err(ApiError::new(
            "ServiceLinkedRoleNotFoundFault",
            "This action cannot be completed due to insufficient permissions. (Recommended action) Please create new \
             role using IAM API CreateServiceLinkedRole.",
        ));
    }
    if state.config.switches.checks_backups_at_create {
        backup::check(&state.s3, &spec.backups).await?;
    }
    lifecycle::begin_create(state, spec, params.tags())
}

pub(super) fn delete(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let id = params.required("ReplicationGroupId")?.to_ascii_lowercase();
    if params.text("FinalSnapshotIdentifier").is_some() || params.flag("RetainPrimaryCluster")? == Some(true)
    {
        return Err(ApiError::combination(
            "FinalSnapshotIdentifier and RetainPrimaryCluster are not supported by the local ElastiCache",
        ));
    }
    lifecycle::begin_delete(state, KIND, &id)?;
    one(state, &id)
}

pub(super) fn describe(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let asked = params.text("ReplicationGroupId").map(str::to_ascii_lowercase);
    let groups = state.groups();
    if let Some(id) = asked.as_ref().filter(|id| !groups.contains_key(&KIND.key(id))) {
        return Err(KIND.not_found(id));
    }
    let chosen = groups.values().filter(|group| group.spec.kind == KIND);
    let chosen = chosen.filter(|group| asked.as_ref().is_none_or(|id| *id == group.spec.id));
    let page = page(state, params, chosen)?;
    let mut xml = Xml::default();
    xml.optional("Marker", page.marker);
    xml.list("ReplicationGroups", "ReplicationGroup", page.items, |xml, group| write(xml, state, group));
    Ok(xml)
}

fn one(state: &State, id: &str) -> Result<Xml, ApiError> {
    let groups = state.groups();
    let group = groups.get(&KIND.key(id)).ok_or_else(|| KIND.not_found(id))?;
    let mut xml = Xml::default();
    xml.element("ReplicationGroup", |xml| write(xml, state, group));
    Ok(xml)
}

fn write(xml: &mut Xml, state: &State, group: &Group) {
    let spec = &group.spec;
    let enabled = |on: bool| if on { "enabled" } else { "disabled" };
    xml.text("ReplicationGroupId", &spec.id)
        .text("Description", &spec.description)
        .text("Status", group.status.of_group())
        .element("PendingModifiedValues", |_| {})
        .texts("MemberClusters", "ClusterId", group.members.iter().map(|member| &member.id));
    let shards = spec.shards.iter().enumerate();
    xml.list("NodeGroups", "NodeGroup", shards, |xml, (shard, _)| write_shard(xml, group, shard));
    xml.text("AutomaticFailover", enabled(spec.automatic_failover)).text("MultiAZ", enabled(spec.multi_az));
    if spec.cluster_mode {
        endpoint(xml, "ConfigurationEndpoint", group.port(0));
    }
    xml.text("SnapshotRetentionLimit", spec.snapshot_retention_limit)
        .text("SnapshotWindow", "05:00-06:00")
        .text("ClusterEnabled", spec.cluster_mode)
        .text("CacheNodeType", &spec.node_type)
        .text("AuthTokenEnabled", spec.auth_token.is_some())
        .text("TransitEncryptionEnabled", spec.transit_encryption)
        .text("AtRestEncryptionEnabled", spec.at_rest_encryption)
        .optional("KmsKeyId", spec.kms_key_id.as_ref())
        .text("ARN", state.arn(KIND.resource(), &spec.id))
        .texts("UserGroupIds", "member", &spec.user_group_ids)
        .text("ReplicationGroupCreateTime", group.created_at)
        .text("DataTiering", enabled(spec.node_type.contains(".r6gd.")))
        .text("AutoMinorVersionUpgrade", true)
        .text("NetworkType", "ipv4")
        .text("IpDiscovery", "ipv4")
        .text("ClusterMode", enabled(spec.cluster_mode))
        .text("Engine", spec.engine);
}

fn write_shard(xml: &mut Xml, group: &Group, shard: usize) {
    let spec = &group.spec;
    let members = || group.members.iter().enumerate().filter(|(_, member)| member.shard == shard);
    let first = |primary: bool| {
        members().find(|(_, member)| member.primary == primary).and_then(|(n, _)| group.port(n))
    };
    xml.text("NodeGroupId", &spec.shards[shard].id).text("Status", group.status.of_node_group());
    endpoint(xml, "PrimaryEndpoint", first(true));
    if spec.cluster_mode {
        xml.text("Slots", &spec.shards[shard].slots);
    } else {
        endpoint(xml, "ReaderEndpoint", first(false).or(first(true)));
    }
    xml.list("NodeGroupMembers", "NodeGroupMember", members(), |xml, (number, member)| {
        write_member(xml, group, number, member);
    });
}

fn write_member(xml: &mut Xml, group: &Group, number: usize, member: &Member) {
    xml.text("CacheClusterId", &member.id).text("CacheNodeId", "0001");
    endpoint(xml, "ReadEndpoint", group.port(number));
    xml.text("PreferredAvailabilityZone", &member.zone);
    if group.status == Status::Available {
        xml.text("CurrentRole", if member.primary { "primary" } else { "replica" });
    }
}

/// Writes an endpoint if a server listens on a port yet.
pub(super) fn endpoint(xml: &mut Xml, name: &str, port: Option<u16>) {
    if let Some(port) = port {
        xml.element(name, |xml| {
            xml.text("Address", "127.0.0.1").text("Port", port);
        });
    }
}
