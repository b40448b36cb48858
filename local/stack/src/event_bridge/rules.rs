//! The EventBridge rules of the template: the uploads that start a seeding, and the failures that start a clean-up.

use std::process::Stdio;

use anyhow::{Context, Result, bail};
use local_eventbridge::Pattern;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{options::StackOptions, step_functions::state_machine};

/// The template's rules.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The uploads that invoke start-seeding.
    pub(crate) drops: Pattern,
    /// The status changes of executions that start a clean-up.
    pub(crate) clean_up: Pattern,
    /// The input of a clean-up, with `<execution>` as a placeholder for the execution's ARN.
    pub(crate) clean_up_input: String,
}

impl Rules {
    /// Renders the rules with the parameters of this stack.
    pub(crate) async fn of_template(
        options: &StackOptions,
        drop_bucket: &str,
        trigger_prefix: &str,
    ) -> Result<Self> {
        let given = json!({
            "parameters": {
                "BackupBucketName": drop_bucket,
                "BackupBuckets": options.backup_buckets.join(","),
                "TriggerPrefix": trigger_prefix,
            },
            "references": {"SeedClusterStateMachine": state_machine::arn()},
        });
        let rendered = render(options, &given).await.context("failed to render the template's rules")?;
        let pattern = |name: &str| {
            Pattern::parse(&rendered[name]["EventPattern"]).with_context(|| format!("the template's {name}"))
        };
        let input = &rendered["CleanUpRule"]["Targets"][0]["InputTransformer"]["InputTemplate"];
        let clean_up_input = input.as_str().context("the template's CleanUpRule has no InputTemplate")?;
        Ok(Self {
            drops: pattern("DropRule")?,
            clean_up: pattern("CleanUpRule")?,
            clean_up_input: clean_up_input.to_owned(),
        })
    }
}

async fn render(options: &StackOptions, given: &Value) -> Result<Value> {
    let mut process = Command::new(&options.python)
        .arg(options.project.join("local/template/event_rules.py"))
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
