//! What a stack can be told.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};

/// The functions, by their folder in `functions/`, which is their name and that of their binary.
pub const FUNCTIONS: [&str; 10] = [
    "start-seeding",
    "prepare-seeding",
    "inspect-chunk",
    "assess-backup",
    "grant-access",
    "create-cluster",
    "check-cluster",
    "verify-cluster",
    "revoke-access",
    "delete-cluster",
];

/// How a stack is made; the default is what the tests use.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// The stack's defaults for requests, as its parameters would set them.
    pub seeding_defaults: Value,
    /// Buckets that backups may lie in besides the stack's own; they are created too.
    pub backup_buckets: Vec<String>,
    /// The prefix under which dropped backups start a seeding.
    pub trigger_prefix: String,
    /// Further environment variables of functions: function, name, value.
    pub function_env: Vec<(String, String, String)>,
    /// The time that a function is given, where it is to be another than in the template: function, time.
    pub function_timeouts: Vec<(String, Duration)>,
    /// Where everything is kept; a temporary folder, deleted at the end, if none is given.
    pub dir: Option<PathBuf>,
    /// Where the project lies: the state machine's file and the launcher are read from there.
    pub project: PathBuf,
    /// Where the functions' binaries are.
    pub binaries: PathBuf,
    /// The Python that has the interpreter of state machines.
    pub python: PathBuf,
    /// The list of the engines' servers that `make servers` writes; without it only the system's are taken.
    pub servers: PathBuf,
    /// How long a cluster stays `creating` at least, so that polling is seen. Milliseconds.
    pub create_delay_ms: u64,
}

impl Default for StackOptions {
    fn default() -> Self {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let project = project.canonicalize().unwrap_or(project);
        Self {
            seeding_defaults: json!({
                "cluster": {
                    "engine": "redis", "engineVersion": "7.1", "nodeType": "cache.local.64mb", "transitEncryption": false
                },
                "nodeFamilies": ["local"], "verify": true, "pollSeconds": 1, "deadlineMinutes": 10
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
        }
    }
}

/// Beside the running program, which is in the same target folder (tests are one deeper, in `deps`).
fn binaries(project: &Path) -> PathBuf {
    let running = std::env::current_exe().ok();
    let folders = running.iter().flat_map(|program| program.ancestors().skip(1).take(2));
    folders
        .map(Path::to_path_buf)
        .find(|folder| FUNCTIONS.iter().all(|name| folder.join(name).is_file()))
        .unwrap_or_else(|| project.join("target/debug"))
}
