//! Principals: who makes a request, and whom a statement names.

use serde_json::Value;

use super::{Answer, listed::texts};

/// The principal that makes a request to a bucket or a KMS key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asker<'a> {
    /// An AWS service, by its service principal.
    Service(&'a str),
    /// A canonical user, by its ID: ElastiCache reads as this user if an ACL allows it.
    CanonicalUser(&'a str),
    /// The role of one of the stack's functions.
    Role {
        /// The account ID.
        account: &'a str,
        /// The role's ARN, if known.
        arn: Option<&'a str>,
    },
}

/// One name in a `Principal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Name {
    Everybody,
    /// An account ID, or the ARN of an account, role, user or session.
    Aws(String),
    Service(String),
    CanonicalUser(String),
    /// A federated principal, or a kind unknown here: never an [`Asker`].
    Other,
}

/// Parses a `Principal`: `"*"`, or an object with a string or a list of strings for each kind.
pub(super) fn principals(value: &Value) -> Option<Vec<Name>> {
    match value {
        Value::String(text) => {
            Some(vec![if text == "*" { Name::Everybody } else { Name::Aws(text.clone()) }])
        }
        Value::Object(kinds) => {
            let mut names = Vec::new();
            for (kind, value) in kinds {
                names.extend(texts(value)?.into_iter().map(|text| match (kind.as_str(), text.as_str()) {
                    ("AWS" | "*", "*") => Name::Everybody,
                    ("AWS", _) => Name::Aws(text),
                    ("Service", _) => Name::Service(text),
                    ("CanonicalUser", _) => Name::CanonicalUser(text),
                    _ => Name::Other,
                }));
            }
            Some(names)
        }
        _ => None,
    }
}

impl Name {
    /// Whether this name includes `asker`. `excepted`: the name is in a `NotPrincipal`.
    pub(super) fn means(&self, asker: &Asker<'_>, excepted: bool) -> Answer {
        match (self, asker) {
            (Self::Everybody, _) => Answer::Yes,
            (Self::Service(name), Asker::Service(service)) => (name == service || name == "*").into(),
            (Self::CanonicalUser(id), Asker::CanonicalUser(own)) => (id == own).into(),
            (Self::Aws(name), Asker::Role { account, arn }) => {
                let answer = means_role(name, account, *arn);
                // A `NotPrincipal` has to list the account, the role and the session, so none of them alone exempts the
                // role.
                if excepted { answer.and(Answer::Perhaps) } else { answer }
            }
            _ => Answer::No,
        }
    }
}

fn means_role(name: &str, account: &str, own: Option<&str>) -> Answer {
    // arn:PARTITION:iam::ACCOUNT:role/PATH/NAME, arn:PARTITION:sts::ACCOUNT:assumed-role/NAME/SESSION
    let parts: Vec<_> = name.splitn(6, ':').collect();
    let ["arn", _, service, "", of, what] = parts[..] else { return (name == account).into() };
    if of != account {
        return Answer::No;
    }
    match (service, what.split_once('/'), own) {
        ("iam", None, _) => (what == "root").into(),
        ("iam", Some(("role", _)), Some(own)) => (name == own).into(),
        ("sts", Some(("assumed-role", session)), Some(own)) => {
            let role = session.split('/').next().unwrap_or_default();
            Answer::from(own.rsplit('/').next() == Some(role)).and(Answer::Perhaps)
        }
        ("iam", Some(("role", _)), None) | ("sts", Some(("assumed-role", _)), None) => Answer::Perhaps,
        _ => Answer::No,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ROLE: &str = "arn:aws:iam::1:role/stack-GrantAccessRole-X";

    fn means(principal: &Value, asker: &Asker<'_>) -> Answer {
        principals(principal).unwrap().iter().map(|name| name.means(asker, false)).max().unwrap()
    }

    #[test]
    fn everybody_is_meant_in_each_of_the_ways_to_say_so() {
        let askers =
            [Asker::Service("s"), Asker::CanonicalUser("c"), Asker::Role { account: "1", arn: None }];
        for asker in askers {
            for everybody in [json!("*"), json!({"AWS": "*"}), json!({"Service": "x", "AWS": ["2", "*"]})] {
                assert_eq!(means(&everybody, &asker), Answer::Yes, "{everybody} {asker:?}");
            }
        }
    }

    #[test]
    fn a_role_is_meant_by_its_account_its_arn_and_perhaps_by_a_session() {
        let known = Asker::Role { account: "1", arn: Some(ROLE) };
        let unknown = Asker::Role { account: "1", arn: None };
        let session = "arn:aws:sts::1:assumed-role/stack-GrantAccessRole-X/grant-access";
        for (name, of_known, of_unknown) in [
            ("1", Answer::Yes, Answer::Yes),
            ("arn:aws:iam::1:root", Answer::Yes, Answer::Yes),
            (ROLE, Answer::Yes, Answer::Perhaps),
            (session, Answer::Perhaps, Answer::Perhaps),
            ("arn:aws:iam::1:role/other", Answer::No, Answer::Perhaps),
            ("arn:aws:iam::1:user/bob", Answer::No, Answer::No),
            ("arn:aws:iam::2:root", Answer::No, Answer::No),
            ("AROAEXAMPLE", Answer::No, Answer::No),
        ] {
            assert_eq!(means(&json!({"AWS": name}), &known), of_known, "{name}");
            assert_eq!(means(&json!({"AWS": [name]}), &unknown), of_unknown, "{name}");
        }
        assert_eq!(means(&json!({"Service": "s", "Federated": "f"}), &known), Answer::No);
    }

    #[test]
    fn what_is_no_principal_is_none() {
        for value in [json!(1), json!(null), json!({"AWS": 1}), json!([])] {
            assert_eq!(principals(&value), None, "{value}");
        }
    }
}
