//! A whole policy document.

use serde_json::Value;

use crate::statement::{AuthorizationRequest, Statement};

/// A policy document.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    statements: Vec<Statement>,
}

/// The decision of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows the request, and none denies it.
    Allow,
    /// A statement denies the request.
    Deny,
    /// No statement applies.
    Silent,
}

impl Policy {
    /// Reads a document.
    ///
    /// # Errors
    /// The message with which AWS refuses the document.
    pub fn parse(document: &Value) -> Result<Self, String> {
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
        let statements = statements.into_iter().map(Statement::parse).collect::<Result<_, _>>()?;
        Ok(Self { statements })
    }

    /// Its statements, in the order of the document.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Decides on a request. A Deny wins over an Allow, in any order.
    pub fn decide(&self, request: &AuthorizationRequest<'_>) -> Decision {
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
