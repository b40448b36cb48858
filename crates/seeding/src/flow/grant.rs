//! How ElastiCache is let into the buckets, and how that is undone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    facts::{location::BackupLocation, partition::Partition},
    record::seeding::Seeding,
    request::options::Access,
};

/// The way that was chosen for a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// A statement in the bucket policy.
    Policy,
    /// Grants in the objects' ACLs.
    Acl,
    /// Nothing is changed.
    Existing,
}

/// What is about to be granted to one bucket's objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketGrant {
    /// The bucket.
    pub bucket: String,
    /// How.
    pub way: Way,
    /// The keys of the objects, for the ACL way.
    pub keys: Vec<String>,
}

/// Written before the first grant and read by the step that takes the grants back: whatever happens in between, it is
/// known what has to be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrantJournal {
    /// Where the execution runs.
    pub partition: Partition,
    /// The buckets.
    pub grants: Vec<BucketGrant>,
}

/// Who needs the ACL grant on one object, so that the last of several seedings takes it away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AclHolders {
    /// The names of the executions.
    pub executions: BTreeSet<String>,
    /// The permissions that ElastiCache had before the first of them, and keeps.
    pub had: BTreeSet<String>,
}

/// Who holds the lease on a bucket's permissions, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaseHolder {
    /// The execution's name.
    pub holder: String,
    /// When the lease ends, in milliseconds since 1970.
    pub expires_ms: i64,
}

/// The mark that nothing is granted for an execution any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revocation {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

/// A grant is renewed this long before its end, in milliseconds: an hour.
pub const RENEWAL_MS: i64 = 60 * 60 * 1000;

/// How long a grant lasts, in milliseconds: until the deadline, and two hours for what comes before and after the
/// restore. Whoever watches a cluster that is still being created renews it.
pub fn grant_term_ms(deadline_minutes: u32) -> i64 {
    i64::from(deadline_minutes) * 60_000 + 2 * RENEWAL_MS
}

/// The permissions that the user guide asks for on an object: "Read object" and "Read object permissions".
pub const ACL_PERMISSIONS: [&str; 2] = ["READ", "READ_ACP"];

/// The objects of a seeding, by bucket.
pub fn objects_by_bucket(seeding: &Seeding) -> BTreeMap<&str, Vec<BackupLocation>> {
    let mut buckets = BTreeMap::<_, Vec<_>>::new();
    for backup in &seeding.backups {
        buckets.entry(backup.location.bucket.as_str()).or_default().push(backup.location.clone());
    }
    buckets
}

/// The way for one bucket. `acls_enabled` says that the bucket's ownership controls let ACLs count.
///
/// The policy is AWS's recommendation and works on every bucket. In the partitions for which AWS documents canonical
/// ids and no service principal, ACLs are taken where the bucket still has them.
pub fn choose_way(access: Access, partition: &Partition, acls_enabled: bool) -> Way {
    match access {
        Access::Acl => Way::Acl,
        Access::Existing => Way::Existing,
        Access::Auto
            if partition.partition != "aws" && acls_enabled && partition.canonical_id().is_some() =>
        {
            Way::Acl
        }
        Access::Auto | Access::Policy => Way::Policy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_takes_the_policy_except_where_only_acls_are_documented() {
        let partition = |name: &str, region: &str| Partition {
            partition: name.into(),
            region: region.into(),
            account: "1".into(),
        };
        assert_eq!(choose_way(Access::Auto, &partition("aws", "us-east-1"), true), Way::Policy);
        assert_eq!(choose_way(Access::Auto, &partition("aws-cn", "cn-north-1"), true), Way::Acl);
        assert_eq!(choose_way(Access::Auto, &partition("aws-cn", "cn-north-1"), false), Way::Policy);
        assert_eq!(choose_way(Access::Acl, &partition("aws", "us-east-1"), false), Way::Acl);
    }
}
