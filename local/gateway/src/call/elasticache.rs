//! Calls of ElastiCache.

use bytes::Bytes;

use super::{Call, Place, form};

/// What AWS requires besides, to put nodes into a VPC and to take them out.
const NETWORK: [(&str, &str); 5] = [
    ("ec2:CreateNetworkInterface", "subnet/subnet-1"),
    ("ec2:DeleteNetworkInterface", "network-interface/eni-1"),
    ("ec2:DescribeNetworkInterfaces", "*"),
    ("ec2:DescribeSubnets", "*"),
    ("ec2:DescribeVpcs", "*"),
];

/// What AWS requires besides, to make the endpoint of a serverless cache.
const ENDPOINT: [(&str, &str); 11] = [
    ("ec2:CreateTags", "vpc-endpoint/vpce-1"),
    ("ec2:CreateVpcEndpoint", "vpc-endpoint/vpce-1"),
    ("ec2:CreateVpcEndpoint", "vpc/vpc-1"),
    ("ec2:CreateVpcEndpoint", "subnet/subnet-1"),
    ("ec2:CreateVpcEndpoint", "security-group/sg-1"),
    ("ec2:DeleteVpcEndpoints", "vpc-endpoint/vpce-1"),
    ("ec2:DescribeSecurityGroups", "*"),
    ("ec2:DescribeSubnets", "*"),
    ("ec2:DescribeTags", "*"),
    ("ec2:DescribeVpcEndpoints", "*"),
    ("ec2:DescribeVpcs", "*"),
];

/// The condition keys of these. Source: AWS's managed policy `AmazonElastiCacheFullAccess`.
const ENDPOINT_KEYS: [(&str, &str); 3] = [
    ("ec2:createaction", "CreateVpcEndpoint"),
    ("ec2:vpceservicename", "com.amazonaws.elasticache.serverless.us-east-1.vpce-svc-1"),
    ("aws:resourcetag/amazonelasticachemanaged", "true"),
];

/// Source: Service Authorization Reference, "Amazon ElastiCache".
pub(super) fn read(caller: &str, body: &Bytes, place: &Place) -> Option<Call> {
    let fields = form(std::str::from_utf8(body).ok()?);
    let field = |name: &str| fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let action = field("Action")?;
    let one =
        |kind: &str, name: &str| place.arn("elasticache", &format!("{kind}:{}", field(name).unwrap_or("*")));
    let given =
        |kind: &str, name: &str| field(name).map(|name| place.arn("elasticache", &format!("{kind}:{name}")));
    let mut dependent = Vec::new();
    let mut network = |actions: &[(&str, &str)]| {
        dependent.extend(actions.iter().map(|(action, resource)| {
            let resource = if *resource == "*" { "*".to_owned() } else { place.arn("ec2", resource) };
            ((*action).to_owned(), resource)
        }));
    };
    let resources = match action {
        "DescribeReplicationGroups" => vec![one("replicationgroup", "ReplicationGroupId")],
        "DescribeServerlessCaches" => vec![one("serverlesscache", "ServerlessCacheName")],
        "DescribeCacheClusters" => vec![one("cluster", "CacheClusterId")],
        "DescribeCacheSubnetGroups" => vec![one("subnetgroup", "CacheSubnetGroupName")],
        "DescribeCacheParameterGroups" | "DescribeCacheParameters" => {
            vec![one("parametergroup", "CacheParameterGroupName")]
        }
        "DescribeUserGroups" => vec![one("usergroup", "UserGroupId")],
        "DeleteReplicationGroup" => {
            network(&NETWORK);
            vec![one("replicationgroup", "ReplicationGroupId")]
        }
        "DeleteCacheCluster" => {
            network(&NETWORK);
            vec![one("cluster", "CacheClusterId")]
        }
        "CreateCacheCluster" => {
            network(&NETWORK);
            let cluster = one("cluster", "CacheClusterId");
            let mut resources = vec![cluster, one("parametergroup", "CacheParameterGroupName")];
            resources.extend(given("subnetgroup", "CacheSubnetGroupName"));
            resources
        }
        "CreateReplicationGroup" => {
            network(&NETWORK);
            let group = one("replicationgroup", "ReplicationGroupId");
            let mut resources = vec![group, one("parametergroup", "CacheParameterGroupName")];
            resources.extend(given("subnetgroup", "CacheSubnetGroupName"));
            resources.extend(given("usergroup", "UserGroupIds.member.1"));
            resources.extend(given("usergroup", "UserGroupIds.UserGroupId.1"));
            resources
        }
        "DeleteServerlessCache" => {
            network(&[("ec2:DescribeTags", "*")]);
            vec![one("serverlesscache", "ServerlessCacheName")]
        }
        "CreateServerlessCache" => {
            network(&ENDPOINT);
            let mut resources = vec![one("serverlesscache", "ServerlessCacheName")];
            resources.extend(given("usergroup", "UserGroupId"));
            resources
        }
        _ => vec!["*".to_owned()],
    };
    if action.starts_with("Create") {
        if fields.iter().any(|(name, _)| name.starts_with("Tags.")) {
            dependent.push(("elasticache:AddTagsToResource".to_owned(), resources[0].clone()));
        }
        let backups = fields.iter().filter(|(name, _)| name.starts_with("SnapshotArns"));
        dependent.extend(backups.map(|(_, arn)| ("s3:GetObject".to_owned(), arn.clone())));
    }
    Some(Call {
        caller: caller.to_owned(),
        action: format!("elasticache:{action}"),
        resources,
        dependent,
        context: if action == "CreateServerlessCache" { keys(&ENDPOINT_KEYS) } else { Vec::new() },
        may_fail_in_success: false,
    })
}

fn keys(keys: &[(&str, &str)]) -> Vec<(String, String)> {
    keys.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
