//! Tags of clusters.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    api::{query::Params, xml::Xml},
    error::ApiError,
    groups::{Group, Status, kind::Kind},
    state::State,
};

const MAX_TAGS: usize = 50;

pub(super) fn list(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    with_group(state, params, |tags| Ok(write(tags)))
}

pub(super) fn add(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    with_group(state, params, |tags| {
        let added = params.tags();
        let new = added.keys().filter(|key| !tags.contains_key(*key)).count();
        if tags.len() + new > MAX_TAGS {
            return Err(ApiError::new(
                "TagQuotaPerResourceExceeded",
                format_args!("more than {MAX_TAGS} tags"),
            ));
        }
        tags.extend(added);
        Ok(write(tags))
    })
}

/// Runs `act` on the tags of an available cluster. A member shares the tags of its group.
fn with_group<T>(
    state: &State,
    params: &Params,
    act: impl FnOnce(&mut BTreeMap<String, String>) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let arn = params.required("ResourceName")?;
    let own = state.arn("", "");
    let resource = arn.strip_prefix(own.trim_end_matches(':')).and_then(|rest| rest.strip_prefix(':'));
    let mut groups = state.groups();
    let group: &mut Group = match resource.and_then(|resource| resource.split_once(':')) {
        Some(("replicationgroup", id)) => of_kind(&mut groups, Kind::ReplicationGroup, id)?,
        Some(("serverlesscache", id)) => of_kind(&mut groups, Kind::ServerlessCache, id)?,
        Some(("cluster", id)) => groups
            .values_mut()
            .filter(|group| group.spec.kind.names_clusters())
            .find(|group| group.members.iter().any(|member| member.id == id))
            .ok_or_else(|| {
                ApiError::not_found(
                    "CacheClusterNotFound",
                    format_args!("{id} is either not present or not available."),
                )
            })?,
        _ => {
            return Err(ApiError::new(
                "InvalidARN",
                format_args!("{arn} is no ARN of a replication group, cluster or serverless cache"),
            ));
        }
    };
    if group.status != Status::Available {
        let id = &group.spec.id;
        let message = format_args!("{id} is either not present or not available.");
        let code = match group.spec.kind {
            Kind::ServerlessCache => "ServerlessCacheNotFoundFault",
            Kind::ReplicationGroup if arn.contains(":replicationgroup:") => "ReplicationGroupNotFoundFault",
            Kind::ReplicationGroup | Kind::CacheCluster => "CacheClusterNotFound",
        };
        return Err(ApiError::not_found(code, message));
    }
    act(&mut group.tags)
}

fn of_kind<'g>(
    groups: &'g mut BTreeMap<String, Group>,
    kind: Kind,
    id: &str,
) -> Result<&'g mut Group, ApiError> {
    groups.get_mut(&kind.key(id)).ok_or_else(|| kind.not_found(id))
}

fn write(tags: &BTreeMap<String, String>) -> Xml {
    let mut xml = Xml::default();
    xml.list("TagList", "Tag", tags, |xml, (key, value)| {
        xml.text("Key", key).text("Value", value);
    });
    xml
}
