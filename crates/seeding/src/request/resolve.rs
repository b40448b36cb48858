//! A request with its defaults: layers are merged, and everything that is wrong with them is a finding.

use serde_json::Value;

use crate::{
    facts::{identity::Identity, location::BackupLocation},
    finding::{Code, Finding},
    request::{
        MAX_BACKUPS, Request,
        cluster::{ClusterSpec, OpenClusterMode, default_cluster_id},
        options::Options,
    },
};

/// A request with its defaults filled in.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What is to come up.
    pub cluster: ClusterSpec,
    /// How.
    pub options: Options,
    /// From what.
    pub backups: Vec<BackupLocation>,
    /// Whether the parameter group decides about cluster mode.
    pub open_cluster_mode: OpenClusterMode,
}

/// Reads and checks a request. `layers` are the texts it is made of, weakest first, each with its origin.
///
/// Returns what could be made of it together with everything that is wrong: nothing at all only where a layer cannot
/// be read.
pub fn resolve(layers: &[(&str, &Value)], execution: &Identity) -> (Option<Resolved>, Vec<Finding>) {
    let request = match Request::from_layers(layers) {
        Ok(request) => request,
        Err(fault) => {
            let remedy = "correct the request; docs/REQUEST.md has every field";
            let finding = Finding::new(Code::InvalidRequest, remedy).with("reason", fault.to_string());
            return (None, vec![finding]);
        }
    };
    let mut findings = Vec::new();
    let backups = request.backups.clone().unwrap_or_default();
    if backups.is_empty() {
        let remedy =
            format!("name 1 to {MAX_BACKUPS} backups, such as \"backups\": [\"my-bucket/redis.rdb\"]");
        findings.push(Finding::new(Code::InvalidRequest, remedy).with("field", "backups"));
    }
    let default_id = default_cluster_id(backups.first().map_or("backup", BackupLocation::stem), execution);
    let cluster = ClusterSpec::resolve(&request, &default_id, &mut findings);
    let options = Options::resolve(&request, &mut findings);
    let open_cluster_mode = OpenClusterMode::of(&request);
    (Some(Resolved { cluster, options, backups, open_cluster_mode }), findings)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_without_a_backup_says_what_is_missing() {
        let (_, findings) = resolve(&[("request", &json!({}))], &Identity::new("e", "e"));
        assert_eq!(findings[0].evidence["field"], "backups");
    }
}
