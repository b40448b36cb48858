//! What the roles need: the Allow statements of their policies, and of those that they share.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{super::line::Unchecked, AT_ONCE};
use crate::{
    doctor::subject::Subject,
    signed::{CallError, Service, texts},
};

/// The version of IAM's API.
pub(super) const VERSION: (&str, &str) = ("Version", "2010-05-08");

/// A role and what it needs.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) arn: String,
    /// The ARN of its permissions boundary.
    pub(super) boundary: Option<String>,
    pub(super) needs: Vec<Need>,
}

/// What one statement allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) actions: Vec<String>,
    pub(super) resources: Vec<String>,
}

/// Reads the policies of the stack that roles share, by their ARNs.
pub(super) async fn shared(subject: &Subject) -> Result<BTreeMap<String, Vec<Need>>, Unchecked> {
    let arns = subject.of_type("AWS::IAM::ManagedPolicy")?;
    let policies = arns.into_iter().map(|(_, arn)| async move {
        let policy = ask(subject, "iam:GetPolicy", &[("PolicyArn", arn)]).await?;
        let version = texts(&policy, "DefaultVersionId").next().unwrap_or("v1");
        let fields = [("PolicyArn", arn), ("VersionId", version)];
        let policy = ask(subject, "iam:GetPolicyVersion", &fields).await?;
        Ok((arn.to_owned(), needs_of(texts(&policy, "Document").next(), subject)))
    });
    stream::iter(policies).buffered(AT_ONCE).try_collect().await
}

/// Reads a role and its policies. `None` if there is no such role.
pub(super) async fn of_role(
    subject: &Subject,
    name: &str,
    shared: &BTreeMap<String, Vec<Need>>,
) -> Result<Option<Role>, Unchecked> {
    let of_role = [("RoleName", name)];
    let role = match call(subject, "iam:GetRole", &of_role).await {
        Err(error) if error.code == "NoSuchEntity" => return Ok(None),
        answer => answer.map_err(|error| Unchecked::of_call("iam:GetRole", &error))?,
    };
    let text = |tag| texts(&role, tag).next().map(str::to_owned);
    let mut needs = Vec::new();
    let policies = ask(subject, "iam:ListRolePolicies", &of_role).await?;
    for policy in texts(&policies, "member") {
        let fields = [("RoleName", name), ("PolicyName", policy)];
        let policy = ask(subject, "iam:GetRolePolicy", &fields).await?;
        needs.extend(needs_of(texts(&policy, "PolicyDocument").next(), subject));
    }
    let attached = ask(subject, "iam:ListAttachedRolePolicies", &of_role).await?;
    needs.extend(texts(&attached, "PolicyArn").filter_map(|arn| shared.get(arn)).flatten().cloned());
    let (arn, boundary) = (text("Arn").unwrap_or_default(), text("PermissionsBoundaryArn"));
    Ok(Some(Role { name: name.to_owned(), arn, boundary, needs }))
}

async fn call(subject: &Subject, permission: &str, fields: &[(&str, &str)]) -> Result<String, CallError> {
    let action = permission.trim_start_matches("iam:");
    let form = [&[("Action", action), VERSION], fields].concat();
    subject.signed.query(Service::Iam, &form).await
}

async fn ask(
    subject: &Subject,
    permission: &'static str,
    fields: &[(&str, &str)],
) -> Result<String, Unchecked> {
    call(subject, permission, fields).await.map_err(|error| Unchecked::of_call(permission, &error))
}

/// Reads a document as IAM returns it: URL-encoded.
fn needs_of(document: Option<&str>, subject: &Subject) -> Vec<Need> {
    let document = percent_decode_str(document.unwrap_or_default()).decode_utf8_lossy();
    let document: Value = serde_json::from_str(&document).unwrap_or_default();
    listed(&document["Statement"])
        .into_iter()
        .filter_map(|one| need(one, &subject.partition.partition))
        .collect()
}

/// What a statement allows by names that can be simulated: the simulator takes no patterns of actions or partitions.
fn need(statement: &Value, partition: &str) -> Option<Need> {
    if statement["Effect"] != "Allow" {
        return None;
    }
    let strings = |member: &str| listed(&statement[member]).into_iter().filter_map(Value::as_str);
    let actions: Vec<_> =
        strings("Action").filter(|action| !action.contains(['*', '?'])).map(str::to_owned).collect();
    let resources: Vec<_> = strings("Resource")
        .map(|resource| match resource.strip_prefix("arn:*:") {
            Some(rest) => format!("arn:{partition}:{rest}"),
            None => resource.to_owned(),
        })
        .collect();
    (!actions.is_empty() && !resources.is_empty()).then_some(Need { actions, resources })
}

/// The items of a list, or what is there instead of a list of one.
fn listed(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_allowed_by_name_is_simulated() {
        let allowed = |action: Value, resource: Value| {
            need(&json!({"Effect": "Allow", "Action": action, "Resource": resource}), "aws-cn")
        };
        let expected = |actions: &[&str], resources: &[&str]| {
            let [actions, resources] =
                [actions, resources].map(|items| items.iter().map(ToString::to_string).collect());
            Some(Need { actions, resources })
        };
        assert_eq!(
            allowed(json!(["s3:GetObject", "s3:List*"]), json!("arn:*:s3:::b/*")),
            expected(&["s3:GetObject"], &["arn:aws-cn:s3:::b/*"])
        );
        assert_eq!(
            allowed(json!("kms:Decrypt"), json!(["arn:aws-cn:kms:x", "*"])),
            expected(&["kms:Decrypt"], &["arn:aws-cn:kms:x", "*"])
        );
        assert_eq!(allowed(json!("s3:*"), json!("*")), None);
        let denied = json!({"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"});
        assert_eq!(need(&denied, "aws"), None);
        let others = json!({"Effect": "Allow", "NotAction": "s3:GetObject", "Resource": "*"});
        assert_eq!(need(&others, "aws"), None);
    }
}
