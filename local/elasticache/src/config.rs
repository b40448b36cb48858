//! The configuration of the endpoint.

use std::{path::PathBuf, time::Duration};

use crate::servers::binaries::ServerBinaries;

/// The settings of the endpoint.
#[derive(Debug, Clone)]
pub struct Config {
    /// S3 endpoint of the backups, such as `http://127.0.0.1:9000`; addressed in path style.
    pub s3_endpoint: String,
    /// The region in ARNs and in signatures.
    pub region: String,
    /// The account in ARNs: twelve digits.
    pub account_id: String,
    /// For downloads, servers' folders and their logs; all in one new folder, removed at the end.
    pub work_dir: PathBuf,
    /// The real servers that run as nodes.
    pub servers: ServerBinaries,
    /// A group stays `creating` at least this long, so that clients have to poll.
    pub create_delay: Duration,
    /// A group stays `deleting` at least this long.
    pub delete_delay: Duration,
    /// Whether a group in `creating` cannot be deleted, as on AWS.
    pub refuse_delete_while_creating: bool,
    /// The status of a group whose restore failed.
    pub failure_status: FailureStatus,
    /// Whether primaries hold the service's own key, as on AWS.
    pub timestamp_key: bool,
    /// Backups loaded and spread at once; more would only share the same cores.
    pub concurrent_loads: usize,
    /// Nodes of all groups together; above it, `NodeQuotaForCustomerExceeded`.
    pub node_quota: usize,
}

impl Config {
    /// The usual settings: region `us-east-1`, account 123456789012, two seconds of `creating`.
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

/// The status of a group whose restore failed; its members are `restore-failed` in every case. AWS documents only the
/// members' status, so a client has to handle each of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailureStatus {
    /// `create-failed`.
    #[default]
    CreateFailed,
    /// `restore-failed`.
    RestoreFailed,
    /// `creating` for ever; the group can still be deleted.
    StaysCreating,
}
