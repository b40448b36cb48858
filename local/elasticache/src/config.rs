//! The configuration of the endpoint.

use std::{path::PathBuf, time::Duration};

use crate::servers::binaries::ServerBinaries;

/// The settings of the endpoint.
#[derive(Debug, Clone)]
pub struct Config {
    /// S3 endpoint of the backups, such as `http://127.0.0.1:9000`. Requests use path style.
    pub s3_endpoint: String,
    /// The Region in ARNs and request signatures.
    pub region: String,
    /// The account ID in ARNs: 12 digits.
    pub account_id: String,
    /// Parent of one new folder for downloads, servers' folders and logs, which is removed at the end.
    pub work_dir: PathBuf,
    /// The real servers that run as nodes.
    pub servers: ServerBinaries,
    /// Shortest time that a replication group is `creating`, so that clients have to poll.
    pub create_delay: Duration,
    /// Shortest time that a replication group is `deleting`.
    pub delete_delay: Duration,
    /// Whether primaries hold ElastiCache's own key, as on AWS.
    pub timestamp_key: bool,
    /// Number of backups that are loaded and spread at once. More would only share the same cores.
    pub concurrent_loads: usize,
    /// Quota for the nodes of all replication groups; beyond it, a create fails with `NodeQuotaForCustomerExceeded`.
    pub node_quota: usize,
    /// Unkindness of AWS.
    pub switches: Switches,
}

/// How ElastiCache behaves on bad days, and in large accounts. By default, it does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Switches {
    /// A replication group that is `creating` can be deleted. By default, that is `InvalidReplicationGroupState`.
    pub deletes_while_creating: bool,
    /// The status of a replication group after a failed restore.
    pub failure_status: FailureStatus,
    /// How long members are still `deleting` after their replication group is gone. Their names are taken meanwhile.
    pub members_outlive: Duration,
    /// The fault of a create whose members' names are taken.
    pub taken_fault: TakenFault,
    /// Most records of a page, whatever `MaxRecords` asks for.
    pub page_records: Option<usize>,
    /// Nodes are only described, with a port that refuses connections: a create reads its backups and starts no
    /// server. A replication group may then have 500 shards, and its nodes count for no quota.
    pub simulates_nodes: bool,
    /// Members of other replication groups that exist from the start, without servers.
    pub other_members: usize,
    /// The first create is refused with `ServiceLinkedRoleNotFoundFault`, and makes the role.
    pub lacks_service_linked_role: bool,
    /// The region sells no reservations of this family's node types, such as `r7g`.
    pub lacks_family: Option<&'static str>,
    /// A create is refused with `InvalidParameterValue` if ElastiCache cannot read its backups yet. By default, only
    /// the restore fails.
    pub checks_backups_at_create: bool,
}

/// The fault of a create whose members' names are taken by members that are still `deleting`. AWS documents none, so
/// clients have to handle each variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TakenFault {
    /// `CacheClusterAlreadyExists`, which the create of a cache cluster declares.
    #[default]
    CacheClusterAlreadyExists,
    /// `InvalidCacheClusterState`, which the create of a replication group declares.
    InvalidCacheClusterState,
}

impl Config {
    /// The usual settings: Region `us-east-1`, account 123456789012, two seconds of `creating`.
    pub fn new(
        s3_endpoint: impl Into<String>,
        work_dir: impl Into<PathBuf>,
        servers: ServerBinaries,
    ) -> Self {
        Self {
            s3_endpoint: s3_endpoint.into(),
            region: "us-east-1".to_owned(),
            account_id: "123456789012".to_owned(),
            work_dir: work_dir.into(),
            servers,
            create_delay: Duration::from_secs(2),
            delete_delay: Duration::from_secs(1),
            timestamp_key: true,
            concurrent_loads: 2,
            node_quota: 300,
            switches: Switches::default(),
        }
    }
}

/// The status of a replication group after a failed restore. Its members are always `restore-failed`. AWS documents
/// only the members' status, so clients have to handle each variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailureStatus {
    /// `create-failed`.
    #[default]
    CreateFailed,
    /// `restore-failed`.
    RestoreFailed,
    /// `creating` forever; the replication group can still be deleted.
    StaysCreating,
}
