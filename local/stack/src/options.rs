//! The options of a stack.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use local_elasticache::Switches as ElastiCacheSwitches;
use local_lambda::Switches as LambdaSwitches;
use local_s3::Switches as S3Switches;
use serde_json::{Value, json};

use crate::account::{ACCOUNT, REGION};

/// The functions by their folders in `functions/`, which are also the names of their binaries.
pub const FUNCTIONS: [&str; 15] = [
    "start-seeding",
    "prepare-seeding",
    "inspect-chunk",
    "assess-backup",
    "convert-chunk",
    "finish-conversion",
    "grant-access",
    "create-cluster",
    "check-cluster",
    "verify-cluster",
    "revoke-access",
    "delete-cluster",
    "record-outcome",
    "ask-approval",
    "sweep",
];

/// The options of a stack. Most tests use the defaults.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// The defaults for requests, which are parameters of the deployed stack.
    pub seeding_defaults: Value,
    /// Additional buckets for backups, created with the stack.
    pub backup_buckets: Vec<String>,
    /// The prefix under which dropped backups start a seeding.
    pub trigger_prefix: String,
    /// Additional environment variables of functions: function, name, value.
    pub function_env: Vec<(String, String, String)>,
    /// Timeouts that differ from the template: function, timeout.
    pub function_timeouts: Vec<(String, Duration)>,
    /// Folder of all data; by default a temporary one, which is deleted at the end.
    pub dir: Option<PathBuf>,
    /// Folder of the project, with the state machine file and the Python launcher.
    pub project: PathBuf,
    /// Folder of the functions' binaries.
    pub binaries: PathBuf,
    /// The Python with the interpreter of state machines.
    pub python: PathBuf,
    /// The list of servers that `make servers` writes. Without it, only servers on the `PATH` are used.
    pub servers: PathBuf,
    /// Shortest time in `creating`, in milliseconds, so that clients have to poll.
    pub create_delay_ms: u64,
    /// Shortest time in `deleting`, in milliseconds.
    pub delete_delay_ms: u64,
    /// Divides the Wait states and the pauses between retries of the state machine.
    pub pause_divisor: u32,
    /// Further parameters of the template: name, value.
    pub parameters: Vec<(String, String)>,
    /// The account's quota of concurrent invocations.
    pub lambda_concurrency: usize,
    /// Limit for calls of ElastiCache in a second, of all functions together.
    pub elasticache_calls_per_second: Option<u32>,
    /// Bad days of S3.
    pub s3: S3Switches,
    /// Bad days of ElastiCache, and large accounts.
    pub elasticache: ElastiCacheSwitches,
    /// Bad days of Lambda.
    pub lambda: LambdaSwitches,
}

impl Default for StackOptions {
    fn default() -> Self {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let project = project.canonicalize().unwrap_or(project);
        Self {
            seeding_defaults: json!({
                "cluster": {
                    "engine": "redis", "engineVersion": "7.1",
                    "nodeType": "cache.local.64mb", "transitEncryption": false
                },
                "nodeFamilies": ["local"], "verify": true, "pollSeconds": 1
            }),
            backup_buckets: vec!["backups".to_owned()],
            trigger_prefix: String::new(),
            function_env: Vec::new(),
            function_timeouts: Vec::new(),
            dir: None,
            binaries: binaries(&project),
            python: project.join(".venv/bin/python"),
            servers: project.join("target/servers/list"),
            project,
            create_delay_ms: 1_500,
            // The ARNs of secrets and keys are known only once the stack runs.
            parameters: [
                ("AllowedSecretArns", format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:*")),
                ("KmsKeyArns", format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/*")),
                // There is no VPC: every server can be reached.
                ("VerifySubnetIds", "subnet-00000000".to_owned()),
                ("VerifySecurityGroupIds", "sg-00000000".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
            delete_delay_ms: 1_000,
            pause_divisor: 1,
            lambda_concurrency: 1_000,
            elasticache_calls_per_second: None,
            s3: S3Switches::default(),
            elasticache: ElastiCacheSwitches::default(),
            lambda: LambdaSwitches::default(),
        }
    }
}

/// Finds the folder of the binaries: that of the running program, or its parent for tests, which are in `deps`.
fn binaries(project: &Path) -> PathBuf {
    let running = std::env::current_exe().ok();
    let folders = running.iter().flat_map(|program| program.ancestors().skip(1).take(2));
    folders
        .map(Path::to_path_buf)
        .find(|folder| FUNCTIONS.iter().all(|name| folder.join(name).is_file()))
        .unwrap_or_else(|| project.join("target/debug"))
}
