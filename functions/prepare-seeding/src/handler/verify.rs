//! Checks beforehand whether the keys can be counted at the end.

use seeding::{Code, Finding, Resolved};

use super::PrepareSeeding;

impl PrepareSeeding {
    /// Turns the count off if verify-cluster cannot reach the cluster, or cannot log in.
    pub(super) fn settle_verify(&self, resolved: &mut Resolved) -> Option<Finding> {
        if !resolved.options.verify {
            return None;
        }
        let (reason, remedy) = if !self.verify_in_vpc {
            (
                "verify-cluster is not in a VPC, so it cannot reach the cluster",
                "deploy the stack with VerifySubnetIds and VerifySecurityGroupIds, or count the keys yourself: DBSIZE on every primary",
            )
        } else if resolved.cluster.user_group_id.is_some() {
            (
                "the cluster accepts only users of its user group, and verify-cluster is not one",
                "count the keys yourself: DBSIZE on every primary",
            )
        } else {
            return None;
        };
        resolved.options.verify = false;
        Some(Finding::new(Code::VerifyNotPossible, remedy).with("reason", reason))
    }
}
