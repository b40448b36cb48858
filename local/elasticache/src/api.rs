//! The actions of the Query API.

mod catalog;
mod clusters;
mod create_request;
mod events;
mod groups;
mod page;
mod parameters;
pub(crate) mod query;
mod serverless;
mod tags;
pub(crate) mod xml;

use std::sync::Arc;

use crate::{
    api::{query::Params, xml::Xml},
    error::ApiError,
    state::State,
};

/// Runs the action that the form names. Returns the action's name and its result.
pub(crate) async fn act(state: &Arc<State>, form: &str) -> Result<(String, Xml), ApiError> {
    let params = Params::parse(form)?;
    let action = params.text("Action").unwrap_or_default();
    let result = match action {
        "CreateReplicationGroup" => groups::create(state, &params).await,
        "DescribeReplicationGroups" => groups::describe(state, &params),
        "DeleteReplicationGroup" => groups::delete(state, &params),
        "CreateServerlessCache" => serverless::create(state, &params).await,
        "DescribeServerlessCaches" => serverless::describe(state, &params),
        "DeleteServerlessCache" => serverless::delete(state, &params),
        "CreateCacheCluster" => clusters::create(state, &params).await,
        "DeleteCacheCluster" => clusters::delete(state, &params),
        "DescribeCacheClusters" => clusters::describe(state, &params),
        "DescribeEvents" => events::describe(state, &params),
        "DescribeEngineDefaultParameters" => parameters::describe_defaults(state, &params),
        "DescribeCacheParameters" => parameters::describe(state, &params),
        "DescribeCacheParameterGroups" => parameters::describe_groups(state, &params),
        "CreateCacheParameterGroup" => parameters::create_group(state, &params),
        "ModifyCacheParameterGroup" => parameters::modify_group(state, &params),
        "DescribeCacheEngineVersions" => catalog::describe_engine_versions(state, &params),
        "DescribeReservedCacheNodesOfferings" => catalog::describe_offerings(state, &params),
        "DescribeCacheSubnetGroups" => catalog::describe_subnet_groups(state, &params),
        "CreateCacheSubnetGroup" => catalog::create_subnet_group(state, &params),
        "DescribeUserGroups" => catalog::describe_user_groups(state, &params),
        "CreateUserGroup" => catalog::create_user_group(state, &params),
        "ListTagsForResource" => tags::list(state, &params),
        "AddTagsToResource" => tags::add(state, &params),
        "" => Err(ApiError::new("MissingAction", "the form has no Action")),
        other => Err(ApiError::new(
            "InvalidAction",
            format_args!("Could not find operation {other}: the local ElastiCache does not have it."),
        )),
    }?;
    Ok((action.to_owned(), result))
}
