//! A policy statement and whether it applies to a request.

use serde_json::Value;

use crate::{
    condition::{Condition, strings},
    wildcard::wildcard,
};

/// A session of a role: what a function of Lambda is to other services.
#[derive(Debug, Clone, Copy)]
pub struct Role<'a> {
    /// `arn:aws:iam::ACCOUNT:role/NAME`.
    pub arn: &'a str,
    /// The name of the session: Lambda takes the function's.
    pub session: &'a str,
}

/// The caller, in the forms that a policy can name it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Principal<'a> {
    /// The account of an IAM principal; `None` for services and anonymous callers.
    pub account_id: Option<&'a str>,
    /// The role of an IAM principal that is no root user.
    pub role: Option<Role<'a>>,
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
        principals.is_none_or(|named| named.covers_principal(&request.principal))
            && self.actions.covers(|name| wildcard(&name.to_lowercase(), &request.action.to_lowercase()))
            && self.resources.covers(|name| wildcard(name, request.resource))
            && self.conditions.iter().all(|condition| condition.holds(request.context, self.allow))
    }
}

impl Element {
    fn covers(&self, matches: impl Fn(&str) -> bool) -> bool {
        self.names.iter().any(|name| matches(name)) != self.inverted
    }

    /// A `NotPrincipal` excepts the session of a role only if it names its account, its role and itself. Source: IAM
    /// user guide, "AWS JSON policy elements: `NotPrincipal`".
    fn covers_principal(&self, principal: &Principal<'_>) -> bool {
        let named = |form| self.names.iter().any(|name| means(name, principal) == Some(form));
        if !self.inverted {
            return self.names.iter().any(|name| means(name, principal).is_some());
        }
        let excepted = match principal.role {
            Some(_) => named(Form::Account) && named(Form::Role) && named(Form::Session),
            None => named(Form::Account) || named(Form::Other),
        };
        !named(Form::Everybody) && !excepted
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

/// The form in which a name means a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Everybody,
    Account,
    Role,
    Session,
    /// A service, or a canonical user.
    Other,
}

/// In which form the name means the principal, if it does.
fn means(name: &str, principal: &Principal<'_>) -> Option<Form> {
    match name.split_once(':') {
        None | Some(("AWS", "*")) => Some(Form::Everybody),
        Some(("AWS", name)) => {
            let account_id = principal.account_id?;
            let of_root = || {
                name.strip_suffix(":root").is_some_and(|arn| arn.ends_with(&format!(":iam::{account_id}")))
            };
            if name == account_id || of_root() {
                return Some(Form::Account);
            }
            let role = principal.role?;
            if name == role.arn {
                return Some(Form::Role);
            }
            (name == role.session_arn()).then_some(Form::Session)
        }
        Some(("Service", name)) => (principal.service == Some(name)).then_some(Form::Other),
        Some(("CanonicalUser", name)) => (principal.canonical_id == Some(name)).then_some(Form::Other),
        Some(_) => None,
    }
}

impl Role<'_> {
    /// `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`, without the path of the role.
    fn session_arn(&self) -> String {
        let (account, role) = self.arn.split_once(":role/").unwrap_or((self.arn, ""));
        let account = account.replacen(":iam:", ":sts:", 1);
        let name = role.rsplit('/').next().unwrap_or(role);
        format!("{account}:assumed-role/{name}/{}", self.session)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn applies(principals: &Value, principal: Principal<'_>) -> bool {
        let mut statement = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"});
        statement.as_object_mut().unwrap().extend(principals.as_object().unwrap().clone());
        let request = AuthorizationRequest { principal, action: "s3:GetObject", resource: "r", context: &[] };
        Statement::parse(&statement).unwrap().applies(&request)
    }

    const ROLE: &str = "arn:aws:iam::1:role/path/Reader";
    const SESSION: &str = "arn:aws:sts::1:assumed-role/Reader/function";
    const ROOT: &str = "arn:aws:iam::1:root";

    fn root() -> Principal<'static> {
        Principal { account_id: Some("1"), ..Principal::default() }
    }

    fn role() -> Principal<'static> {
        Principal { role: Some(Role { arn: ROLE, session: "function" }), ..root() }
    }

    #[test]
    fn a_role_is_named_by_its_account_its_arn_and_its_session() {
        for (name, of_role, of_root) in [
            ("*", true, true),
            ("1", true, true),
            (ROOT, true, true),
            (ROLE, true, false),
            (SESSION, true, false),
            ("arn:aws:sts::1:assumed-role/Reader/another", false, false),
            ("arn:aws:iam::1:role/Reader", false, false),
            ("arn:aws:iam::2:root", false, false),
        ] {
            assert_eq!(applies(&json!({"Principal": {"AWS": name}}), role()), of_role, "{name}");
            assert_eq!(applies(&json!({"Principal": {"AWS": [name]}}), root()), of_root, "{name}");
        }
    }

    #[test]
    fn a_role_is_excepted_only_with_its_account_and_its_session() {
        for (names, of_role, of_root) in [
            (json!([ROOT]), true, false),
            (json!([ROLE]), true, true),
            (json!([ROLE, ROOT]), true, false),
            (json!([ROLE, SESSION, "1"]), false, false),
        ] {
            assert_eq!(applies(&json!({"NotPrincipal": {"AWS": names}}), role()), of_role, "{names}");
            assert_eq!(applies(&json!({"NotPrincipal": {"AWS": names}}), root()), of_root, "{names}");
        }
    }
}
