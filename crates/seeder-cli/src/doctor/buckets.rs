//! The buckets and their policies, and the KMS keys.

use aws_sdk_s3::operation::get_bucket_notification_configuration::GetBucketNotificationConfigurationOutput;
use jiff::Timestamp;
use seeder_aws::{
    keys::look_at_key,
    objects::{look_at_bucket, look_at_policy},
};
use seeding::{
    Access, BackupLocation, Finding, Severity,
    objects::{BucketLook, bucket_findings},
    policy::{KeyLook, Needs, key_finding, policy_findings},
};
use serde_json::Value;

use super::{
    Checked,
    line::{Level, Line, Unchecked},
    subject::Subject,
};

/// Checks every bucket of the stack, and those of the command line.
pub(super) async fn check(subject: &Subject) -> Checked {
    let mut lines = Vec::new();
    let drop_bucket = subject.output("DropBucketName");
    let triggers = subject.listed("TriggerBuckets");
    let mut names: Vec<&str> = drop_bucket.into_iter().collect();
    let more = subject.more_buckets.iter().map(String::as_str);
    for name in subject.listed("BackupBuckets").into_iter().chain(triggers.iter().copied()).chain(more) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in names {
        let starts = drop_bucket == Some(name) || triggers.contains(&name);
        lines.extend(check_bucket(subject, name, starts).await?);
    }
    for name in
        [subject.output("ReportsBucketName"), subject.resource("ConversionBucket")].into_iter().flatten()
    {
        let look = look(subject, name).await?;
        lines.push(match look {
            BucketLook::Region(_) => Line::ok(format!("{name} exists")),
            BucketLook::Forbidden => Unchecked::denied("s3:ListBucket").line(),
            BucketLook::Missing => {
                Line::fault(format!("{name} is gone: every seeding fails"), "deploy the stack again")
            }
        });
    }
    Ok(lines)
}

async fn look(subject: &Subject, bucket: &str) -> Result<BucketLook, Unchecked> {
    let look = look_at_bucket(&subject.clients.s3(), bucket, None).await;
    look.map_err(|error| Unchecked::new("s3:ListBucket", &error))
}

/// Checks a bucket for backups. `starts`: whether a dropped file is to start a seeding.
async fn check_bucket(subject: &Subject, bucket: &str, starts: bool) -> Checked {
    let look = look(subject, bucket).await?;
    let allowed: Vec<_> = match subject.setting("BACKUP_BUCKETS") {
        Some(list) => list.split(',').map(str::to_owned).collect(),
        // It is not known which ones are allowed.
        None => vec![bucket.to_owned()],
    };
    let findings = bucket_findings(bucket, &allowed, Some(&look), &subject.partition.region);
    let mut lines: Vec<_> = findings.iter().map(Line::of_finding).collect();
    if !matches!(look, BucketLook::Region(_)) {
        return Ok(lines);
    }
    if starts && !sends_events(subject, bucket).await? {
        lines.push(Line::fault(
            format!("{bucket} sends no events to EventBridge: dropped files start nothing"),
            "turn on Amazon EventBridge in the bucket's properties",
        ));
    }
    lines.extend(check_policy(subject, bucket).await?);
    if lines.iter().all(|line| line.level == Level::Ok) {
        let drops = if starts { ", sends its events," } else { "" };
        lines.insert(0, Line::ok(format!("{bucket} exists{drops} and its policy denies nothing needed")));
    }
    Ok(lines)
}

async fn sends_events(subject: &Subject, bucket: &str) -> Result<bool, Unchecked> {
    let asked = subject.clients.s3().get_bucket_notification_configuration().bucket(bucket).send().await;
    let answer: GetBucketNotificationConfigurationOutput = asked.map_err(|error| {
        Unchecked::of("s3:GetBucketNotification", &format!("read the notifications of {bucket}"), &error)
    })?;
    Ok(answer.event_bridge_configuration().is_some())
}

async fn check_policy(subject: &Subject, bucket: &str) -> Checked {
    let look = look_at_policy(&subject.clients.s3(), bucket, None).await;
    let look = look.map_err(|error| Unchecked::new("s3:GetBucketPolicy", &error))?;
    if look == seeding::policy::PolicyLook::Forbidden {
        return Ok(vec![Unchecked::denied("s3:GetBucketPolicy").line()]);
    }
    let backup = [BackupLocation { bucket: bucket.to_owned(), key: "backup.rdb".to_owned() }];
    let needs = Needs {
        partition: &subject.partition,
        access: Access::Auto,
        bucket,
        backups: &backup,
        dry_run: false,
        roles: &subject.roles(),
        now_ms: now_ms(),
    };
    Ok(policy_findings(&needs, &look).0.iter().map(|finding| denial(bucket, finding)).collect())
}

/// The line of a statement that denies something. It may concern many roles, whose ARNs are long.
fn denial(bucket: &str, finding: &Finding) -> Line {
    let listed = |name: &str| -> Vec<&str> {
        let items = finding.evidence.get(name).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let Some(statement) = finding.evidence.get("statement").and_then(Value::as_str) else {
        return Line::of_finding(finding);
    };
    let (actions, who) = (listed("denies"), listed("to"));
    if actions.is_empty() {
        return Line::of_finding(finding);
    }
    let who: Vec<_> = who.iter().map(|one| one.rsplit('/').next().unwrap_or(one)).collect();
    let denies = if finding.severity == Severity::Fail { "denies" } else { "may deny" };
    let message = format!(
        "{bucket}: {}: the Deny statement {statement} {denies} {} to {}",
        finding.code.as_str(),
        actions.join(", "),
        who.join(", ")
    );
    let remedy = format!(
        "remove the statement from the policy of {bucket}, or narrow it so that it does not match any of them"
    );
    Line { level: Line::of_finding(finding).level, message, remedy: Some(remedy) }
}

/// Checks the keys that the stack may use.
pub(super) async fn keys(subject: &Subject) -> Checked {
    let keys = subject.listed("KmsKeyArns");
    let (open, named): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| key.contains('*'));
    let mut lines: Vec<_> = open
        .iter()
        .map(|key| Line::ok(format!("{key}: each backup's own key is checked by its seeding")))
        .collect();
    // The finding is about the key: the backup stands for any one that it encrypts.
    let any = BackupLocation { bucket: "any".to_owned(), key: "backup.rdb".to_owned() };
    for key in named {
        let look = look_at_key(&subject.clients.kms(), key).await;
        let look = look.map_err(|error| Unchecked::new("kms:DescribeKey", &error))?;
        if matches!(look, KeyLook::Unknown | KeyLook::Customer(None)) {
            let remedy = "check the ARN, or allow yourself kms:DescribeKey and kms:GetKeyPolicy on it";
            lines.push(Line::warning(format!("{key} cannot be inspected"), remedy));
            continue;
        }
        lines.push(match key_finding(&any, Some(key), &look, &subject.partition, now_ms()) {
            None => Line::ok(format!("{key} is enabled, and ElastiCache may use it")),
            Some(mut finding) => {
                finding.backup = None;
                Line::of_finding(&finding)
            }
        });
    }
    if lines.is_empty() {
        lines.push(Line::ok("no keys: KmsKeyArns is empty, so backups must not be encrypted with one"));
    }
    Ok(lines)
}

fn now_ms() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0)
}
