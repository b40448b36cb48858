//! Limits and subnets of a serverless cache.

use serde::{Deserialize, Serialize};

use crate::{
    facts::engine::{Engine, EngineVersion},
    finding::{Code, Finding, Severity},
    request::ServerlessRequest,
};

/// The bounds of a cache's data, in GB, and of its ElastiCache Processing Units per second. Source: ElastiCache user
/// guide, "Scaling ElastiCache Serverless".
const GB: std::ops::RangeInclusive<u32> = 1..=5_000;
const ECPU: std::ops::RangeInclusive<u32> = 1_000..=15_000_000;
/// The first major version of both engines. Source: user guide, "Supported engines and versions".
const FIRST_MAJOR: u16 = 7;

/// A serverless cache with every default filled in. A limit of `None` is AWS's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ServerlessSpec {
    /// The least data that is billed, in GB.
    pub min_gb: Option<u32>,
    /// The most data, in GB.
    pub max_gb: Option<u32>,
    /// The least ECPU per second.
    pub min_ecpu: Option<u32>,
    /// The most ECPU per second.
    pub max_ecpu: Option<u32>,
    /// The subnets of its endpoint; empty uses the default VPC's.
    pub subnet_ids: Vec<String>,
}

impl ServerlessSpec {
    /// Checks limits and the engine's version; every violation is a finding.
    pub(super) fn resolve(request: &ServerlessRequest, findings: &mut Vec<Finding>) -> Self {
        let spec = Self {
            min_gb: request.min_gb,
            max_gb: request.max_gb,
            min_ecpu: request.min_ecpu,
            max_ecpu: request.max_ecpu,
            subnet_ids: request.subnet_ids.clone().unwrap_or_default(),
        };
        let mut invalid = |field: &str, found: u32, remedy: String| {
            let field = format!("cluster.serverless.{field}");
            findings
                .push(Finding::new(Code::InvalidRequest, remedy).with("field", field).with("found", found));
        };
        let limits = [
            ("minGb", "maxGb", spec.min_gb, spec.max_gb, GB),
            ("minEcpu", "maxEcpu", spec.min_ecpu, spec.max_ecpu, ECPU),
        ];
        for (min_name, max_name, min, max, bounds) in limits {
            for (name, value) in [(min_name, min), (max_name, max)] {
                if let Some(value) = value.filter(|value| !bounds.contains(value)) {
                    let (low, high) = (bounds.start(), bounds.end());
                    invalid(name, value, format!("set {name} to a number from {low} to {high}"));
                }
            }
            if let (Some(min), Some(max)) = (min, max)
                && min > max
            {
                invalid(min_name, min, format!("set {min_name} to at most {max_name}, which is {max}"));
            }
        }
        spec
    }

    /// The most data that the cache may hold, in bytes. A GB counts as 10^9 bytes, since AWS does not document it.
    pub fn max_bytes(&self) -> u64 {
        u64::from(self.max_gb.unwrap_or(*GB.end())) * 1_000_000_000
    }
}

/// Findings about the version of a serverless cache: AWS takes the major version and chooses the minor one.
pub(super) fn version_findings(
    engine: Engine,
    asked: Option<EngineVersion>,
    version: EngineVersion,
) -> Option<Finding> {
    if version.major < FIRST_MAJOR {
        let remedy =
            format!("use {engine} {FIRST_MAJOR} or later: serverless caches have no earlier version");
        let finding = Finding::new(Code::InvalidRequest, remedy).with("field", "cluster.engineVersion");
        return Some(finding.with("found", version.to_string()));
    }
    let asked = asked?;
    let remedy = format!(
        "nothing, unless the minor version matters: a serverless cache takes the major version {}, and ElastiCache chooses the rest",
        asked.major
    );
    let finding = Finding::new(Code::EngineVersionUnknown, remedy).severity(Severity::Note);
    Some(finding.with("found", asked.to_string()).with("taken", asked.major.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Identity, request::resolve::resolve};

    /// The findings about a serverless cache with these fields, and those of its limits.
    fn findings(cluster: &Value, limits: &Value) -> Vec<Finding> {
        let mut cluster = cluster.clone();
        cluster["kind"] = "serverless".into();
        cluster["serverless"] = limits.clone();
        resolve(&[("request", &json!({"backups": "a/b", "cluster": cluster}))], &Identity::new("e", "e")).1
    }

    fn fields(findings: &[Finding]) -> Vec<&str> {
        findings.iter().filter_map(|finding| finding.evidence["field"].as_str()).collect()
    }

    #[test]
    fn limits_are_those_of_aws_and_do_not_contradict() {
        assert_eq!(findings(&json!({}), &json!({"minGb": 1, "maxGb": 5000, "minEcpu": 1000})), []);
        let found =
            findings(&json!({}), &json!({"minGb": 0, "maxGb": 5001, "minEcpu": 999, "maxEcpu": 15_000_001}));
        let prefixed =
            ["minGb", "maxGb", "minEcpu", "maxEcpu"].map(|name| format!("cluster.serverless.{name}"));
        assert_eq!(fields(&found), prefixed);
        let found = findings(&json!({}), &json!({"minGb": 20, "maxGb": 10}));
        assert_eq!(fields(&found), ["cluster.serverless.minGb"]);
    }

    #[test]
    fn everything_that_a_serverless_cache_does_not_have_is_found_at_once() {
        let found = findings(
            &json!({
                "nodeType": "cache.r7g.large", "shards": 0, "replicasPerShard": 9, "slots": ["0-1"], "port": 0,
                "parameterGroup": "p", "subnetGroup": "s", "authTokenSecretArn": "a", "transitEncryption": false,
            }),
            &json!({"maxGb": 0}),
        );
        assert!(found.iter().all(|finding| finding.code == Code::InvalidRequest), "{found:?}");
        assert_eq!(found.len(), 10, "{found:?}");
    }

    #[test]
    fn a_minor_version_is_noted_and_an_early_one_refused() {
        let [note] = &findings(&json!({"engineVersion": "8.0"}), &json!({}))[..] else { panic!("one note") };
        assert_eq!((note.severity, &note.evidence["taken"]), (Severity::Note, &"8".into()));
        assert_eq!(findings(&json!({}), &json!({})), []);
        let early = findings(&json!({"engine": "redis", "engineVersion": "6.2"}), &json!({}));
        assert_eq!(fields(&early), ["cluster.engineVersion"]);
    }
}
