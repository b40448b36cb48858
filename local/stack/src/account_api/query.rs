//! The services of the query protocol: CloudFormation, EC2 and CloudWatch here, and IAM beside it.

use std::{collections::BTreeMap, fmt::Write as _};

use axum::http::StatusCode;

use super::{
    STACK,
    answer::{Answer, Form, escaped, fault, members, result},
    iam,
    model::Account,
};
use crate::account::{ACCOUNT, REGION};

/// The free addresses of a subnet, unless a test says otherwise.
const FREE_ADDRESSES: u32 = 250;

/// The service of an action, as permissions name it, and as signatures name it.
pub(super) fn service(action: &str) -> (&'static str, &'static str) {
    match action {
        "DescribeSubnets" => ("ec2", "ec2"),
        "DescribeAlarms" => ("cloudwatch", "monitoring"),
        action if iam::ACTIONS.contains(&action) => ("iam", "iam"),
        _ => ("cloudformation", "cloudformation"),
    }
}

pub(super) fn answer(account: &Account, action: &str, form: &Form) -> Answer {
    match action {
        action if iam::ACTIONS.contains(&action) => iam::answer(account, action, form),
        "DescribeSubnets" => subnets(account, form),
        "DescribeAlarms" => result(action, &alarms(account, form)),
        "DescribeStacks" | "ListStackResources" if form.field("StackName") != STACK => fault(
            StatusCode::BAD_REQUEST,
            "ValidationError",
            &format!("Stack with id {} does not exist", form.field("StackName")),
        ),
        "DescribeStacks" => result(action, &described(account)),
        "ListStackResources" => {
            let member = |(logical, (kind, id)): (&String, &(String, String))| {
                format!(
                    "<member><LogicalResourceId>{logical}</LogicalResourceId><ResourceType>{kind}</ResourceType>\
                     <PhysicalResourceId>{id}</PhysicalResourceId><ResourceStatus>CREATE_COMPLETE</ResourceStatus>\
                     <LastUpdatedTimestamp>2026-01-01T00:00:00Z</LastUpdatedTimestamp></member>"
                )
            };
            let members: String = account.resources.iter().map(member).collect();
            result(action, &format!("<StackResourceSummaries>{members}</StackResourceSummaries>"))
        }
        _ => fault(StatusCode::BAD_REQUEST, "InvalidAction", action),
    }
}

/// The subnets as EC2 describes them.
fn subnets(account: &Account, form: &Form) -> Answer {
    let mut items = String::new();
    for id in form.list("SubnetId") {
        let free = account.free_addresses.get(id).unwrap_or(&FREE_ADDRESSES);
        // Writing to a string cannot fail.
        let _ = write!(
            items,
            "<item><subnetId>{id}</subnetId><availableIpAddressCount>{free}</availableIpAddressCount></item>"
        );
    }
    let set = format!("<subnetSet>{items}</subnetSet>");
    (StatusCode::OK, format!("<DescribeSubnetsResponse>{set}</DescribeSubnetsResponse>"))
}

/// The alarms with these names. Their actions are lists in the list.
fn alarms(account: &Account, form: &Form) -> String {
    let names = form.list("AlarmNames.member");
    let topic = account.parameters.get("AlarmTopicArn").filter(|topic| !topic.is_empty());
    let actions = members(topic);
    let known = names.iter().filter_map(|name| Some((name, account.alarms.get(*name)?)));
    let alarms = known.map(|(name, alarm)| {
        format!(
            "<AlarmActions>{actions}</AlarmActions><AlarmName>{name}</AlarmName>\
             <AlarmDescription>{}</AlarmDescription><StateValue>{}</StateValue>",
            escaped(&alarm.description),
            alarm.state
        )
    });
    format!("<CompositeAlarms/><MetricAlarms>{}</MetricAlarms>", members(alarms))
}

/// The stack as `DescribeStacks` has it.
fn described(account: &Account) -> String {
    let pairs = |kind: &str, values: &BTreeMap<String, String>| -> String {
        let member = |(key, value): (&String, &String)| {
            format!("<member><{kind}Key>{key}</{kind}Key><{kind}Value>{value}</{kind}Value></member>")
        };
        values.iter().map(member).collect()
    };
    format!(
        "<Stacks><member><StackName>{STACK}</StackName>\
         <StackId>arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/local</StackId>\
         <CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>{}</StackStatus>\
         <Outputs>{}</Outputs><Parameters>{}</Parameters></member></Stacks>",
        account.stack_status,
        pairs("Output", &account.outputs),
        pairs("Parameter", &account.parameters)
    )
}
