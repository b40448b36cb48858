//! Replication groups, as ElastiCache describes them.

use super::{Answer, query, query_error};

/// The request for the group `orders`.
pub const DESCRIBE_GROUP: &str = "elasticache Action=DescribeReplicationGroups&ReplicationGroupId=orders";
/// The description of a group that the tests' execution created.
pub const OURS: &str = "elasticache-seeder orders-1";

/// The group `orders` with this status, description and members, and further elements.
pub fn group(status: &str, description: &str, members: &[&str], more: &str) -> Answer {
    let members =
        members.iter().map(|id| format!("<ClusterId>{id}</ClusterId>")).collect::<Vec<_>>().concat();
    query(
        "DescribeReplicationGroups",
        &format!(
            "<ReplicationGroups><ReplicationGroup><ReplicationGroupId>orders</ReplicationGroupId>\
             <Description>{description}</Description><Status>{status}</Status>\
             <MemberClusters>{members}</MemberClusters><CacheNodeType>cache.t4g.micro</CacheNodeType>\
             <ARN>arn:aws:elasticache:us-east-1:123456789012:replicationgroup:orders</ARN>{more}\
             </ReplicationGroup></ReplicationGroups>"
        ),
    )
}

/// The error for a group that does not exist.
pub fn no_group() -> Answer {
    query_error(404, "ReplicationGroupNotFoundFault", "ReplicationGroup orders not found.")
}

/// The request that describes a member.
pub fn describe_member(id: &str) -> String {
    format!("elasticache Action=DescribeCacheClusters&CacheClusterId={id}")
}

/// A member with this status.
pub fn member(id: &str, status: &str) -> Answer {
    query(
        "DescribeCacheClusters",
        &format!(
            "<CacheClusters><CacheCluster><CacheClusterId>{id}</CacheClusterId>\
             <CacheClusterStatus>{status}</CacheClusterStatus></CacheCluster></CacheClusters>"
        ),
    )
}
