//! The cluster of a seeding for Terraform.

use std::{
    path::Path,
    process::{Command, Output},
};

use anyhow::{Context, Result, ensure};
use local_stack::{Stack, StackOptions};
use serde_json::{Value, json};
use system_tests::{data::fill_mixed, source::Source, user};

/// Names a folder with the provider hashicorp/aws, as `terraform init -plugin-dir` takes it.
const PLUGINS: &str = "TERRAFORM_PLUGIN_DIR";

fn seeder(stack: &Stack, words: &[&str]) -> Result<Output> {
    let program = StackOptions::default().binaries.join("seeder");
    Ok(Command::new(program).args(words).envs(stack.env()).output()?)
}

async fn handover(stack: &Stack, execution: &str) -> Result<String> {
    let name = execution.rsplit(':').next().unwrap_or_default();
    let status = seeder(stack, &["status", execution, "--json"])?;
    let status: Value = serde_json::from_slice(&status.stdout)?;
    let key = format!("executions/{name}/handover.tf");
    let uri = format!("s3://{}/{key}", stack.reports_bucket());
    ensure!(status["handover"] == uri, "{status:#}");
    let text = seeder(stack, &["status", execution])?;
    ensure!(String::from_utf8_lossy(&text.stdout).contains(&format!("for Terraform {uri}\n")), "{text:?}");
    let object = stack.s3().get_object().bucket(stack.reports_bucket()).key(key).send().await?;
    Ok(String::from_utf8(object.body.collect().await?.to_vec())?)
}

/// Runs Terraform in a folder; none if this machine does not have it.
fn terraform(folder: &Path, words: &[&str]) -> Result<Option<Output>> {
    match Command::new("terraform").current_dir(folder).args(words).env("CHECKPOINT_DISABLE", "1").output() {
        Ok(output) => Ok(Some(output)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_fine(words: &[&str], output: &Output) -> Result<()> {
    let texts = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    ensure!(output.status.success(), "terraform {words:?}: {}\n{}", output.status, texts.concat());
    Ok(())
}

/// What a real provider plans for the cluster of the local stack: the counts of its summary.
fn planned(stack: &Stack, folder: &Path, plugins: &str) -> Result<Value> {
    let env = stack.env();
    let endpoint =
        &env.iter().find(|(name, _)| name == "AWS_ENDPOINT_URL_ELASTICACHE").context("no endpoint")?.1;
    let provider = format!(
        "terraform {{\n  required_providers {{\n    aws = {{\n      source = \"hashicorp/aws\"\n    }}\n  }}\n}}\n\n\
         provider \"aws\" {{\n  region                      = \"us-east-1\"\n  access_key                  = \"local\"\n  \
         secret_key                  = \"local\"\n  skip_credentials_validation = true\n  \
         skip_requesting_account_id  = true\n  skip_metadata_api_check     = true\n  endpoints {{\n    \
         elasticache = \"{endpoint}\"\n  }}\n}}\n"
    );
    std::fs::write(folder.join("provider.tf"), provider)?;
    let mut last = None;
    for words in [
        &["init", "-input=false", &format!("-plugin-dir={plugins}")][..],
        &["validate"],
        &["plan", "-input=false", "-json"],
    ] {
        let output = terraform(folder, words)?.context("terraform was here a moment ago")?;
        is_fine(words, &output)?;
        last = Some(output.stdout);
    }
    let lines = String::from_utf8(last.context("no plan")?)?;
    let mut messages = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let summary = messages.find(|message| message["type"] == "change_summary");
    Ok(summary.with_context(|| lines.clone())?["changes"].clone())
}

/// Without Terraform on this machine, the content is tested by the crate `seeding` alone.
#[tokio::test(flavor = "multi_thread")]
async fn terraform_imports_a_seeded_cluster_and_does_not_replace_it() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = Source::start().await?;
    fill_mixed(&source, 300, "k:").await?;
    user::drop_file(&stack, "backups", "small.rdb", &source.save().await?).await?;
    let tags = json!({"team": "orders", "note": "a.b:c/d=e+f-g@h"});
    for cluster in [
        json!({"id": "orders", "tags": tags}),
        json!({"id": "users", "shards": 2, "replicasPerShard": 1, "multiAz": true, "snapshotRetentionDays": 3}),
        json!({"id": "old", "engine": "redis", "engineVersion": "7.1", "replicasPerShard": 1}),
    ] {
        let request = json!({"backups": ["backups/small.rdb"], "cluster": cluster});
        let outcome = user::seed(&stack, &request).await?;
        outcome.expect_seeded()?;
        let text = handover(&stack, &outcome.execution).await?;
        let id = cluster["id"].as_str().unwrap_or_default();
        ensure!(text.contains(&format!("to = aws_elasticache_replication_group.{id}\n")), "{text}");
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("handover.tf"), &text)?;
        let words = ["fmt", "-check", "-diff"];
        let Some(formatted) = terraform(folder.path(), &words)? else { continue };
        is_fine(&words, &formatted)?;
        let Ok(plugins) = std::env::var(PLUGINS) else { continue };
        let changes = planned(&stack, folder.path(), &plugins)?;
        // Version 5 of the provider changes a default of its own, auth_token_update_strategy.
        let counts = ["import", "add", "remove"].map(|name| changes[name].as_u64());
        ensure!(counts == [Some(1), Some(0), Some(0)], "{id}: {changes}\n{text}");
    }
    // A rejected seeding has nothing to hand over.
    let rejected = user::seed(&stack, &json!({"backups": ["backups/missing.rdb"]})).await?;
    let status = seeder(&stack, &["status", &rejected.execution, "--json"])?;
    ensure!(serde_json::from_slice::<Value>(&status.stdout)?["handover"].is_null(), "{status:?}");
    stack.stop().await
}
