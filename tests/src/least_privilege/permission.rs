//! One action of one statement of a role.

use std::fmt;

use anyhow::{Context, Result};
use local_iam::Policy;
use local_stack::Decision;
use serde_json::{Value, json};

/// An action that a statement of a role allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// The caller that has the role.
    pub caller: String,
    /// The number of the policy document among those of the role.
    document: usize,
    /// The number of the statement in it.
    statement: usize,
    /// The name of the statement; empty if it has none.
    pub sid: String,
    /// The action.
    pub action: String,
    /// The statement with this action only.
    alone: Value,
}

impl Permission {
    /// All permissions of all roles, given as `{CALLER: [policy document, …]}`.
    ///
    /// # Errors
    /// Roles of another form.
    pub fn all(roles: &Value) -> Result<Vec<Self>> {
        let mut permissions = Vec::new();
        for (caller, documents) in roles.as_object().context("no roles")? {
            for (document, policy) in documents.as_array().into_iter().flatten().enumerate() {
                for (statement, body) in policy["Statement"].as_array().into_iter().flatten().enumerate() {
                    for action in actions(body) {
                        let mut alone = body.clone();
                        alone["Action"] = json!(action);
                        permissions.push(Self {
                            caller: caller.clone(),
                            document,
                            statement,
                            sid: body["Sid"].as_str().unwrap_or_default().to_owned(),
                            action,
                            alone,
                        });
                    }
                }
            }
        }
        Ok(permissions)
    }

    /// The roles without this permission.
    pub(crate) fn taken_from(&self, roles: &Value) -> Value {
        let mut roles = roles.clone();
        let statements = &mut roles[&self.caller][self.document]["Statement"];
        let mut left = actions(&statements[self.statement]);
        left.retain(|action| *action != self.action);
        if left.is_empty() {
            if let Some(statements) = statements.as_array_mut() {
                statements.remove(self.statement);
            }
        } else {
            statements[self.statement]["Action"] = json!(left);
        }
        roles
    }

    /// Whether it allows what was decided.
    pub(crate) fn allows(&self, decision: &Decision) -> bool {
        if decision.caller != self.caller || !decision.action.eq_ignore_ascii_case(&self.action) {
            return false;
        }
        let policy = json!({"Version": "2012-10-17", "Statement": [self.alone]});
        Policy::parse(&policy).is_ok_and(|policy| decision.is_allowed_by(&[policy]))
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} ({})", self.caller, self.action, self.sid)
    }
}

fn actions(statement: &Value) -> Vec<String> {
    match &statement["Action"] {
        Value::String(action) => vec![action.clone()],
        Value::Array(actions) => {
            actions.iter().filter_map(|action| Some(action.as_str()?.to_owned())).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles() -> Value {
        json!({"f": [{"Version": "2012-10-17", "Statement": [
            {"Sid": "A", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::b/*"},
            {"Sid": "B", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b"}
        ]}]})
    }

    #[test]
    fn a_permission_that_is_taken_away_leaves_the_others() -> Result<()> {
        let all = Permission::all(&roles())?;
        assert_eq!(all.len(), 3);
        for taken in &all {
            let mut expected = all.clone();
            expected.retain(|permission| permission.action != taken.action);
            let left = Permission::all(&taken.taken_from(&roles()))?;
            let actions = |all: &[Permission]| all.iter().map(|one| one.action.clone()).collect::<Vec<_>>();
            assert_eq!(actions(&left), actions(&expected));
        }
        Ok(())
    }
}
