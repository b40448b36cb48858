//! The configuration of a server, and the identities that it knows.

use std::path::PathBuf;

use local_eventbridge::Pattern;

/// The access key of the ElastiCache service principal, with any secret.
pub const SERVICE_ACCESS_KEY: &str = "ELASTICACHESNAPSHOT";

/// The canonical user ID of ElastiCache in the regions that are enabled by default, to which object ACLs grant.
pub const SERVICE_CANONICAL_ID: &str = "540804c33a284a299d2547575ce1010f2312ef3da9b3a053c8bc45bf233e4353";

/// The settings of a server.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folder for object bytes; created if absent. Each object is a file with a random name, removed with it.
    pub root: PathBuf,
    /// Region of the endpoint, and of buckets made without a location constraint.
    pub region: String,
    /// The twelve digits of the account that owns every bucket.
    pub account_id: String,
    /// Targets of upload events; without them none are sent.
    pub notify: Option<Notify>,
}

/// The targets of upload events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// Base of the Lambda endpoint, as `http://127.0.0.1:PORT`.
    pub lambda_endpoint: String,
    /// The rule of EventBridge for "Object Created"; without one its events go nowhere.
    pub event_bridge: Option<Rule>,
}

/// A rule of EventBridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The events that it matches.
    pub pattern: Pattern,
    /// The ARN of the function that it calls.
    pub target: String,
}
