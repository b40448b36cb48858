//! Cache clusters, as ElastiCache describes them.

use super::{Answer, query, query_error};

/// The request for the cache cluster of the sample execution.
pub const DESCRIBE_CACHE_CLUSTER: &str =
    "elasticache Action=DescribeCacheClusters&CacheClusterId=orders-8a3ff643bf7f1909&ShowCacheNodeInfo=true";
/// The request for the cache cluster `orders`, an exact ID.
pub const DESCRIBE_EXACT: &str =
    "elasticache Action=DescribeCacheClusters&CacheClusterId=orders&ShowCacheNodeInfo=true";

/// A cache cluster with this ID and status; `more` is XML.
pub fn cache_cluster(id: &str, status: &str, more: &str) -> Answer {
    query(
        "DescribeCacheClusters",
        &format!(
            "<CacheClusters><CacheCluster><CacheClusterId>{id}</CacheClusterId>\
             <CacheClusterStatus>{status}</CacheClusterStatus><CacheNodeType>cache.t4g.small</CacheNodeType>\
             <CacheNodes><CacheNode><CacheNodeId>0001</CacheNodeId><Endpoint><Address>{id}.host</Address>\
             <Port>6379</Port></Endpoint></CacheNode></CacheNodes>{more}\
             <ARN>arn:aws:elasticache:us-east-1:123456789012:cluster:{id}</ARN></CacheCluster></CacheClusters>"
        ),
    )
}

/// The error for a cache cluster that does not exist.
pub fn no_cache_cluster() -> Answer {
    query_error(404, "CacheClusterNotFound", "CacheCluster not found")
}
