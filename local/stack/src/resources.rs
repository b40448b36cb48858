//! The stack's resources as CloudFormation lists them.

use std::collections::BTreeMap;

use crate::{
    account::{ACCOUNT, CONVERSION_BUCKET, DROP_BUCKET, REGION, REPORTS_BUCKET},
    account_api::{Account, Alarm, Role, Rule, STACK},
    event_bridge::rules::Rules,
    options::{FUNCTIONS, StackOptions},
    step_functions::state_machine::{self, pascal_case},
    template::Described,
};

/// The service-linked role of ElastiCache.
const SERVICE_ROLE: &str = "AWSServiceRoleForElastiCache";

/// The stack right after it was deployed.
pub(crate) fn deployed(options: &StackOptions, rules: &Rules, described: Described) -> Account {
    let mut account = Account { stack_status: "CREATE_COMPLETE".to_owned(), ..Account::default() };
    let machine = state_machine::arn();
    for (key, value) in [
        ("DropBucketName", DROP_BUCKET),
        ("ReportsBucketName", REPORTS_BUCKET),
        ("StateMachineArn", machine.as_str()),
    ] {
        account.outputs.insert(key.to_owned(), value.to_owned());
    }
    for queue in ["UndeliveredDropsQueue", "FailedStartsQueue", "UndeliveredCleanUpsQueue"] {
        let url = format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{STACK}-{queue}");
        account.outputs.insert(format!("{queue}Url"), url);
    }
    account.parameters.insert("BackupBuckets".to_owned(), options.backup_buckets.join(","));
    account.parameters.insert("TriggerPrefix".to_owned(), options.trigger_prefix.clone());
    account.parameters.extend(options.parameters.iter().cloned());
    account.roles.insert(SERVICE_ROLE.to_owned(), Role::default());
    let mut resources = BTreeMap::new();
    let mut add = |logical: String, kind: &str, id: &str| {
        resources.insert(logical, (kind.to_owned(), id.to_owned()));
    };
    add("SeedClusterStateMachine".to_owned(), "AWS::StepFunctions::StateMachine", &machine);
    add("DropBucket".to_owned(), "AWS::S3::Bucket", DROP_BUCKET);
    add("ReportsBucket".to_owned(), "AWS::S3::Bucket", REPORTS_BUCKET);
    add("ConversionBucket".to_owned(), "AWS::S3::Bucket", CONVERSION_BUCKET);
    for name in FUNCTIONS {
        let group = format!("/aws/lambda/{STACK}/{name}");
        add(format!("{}Function", pascal_case(name)), "AWS::Lambda::Function", name);
        add(format!("{}LogGroup", pascal_case(name)), "AWS::Logs::LogGroup", &group);
        account.log_groups.insert(group);
    }
    for (logical, targets) in &rules.targets {
        let name = format!("{STACK}-{logical}");
        add(logical.clone(), "AWS::Events::Rule", &name);
        account.rules.insert(name, Rule { enabled: true, targets: targets.clone() });
    }
    for (logical, role) in described.iam_roles {
        add(logical.clone(), "AWS::IAM::Role", &logical);
        let role = Role { arn: role.arn, inline: role.inline, attached: role.attached, boundary: None };
        account.roles.insert(logical, role);
    }
    for (logical, policy) in described.managed_policies {
        add(logical, "AWS::IAM::ManagedPolicy", &policy.arn);
        account.policies.insert(policy.arn, policy.document);
    }
    for (logical, description) in described.alarms {
        let name = format!("{STACK}-{logical}");
        add(logical, "AWS::CloudWatch::Alarm", &name);
        account.alarms.insert(name, Alarm { description, state: "OK".to_owned() });
    }
    account.resources = resources;
    account
}
