//! A policy statement and whether it applies to a request.

use serde_json::Value;

use crate::{condition::Condition, wildcard::wildcard};

/// The caller, in the forms that a policy can name it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Principal<'a> {
    /// The account of an IAM principal; `None` for services and anonymous callers.
    pub account_id: Option<&'a str>,
    /// The name of a service principal.
    pub service: Option<&'a str>,
    /// The canonical user ID, as ACLs and some bucket policies name an account.
    pub canonical_id: Option<&'a str>,
}

/// A request that is checked against a policy.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    /// The caller. A policy of a role does not look at it.
    pub principal: Principal<'a>,
    /// Such as `s3:GetObject`.
    pub action: &'a str,
    /// The ARN of the resource, or `*` for an action that is on none.
    pub resource: &'a str,
    /// Condition keys in lower case, and their values.
    pub context: &'a [(&'a str, &'a str)],
}

/// A statement.
#[derive(Debug, Clone)]
pub struct Statement {
    pub(crate) allow: bool,
    /// `None` in a policy of a role.
    principals: Option<Element>,
    actions: Element,
    resources: Element,
    conditions: Vec<Condition>,
}

/// An element such as `Action`, or its inverse, such as `NotAction`.
#[derive(Debug, Clone)]
struct Element {
    names: Vec<String>,
    inverted: bool,
}

impl Statement {
    pub(crate) fn parse(value: &Value) -> Result<Self, String> {
        let invalid = |part: &str| format!("Policy has invalid {part}");
        let allow = match value.get("Effect").and_then(Value::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err("Missing required field Effect".to_owned()),
        };
        let listed = |name: &str, read: fn(&Value) -> Option<Vec<String>>| {
            let (value, inverted) = match (value.get(name), value.get(format!("Not{name}"))) {
                (Some(value), None) => (value, false),
                (None, Some(value)) => (value, true),
                (Some(_), Some(_)) => return Err(invalid(&name.to_lowercase())),
                (None, None) => return Err(format!("Missing required field {name}")),
            };
            let names = read(value).filter(|names| !names.is_empty());
            Ok(Element { names: names.ok_or_else(|| invalid(&name.to_lowercase()))?, inverted })
        };
        let named = value.get("Principal").or_else(|| value.get("NotPrincipal")).is_some();
        Ok(Self {
            allow,
            principals: if named { Some(listed("Principal", principals)?) } else { None },
            actions: listed("Action", strings)?,
            resources: listed("Resource", strings)?,
            conditions: Condition::parse_all(value.get("Condition")).ok_or_else(|| invalid("condition"))?,
        })
    }

    /// Whether it names principals, as every statement of a bucket policy does.
    pub fn names_principals(&self) -> bool {
        self.principals.is_some()
    }

    /// The actions that it names, or excludes.
    pub fn actions(&self) -> &[String] {
        &self.actions.names
    }

    /// The resources that it names, or excludes.
    pub fn resources(&self) -> &[String] {
        &self.resources.names
    }

    pub(crate) fn applies(&self, request: &AuthorizationRequest<'_>) -> bool {
        let principals = self.principals.as_ref();
        principals.is_none_or(|named| named.covers(|name| names_principal(name, &request.principal)))
            && self.actions.covers(|name| wildcard(&name.to_lowercase(), &request.action.to_lowercase()))
            && self.resources.covers(|name| wildcard(name, request.resource))
            && self.conditions.iter().all(|condition| condition.holds(request.context, self.allow))
    }
}

impl Element {
    fn covers(&self, matches: impl Fn(&str) -> bool) -> bool {
        self.names.iter().any(|name| matches(name)) != self.inverted
    }
}

fn principals(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(all) if all == "*" => Some(vec![all.clone()]),
        Value::Object(kinds) => {
            let mut names = Vec::new();
            for (kind, value) in kinds {
                if !matches!(kind.as_str(), "AWS" | "Service" | "CanonicalUser" | "Federated") {
                    return None;
                }
                names.extend(strings(value)?.into_iter().map(|name| format!("{kind}:{name}")));
            }
            Some(names)
        }
        _ => None,
    }
}

fn names_principal(name: &str, principal: &Principal<'_>) -> bool {
    match name.split_once(':') {
        None | Some(("AWS", "*")) => true,
        Some(("AWS", name)) => principal.account_id.is_some_and(|account_id| {
            name == account_id
                || name.strip_suffix(":root").is_some_and(|arn| arn.ends_with(&format!(":iam::{account_id}")))
        }),
        Some(("Service", name)) => principal.service == Some(name),
        Some(("CanonicalUser", name)) => principal.canonical_id == Some(name),
        Some(_) => false,
    }
}

/// A string, or a list of strings.
pub(crate) fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(value) => Some(vec![value.clone()]),
        Value::Array(values) => values.iter().map(|value| value.as_str().map(ToOwned::to_owned)).collect(),
        _ => None,
    }
}
