//! The `EventBridge` rules and the log groups.

use futures::future::try_join_all;
use serde_json::{Value, json};

use super::{
    Checked,
    line::{Line, Unchecked},
    subject::Subject,
};
use crate::signed::{CallError, Service};

/// What each rule calls, by its logical ID, and what happens without it.
type Known<'a> = (&'a str, &'static str, &'static str);
/// The rules that every stack has.
const RULES: [Known<'static>; 4] = [
    ("DropRule", "StartSeedingFunction", "dropped files start nothing"),
    ("CleanUpRule", "SeedClusterStateMachine", "only the hourly sweep cleans up for failed executions"),
    ("RevokeFailedRule", "SeedClusterStateMachine", "only the hourly sweep revokes what is left"),
    ("SweepRule", "SweepFunction", "nothing is swept"),
];

/// Checks that every rule is enabled and calls its target.
pub(super) async fn check(subject: &Subject) -> Checked {
    let rules = subject.of_type("AWS::Events::Rule")?;
    let is_known = |logical: &str| RULES.iter().any(|(known, ..)| *known == logical);
    let others = rules.iter().filter(|(logical, _)| !is_known(logical));
    let others = others.map(|(logical, _)| (*logical, "", "its events reach no one"));
    let all = RULES.into_iter().chain(others);
    let lines = try_join_all(all.map(|rule| check_rule(subject, rule))).await?;
    let (wrong, right): (Vec<_>, Vec<_>) =
        lines.into_iter().partition(|line| line.level != super::line::Level::Ok);
    if wrong.is_empty() {
        return Ok(vec![Line::ok(format!("{} rules are enabled and have their targets", right.len()))]);
    }
    Ok(wrong)
}

async fn check_rule(
    subject: &Subject,
    (rule, target, without): (&str, &str, &str),
) -> Result<Line, Unchecked> {
    let redeploy = "deploy the stack again";
    let Some(name) = subject.resource(rule) else {
        return Ok(Line::fault(format!("the stack has no {rule}: {without}"), redeploy));
    };
    let described = match call(subject, "DescribeRule", &json!({"Name": name})).await {
        Ok(described) => described,
        Err(error) if error.code == "ResourceNotFoundException" => {
            return Ok(Line::fault(format!("the rule {name} is gone: {without}"), redeploy));
        }
        Err(error) => return Err(Unchecked::of_call("events:DescribeRule", &error)),
    };
    if described["State"] == "DISABLED" {
        if rule == "DropRule" && subject.parameter("Trigger") == Some("disabled") {
            return Ok(Line::ok(format!("the rule {name} is disabled, as the parameter Trigger says")));
        }
        let remedy = format!("aws events enable-rule --name {name}");
        return Ok(Line::fault(format!("the rule {name} is disabled: {without}"), remedy));
    }
    let targets = call(subject, "ListTargetsByRule", &json!({"Rule": name})).await;
    let targets = targets.map_err(|error| Unchecked::of_call("events:ListTargetsByRule", &error))?;
    let arns = targets["Targets"].as_array().into_iter().flatten().filter_map(|one| one["Arn"].as_str());
    // A function's resource is its name, which ends its ARN.
    let wanted = subject.resource(target);
    let is_it =
        |arn: &str| wanted.is_none_or(|wanted| arn == wanted || arn.rsplit(':').next() == Some(wanted));
    if arns.into_iter().any(is_it) {
        return Ok(Line::ok(name));
    }
    let what = wanted.unwrap_or("anything");
    Ok(Line::fault(format!("the rule {name} does not call {what}: {without}"), redeploy))
}

async fn call(subject: &Subject, action: &str, body: &Value) -> Result<Value, CallError> {
    subject.signed.json(Service::EventBridge, &format!("AWSEvents.{action}"), body).await
}

/// Checks that every log group is there.
pub(super) async fn logs(subject: &Subject) -> Checked {
    let groups = subject.of_type("AWS::Logs::LogGroup")?;
    let count = groups.len();
    let missing = try_join_all(groups.into_iter().map(async |(_, name)| {
        let body = json!({"logGroupNamePrefix": name});
        let answer = subject.signed.json(Service::Logs, "Logs_20140328.DescribeLogGroups", &body).await;
        let answer = answer.map_err(|error| Unchecked::of_call("logs:DescribeLogGroups", &error))?;
        let found = answer["logGroups"].as_array().into_iter().flatten();
        let found = found.filter_map(|group| group["logGroupName"].as_str()).any(|found| found == name);
        Ok((!found).then_some(name))
    }));
    let missing: Vec<_> = missing.await?.into_iter().flatten().collect();
    if missing.is_empty() {
        return Ok(vec![Line::ok(format!("{count} log groups"))]);
    }
    let line = |name: &str| {
        let remedy = format!("aws logs create-log-group --log-group-name {name}");
        Line::fault(format!("the log group {name} is gone: its function's errors cannot be read"), remedy)
    };
    Ok(missing.into_iter().map(line).collect())
}
