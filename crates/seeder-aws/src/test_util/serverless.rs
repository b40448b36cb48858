//! Serverless caches, as ElastiCache describes them.

use super::{Answer, query, query_error};

/// The request for the serverless cache `orders`.
pub const DESCRIBE_CACHE: &str = "elasticache Action=DescribeServerlessCaches&ServerlessCacheName=orders";

/// The serverless cache `orders` with this status and description.
pub fn cache(status: &str, description: &str) -> Answer {
    query(
        "DescribeServerlessCaches",
        &format!(
            "<ServerlessCaches><member><ServerlessCacheName>orders</ServerlessCacheName>\
             <Description>{description}</Description><Status>{status}</Status>\
             <Endpoint><Address>orders.host</Address><Port>6379</Port></Endpoint>\
             <ARN>arn:aws:elasticache:us-east-1:123456789012:serverlesscache:orders</ARN></member></ServerlessCaches>"
        ),
    )
}

/// The error for a serverless cache that does not exist.
pub fn no_cache() -> Answer {
    query_error(404, "ServerlessCacheNotFoundFault", "Serverless cache orders not found.")
}
