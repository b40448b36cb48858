use std::{path::PathBuf, time::Duration};

use crate::servers::binaries::ServerBinaries;

/// How the endpoint behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where backups are read from, such as `http://127.0.0.1:9000`; spoken to in path style.
    pub s3_endpoint: String,
    /// The region in ARNs and in signatures.
    pub region: String,
    /// The account in ARNs: twelve digits.
    pub account_id: String,
    /// For downloads, servers' folders and their logs. A folder of its own is made in it, and removed at the end.
    pub work_dir: PathBuf,
    /// The real servers behind the nodes.
    pub servers: ServerBinaries,
    /// A group stays `creating` at least this long, so that polling is seen.
    pub create_delay: Duration,
    /// A group stays `deleting` at least this long.
    pub delete_delay: Duration,
    /// Whether a group cannot be deleted while it is being created, as is expected of AWS.
    pub refuse_delete_while_creating: bool,
    /// What a group whose backup could not be restored says of itself.
    pub failure_status: FailureStatus,
    /// Whether primaries hold the key that real clusters hold beside the user's.
    pub timestamp_key: bool,
    /// How many backups are loaded and spread at once; more only share the same cores.
    pub concurrent_loads: usize,
    /// How many nodes all groups may have together: above it, `NodeQuotaForCustomerExceeded`.
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

/// What a group says when its restore failed; its members say `restore-failed` in every case. AWS documents only
/// the members' status, so that a client has to cope with each of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailureStatus {
    /// The group says `create-failed`.
    #[default]
    CreateFailed,
    /// The group says `restore-failed`.
    RestoreFailed,
    /// The group says `creating` for ever; it can be deleted all the same.
    StaysCreating,
}
