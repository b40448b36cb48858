//! The request that the options and the request file make up.

use std::fs;

use anyhow::{Context, Result};
use seeding::{BackupLocation, Request};
use serde_json::{Map, Value, json};

use crate::args::{ClusterArgs, RequestArgs, given};

/// Merges the options over the request file. Checks the result here, so that a typo does not cost an execution.
pub(crate) fn build(args: &RequestArgs, cluster: &ClusterArgs, backups: &[BackupLocation]) -> Result<Value> {
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
    let mut options = cluster.request();
    let dry_run = if args.dry_run { json!(true) } else { Value::Null };
    options.extend(given([
        ("backups", json!(uris)),
        ("access", json!(args.access)),
        ("onRestoreFailed", json!(args.on_restore_failed)),
        ("dryRun", dry_run),
    ]));
    if let Some(id) = &args.id
        && let Value::Object(cluster) = options.entry("cluster").or_insert_with(|| json!({}))
    {
        cluster.insert("id".to_owned(), json!(id));
        if args.exact_id {
            cluster.insert("exactId".to_owned(), json!(true));
        }
    }
    if let Value::Object(request) = &mut request {
        merge(request, options);
    }
    Request::from_layers(&[("the options", &request)])?;
    Ok(request)
}

/// Puts members over those of a request; objects are merged member by member.
fn merge(request: &mut Map<String, Value>, options: Map<String, Value>) {
    for (name, option) in options {
        match (request.get_mut(&name), option) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            (_, option) => drop(request.insert(name, option)),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command};

    fn built(file: &Value, options: &[&str]) -> Result<Value> {
        let path = tempfile::NamedTempFile::new()?;
        fs::write(&path, file.to_string())?;
        let words = ["seeder", "seed", "s3://backups/a.rdb", "--state-machine", "arn", "--request"];
        let name = path.path().to_string_lossy().into_owned();
        let words = words.into_iter().chain([name.as_str()]).chain(options.iter().copied());
        let Command::Seed(args) = Args::parse_from(words).command else { unreachable!("it is seed") };
        let backups = [BackupLocation::parse("backups/a.rdb")?];
        build(&args.request, &args.cluster, &backups)
    }

    #[test]
    fn every_option_about_the_cluster_overrides_the_request_and_leaves_the_rest_of_it() {
        let file = json!({
            "cluster": {"shards": 2, "port": 7000}, "verify": true, "headroomPercent": 50, "backups": ["other/b.rdb"],
        });
        let options = [
            ["--id", "orders"],
            ["--engine", "valkey"],
            ["--engine-version", "8.0"],
            ["--node-type", "auto"],
            ["--shards", "3"],
            ["--replicas", "1"],
            ["--cluster-mode", "on"],
            ["--slots", "balanced"],
            ["--headroom-percent", "20"],
            ["--node-families", "r7g,m7g"],
            ["--allow", "big-key"],
        ];
        let request = built(&file, &options.concat()).unwrap();
        assert_eq!(
            request,
            json!({
                "backups": ["s3://backups/a.rdb"],
                "cluster": {
                    "id": "orders", "engine": "valkey", "engineVersion": "8.0", "nodeType": "auto", "shards": 3,
                    "replicasPerShard": 1, "clusterMode": "enabled", "slots": "balanced", "port": 7000,
                },
                "headroomPercent": 20, "nodeFamilies": ["r7g", "m7g"], "allow": ["big-key"], "verify": true,
            })
        );
    }

    #[test]
    fn a_cache_cluster_is_asked_for_by_either_name_of_its_kind() {
        for kind in ["cacheCluster", "cache-cluster"] {
            let options = ["--kind", kind, "--id", "orders", "--exact-id"];
            let cluster = json!({"kind": "cacheCluster", "id": "orders", "exactId": true});
            assert_eq!(built(&json!({}), &options).unwrap()["cluster"], cluster);
        }
    }

    #[test]
    fn a_request_without_options_stays_as_it_is() {
        let file = json!({"cluster": {"id": "orders"}, "dryRun": true});
        let request = built(&file, &[]).unwrap();
        assert_eq!(request["cluster"], json!({"id": "orders"}));
        assert_eq!(request["dryRun"], json!(true));
        assert!(built(&json!({"clutser": {}}), &[]).is_err());
    }
}
