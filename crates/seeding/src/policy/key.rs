//! KMS keys of backups: checks whether ElastiCache can use them.

use serde_json::Value;

use super::{Answer, Asker, Context, Document, Grant, Question};
use crate::{
    facts::{location::BackupLocation, partition::Partition},
    finding::{Code, Finding, Severity},
};

/// The actions that ElastiCache performs with the key of a backup. Source: ElastiCache user guide, "Seeding …",
/// SSE-KMS.
const ACTIONS: [&str; 2] = ["kms:Decrypt", "kms:DescribeKey"];

/// The result of reading a KMS key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyLook {
    /// KMS denies access, or does not know the key.
    Unknown,
    /// An AWS managed key for S3 in this account. (S3 returns its ARN, never its alias.)
    AwsManaged,
    /// A key that is not enabled, with its state.
    Disabled(String),
    /// A customer managed key, with its policy if that is readable.
    Customer(Option<String>),
}

/// The finding about a backup's KMS key, if it is unusable or may be.
pub fn key_finding(
    location: &BackupLocation,
    key: Option<&str>,
    look: &KeyLook,
    partition: &Partition,
    now_ms: u64,
) -> Option<Finding> {
    let shown = key.unwrap_or("aws/s3");
    let about = |finding: Finding| finding.about(location).with("key", shown);
    let principal = partition.service_principal();
    let statement = statement(&principal);
    let open = || {
        let remedy = format!(
            "make sure that the key's policy has this statement: {statement}. With the key in the stack's KmsKeyArns the policy is \
             checked beforehand. If it is the AWS managed key aws/s3, encrypt with a customer managed key"
        );
        about(Finding::new(Code::KmsKeyNeedsGrant, remedy))
    };
    match look {
        KeyLook::AwsManaged => {
            let remedy = "encrypt with a customer managed key: the policy of an AWS managed key cannot allow ElastiCache";
            Some(about(Finding::new(Code::EncryptedWithUnusableKey, remedy)).with("keyManager", "AWS"))
        }
        KeyLook::Disabled(state) => {
            let remedy = "enable the key, or encrypt with another one";
            Some(about(Finding::new(Code::EncryptedWithUnusableKey, remedy)).with("keyState", state.clone()))
        }
        KeyLook::Unknown | KeyLook::Customer(None) => Some(open()),
        KeyLook::Customer(Some(policy)) => {
            match lets_use(
                policy,
                &principal,
                key.unwrap_or("*"),
                &Context { account: &partition.account, now_ms },
            ) {
                Answer::Yes => None,
                Answer::Perhaps => Some(open()),
                Answer::No => {
                    let remedy = format!("add this statement to the key's policy: {statement}");
                    Some(about(Finding::new(Code::KmsKeyNeedsGrant, remedy).severity(Severity::Fail)))
                }
            }
        }
    }
}

/// Whether a key policy allows ElastiCache to use the key.
fn lets_use(policy: &str, principal: &str, key: &str, context: &Context<'_>) -> Answer {
    let Ok(document) = Document::parse(policy) else { return Answer::Perhaps };
    let answers = ACTIONS.map(|action| {
        let question = Question { asker: Asker::Service(principal), action, resource: key };
        let granted = match document.grant(&question, context) {
            Grant::No => Answer::No,
            Grant::Perhaps { .. } | Grant::Conditioned { .. } => Answer::Perhaps,
            Grant::Yes => Answer::Yes,
        };
        let denied = document.denials(&question, context).into_iter().map(|(_, answer)| answer).max();
        granted.and(denied.unwrap_or(Answer::No).not())
    });
    answers.into_iter().fold(Answer::Yes, Answer::and)
}

/// The statement that a key policy needs.
fn statement(principal: &str) -> Value {
    serde_json::json!({
        "Sid": "AllowElastiCacheDecrypt",
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": ACTIONS,
        "Resource": "*",
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "arn:aws:kms:eu-west-1:1:key/k";

    fn finding(look: &KeyLook) -> Option<(Code, Severity)> {
        let location = BackupLocation { bucket: "b".into(), key: "a.rdb".into() };
        let partition =
            Partition { partition: "aws".into(), region: "eu-west-1".into(), account: "1".into() };
        let found = key_finding(&location, Some(KEY), look, &partition, 1_795_651_200_000)?;
        assert_eq!((found.backup.as_deref(), &found.evidence["key"]), (Some("b/a.rdb"), &json!(KEY)));
        if found.code == Code::KmsKeyNeedsGrant {
            assert!(
                found.remedy.contains("eu-west-1.elasticache-snapshot.amazonaws.com"),
                "{}",
                found.remedy
            );
        }
        Some((found.code, found.severity))
    }

    fn customer(statements: &Value) -> Option<(Code, Severity)> {
        finding(&KeyLook::Customer(Some(json!({"Statement": statements}).to_string())))
    }

    #[test]
    fn a_key_of_aws_or_one_that_is_off_is_refused_for_good() {
        let unusable = Some((Code::EncryptedWithUnusableKey, Severity::Fail));
        assert_eq!(finding(&KeyLook::AwsManaged), unusable);
        assert_eq!(finding(&KeyLook::Disabled("PendingDeletion".into())), unusable);
    }

    #[test]
    fn what_may_not_be_looked_at_stays_a_warning() {
        let warning = Some((Code::KmsKeyNeedsGrant, Severity::Warn));
        assert_eq!(finding(&KeyLook::Unknown), warning);
        assert_eq!(finding(&KeyLook::Customer(None)), warning);
        assert_eq!(finding(&KeyLook::Customer(Some("{}".into()))), warning);
    }

    #[test]
    fn the_policy_of_a_customers_key_decides() {
        let root = json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}, "Action": "kms:*", "Resource": "*"});
        let ours = statement("eu-west-1.elasticache-snapshot.amazonaws.com");
        let other_region = statement("us-east-1.elasticache-snapshot.amazonaws.com");
        let mut half = ours.clone();
        half["Action"] = json!("kms:Decrypt");
        let mut conditioned = ours.clone();
        conditioned["Condition"] = json!({"StringEquals": {"aws:SourceAccount": "1"}});
        let mut deny = ours.clone();
        (deny["Effect"], deny["Action"]) = (json!("Deny"), json!("kms:Decrypt*"));
        let mut perhaps_denied = deny.clone();
        perhaps_denied["Condition"] = json!({"StringNotEquals": {"aws:PrincipalOrgID": "o"}});
        let fail = Some((Code::KmsKeyNeedsGrant, Severity::Fail));
        let warning = Some((Code::KmsKeyNeedsGrant, Severity::Warn));
        for (statements, expected) in [
            (json!([root, ours]), None),
            (json!([root]), fail),
            (json!([root, other_region]), fail),
            (json!([root, half]), fail),
            (json!([root, ours, deny]), fail),
            (json!([root, conditioned]), warning),
            (json!([root, ours, perhaps_denied]), warning),
        ] {
            assert_eq!(customer(&statements), expected, "{statements}");
        }
    }
}
