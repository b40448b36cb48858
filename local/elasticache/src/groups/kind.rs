//! Kinds of clusters, and what the API calls them.

use crate::error::ApiError;

/// What a create request makes. The API has a namespace for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    ReplicationGroup,
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
            Self::ServerlessCache => "serverlesscache",
        }
    }

    /// The type in events.
    pub(crate) const fn source_type(self) -> &'static str {
        match self {
            Self::ReplicationGroup => "replication-group",
            Self::ServerlessCache => "serverless-cache",
        }
    }

    /// The name in messages.
    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::ReplicationGroup => "Replication group",
            Self::ServerlessCache => "Serverless cache",
        }
    }

    /// Whether the API shows its nodes as cache clusters.
    pub(crate) const fn shows_nodes(self) -> bool {
        matches!(self, Self::ReplicationGroup)
    }

    pub(crate) fn exists_already(self, id: &str) -> ApiError {
        let code = match self {
            Self::ReplicationGroup => "ReplicationGroupAlreadyExists",
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
            Self::ServerlessCache => "InvalidServerlessCacheStateFault",
        };
        let name = self.in_words().to_lowercase();
        ApiError::new(
            code,
            format_args!("The requested {name} {id} is not in the available state, but {status}."),
        )
    }
}
