//! Kinds of clusters, and what the API calls them.

use crate::error::ApiError;

/// What a create request makes. The API has a namespace for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    ReplicationGroup,
    /// One node, which has the name of the cluster.
    CacheCluster,
    /// One shard without replicas here, which the API does not show.
    ServerlessCache,
}

impl Kind {
    /// The name among all clusters of the account: the resource part of the ARN.
    pub(crate) fn key(self, id: &str) -> String {
        format!("{}:{id}", self.resource())
    }

    /// The type in ARNs.
    pub(crate) const fn resource(self) -> &'static str {
        match self {
            Self::ReplicationGroup => "replicationgroup",
            Self::CacheCluster => "cluster",
            Self::ServerlessCache => "serverlesscache",
        }
    }

    /// The type in events.
    pub(crate) const fn source_type(self) -> &'static str {
        match self {
            Self::ReplicationGroup => "replication-group",
            Self::CacheCluster => "cache-cluster",
            Self::ServerlessCache => "serverless-cache",
        }
    }

    /// The name in messages.
    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::ReplicationGroup => "Replication group",
            Self::CacheCluster => "Cache cluster",
            Self::ServerlessCache => "Serverless cache",
        }
    }

    /// Whether the API shows its nodes as members: cache clusters with names of their own.
    pub(crate) const fn has_members(self) -> bool {
        matches!(self, Self::ReplicationGroup)
    }

    /// Whether it takes names of cache clusters, for itself or for its members.
    pub(crate) const fn names_clusters(self) -> bool {
        matches!(self, Self::ReplicationGroup | Self::CacheCluster)
    }

    pub(crate) fn exists_already(self, id: &str) -> ApiError {
        let code = match self {
            Self::ReplicationGroup => "ReplicationGroupAlreadyExists",
            Self::CacheCluster => "CacheClusterAlreadyExists",
            Self::ServerlessCache => "ServerlessCacheAlreadyExistsFault",
        };
        ApiError::new(code, format_args!("{} {id} already exists.", self.in_words()))
    }

    pub(crate) fn not_found(self, id: &str) -> ApiError {
        match self {
            Self::ReplicationGroup => ApiError::not_found(
                "ReplicationGroupNotFoundFault",
                format_args!("ReplicationGroup {id} not found."),
            ),
            Self::CacheCluster => {
                ApiError::not_found("CacheClusterNotFound", format_args!("CacheCluster not found: {id}"))
            }
            Self::ServerlessCache => ApiError::not_found(
                "ServerlessCacheNotFoundFault",
                format_args!("Serverless cache {id} not found."),
            ),
        }
    }

    /// The error for an action that the status forbids.
    pub(crate) fn invalid_state(self, id: &str, status: &str) -> ApiError {
        let code = match self {
            Self::ReplicationGroup => "InvalidReplicationGroupState",
            Self::CacheCluster => "InvalidCacheClusterState",
            Self::ServerlessCache => "InvalidServerlessCacheStateFault",
        };
        let name = self.in_words().to_lowercase();
        ApiError::new(
            code,
            format_args!("The requested {name} {id} is not in the available state, but {status}."),
        )
    }
}
