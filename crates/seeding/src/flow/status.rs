//! The meaning of a cluster's status, and of its members', for the flow.

use serde::{Deserialize, Serialize};

/// The phase of a cluster, which decides what the flow does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterPhase {
    /// Not available yet: keep polling.
    Creating,
    /// Available, with all its members.
    Available,
    /// ElastiCache could not restore the data.
    RestoreFailed,
    /// The creation failed for another reason.
    CreateFailed,
    /// It is being deleted, by this execution or by someone else.
    Deleting,
    /// It does not exist.
    Gone,
}

/// A cluster as Describe returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterView {
    /// `creating`, `available`, `modifying`, `deleting`, `create-failed`, `snapshotting`, or something new.
    pub status: String,
    /// Its members: of a cache cluster itself, of a serverless cache none.
    pub members: Vec<MemberView>,
}

/// A member cluster as Describe returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberView {
    /// The member's ID.
    pub id: String,
    /// The member's status; `restore-failed` occurs here.
    pub status: String,
}

impl ClusterView {
    /// The phase, given the number of members that the cluster is to have.
    ///
    /// AWS lists `restore-failed` for members only. It does not document whether the group then reports `create-failed`
    /// or stays `creating`, so both count. An unknown status keeps the flow polling until its deadline.
    pub fn phase(&self, expected_members: u32) -> ClusterPhase {
        let status = normalise(&self.status);
        let members: Vec<_> = self.members.iter().map(|member| normalise(&member.status)).collect();
        let any = |names: &[&str]| members.iter().any(|member| names.contains(&member.as_str()));
        if status == "restore-failed" || any(&["restore-failed"]) {
            ClusterPhase::RestoreFailed
        } else if status == "create-failed" || any(&["incompatible-network", "incompatible-parameters"]) {
            ClusterPhase::CreateFailed
        } else if status == "deleting" || any(&["deleting", "deleted"]) {
            ClusterPhase::Deleting
        } else if status == "available"
            && members.len() >= expected_members as usize
            && members.iter().all(|member| member == "available")
        {
            ClusterPhase::Available
        } else {
            ClusterPhase::Creating
        }
    }

    /// Whether the cluster is being deleted.
    pub fn is_deleting(&self) -> bool {
        matches!(normalise(&self.status).as_str(), "deleting" | "deleted")
    }

    /// Whether the cluster has been available: it then belongs to the user and is never deleted.
    pub fn was_available(&self) -> bool {
        let status = normalise(&self.status);
        matches!(
            status.as_str(),
            "available" | "modifying" | "snapshotting" | "rebooting-cluster-nodes" | "updating"
        ) && self.phase(0) != ClusterPhase::RestoreFailed
            && self.phase(0) != ClusterPhase::CreateFailed
    }
}

/// Normalises a status: AWS writes `restore-failed` in the API and `restore_failed` on its status page.
fn normalise(status: &str) -> String {
    status.trim().to_ascii_lowercase().replace(['_', ' '], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(status: &str, members: &[&str]) -> ClusterView {
        let members =
            members.iter().map(|status| MemberView { id: "m".into(), status: (*status).into() }).collect();
        ClusterView { status: status.into(), members }
    }

    #[test]
    fn every_documented_status_leads_somewhere() {
        use ClusterPhase::*;
        for (status, members, expected) in [
            ("creating", &[][..], Creating),
            ("creating", &["creating", "creating"], Creating),
            ("creating", &["available", "restore-failed"], RestoreFailed),
            ("create-failed", &["restore_failed"], RestoreFailed),
            ("restore-failed", &[], RestoreFailed),
            ("create-failed", &["creating"], CreateFailed),
            ("creating", &["incompatible-network"], CreateFailed),
            ("creating", &["incompatible_parameters"], CreateFailed),
            ("available", &["available", "available"], Available),
            ("available", &["available"], Creating),
            ("available", &["available", "snapshotting"], Creating),
            ("snapshotting", &["available", "available"], Creating),
            ("modifying", &["available", "rebooting cluster nodes"], Creating),
            ("deleting", &["deleting"], Deleting),
            ("creating", &["deleted"], Deleting),
            ("something-new", &["available", "available"], Creating),
        ] {
            assert_eq!(view(status, members).phase(2), expected, "{status} {members:?}");
        }
    }

    #[test]
    fn a_cluster_without_members_is_what_its_own_status_says() {
        for (status, expected) in [
            ("CREATING", ClusterPhase::Creating),
            ("available", ClusterPhase::Available),
            ("CREATE-FAILED", ClusterPhase::CreateFailed),
            ("deleting", ClusterPhase::Deleting),
            ("modifying", ClusterPhase::Creating),
        ] {
            assert_eq!(view(status, &[]).phase(0), expected, "{status}");
        }
        assert!(view("DELETING", &[]).is_deleting() && view("deleted", &[]).is_deleting());
    }

    #[test]
    fn a_cluster_that_has_come_up_is_never_taken_for_a_failed_one() {
        for status in ["available", "modifying", "snapshotting"] {
            assert!(view(status, &["available"]).was_available(), "{status}");
        }
        assert!(!view("creating", &["creating"]).was_available());
        assert!(!view("create-failed", &["restore-failed"]).was_available());
    }
}
