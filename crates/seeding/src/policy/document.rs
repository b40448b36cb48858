//! A parsed policy, and the questions it answers.

use serde_json::Value;

use super::{
    Answer, Asker, PolicyError,
    condition::{Condition, Context, conditions},
    listed::{Listed, action_is, listed, resource_is, texts},
    principal::{Name, principals},
};

/// A policy of a bucket or a KMS key.
#[derive(Debug, Clone)]
pub struct Document {
    statements: Vec<PolicyStatement>,
}

/// Whether a principal may perform an action on a resource.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The principal.
    pub asker: Asker<'a>,
    /// The action, such as `s3:GetObject`.
    pub action: &'a str,
    /// The ARN of the bucket, object or KMS key.
    pub resource: &'a str,
}

/// What the Allow statements say to a question, weakest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// No statement matches.
    No,
    /// One matches, under conditions that do not count.
    Perhaps {
        /// The statement's Sid or number.
        statement: String,
    },
    /// One matches, for this account or for a time span that includes now.
    Conditioned {
        /// The statement's Sid or number.
        statement: String,
    },
    /// One matches unconditionally.
    Yes,
}

#[derive(Debug, Clone)]
pub(super) struct PolicyStatement {
    /// The Sid, or the number if it has none.
    pub(super) name: String,
    allow: bool,
    principals: Option<Listed<Name>>,
    actions: Option<Listed<String>>,
    /// May be absent from a key policy, which applies to its key.
    resources: Option<Listed<String>>,
    conditions: Vec<Condition>,
}

impl Document {
    /// Parses a policy.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let malformed = |what: &str| PolicyError::Malformed(what.to_owned());
        let document: Value = serde_json::from_str(text).map_err(|error| malformed(&error.to_string()))?;
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) => statements.iter().collect(),
            Some(statement @ Value::Object(_)) => vec![statement],
            _ => return Err(malformed("it has no statements")),
        };
        let read = |(number, value)| {
            PolicyStatement::read(number, value).ok_or_else(|| malformed(&format!("statement {number}")))
        };
        Ok(Self { statements: (1..).zip(statements).map(read).collect::<Result<_, _>>()? })
    }

    /// The Deny statements that match, or may match, a question.
    pub(super) fn denials<'d>(
        &'d self,
        question: &Question<'_>,
        context: &Context<'_>,
    ) -> Vec<(&'d PolicyStatement, Answer)> {
        let denials = self.statements.iter().filter(|statement| !statement.allow);
        let answers = denials.map(|statement| (statement, statement.denies(question, context)));
        answers.filter(|(_, answer)| *answer > Answer::No).collect()
    }

    /// The strongest grant of the Allow statements.
    pub fn grant(&self, question: &Question<'_>, context: &Context<'_>) -> Grant {
        let grants = self.statements.iter().filter(|statement| statement.allow);
        grants
            .map(|statement| statement.grants(question, context))
            .max_by_key(Grant::weight)
            .unwrap_or(Grant::No)
    }

    /// Whether the policy allows this, as far as can be decided: a grant counts, and no Deny certainly matches.
    pub fn lets(&self, question: &Question<'_>, context: &Context<'_>) -> bool {
        let denied = self.denials(question, context).iter().any(|(_, answer)| *answer == Answer::Yes);
        !denied && self.grant(question, context).counts()
    }
}

impl Grant {
    /// Whether it counts as a grant.
    pub const fn counts(&self) -> bool {
        matches!(self, Self::Conditioned { .. } | Self::Yes)
    }

    const fn weight(&self) -> u8 {
        match self {
            Self::No => 0,
            Self::Perhaps { .. } => 1,
            Self::Conditioned { .. } => 2,
            Self::Yes => 3,
        }
    }
}

