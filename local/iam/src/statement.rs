//! A policy statement and whether it applies to a request.

use serde_json::Value;

use crate::access::policy::wildcard::wildcard;

/// The caller, in the forms that a policy can name it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Principal<'a> {
    /// The account of an IAM principal; `None` for services and anonymous callers.
    pub(crate) account_id: Option<&'a str>,
    /// The name of a service principal.
    pub(crate) service: Option<&'a str>,
    pub(crate) canonical_id: Option<&'a str>,
}

/// A request that is checked against a policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AuthorizationRequest<'a> {
    pub(crate) principal: Principal<'a>,
    /// Such as `s3:GetObject`.
    pub(crate) action: &'a str,
    /// ARN of a bucket or an object.
    pub(crate) resource: &'a str,
    /// Condition keys in lower case, and their values.
    pub(crate) context: &'a [(&'a str, &'a str)],
}

#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) allow: bool,
    principals: Element,
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

#[derive(Debug, Clone)]
struct Condition {
    operator: String,
    key: String,
    values: Vec<String>,
}

impl Statement {
    pub(crate) fn parse(value: &Value, bucket: &str) -> Result<Self, String> {
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
        let statement = Self {
            allow,
            principals: listed("Principal", principals)?,
            actions: listed("Action", strings)?,
            resources: listed("Resource", strings)?,
            conditions: conditions(value.get("Condition")).ok_or_else(|| invalid("condition"))?,
        };
        let known = |action: &String| action == "*" || action.to_lowercase().starts_with("s3:");
        if !statement.actions.names.iter().all(known) {
            return Err(invalid("action"));
        }
        let of_bucket = |resource: &String| {
            let inside = resource.split_once(":s3:::").map_or(resource.as_str(), |(_, inside)| inside);
            let named = inside.strip_prefix(bucket);
            named.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '*', '?']))
                || (inside.contains(['*', '?'])
                    && (wildcard(inside, bucket) || wildcard(inside, &format!("{bucket}/"))))
        };
        if !statement.resources.names.iter().all(of_bucket) {
            return Err(invalid("resource"));
        }
        Ok(statement)
    }

    pub(crate) fn applies(&self, request: &AuthorizationRequest<'_>) -> bool {
        self.principals.covers(|name| names_principal(name, &request.principal))
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

impl Condition {
    /// Whether the condition is met. With an unknown operator, an Allow does not apply, but a Deny does: this store
    /// errs on the side of denying access.
    fn holds(&self, context: &[(&str, &str)], allow: bool) -> bool {
        let (operator, if_exists) = match self.operator.strip_suffix("IfExists") {
            Some(operator) => (operator, true),
            None => (self.operator.as_str(), false),
        };
        let test: fn(&str, &str) -> bool = match operator.trim_start_matches("StringNot") {
            "StringEquals" | "Equals" | "Bool" => |pattern, value| pattern == value,
            "StringEqualsIgnoreCase" | "EqualsIgnoreCase" => {
                |pattern, value| pattern.eq_ignore_ascii_case(value)
            }
            "StringLike" | "Like" | "ArnLike" | "ArnEquals" => wildcard,
            _ => return !allow,
        };
        let key = self.key.to_lowercase();
        let value = context.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        let negated = operator.starts_with("StringNot");
        match value {
            Some(value) => self.values.iter().any(|pattern| test(pattern, value)) != negated,
            None if allow => false,
            None => if_exists || negated,
        }
    }
}

/// Parses principals to `*`, or to names with their kind, such as `Service:…`.
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

fn conditions(value: Option<&Value>) -> Option<Vec<Condition>> {
    let mut conditions = Vec::new();
    let Some(value) = value else { return Some(conditions) };
    for (operator, keys) in value.as_object()? {
        for (key, values) in keys.as_object()? {
            let values = match values {
                Value::Bool(value) => vec![value.to_string()],
                Value::Number(value) => vec![value.to_string()],
                values => strings(values)?,
            };
            conditions.push(Condition { operator: operator.clone(), key: key.clone(), values });
        }
    }
    Some(conditions)
}

fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(value) => Some(vec![value.clone()]),
        Value::Array(values) => values.iter().map(|value| value.as_str().map(ToOwned::to_owned)).collect(),
        _ => None,
    }
}
