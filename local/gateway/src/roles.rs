//! The roles of the callers.

use std::collections::HashMap;

use jiff::Timestamp;
use local_iam::{AuthorizationRequest, Decision as Said, Policy, Principal};
use serde_json::Value;

use crate::call::Call;

/// What the role of a caller said about one action on one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The caller.
    pub caller: String,
    /// The action, such as `s3:PutBucketPolicy`.
    pub action: String,
    /// The ARN of the resource, or `*`.
    pub resource: String,
    /// Condition keys in lower case, and their values.
    pub context: Vec<(String, String)>,
    /// Whether the role allows it.
    pub allowed: bool,
}

impl Decision {
    /// Whether a role with these policies would allow it.
    pub fn is_allowed_by(&self, policies: &[Policy]) -> bool {
        let now = Timestamp::now().to_string();
        let mut keys: Vec<(&str, &str)> =
            self.context.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        keys.extend([("aws:securetransport", "true"), ("aws:currenttime", now.as_str())]);
        let (action, resource) = (self.action.as_str(), self.resource.as_str());
        let request =
            AuthorizationRequest { principal: Principal::default(), action, resource, context: &keys };
        let decisions: Vec<_> = policies.iter().map(|policy| policy.decide(&request)).collect();
        decisions.contains(&Said::Allow) && !decisions.contains(&Said::Deny)
    }
}

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

    /// Decides on each action that a call needs, on each of its resources.
    pub(crate) fn decide(&self, call: &Call) -> Vec<Decision> {
        let own = call.resources.iter().map(|resource| (&call.action, resource));
        let needed = own.chain(call.dependent.iter().map(|(action, resource)| (action, resource)));
        needed.map(|(action, resource)| self.decide_one(call, action, resource)).collect()
    }

    /// Decides on another action than the call's own.
    pub(crate) fn decide_one(&self, call: &Call, action: &str, resource: &str) -> Decision {
        let (action, resource) = (action.to_owned(), resource.to_owned());
        let (caller, context) = (call.caller.clone(), call.context.clone());
        let decision = Decision { caller, action, resource, context, allowed: false };
        let policies = self.policies.get(&call.caller).map(Vec::as_slice).unwrap_or_default();
        Decision { allowed: decision.is_allowed_by(policies), ..decision }
    }
}
