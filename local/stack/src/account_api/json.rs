//! The services of the JSON protocol: EventBridge, CloudWatch Logs, SQS and Service Quotas.

use serde_json::{Value, json};

use super::model::Account;

/// The nodes that a Region may have unless the quota was raised. Source: ElastiCache user guide, "Quotas".
const DEFAULT_NODES: u32 = 300;
/// The code of that quota.
const NODES: &str = "L-DFE45DF3";

/// A code and words.
pub(super) type JsonFault = (&'static str, String);

/// The service of an interface, as signatures and permissions name it.
pub(super) fn service(interface: &str) -> &'static str {
    match interface {
        "AWSEvents" => "events",
        "AmazonSQS" => "sqs",
        "ServiceQuotasV20190624" => "servicequotas",
        _ => "logs",
    }
}

pub(super) fn answer(account: &Account, action: &str, body: &Value) -> Result<Value, JsonFault> {
    let rule = |member: &str| {
        let name = body[member].as_str().unwrap_or_default();
        let rule = account.rules.get(name).map(|rule| (name, rule));
        rule.ok_or_else(|| ("ResourceNotFoundException", format!("Rule {name} does not exist.")))
    };
    match action {
        "DescribeRule" => {
            let (name, rule) = rule("Name")?;
            Ok(json!({"Name": name, "State": if rule.enabled { "ENABLED" } else { "DISABLED" }}))
        }
        "ListTargetsByRule" => {
            let targets = rule("Rule")?.1.targets.iter();
            let targets: Vec<_> = targets.map(|arn| json!({"Id": "target", "Arn": arn})).collect();
            Ok(json!({"Targets": targets}))
        }
        "DescribeLogGroups" => {
            let prefix = body["logGroupNamePrefix"].as_str().unwrap_or_default();
            let groups = account.log_groups.iter().filter(|name| name.starts_with(prefix));
            let groups: Vec<_> = groups.map(|name| json!({"logGroupName": name})).collect();
            Ok(json!({"logGroups": groups}))
        }
        "GetQueueAttributes" => {
            let number = account.messages.get(body["QueueUrl"].as_str().unwrap_or_default()).unwrap_or(&0);
            Ok(json!({"Attributes": {"ApproximateNumberOfMessages": number.to_string()}}))
        }
        "GetServiceQuota" | "GetAWSDefaultServiceQuota" => {
            let code = body["QuotaCode"].as_str().unwrap_or_default();
            let default = (code == NODES && body["ServiceCode"] == "elasticache").then_some(DEFAULT_NODES);
            let raised = account.quotas.get(code).copied();
            // Where a quota was never changed, AWS knows only its default.
            let value = if action == "GetServiceQuota" { raised } else { default };
            let value = value.ok_or_else(|| ("NoSuchResourceException", format!("no quota {code}")))?;
            Ok(json!({"Quota": {"ServiceCode": "elasticache", "QuotaCode": code, "Value": f64::from(value)}}))
        }
        _ => Err(("UnknownOperationException", action.to_owned())),
    }
}
