//! The user group of the cluster.

use crate::{
    facts::engine::{Engine, EngineVersion},
    finding::{Code, Finding},
    request::cluster::ClusterSpec,
};

/// A user group as ElastiCache describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserGroupView {
    /// `active`, `creating`, `modifying` or `deleting`.
    pub status: String,
    /// `redis` or `valkey`.
    pub engine: String,
    /// The minimum version of the engine, such as `6.0`.
    pub minimum_engine_version: Option<String>,
}

/// Returns a finding if the cluster cannot use the user group. `view` is `None` if the group does not exist.
///
/// Both engines accept a group of the engine `redis`: AWS first required it for Valkey, too (user guide, "Role-Based
/// Access Control"). Only Valkey accepts a group of the engine `valkey`.
pub fn user_group_finding(spec: &ClusterSpec, id: &str, view: Option<&UserGroupView>) -> Option<Finding> {
    let unusable = |remedy: &str, reason: String| {
        let finding = Finding::new(Code::UserGroupUnusable, remedy).with("userGroup", id);
        Some(finding.with("reason", reason))
    };
    let Some(view) = view else {
        return unusable(
            "create the user group, or name one that exists",
            "there is no such user group".into(),
        );
    };
    if !view.status.eq_ignore_ascii_case("active") {
        let reason = format!("its status is {}, expected active", view.status);
        return unusable("wait until the user group is active, or name another one", reason);
    }
    if spec.engine == Engine::Redis && !view.engine.eq_ignore_ascii_case(spec.engine.as_str()) {
        let reason = format!("it is of the engine {}, the cluster is of {}", view.engine, spec.engine);
        return unusable("name a user group of the cluster's engine", reason);
    }
    let least = view.minimum_engine_version.as_deref().and_then(EngineVersion::parse);
    // It is a version of Redis; every version of Valkey is later.
    let least =
        least.filter(|_| spec.engine == Engine::Redis).filter(|least| spec.engine_version < *least)?;
    let reason = format!("it needs Redis {least}, the cluster is of {}", spec.engine_version);
    unusable("use a later engine version, or no user group", reason)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{facts::identity::Identity, request::Request};

    fn reason(engine: &str, version: &str, view: Option<&UserGroupView>) -> Option<String> {
        let layer = json!({"cluster": {"engine": engine, "engineVersion": version, "userGroupId": "app"}});
        let request = Request::from_layers(&[("request", &layer)]).unwrap();
        let spec = ClusterSpec::resolve(&request, &Identity::new("e", "e"), &mut Vec::new());
        let finding = user_group_finding(&spec, "app", view)?;
        assert_eq!((finding.code, &finding.evidence["userGroup"]), (Code::UserGroupUnusable, &json!("app")));
        Some(finding.evidence["reason"].as_str().unwrap().to_owned())
    }

    fn view(status: &str, engine: &str) -> UserGroupView {
        let minimum_engine_version = Some("6.0".to_owned());
        UserGroupView { status: status.into(), engine: engine.into(), minimum_engine_version }
    }

    #[test]
    fn a_user_group_has_to_be_there_active_and_of_the_engine() {
        assert_eq!(reason("valkey", "8.1", Some(&view("active", "valkey"))), None);
        assert_eq!(reason("valkey", "8.1", Some(&view("active", "Redis"))), None);
        assert_eq!(reason("redis", "6.2", Some(&view("active", "redis"))), None);
        let refused = |found: Option<String>, expected: &str| {
            let found = found.unwrap_or_default();
            assert!(found.contains(expected), "{found}");
        };
        refused(reason("valkey", "8.1", None), "no such user group");
        refused(reason("valkey", "8.1", Some(&view("deleting", "valkey"))), "deleting, expected active");
        refused(
            reason("redis", "7.1", Some(&view("active", "valkey"))),
            "of the engine valkey, the cluster is of redis",
        );
        refused(reason("redis", "5.0.6", Some(&view("active", "redis"))), "needs Redis 6.0");
    }
}
