//! The template as it is rendered for this stack: rules, roles, functions and buckets.

use std::{
    collections::{BTreeMap, HashMap},
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use local_gateway::Roles;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{
    account::{CONVERSION_BUCKET, DROP_BUCKET, REPORTS_BUCKET},
    event_bridge::rules::Rules,
    options::StackOptions,
    step_functions::state_machine,
};

/// The parts of the template that exist locally.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) rules: Rules,
    pub(crate) roles: Roles,
    /// The ARN of each caller's role.
    pub(crate) role_arns: HashMap<String, String>,
    pub(crate) role_documents: Value,
    pub(crate) functions: HashMap<String, Function>,
    pub(crate) buckets: HashMap<String, Bucket>,
    pub(crate) described: Described,
}

/// What is only described to whoever asks, by the template's names.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Described {
    pub(crate) iam_roles: BTreeMap<String, IamRole>,
    pub(crate) managed_policies: BTreeMap<String, ManagedPolicy>,
    /// The descriptions of the alarms.
    pub(crate) alarms: BTreeMap<String, String>,
}

/// A role with its own policies and the ARNs of those that it shares.
#[derive(Debug, Deserialize)]
pub(crate) struct IamRole {
    pub(crate) arn: String,
    pub(crate) inline: BTreeMap<String, Value>,
    pub(crate) attached: Vec<String>,
}

/// A policy that roles share.
#[derive(Debug, Deserialize)]
pub(crate) struct ManagedPolicy {
    pub(crate) arn: String,
    pub(crate) document: Value,
}

/// The settings of a function.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Function {
    pub(crate) timeout_seconds: u64,
    pub(crate) memory_mb: u32,
    pub(crate) environment: HashMap<String, String>,
}

/// The settings of a bucket. Objects do not expire here: the lifecycle is not applied.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bucket {
    pub(crate) versioning: Option<String>,
    pub(crate) ownership: Option<String>,
    pub(crate) event_bridge: bool,
    pub(crate) policy: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rendered {
    rules: Value,
    roles: Value,
    role_arns: HashMap<String, String>,
    functions: HashMap<String, Function>,
    buckets: HashMap<String, Bucket>,
    #[serde(flatten)]
    described: Described,
}

impl Template {
    /// Renders the template with the parameters of this stack.
    pub(crate) async fn render(options: &StackOptions) -> Result<Self> {
        let mut parameters = json!({
            "BackupBuckets": options.backup_buckets.join(","),
            "TriggerPrefix": options.trigger_prefix,
        });
        for (name, value) in &options.parameters {
            parameters[name] = value.as_str().into();
        }
        let given = json!({
            "parameters": parameters,
            "references": {
                "SeedClusterStateMachine": state_machine::arn(),
                "DropBucket": DROP_BUCKET,
                "ReportsBucket": REPORTS_BUCKET,
                "ConversionBucket": CONVERSION_BUCKET,
            },
        });
        let rendered = run(options, &given).await.context("failed to render the template")?;
        Ok(Self {
            rules: Rules::parse(&rendered.rules)?,
            roles: Roles::parse(&rendered.roles).map_err(anyhow::Error::msg)?,
            role_arns: rendered.role_arns,
            role_documents: rendered.roles,
            functions: rendered.functions,
            buckets: rendered.buckets,
            described: rendered.described,
        })
    }
}

async fn run(options: &StackOptions, given: &Value) -> Result<Rendered> {
    let mut process = Command::new(&options.python)
        .arg(options.project.join("local/template/render.py"))
        .arg(options.project.join("template.yaml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("failed to start {}; `make setup` installs it", options.python.display()))?;
    let mut input = process.stdin.take().context("it has no standard input")?;
    input.write_all(given.to_string().as_bytes()).await?;
    drop(input);
    let output = process.wait_with_output().await?;
    if !output.status.success() {
        bail!("it ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
