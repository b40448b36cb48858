//! Bucket policies: parsed when put, evaluated on every request.

use std::time::{Duration, Instant};

use local_iam::{AuthorizationRequest, Decision, wildcard};
use serde_json::Value;

/// Maximum size of a policy in bytes, as on S3.
pub(crate) const POLICY_LIMIT: usize = 20 * 1024;

/// A bucket policy that S3 accepts for its bucket.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// The exact text that was put.
    pub(crate) text: String,
    document: local_iam::Policy,
}

impl Policy {
    /// Parses a policy for `bucket`. The error is the message of `MalformedPolicy`.
    pub(crate) fn parse(text: String, bucket: &str) -> Result<Self, String> {
        if text.len() > POLICY_LIMIT {
            return Err("Policy exceeds the maximum allowed document size.".to_owned());
        }
        let value: Value = serde_json::from_str(&text).map_err(|error| {
            format!("Policies must be valid JSON and the first byte must be '{{': {error}")
        })?;
        let document = local_iam::Policy::parse(&value)?;
        for statement in document.statements() {
            if !statement.names_principals() {
                return Err("Missing required field Principal".to_owned());
            }
            let is_action = |action: &String| action == "*" || action.to_lowercase().starts_with("s3:");
            if !statement.actions().iter().all(is_action) {
                return Err("Policy has invalid action".to_owned());
            }
            if !statement.resources().iter().all(|resource| is_of_bucket(resource, bucket)) {
                return Err("Policy has invalid resource".to_owned());
            }
        }
        Ok(Self { text, document })
    }

    /// The decision on a request.
    pub(crate) fn decide(&self, request: &AuthorizationRequest<'_>) -> Decision {
        self.document.decide(request)
    }
}

/// The policy of a bucket, and the earlier one for as long as it decides.
#[derive(Debug, Default)]
pub(crate) struct PolicyHistory {
    /// Each with the time from which it decides, oldest first. `None` is a policy that was deleted.
    changes: Vec<(Instant, Option<Policy>)>,
}

impl PolicyHistory {
    /// Puts or deletes a policy, which decides after `delay`.
    pub(crate) fn change(&mut self, policy: Option<Policy>, delay: Duration) {
        let now = Instant::now();
        let outdated = self.changes.iter().rposition(|(from, _)| *from <= now).unwrap_or(0);
        self.changes.drain(..outdated);
        self.changes.push((now + delay, policy));
    }

    /// The policy that was put last.
    pub(crate) fn shown(&self) -> Option<&Policy> {
        self.changes.last()?.1.as_ref()
    }

    /// The policy that decides now.
    pub(crate) fn deciding(&self) -> Option<&Policy> {
        let now = Instant::now();
        self.changes.iter().rev().find(|(from, _)| *from <= now)?.1.as_ref()
    }
}

/// Whether a resource is the bucket, or in it.
fn is_of_bucket(resource: &str, bucket: &str) -> bool {
    let inside = resource.split_once(":s3:::").map_or(resource, |(_, inside)| inside);
    let named = inside.strip_prefix(bucket);
    named.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '*', '?']))
        || (inside.contains(['*', '?'])
            && (wildcard(inside, bucket) || wildcard(inside, &format!("{bucket}/"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_s3_refuses_is_refused() {
        let error = |text: &str| Policy::parse(text.to_owned(), "b").unwrap_err();
        assert!(error("[]").contains("valid JSON"));
        assert!(error("{").contains("valid JSON"));
        assert!(error("{}").contains("Statement"));
        assert!(error(&" ".repeat(POLICY_LIMIT + 1)).contains("maximum allowed document size"));
        let statement = |resource: &str, action: &str| {
            let statement = format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":"*","Action":"{action}","Resource":"{resource}"}}}}"#
            );
            Policy::parse(statement, "b").map(|_| ())
        };
        assert_eq!(statement("arn:aws:s3:::b/x", "s3:GetObject"), Ok(()));
        assert_eq!(
            statement("arn:aws:s3:::other/*", "s3:GetObject").unwrap_err(),
            "Policy has invalid resource"
        );
        assert_eq!(statement("arn:aws:s3:::b/*", "ec2:Run").unwrap_err(), "Policy has invalid action");
    }
}
