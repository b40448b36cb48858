//! The configuration of a server and the identities that it knows.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use local_eventbridge::Pattern;

/// The access key ID of the ElastiCache service principal, with any secret.
pub const SERVICE_ACCESS_KEY: &str = "ELASTICACHESNAPSHOT";

/// The canonical user ID of ElastiCache in the Regions that are enabled by default. Object ACLs grant access to it.
pub const SERVICE_CANONICAL_ID: &str = "540804c33a284a299d2547575ce1010f2312ef3da9b3a053c8bc45bf233e4353";

/// The settings of a server.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folder of object files, created if missing. Each object is a file with a random name, which is removed with the
    /// object.
    pub root: PathBuf,
    /// Region of the endpoint, and of buckets created without a location constraint.
    pub region: String,
    /// The account that owns every bucket: 12 digits.
    pub account_id: String,
    /// Targets of upload events. Without them, no events are sent.
    pub notify: Option<Notify>,
    /// The ARNs of roles by the access keys of those who have them, `arn:aws:iam::ACCOUNT:role/NAME`. Everyone else in
    /// the account is its root user.
    pub roles: HashMap<String, String>,
    /// Unkindness of AWS.
    pub switches: Switches,
}

impl Config {
    /// A kind S3 in us-east-1 for one account, without events.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            region: "us-east-1".to_owned(),
            account_id: "123456789012".to_owned(),
            notify: None,
            roles: HashMap::new(),
            switches: Switches::default(),
        }
    }
}

/// How S3 behaves on bad days. By default, it does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Switches {
    /// How long a bucket policy is stored and shown before it decides. Its predecessor decides for as long, and so does
    /// one that was deleted.
    pub policy_delay: Duration,
    /// Requests of ElastiCache carry no `aws:CurrentTime`, so that a condition on it is not met.
    pub ignores_current_time: bool,
    /// One of this many events is delivered twice. With 0, none.
    pub delivers_twice: usize,
}

/// The targets of upload events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// Base URL of the Lambda endpoint, such as `http://127.0.0.1:PORT`.
    pub lambda_endpoint: String,
    /// The EventBridge rule for "Object Created". Without a rule, events for EventBridge are discarded.
    pub event_bridge: Option<Rule>,
}

/// An EventBridge rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The events that match.
    pub pattern: Pattern,
    /// ARN of the function that the rule invokes.
    pub target: String,
}
