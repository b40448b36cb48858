//! The request that the options make.

use std::fs;

use anyhow::{Context, Result};
use seeding::{BackupLocation, Request};
use serde_json::{Map, Value, json};

use crate::args::SeedArgs;

/// The request file with the options over it, checked here so that a slip of the pen costs no execution.
pub(super) fn build(args: &SeedArgs, backups: &[BackupLocation]) -> Result<Value> {
    let mut request = match &args.request {
        Some(path) => {
            let text =
                fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
            serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?
        }
        None => json!({}),
    };
    Request::from_layers(&[("the request file", &request)])?;
    let uris: Vec<_> = backups.iter().map(|location| format!("s3://{location}")).collect();
    let options = [
        ("backups", Some(json!(uris))),
        ("access", args.access.as_ref().map(|way| json!(way))),
        ("onRestoreFailed", args.on_restore_failed.as_ref().map(|what| json!(what))),
        ("allow", (!args.allow.is_empty()).then(|| json!(args.allow))),
        ("dryRun", args.dry_run.then(|| json!(true))),
    ];
    let cluster_mode =
        args.cluster_mode.as_ref().map(|mode| if mode == "on" { "enabled" } else { "disabled" });
    let cluster = [
        ("id", args.id.as_ref().map(|id| json!(id))),
        ("engine", args.engine.as_ref().map(|engine| json!(engine))),
        ("engineVersion", args.engine_version.as_ref().map(|version| json!(version))),
        ("nodeType", args.node_type.as_ref().map(|node_type| json!(node_type))),
        ("shards", args.shards.map(|shards| json!(shards))),
        ("replicasPerShard", args.replicas.map(|replicas| json!(replicas))),
        ("clusterMode", cluster_mode.map(|mode| json!(mode))),
    ];
    if let Value::Object(fields) = &mut request {
        set(fields, options);
        if let Value::Object(fields) = fields.entry("cluster").or_insert_with(|| json!({})) {
            set(fields, cluster);
        }
    }
    Request::from_layers(&[("the options", &request)])?;
    Ok(request)
}

fn set<const N: usize>(fields: &mut Map<String, Value>, options: [(&str, Option<Value>); N]) {
    for (name, value) in options {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    }
}
