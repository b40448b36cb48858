//! Granting ElastiCache access to the buckets, and revoking it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    facts::{location::BackupLocation, partition::Partition},
    record::seeding::Seeding,
    request::options::Access,
};

/// The way in which ElastiCache gets access to a bucket's objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// A statement in the bucket policy.
    Policy,
    /// Grants in the objects' ACLs.
    Acl,
    /// The access that exists; nothing is changed.
    Existing,
}

/// The grant on one bucket's objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketGrant {
    /// The bucket.
    pub bucket: String,
    /// The way.
    pub way: Way,
    /// The keys of the objects, for [`Way::Acl`].
    pub keys: Vec<String>,
}

/// The journal of grants. It is written before the first grant and read by revoke-access, so whatever happens in
/// between, the step knows what to revoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrantJournal {
    /// The partition, region and account of the execution.
    pub partition: Partition,
    /// The buckets.
    pub grants: Vec<BucketGrant>,
}

/// The executions that need the ACL grant on one object; the last of them revokes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AclHolders {
    /// The names of the executions.
    pub executions: BTreeSet<String>,
    /// The permissions that ElastiCache had before the first of them; it keeps these.
    pub had: BTreeSet<String>,
}

/// The holder of the lease on a bucket's permissions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaseHolder {
    /// The execution's name.
    pub holder: String,
    /// The time at which the lease expires, in milliseconds since the Unix epoch.
    pub expires_ms: i64,
}

/// The mark that nothing is granted for an execution any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revocation {
    /// The time of the revocation, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// A grant is renewed this long before its end, in milliseconds: an hour.
pub const RENEWAL_MS: i64 = 60 * 60 * 1000;

/// The term of a grant, in milliseconds: the deadline, and two hours for the steps before and after the restore. It is
/// renewed while the cluster is still being created.
pub fn grant_term_ms(deadline_minutes: u32) -> i64 {
    i64::from(deadline_minutes) * 60_000 + 2 * RENEWAL_MS
}

/// The permissions that the user guide requires on an object: "Read object" and "Read object permissions".
pub const ACL_PERMISSIONS: [&str; 2] = ["READ", "READ_ACP"];

/// Groups the objects of a seeding by bucket.
pub fn objects_by_bucket(seeding: &Seeding) -> BTreeMap<&str, Vec<BackupLocation>> {
    let mut buckets = BTreeMap::<_, Vec<_>>::new();
    for backup in &seeding.backups {
        buckets.entry(backup.location.bucket.as_str()).or_default().push(backup.location.clone());
    }
    buckets
}

/// Chooses the way for one bucket. `acls_enabled`: the bucket's ownership controls leave ACLs in effect.
///
/// A policy statement is what AWS recommends, and works on every bucket. For the partitions with documented canonical
/// IDs but no documented service principal, ACLs are used if the bucket still has them.
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
