//! Tags of replication groups.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    api::{query::Params, xml::Xml},
    error::ApiError,
    groups::{Group, Status},
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

/// Runs `act` on the tags of an available replication group. A member shares the tags of its group.
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
        Some(("replicationgroup", id)) => groups.get_mut(id).ok_or_else(|| ApiError::group_not_found(id))?,
        Some(("cluster", id)) => groups
            .values_mut()
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
                format_args!("{arn} is no ARN of a replication group or cluster"),
            ));
        }
    };
    if group.status != Status::Available {
        let id = &group.spec.id;
        let message = format_args!("{id} is either not present or not available.");
        return Err(if arn.contains(":replicationgroup:") {
            ApiError::not_found("ReplicationGroupNotFoundFault", message)
        } else {
            ApiError::not_found("CacheClusterNotFound", message)
        });
    }
    act(&mut group.tags)
}

fn write(tags: &BTreeMap<String, String>) -> Xml {
    let mut xml = Xml::default();
    xml.list("TagList", "Tag", tags, |xml, (key, value)| {
        xml.text("Key", key).text("Value", value);
    });
    xml
}
