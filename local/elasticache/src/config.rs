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
    /// Whether a replication group that is `creating` cannot be deleted, as on AWS.
    pub refuse_delete_while_creating: bool,
    /// The status of a replication group after a failed restore.
    pub failure_status: FailureStatus,
    /// Whether primaries hold ElastiCache's own key, as on AWS.
    pub timestamp_key: bool,
    /// Number of backups that are loaded and spread at once. More would only share the same cores.
    pub concurrent_loads: usize,
    /// Quota for the nodes of all replication groups; beyond it, a create fails with `NodeQuotaForCustomerExceeded`.
    pub node_quota: usize,
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
            refuse_delete_while_creating: true,
            failure_status: FailureStatus::CreateFailed,
            timestamp_key: true,
            concurrent_loads: 2,
            node_quota: 300,
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
