//! What `ElastiCache` needs to place nodes: its role, a subnet group, free addresses.

use aws_sdk_elasticache::types::CacheSubnetGroup;
use seeder_aws::error_code;

use super::{
    Checked,
    line::{Line, Unchecked},
    subject::Subject,
};
use crate::signed::{Service, texts};

/// The service-linked role of `ElastiCache`. Source: `ElastiCache` user guide, "Using service-linked roles".
const ROLE: &str = "AWSServiceRoleForElastiCache";
/// The free addresses below which a subnet is full soon.
const FEW_ADDRESSES: u32 = 16;
/// The group that `ElastiCache` uses if none is named.
const DEFAULT_GROUP: &str = "default";

/// Checks that the service-linked role exists.
pub(super) async fn service_role(subject: &Subject) -> Checked {
    let form = [("Action", "GetRole"), ("RoleName", ROLE), ("Version", "2010-05-08")];
    match subject.signed.query(Service::Iam, &form).await {
        Ok(_) => Ok(vec![Line::ok(format!("{ROLE} exists"))]),
        Err(error) if error.code == "NoSuchEntity" => Ok(vec![Line::warning(
            format!("{ROLE} does not exist yet: the first create of the account makes it, and takes longer"),
            "aws iam create-service-linked-role --aws-service-name elasticache.amazonaws.com",
        )]),
        Err(error) => Err(Unchecked::of_call("iam:GetRole", &error)),
    }
}

/// Checks that the subnet group exists, and that its subnets have free addresses.
pub(super) async fn subnets(subject: &Subject) -> Checked {
    let named = subject.parameter("SubnetGroup");
    let group = named.unwrap_or(DEFAULT_GROUP);
    let asked = subject.clients.elasticache().describe_cache_subnet_groups();
    let answer = match asked.cache_subnet_group_name(group).send().await {
        Ok(answer) => answer,
        Err(error) if error_code(&error) == Some("CacheSubnetGroupNotFoundFault") => {
            let line = match named {
                Some(_) => Line::fault(
                    format!("the subnet group {group} of the parameter SubnetGroup does not exist"),
                    "create the subnet group, or deploy the stack with one that exists",
                ),
                None => Line::ok(
                    "no subnet group is named, and the default one does not exist yet: ElastiCache makes it for the \
                     default VPC",
                ),
            };
            return Ok(vec![line]);
        }
        Err(error) => {
            let doing = format!("describe the subnet group {group}");
            return Err(Unchecked::of("elasticache:DescribeCacheSubnetGroups", &doing, &error));
        }
    };
    let groups = answer.cache_subnet_groups();
    let ids: Vec<_> =
        groups.iter().flat_map(CacheSubnetGroup::subnets).filter_map(|one| one.subnet_identifier()).collect();
    let numbers: Vec<_> = (1..=ids.len()).map(|number| format!("SubnetId.{number}")).collect();
    let mut form = vec![("Action", "DescribeSubnets"), ("Version", "2016-11-15")];
    form.extend(numbers.iter().map(String::as_str).zip(ids.iter().copied()));
    let xml = match subject.signed.query(Service::Ec2, &form).await {
        Ok(xml) => xml,
        Err(error) if error.code == "InvalidSubnetID.NotFound" => {
            return Ok(vec![Line::fault(
                format!("the subnet group {group} has a subnet that does not exist: {error}"),
                "change the subnet group to subnets that exist",
            )]);
        }
        Err(error) => return Err(Unchecked::of_call("ec2:DescribeSubnets", &error)),
    };
    Ok(addresses(group, &xml))
}

/// Reads the free addresses from the description of subnets.
fn addresses(group: &str, xml: &str) -> Vec<Line> {
    let counts = texts(xml, "availableIpAddressCount").map(|text| text.parse().unwrap_or(0u32));
    let free: Vec<(&str, u32)> = texts(xml, "subnetId").zip(counts).collect();
    let total: u32 = free.iter().map(|(_, free)| free).sum();
    let remedy = "add subnets to the group, or free addresses in them: every node needs one";
    if total == 0 {
        return vec![Line::fault(format!("the subnets of {group} have no free address"), remedy)];
    }
    let few: Vec<_> = free.iter().filter(|(_, free)| *free < FEW_ADDRESSES).collect();
    if few.is_empty() {
        return vec![Line::ok(format!("{} subnets of {group} with {total} free addresses", free.len()))];
    }
    let line = |(subnet, free): &(&str, u32)| {
        Line::warning(format!("the subnet {subnet} of {group} has only {free} free addresses"), remedy)
    };
    few.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::line::Level, *};

    #[test]
    fn few_addresses_are_a_warning_and_none_a_fault() {
        let xml = |free: &[u32]| -> String {
            let subnet = |free| {
                format!(
                    "<item><subnetId>s</subnetId><availableIpAddressCount>{free}</availableIpAddressCount></item>"
                )
            };
            free.iter().map(subnet).collect()
        };
        for (free, expected) in [
            (&[250, 16][..], &[Level::Ok][..]),
            (&[250, 15, 0], &[Level::Warning, Level::Warning]),
            (&[0, 0], &[Level::Fault]),
            (&[], &[Level::Fault]),
        ] {
            let found: Vec<_> = addresses("g", &xml(free)).into_iter().map(|line| line.level).collect();
            assert_eq!(found, expected, "{free:?}");
        }
    }
}
