//! Replication groups, as ElastiCache describes them.

use super::{Answer, query, query_error};

/// The request for the group `orders`.
pub const DESCRIBE_GROUP: &str = "elasticache Action=DescribeReplicationGroups&ReplicationGroupId=orders";
/// The description of a group that the tests' execution created.
pub const OURS: &str = "elasticache-seeder orders-1 8a3ff643bf7f1909";

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

/// The request for the nodes of the account.
pub const DESCRIBE_NODES: &str = "elasticache Action=DescribeCacheClusters&MaxRecords=100";

/// A node of the group `orders` with this status.
pub fn member(id: &str, status: &str) -> Answer {
    nodes(&[("orders", id, status)])
}

/// Nodes of the account: their groups, IDs and statuses.
pub fn nodes(nodes: &[(&str, &str, &str)]) -> Answer {
    nodes_before(nodes, "")
}

/// The same, as a page that is not the last: `marker` names the next.
pub fn nodes_before(nodes: &[(&str, &str, &str)], marker: &str) -> Answer {
    let nodes = nodes.iter().map(|(group, id, status)| {
        format!(
            "<CacheCluster><CacheClusterId>{id}</CacheClusterId><CacheClusterStatus>{status}</CacheClusterStatus>             <ReplicationGroupId>{group}</ReplicationGroupId></CacheCluster>"
        )
    });
    let nodes: String = nodes.collect();
    let marker = if marker.is_empty() { String::new() } else { format!("<Marker>{marker}</Marker>") };
    query("DescribeCacheClusters", &format!("{marker}<CacheClusters>{nodes}</CacheClusters>"))
}