impl PolicyStatement {
    fn read(number: usize, value: &Value) -> Option<Self> {
        let allow = match value.get("Effect")?.as_str()? {
            "Allow" => true,
            "Deny" => false,
            _ => return None,
        };
        let sid = value.get("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty());
        Some(Self {
            name: sid.map_or_else(|| format!("number {number}"), str::to_owned),
            allow,
            principals: listed(value, "Principal", principals),
            actions: listed(value, "Action", texts),
            resources: listed(value, "Resource", texts),
            conditions: conditions(value.get("Condition"))?,
        })
    }

    /// Formats its conditions for findings.
    pub(super) fn conditions(&self) -> Vec<String> {
        self.conditions.iter().map(Condition::text).collect()
    }

    fn denies(&self, question: &Question<'_>, context: &Context<'_>) -> Answer {
        let conditions = if self.conditions.is_empty() {
            Answer::Yes
        } else if self.conditions.iter().any(|condition| condition.fails(context)) {
            Answer::No
        } else {
            Answer::Perhaps
        };
        self.is_about(question).and(conditions)
    }

    fn grants(&self, question: &Question<'_>, context: &Context<'_>) -> Grant {
        let statement = self.name.clone();
        match self.is_about(question) {
            Answer::No => Grant::No,
            _ if self.conditions.iter().any(|condition| condition.fails(context)) => Grant::No,
            Answer::Yes if self.conditions.is_empty() => Grant::Yes,
            Answer::Yes if self.conditions.iter().all(|condition| condition.counts(context)) => {
                Grant::Conditioned { statement }
            }
            _ => Grant::Perhaps { statement },
        }
    }

    /// Whether its principal, action and resource match the question.
    fn is_about(&self, question: &Question<'_>) -> Answer {
        let who = self
            .principals
            .as_ref()
            .map_or(Answer::No, |names| names.covers(|name| name.means(&question.asker, names.inverted)));
        let what = self
            .actions
            .as_ref()
            .map_or(Answer::No, |actions| actions.covers(|pattern| action_is(pattern, question.action)));
        let with = self.resources.as_ref().map_or(Answer::Yes, |resources| {
            resources.covers(|pattern| resource_is(pattern, question.resource))
        });
        who.and(what).and(with)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SERVICE: &str = "us-east-1.elasticache-snapshot.amazonaws.com";
    const CONTEXT: Context<'_> = Context { account: "1", now_ms: 1_795_651_200_000 };
    const OBJECT: &str = "arn:aws:s3:::b/in/a.rdb";

    fn question(asker: Asker<'_>) -> Question<'_> {
        Question { asker, action: "s3:GetObject", resource: OBJECT }
    }

    fn document(statements: &Value) -> Document {
        Document::parse(&json!({"Statement": statements}).to_string()).unwrap()
    }

    fn denied(statement: &Value, asker: Asker<'_>) -> Answer {
        let mut deny = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"});
        for (name, value) in statement.as_object().unwrap() {
            if let Some(positive) = name.strip_prefix("Not") {
                deny.as_object_mut().unwrap().remove(positive);
            }
            deny[name] = value.clone();
        }
        let document = document(&deny);
        document.denials(&question(asker), &CONTEXT).first().map_or(Answer::No, |(_, answer)| *answer)
    }

    #[test]
    fn a_deny_meets_whom_it_names_in_each_way_of_naming() {
        let service = Asker::Service(SERVICE);
        for (statement, expected) in [
            (json!({}), Answer::Yes),
            (json!({"Principal": {"Service": SERVICE}}), Answer::Yes),
            (json!({"Principal": {"Service": ["x.amazonaws.com", SERVICE]}}), Answer::Yes),
            (json!({"Principal": {"Service": "x.amazonaws.com"}}), Answer::No),
            (json!({"Principal": {"AWS": "arn:aws:iam::1:root"}}), Answer::No),
            (json!({"NotPrincipal": {"AWS": "arn:aws:iam::1:root"}}), Answer::Yes),
            (json!({"NotPrincipal": {"Service": SERVICE}}), Answer::No),
            (json!({"Action": ["s3:PutObject", "s3:getobject"]}), Answer::Yes),
            (json!({"Action": "s3:Get*"}), Answer::Yes),
            (json!({"Action": "s3:PutObject"}), Answer::No),
            (json!({"NotAction": "s3:PutObject"}), Answer::Yes),
            (json!({"NotAction": ["s3:GetObject", "s3:PutObject"]}), Answer::No),
            (json!({"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/in/?.rdb"]}), Answer::Yes),
            (json!({"Resource": "arn:aws:s3:::b"}), Answer::No),
            (json!({"NotResource": "arn:aws:s3:::b/public/*"}), Answer::Yes),
            (json!({"NotResource": "arn:aws:s3:::b/in/*"}), Answer::No),
            (json!({"Condition": {"StringNotEquals": {"aws:SourceVpce": "v"}}}), Answer::Perhaps),
            (json!({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}), Answer::No),
        ] {
            assert_eq!(denied(&statement, service), expected, "{statement}");
        }
    }

    #[test]
    fn a_role_that_is_excepted_by_name_is_perhaps_denied() {
        let role = "arn:aws:iam::1:role/r";
        let asker = Asker::Role { account: "1", arn: Some(role) };
        assert_eq!(denied(&json!({"NotPrincipal": {"AWS": role}}), asker), Answer::Perhaps);
        assert_eq!(denied(&json!({"NotPrincipal": {"AWS": "arn:aws:iam::1:user/bob"}}), asker), Answer::Yes);
        assert_eq!(denied(&json!({"Principal": {"AWS": "1"}}), asker), Answer::Yes);
    }

    fn granted(statements: &Value) -> Grant {
        document(statements).grant(&question(Asker::Service(SERVICE)), &CONTEXT)
    }

    #[test]
    fn an_allow_counts_without_conditions_or_with_those_that_count() {
        let allow = |condition: &Value| {
            json!({"Sid": "S", "Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "s3:GetObject",
                   "Resource": "arn:aws:s3:::b/*", "Condition": condition})
        };
        let account = json!({"StringEquals": {"aws:SourceAccount": "1"}});
        let both = json!({"StringEquals": {"aws:SourceAccount": "1"}, "DateLessThan": {"aws:CurrentTime": "2027-01-01"}});
        let other = json!({"StringEquals": {"aws:SourceAccount": "1"}, "ArnLike": {"aws:SourceArn": "*"}});
        let over = json!({"DateLessThan": {"aws:CurrentTime": "2026-01-01"}});
        let conditioned = Grant::Conditioned { statement: "S".into() };
        assert_eq!(granted(&allow(&json!({}))), Grant::Yes);
        assert_eq!(granted(&allow(&account)), conditioned);
        assert_eq!(granted(&allow(&both)), conditioned);
        assert_eq!(granted(&allow(&other)), Grant::Perhaps { statement: "S".into() });
        assert_eq!(granted(&allow(&over)), Grant::No);
        assert_eq!(
            granted(&json!([allow(&account), allow(&json!({}))])),
            Grant::Yes,
            "the better one counts"
        );
        assert_eq!(granted(&json!([])), Grant::No);
    }

    #[test]
    fn a_deny_wins_over_every_allow() {
        let all = |effect: &str| json!({"Effect": effect, "Principal": "*", "Action": "*", "Resource": "*"});
        let question = question(Asker::Service(SERVICE));
        assert!(document(&json!([all("Allow")])).lets(&question, &CONTEXT));
        assert!(!document(&json!([all("Allow"), all("Deny")])).lets(&question, &CONTEXT));
    }

    #[test]
    fn a_statement_is_named_by_its_sid_or_its_number() {
        let deny = |sid: &str| json!({"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"});
        let document = document(&json!([deny("Mine"), deny("")]));
        let denials = document.denials(&question(Asker::Service(SERVICE)), &CONTEXT);
        let names: Vec<_> = denials.iter().map(|(statement, _)| statement.name.as_str()).collect();
        assert_eq!(names, ["Mine", "number 2"]);
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"Statement":1}"#,
            r#"{"Statement":[1]}"#,
            r#"{"Statement":{"Effect":"Maybe"}}"#,
        ] {
            assert!(matches!(Document::parse(text), Err(PolicyError::Malformed(_))), "{text}");
        }
    }
}
