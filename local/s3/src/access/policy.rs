//! Bucket policies, parsed by `PutBucketPolicy` and evaluated on every request.

mod statement;
mod wildcard;

use serde_json::Value;

use self::statement::Statement;
pub(crate) use self::statement::{AuthorizationRequest, Principal};

/// Longest policy in bytes, as on S3.
pub(crate) const POLICY_LIMIT: usize = 20 * 1024;

/// A bucket policy that S3 accepts for its bucket.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// The text as it was put, byte for byte.
    pub(crate) text: String,
    statements: Vec<Statement>,
}

/// The decision of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Allow,
    Deny,
    /// No statement applies.
    Silent,
}

impl Policy {
    /// Parses a policy for `bucket`. The error is the message of `MalformedPolicy`.
    pub(crate) fn parse(text: String, bucket: &str) -> Result<Self, String> {
        if text.len() > POLICY_LIMIT {
            return Err("Policy exceeds the maximum allowed document size.".to_owned());
        }
        let document: Value = serde_json::from_str(&text).map_err(|error| {
            format!("Policies must be valid JSON and the first byte must be '{{': {error}")
        })?;
        let document =
            document.as_object().ok_or("Policies must be valid JSON and the first byte must be '{'")?;
        match document.get("Version").map(Value::as_str) {
            None | Some(Some("2012-10-17" | "2008-10-17")) => {}
            Some(_) => return Err("The policy must contain a valid version string".to_owned()),
        }
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) => statements.iter().collect(),
            Some(statement @ Value::Object(_)) => vec![statement],
            _ => return Err("Missing required field Statement".to_owned()),
        };
        let statements =
            statements.into_iter().map(|value| Statement::parse(value, bucket)).collect::<Result<_, _>>()?;
        Ok(Self { text, statements })
    }

    /// Decides on a request. Deny overrides Allow, in any order.
    pub(crate) fn decide(&self, request: &AuthorizationRequest<'_>) -> Decision {
        let mut decision = Decision::Silent;
        for statement in self.statements.iter().filter(|statement| statement.applies(request)) {
            if !statement.allow {
                return Decision::Deny;
            }
            decision = Decision::Allow;
        }
        decision
    }
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
