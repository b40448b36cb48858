//! Resolves a request with its defaults: merges the layers and reports every fault as a finding.

use serde_json::Value;

use crate::{
    facts::{identity::Identity, location::BackupLocation},
    finding::{Code, Finding},
    request::{
        MAX_BACKUPS, Request,
        cluster::{ClusterSpec, OpenClusterMode},
        options::Options,
    },
};

/// A request with its defaults filled in.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The cluster to create.
    pub cluster: ClusterSpec,
    /// The options.
    pub options: Options,
    /// The backups.
    pub backups: Vec<BackupLocation>,
    /// Whether the parameter group decides about cluster mode.
    pub open_cluster_mode: OpenClusterMode,
}

/// Reads and checks a request. `layers`: the JSON objects that make it up, weakest first, each with its origin.
///
/// Returns the resolved request, `None` if a layer cannot be read, and the findings.
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
    let cluster = ClusterSpec::resolve(&request, execution, &mut findings);
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
