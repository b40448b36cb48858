//! Bucket policies: parsed once when put, asked on every request.

use serde_json::Value;

/// Longest policy text, in bytes, as on S3.
pub(crate) const POLICY_LIMIT: usize = 20 * 1024;

/// A bucket policy that S3 would accept for its bucket.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// As it was put, to the byte.
    pub(crate) text: String,
    statements: Vec<Statement>,
}

/// Who asks, in the forms that a policy can name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker<'a> {
    /// The account of an IAM principal; none for services and anonymous callers.
    pub(crate) account_id: Option<&'a str>,
    /// The name of a service principal.
    pub(crate) service: Option<&'a str>,
    pub(crate) canonical_id: Option<&'a str>,
}

/// One question to a policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) asker: Asker<'a>,
    /// As `s3:GetObject`.
    pub(crate) action: &'a str,
    /// ARN of a bucket or an object.
    pub(crate) resource: &'a str,
    /// Condition keys, in lower case, and their values.
    pub(crate) context: &'a [(&'a str, &'a str)],
}

/// What a policy says to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Allow,
    Deny,
    /// No statement applies.
    Silent,
}

impl Policy {
    /// Reads a policy for `bucket`; the error is the message that goes with `MalformedPolicy`.
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

    /// Deny wins over Allow, wherever they stand.
    pub(crate) fn decide(&self, question: &Question<'_>) -> Decision {
        let mut decision = Decision::Silent;
        for statement in self.statements.iter().filter(|statement| statement.applies(question)) {
            if !statement.allow {
                return Decision::Deny;
            }
            decision = Decision::Allow;
        }
        decision
    }
}

#[derive(Debug, Clone)]
struct Statement {
    allow: bool,
    principals: Listed,
    actions: Listed,
    resources: Listed,
    conditions: Vec<Condition>,
}

/// `Action` or `NotAction`, and so on.
#[derive(Debug, Clone)]
struct Listed {
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
    fn parse(value: &Value, bucket: &str) -> Result<Self, String> {
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
            Ok(Listed { names: names.ok_or_else(|| invalid(&name.to_lowercase()))?, inverted })
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
        let ours = |resource: &String| {
            let inside = resource.split_once(":s3:::").map_or(resource.as_str(), |(_, inside)| inside);
            let named = inside.strip_prefix(bucket);
            named.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '*', '?']))
                || (inside.contains(['*', '?'])
                    && (wildcard(inside, bucket) || wildcard(inside, &format!("{bucket}/"))))
        };
        if !statement.resources.names.iter().all(ours) {
            return Err(invalid("resource"));
        }
        Ok(statement)
    }

    fn applies(&self, question: &Question<'_>) -> bool {
        self.principals.covers(|name| names_asker(name, &question.asker))
            && self.actions.covers(|name| wildcard(&name.to_lowercase(), &question.action.to_lowercase()))
            && self.resources.covers(|name| wildcard(name, question.resource))
            && self.conditions.iter().all(|condition| condition.holds(question.context, self.allow))
    }
}

impl Listed {
    fn covers(&self, matches: impl Fn(&str) -> bool) -> bool {
        self.names.iter().any(|name| matches(name)) != self.inverted
    }
}

impl Condition {
    /// Whether the condition is met. One that cannot be judged here keeps an Allow from applying, and not a Deny:
    /// this store errs on the side of refusing.
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

/// `AWS:…`, `Service:…`, `CanonicalUser:…`, or `*`.
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

fn names_asker(name: &str, asker: &Asker<'_>) -> bool {
    match name.split_once(':') {
        None | Some(("AWS", "*")) => true,
        Some(("AWS", name)) => asker.account_id.is_some_and(|account_id| {
            name == account_id
                || name.strip_suffix(":root").is_some_and(|arn| arn.ends_with(&format!(":iam::{account_id}")))
        }),
        Some(("Service", name)) => asker.service == Some(name),
        Some(("CanonicalUser", name)) => asker.canonical_id == Some(name),
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

/// Whether `pattern` with `*` and `?` covers all of `text`; linear in the product of their lengths.
fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    // Where the last star stands, and how much of the text it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(symbol) if *symbol == '?' || *symbol == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                seen = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|symbol| *symbol == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_cover_whole_names() {
        assert!(wildcard("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b.rdb"));
        assert!(wildcard("s3:Get*Acl", "s3:GetBucketAcl"));
        assert!(wildcard("a?c*", "abc"));
        assert!(wildcard("*a*b", "xaybzb"));
        assert!(!wildcard("arn:aws:s3:::b/*", "arn:aws:s3:::b"));
        assert!(!wildcard("a?c", "ac"));
    }

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
