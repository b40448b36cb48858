//! Whose a cluster is: the one question before it is waited for, kept or deleted.

use serde::{Deserialize, Serialize};

use crate::{facts::identity::Identity, flow::status::ClusterView, request::cluster::ClusterSpec};

/// What a described cluster shows of who created it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Its description, in every state.
    Description(String),
    /// Nothing but its ID: a cache cluster. Its tags can be listed only once it is available.
    Id,
    /// It is a member of this replication group, never a cluster of its own.
    MemberOf(String),
}

/// What is known of a create whose cluster shows nothing: a cache cluster with an exact ID. It outlives the create's
/// journal, so that neither another attempt nor a clean-up takes a doubt for certainty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "evidence", rename_all = "kebab-case")]
pub enum Evidence {
    /// A create was called, and its answer is not known. A cluster of this ID is this execution's or a stranger's.
    InDoubt,
    /// ElastiCache answered that it created the cluster.
    Created,
    /// The deletion of the cluster was requested. Whatever has its ID later is a stranger's.
    Deleting,
}

/// Whose a cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// This execution created it.
    Ours,
    /// This execution may have created it. It is never deleted.
    Doubtful,
    /// Someone else did. It is never touched.
    Theirs,
}

impl Ownership {
    /// Whose a described cluster is, given the execution's spec and what is known of its create.
    pub fn of(
        mark: &Mark,
        status: &str,
        spec: &ClusterSpec,
        execution: &Identity,
        evidence: Option<Evidence>,
    ) -> Self {
        let ours = |is_ours| if is_ours { Self::Ours } else { Self::Theirs };
        match mark {
            Mark::Description(text) => ours(*text == execution.owner_text()),
            Mark::MemberOf(_) => Self::Theirs,
            Mark::Id if !spec.exact_id => ours(spec.id.ends_with(&format!("-{}", execution.hash()))),
            Mark::Id => match evidence {
                Some(Evidence::Created) => Self::Ours,
                Some(Evidence::InDoubt) => Self::Doubtful,
                Some(Evidence::Deleting) => {
                    ours(ClusterView { status: status.to_owned(), members: Vec::new() }.is_deleting())
                }
                None => Self::Theirs,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::request::resolve::resolve;

    fn execution() -> Identity {
        Identity::new("arn:m:orders-1", "orders-1")
    }

    fn spec(cluster: &Value) -> ClusterSpec {
        let request = json!({"backups": "a/b.rdb", "cluster": cluster});
        let (resolved, findings) = resolve(&[("request", &request)], &execution());
        assert_eq!(findings, []);
        resolved.unwrap().cluster
    }

    fn of(mark: &Mark, cluster: &Value, status: &str, evidence: Option<Evidence>) -> Ownership {
        Ownership::of(mark, status, &spec(cluster), &execution(), evidence)
    }

    #[test]
    fn a_description_says_it_where_there_is_one() {
        let group = json!({"id": "orders"});
        for (text, expected) in [
            (execution().owner_text(), Ownership::Ours),
            (Identity::new("arn:m:orders-12", "orders-12").owner_text(), Ownership::Theirs),
            (String::new(), Ownership::Theirs),
        ] {
            let mark = Mark::Description(text);
            for evidence in [None, Some(Evidence::Created), Some(Evidence::InDoubt)] {
                assert_eq!(of(&mark, &group, "creating", evidence), expected);
            }
        }
    }

    #[test]
    fn the_id_says_it_where_it_ends_with_the_executions_hash() {
        let cluster = json!({"kind": "cacheCluster", "id": "orders"});
        assert_eq!(of(&Mark::Id, &cluster, "creating", None), Ownership::Ours);
        let other = Identity::new("arn:m:orders-2", "orders-2");
        assert_eq!(Ownership::of(&Mark::Id, "creating", &spec(&cluster), &other, None), Ownership::Theirs);
        assert_eq!(of(&Mark::MemberOf("g".into()), &cluster, "available", None), Ownership::Theirs);
    }

    #[test]
    fn of_an_exact_id_only_the_evidence_says_it() {
        let cluster = json!({"kind": "cacheCluster", "id": "orders", "exactId": true});
        for (evidence, status, expected) in [
            (None, "creating", Ownership::Theirs),
            (Some(Evidence::InDoubt), "restore-failed", Ownership::Doubtful),
            (Some(Evidence::Created), "restore-failed", Ownership::Ours),
            (Some(Evidence::Deleting), "deleting", Ownership::Ours),
            (Some(Evidence::Deleting), "creating", Ownership::Theirs),
            (Some(Evidence::Deleting), "restore-failed", Ownership::Theirs),
        ] {
            assert_eq!(of(&Mark::Id, &cluster, status, evidence), expected, "{evidence:?} {status}");
            let member = Mark::MemberOf("orders".to_owned());
            assert_eq!(of(&member, &cluster, status, evidence), Ownership::Theirs);
        }
    }

    #[test]
    fn evidence_is_one_word_in_its_file() {
        let file = serde_json::to_value(Evidence::InDoubt).unwrap();
        assert_eq!(file, json!({"evidence": "in-doubt"}));
        assert_eq!(serde_json::from_value::<Evidence>(file).unwrap(), Evidence::InDoubt);
    }
}
