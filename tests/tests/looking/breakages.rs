//! What can be wrong with a stack, and the complaint of `seeder doctor` about each.

use local_stack::{Account, Alarm, Role, Rule};
use serde_json::{Value, json};

/// The quota "Nodes per Region".
pub(super) const NODES_QUOTA: &str = "L-DFE45DF3";
/// The permissions boundary of tests.
const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/limits";

/// A policy that allows everything but this.
pub(super) fn with_deny(statement: &Value) -> Value {
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    json!({"Version": "2012-10-17", "Statement": [all, statement]})
}

/// Gives grant-access a permissions boundary that denies this.
pub(super) fn limit(account: &mut Account, statement: &Value) {
    account.policies.insert(BOUNDARY.to_owned(), with_deny(statement));
    role(account, "GrantAccessRole").boundary = Some(BOUNDARY.to_owned());
}

fn role<'a>(account: &'a mut Account, name: &str) -> &'a mut Role {
    account.roles.get_mut(name).unwrap_or_else(|| panic!("the template has no {name}"))
}

pub(super) type Breakage = (fn(&mut Account), &'static str, &'static str);

/// Changes of an account, and the complaint about each.
pub(super) fn breakages() -> Vec<Breakage> {
    vec![
        (
            |account| account.stack_status = "UPDATE_ROLLBACK_COMPLETE".into(),
            "warning stack: elasticache-seeder is UPDATE_ROLLBACK_COMPLETE",
            "its last update failed",
        ),
        (
            |account| account.stack_status = "UPDATE_ROLLBACK_FAILED".into(),
            "fault stack: ",
            "UPDATE_ROLLBACK_FAILED",
        ),
        (
            |account| drop(account.outputs.remove("DropBucketName")),
            "fault stack: ",
            "has no output DropBucketName",
        ),
        (
            |account| {
                let gone = ("AWS::Lambda::Function".to_owned(), "gone".to_owned());
                account.resources.insert("SweepFunction".to_owned(), gone);
                rule(account, "SweepRule").targets = vec!["gone".to_owned()];
            },
            "fault functions: the function gone is gone",
            "",
        ),
        (
            |account| rule(account, "DropRule").enabled = false,
            "fault rules: the rule elasticache-seeder-DropRule is disabled",
            "dropped files start nothing",
        ),
        (
            |account| rule(account, "CleanUpRule").targets.clear(),
            "fault rules: the rule elasticache-seeder-CleanUpRule does not call",
            "only the hourly sweep",
        ),
        (
            |account| drop(account.rules.remove("elasticache-seeder-SweepRule")),
            "fault rules: the rule elasticache-seeder-SweepRule is gone",
            "nothing is swept",
        ),
        (
            |account| {
                account.log_groups.remove("/aws/lambda/elasticache-seeder/sweep");
            },
            "fault logs: the log group /aws/lambda/elasticache-seeder/sweep is gone",
            "",
        ),
        (
            |account| {
                let url = account.outputs["FailedStartsQueueUrl"].clone();
                account.messages.insert(url, 2);
            },
            "warning queues: 2 messages in elasticache-seeder-FailedStartsQueue",
            "start-seeding failed",
        ),
        (
            |account| {
                let other = ("AWS::Events::Rule".to_owned(), "other".to_owned());
                account.resources.insert("OtherRule".to_owned(), other);
                account.rules.insert("other".to_owned(), Rule { enabled: true, targets: Vec::new() });
            },
            "fault rules: the rule other does not call anything",
            "",
        ),
        (
            |account| drop(account.roles.remove("AWSServiceRoleForElastiCache")),
            "warning service-role: AWSServiceRoleForElastiCache",
            "does not exist",
        ),
        (
            |account| {
                account.parameters.insert("SubnetGroup".to_owned(), "lost".to_owned());
            },
            "fault subnets: the subnet group lost",
            "does not exist",
        ),
        (
            |account| {
                let gone = ("AWS::S3::Bucket".to_owned(), "not-there".to_owned());
                account.resources.insert("ConversionBucket".to_owned(), gone);
            },
            "fault buckets: not-there is gone",
            "",
        ),
        (
            |account| {
                limit(account, &json!({"Effect": "Deny", "Action": "s3:PutBucketPolicy", "Resource": "*"}));
            },
            "fault roles: the permissions boundary arn:aws:iam::123456789012:policy/limits denies",
            "denies s3:PutBucketPolicy to GrantAccessRole",
        ),
        (
            |account| {
                let reports = "arn:aws:s3:::elasticache-seeder-reports/executions/*/revoked.json";
                limit(account, &json!({"Effect": "Deny", "Action": "s3:GetObject", "Resource": reports}));
            },
            "warning roles: the permissions boundary",
            "may deny s3:GetObject to GrantAccessRole",
        ),
        (
            |account| {
                limit(
                    account,
                    &json!({
                        "Effect": "Deny", "Action": "s3:PutBucketPolicy", "Resource": "*",
                        "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}},
                    }),
                );
            },
            "warning roles: the permissions boundary",
            "may deny s3:PutBucketPolicy to GrantAccessRole",
        ),
        (
            |account| {
                let policy = json!({"Effect": "Deny", "Action": "elasticache:Create*", "Resource": "*"});
                account.organization = Some(with_deny(&policy));
            },
            "warning roles: a service control policy of the organization",
            "elasticache:CreateCacheCluster, elasticache:CreateServerlessCache to CreateClusterRole",
        ),
        (
            |account| {
                let policy = json!({"Effect": "Deny", "Action": "states:*", "Resource": "*"});
                role(account, "StartSeedingRole").inline.insert("more".to_owned(), with_deny(&policy));
            },
            "fault roles: a Deny statement of their own policies denies",
            "states:StartExecution to StartSeedingRole",
        ),
        (|account| drop(account.roles.remove("SweepRole")), "fault roles: the role SweepRole is gone", ""),
        (
            |account| {
                account.denied.insert("iam:SimulatePrincipalPolicy".to_owned());
            },
            "warning roles: not checked",
            "iam:SimulatePrincipalPolicy is denied",
        ),
        (
            |account| alarm(account, "SweepFailsAlarm").state = "ALARM".into(),
            "warning alarms: elasticache-seeder-SweepFailsAlarm is in ALARM",
            "The hourly sweep fails",
        ),
        (
            |account| drop(account.alarms.remove("elasticache-seeder-LeftBehindAlarm")),
            "warning alarms: the alarm elasticache-seeder-LeftBehindAlarm is gone",
            "",
        ),
        (
            |account| {
                account.denied.insert("cloudwatch:DescribeAlarms".to_owned());
            },
            "warning alarms: not checked",
            "cloudwatch:DescribeAlarms is denied",
        ),
        (
            |account| {
                account.quotas.insert(NODES_QUOTA.to_owned(), 1);
            },
            "warning nodes: 0 nodes in use in us-east-1, of a quota of 1;",
            "",
        ),
        (
            |account| {
                account.quotas.insert(NODES_QUOTA.to_owned(), 0);
            },
            "fault nodes: 0 nodes in use in us-east-1, of a quota of 0;",
            "",
        ),
        (
            |account| {
                account.denied.insert("events:DescribeRule".to_owned());
            },
            "warning rules: not checked",
            "events:DescribeRule is denied",
        ),
    ]
}

fn alarm<'a>(account: &'a mut Account, name: &str) -> &'a mut Alarm {
    let alarm = account.alarms.get_mut(&format!("elasticache-seeder-{name}"));
    alarm.unwrap_or_else(|| panic!("the template has no {name}"))
}

fn rule<'a>(account: &'a mut Account, name: &str) -> &'a mut Rule {
    let rule = account.rules.get_mut(&format!("elasticache-seeder-{name}"));
    rule.unwrap_or_else(|| panic!("the template has no {name}"))
}
