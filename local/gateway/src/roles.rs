//! The roles of the callers.

use std::collections::HashMap;

use jiff::Timestamp;
use local_iam::{AuthorizationRequest, Decision, Policy, Principal};
use serde_json::Value;

use crate::call::Call;

/// The policies of each caller's role.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    policies: HashMap<String, Vec<Policy>>,
}

impl Roles {
    /// Reads `{CALLER: [policy document, …]}`, as the template renders them.
    ///
    /// # Errors
    /// What is wrong with a document.
    pub fn parse(value: &Value) -> Result<Self, String> {
        let callers = value.as_object().ok_or("roles: expected an object")?;
        let mut policies = HashMap::new();
        for (caller, documents) in callers {
            let documents =
                documents.as_array().ok_or_else(|| format!("{caller}: expected policy documents"))?;
            let parsed = documents.iter().map(Policy::parse).collect::<Result<_, _>>();
            policies.insert(caller.clone(), parsed.map_err(|error| format!("{caller}: {error}"))?);
        }
        Ok(Self { policies })
    }

    /// Whether there is a role for this caller.
    pub(crate) fn has(&self, caller: &str) -> bool {
        self.policies.contains_key(caller)
    }

    /// Whether the caller may do this. The error is the action and the resource that it lacks.
    pub(crate) fn check(&self, call: &Call) -> Result<(), (String, String)> {
        let needed = call.resources.iter().map(|resource| (&call.action, resource));
        let needed = needed.chain(call.dependent.iter().map(|(action, resource)| (action, resource)));
        for (action, resource) in needed {
            if !self.allows(&call.caller, action, resource, &call.context) {
                return Err((action.clone(), resource.clone()));
            }
        }
        Ok(())
    }

    /// Whether a role allows an action, and nothing in it denies it.
    pub(crate) fn allows(
        &self,
        caller: &str,
        action: &str,
        resource: &str,
        context: &[(String, String)],
    ) -> bool {
        let now = Timestamp::now().to_string();
        let mut keys: Vec<(&str, &str)> =
            context.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        keys.extend([("aws:securetransport", "true"), ("aws:currenttime", now.as_str())]);
        let request =
            AuthorizationRequest { principal: Principal::default(), action, resource, context: &keys };
        let policies = self.policies.get(caller).map(Vec::as_slice).unwrap_or_default();
        let decisions: Vec<_> = policies.iter().map(|policy| policy.decide(&request)).collect();
        decisions.contains(&Decision::Allow) && !decisions.contains(&Decision::Deny)
    }
}
