//! Editing of a policy's text: one statement is added or removed, and all other bytes stay the same.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{MAX_POLICY_BYTES, PolicyError, Statement};
use crate::facts::identity::Identity;

/// The prefix of the tool's Sids, by which users recognise its statements.
const SID_PREFIX: &str = "ElasticacheSeeder";

impl Statement<'_> {
    /// Returns the policy with this statement added. It replaces an earlier statement of this execution.
    pub fn add_to(&self, policy: Option<&str>) -> Result<String, PolicyError> {
        let tag = self.execution.hash();
        let Some(policy) = policy else {
            return fits(
                json!({"Version": "2012-10-17", "Statement": [self.json(&sid(tag, false))]}).to_string(),
            );
        };
        let statements = Statements::find(policy)?;
        if let Some(mine) = statements.items.iter().find(|item| item.is_of(tag)) {
            let ours = self.json(&sid(tag, mine.wrapped)).to_string();
            return fits(format!("{}{ours}{}", &policy[..mine.start], &policy[mine.end..]));
        }
        let mut text = String::with_capacity(policy.len() + 512);
        let wrapped = !statements.brackets;
        let ours = self.json(&sid(tag, wrapped)).to_string();
        let (before, inside, after) = statements.parts(policy);
        text.push_str(before);
        // A single statement needs no brackets; the tool's Sid records that it had to add them.
        let comma = if inside.trim().is_empty() { "" } else { "," };
        let (open, close) = if wrapped { ("[", "]") } else { ("", "") };
        let _ = write!(text, "{open}{ours}{comma}{inside}{close}{after}");
        fits(text)
    }
}

/// Whether a policy has the statement of this execution.
pub fn has(policy: &str, execution: &Identity) -> bool {
    Statements::find(policy).is_ok_and(|found| found.items.iter().any(|item| item.is_of(execution.hash())))
}

/// Whether a policy has statements of other executions.
pub fn has_others(policy: &str, execution: &Identity) -> bool {
    Statements::find(policy).is_ok_and(|statements| {
        statements.items.iter().any(|item| item.ours.is_some() && !item.is_of(execution.hash()))
    })
}

/// Returns the policy without the statement of this execution; `None` if no statement remains, so that the policy has
/// to be deleted.
pub fn remove(policy: &str, execution: &Identity) -> Result<Option<String>, PolicyError> {
    let tag = execution.hash();
    let statements = Statements::find(policy)?;
    let Some(place) = statements.items.iter().position(|item| item.is_of(tag)) else {
        return Ok(Some(policy.to_owned()));
    };
    if statements.items.len() == 1 {
        return Ok(None);
    }
    let gone = &statements.items[place];
    // The comma after it is removed too; for the last statement, the comma before it.
    let (start, end) = match (statements.items.get(place + 1), place.checked_sub(1)) {
        (Some(_), _) => {
            let comma = policy[gone.end..].find(',').map_or(gone.end, |at| gone.end + at + 1);
            (gone.start, comma)
        }
        (None, Some(before)) => (statements.items[before].end, gone.end),
        (None, None) => (gone.start, gone.end),
    };
    let mut text = format!("{}{}", &policy[..start], &policy[end..]);
    if gone.wrapped {
        text = hand_over_the_brackets(&text)?;
    }
    Ok(Some(text))
}

/// Handles the brackets after the statement that added them is removed: another of the tool's statements takes over the
/// mark, or the brackets are removed too.
fn hand_over_the_brackets(policy: &str) -> Result<String, PolicyError> {
    let statements = Statements::find(policy)?;
    if let Some(heir) = statements.items.iter().find(|item| item.ours.is_some()) {
        let tag = heir.ours.as_deref().unwrap_or_default();
        let statement = &policy[heir.start..heir.end];
        let statement = statement.replacen(&sid(tag, false), &sid(tag, true), 1);
        return Ok(format!("{}{statement}{}", &policy[..heir.start], &policy[heir.end..]));
    }
    if statements.items.len() != 1 {
        // Someone else has added statements meanwhile, so the brackets are needed now.
        return Ok(policy.to_owned());
    }
    let (before, inside, after) = statements.parts(policy);
    let before = before.strip_suffix('[').unwrap_or(before);
    let after = after.strip_prefix(']').unwrap_or(after);
    Ok(format!("{before}{inside}{after}"))
}

fn fits(text: String) -> Result<String, PolicyError> {
    if text.len() > MAX_POLICY_BYTES { Err(PolicyError::Full { bytes: text.len() }) } else { Ok(text) }
}

fn sid(tag: &str, wrapped: bool) -> String {
    format!("{SID_PREFIX}{}{tag}", if wrapped { "W" } else { "A" })
}

/// The positions of the statements in a policy's text.
struct Statements {
    /// The byte offsets of what is inside the brackets (without brackets, of the single statement).
    inside: (usize, usize),
    /// Whether there are brackets.
    brackets: bool,
    items: Vec<Item>,
}

struct Item {
    start: usize,
    end: usize,
    /// The tag, if it is one of the tool's statements.
    ours: Option<String>,
    /// Whether the tool had to add brackets with it.
    wrapped: bool,
}

impl Item {
    fn is_of(&self, tag: &str) -> bool {
        self.ours.as_deref() == Some(tag)
    }
}

impl Statements {
    fn find(policy: &str) -> Result<Self, PolicyError> {
        #[derive(Deserialize)]
        struct Policy<'a> {
            #[serde(rename = "Statement", borrow)]
            statement: &'a RawValue,
        }
        let malformed = |error: serde_json::Error| PolicyError::Malformed(error.to_string());
        let parsed: Policy<'_> = serde_json::from_str(policy).map_err(malformed)?;
        let list = parsed.statement.get();
        let start = offset(policy, list);
        if !list.starts_with('[') {
            let only = item(policy, parsed.statement)?;
            return Ok(Self { inside: (start, start + list.len()), brackets: false, items: vec![only] });
        }
        let raw: Vec<&RawValue> = serde_json::from_str(list).map_err(malformed)?;
        let items = raw.into_iter().map(|raw| item(policy, raw)).collect::<Result<_, _>>()?;
        Ok(Self { inside: (start + 1, start + list.len() - 1), brackets: true, items })
    }

    fn parts<'p>(&self, policy: &'p str) -> (&'p str, &'p str, &'p str) {
        (&policy[..self.inside.0], &policy[self.inside.0..self.inside.1], &policy[self.inside.1..])
    }
}

fn item(policy: &str, raw: &RawValue) -> Result<Item, PolicyError> {
    let statement: Value =
        serde_json::from_str(raw.get()).map_err(|error| PolicyError::Malformed(error.to_string()))?;
    let rest = statement["Sid"].as_str().and_then(|sid| sid.strip_prefix(SID_PREFIX)).unwrap_or_default();
    let start = offset(policy, raw.get());
    let wrapped = rest.starts_with('W');
    let ours = rest.strip_prefix(['W', 'A']).map(str::to_owned);
    Ok(Item { start, end: start + raw.get().len(), ours, wrapped })
}

/// The offset of `part` in `whole`, from which it is borrowed.
fn offset(whole: &str, part: &str) -> usize {
    part.as_ptr() as usize - whole.as_ptr() as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::facts::location::BackupLocation;

    const PRINCIPAL: &str = "us-east-1.elasticache-snapshot.amazonaws.com";

    fn backups() -> Vec<BackupLocation> {
        vec![BackupLocation { bucket: "b".into(), key: "folder/a \"x\".rdb".into() }]
    }

    fn id(name: &str) -> Identity {
        Identity::new(name, name)
    }

    fn statement<'a>(
        execution: &'a Identity,
        backups: &'a [BackupLocation],
        expires_at_ms: Option<i64>,
    ) -> Statement<'a> {
        Statement { execution, service_principal: PRINCIPAL, partition: "aws", backups, expires_at_ms }
    }

    fn add(policy: Option<&str>, execution: &str) -> String {
        let backups = backups();
        statement(&id(execution), &backups, None).add_to(policy).unwrap()
    }

    const FOREIGN: [&str; 4] = [
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}"#,
        "{ \"Statement\" : [ {\"Effect\":\"Allow\"} ,\n\t{\"Sid\":\"ü]\"} ] , \"Version\":\"2012-10-17\" }\n",
        r#"{"Statement": {"Sid":"only", "Effect":"Allow", "Note":"[,]"} , "Id":"x"}"#,
        "{\"Statement\":[\n  {\"Sid\":\"A\"}\n]}",
    ];

    #[test]
    fn the_statement_is_the_documented_one_for_these_objects_only() {
        let policy: Value = serde_json::from_str(&add(None, "e")).unwrap();
        let statement = &policy["Statement"][0];
        assert_eq!(statement["Principal"], json!({"Service": PRINCIPAL}));
        assert_eq!(statement["Action"], json!(["s3:GetObject", "s3:ListBucket", "s3:GetBucketAcl"]));
        assert_eq!(statement["Resource"], json!(["arn:aws:s3:::b", "arn:aws:s3:::b/folder/a \"x\".rdb"]));
        assert!(statement["Sid"].as_str().unwrap().chars().all(|c| c.is_ascii_alphanumeric()));
    }

    #[test]
    fn taking_ours_out_leaves_no_policy_where_there_was_none() {
        assert_eq!(remove(&add(None, "e"), &id("e")), Ok(None));
    }

    #[test]
    fn adding_twice_is_adding_once() {
        for policy in [None, Some(FOREIGN[0]), Some(FOREIGN[2])] {
            let once = add(policy, "e");
            assert_eq!(add(Some(&once), "e"), once);
        }
    }

    #[test]
    fn a_statement_that_ends_is_renewed_in_its_place() {
        for foreign in FOREIGN {
            let (backups, e) = (backups(), id("e"));
            let until = |ms| statement(&e, &backups, Some(ms));
            let first = until(1_700_000_000_000).add_to(Some(foreign)).unwrap();
            assert!(
                first.contains(r#"{"DateLessThan":{"aws:CurrentTime":"2023-11-14T22:13:20Z"}}"#),
                "{first}"
            );
            let later = until(1_700_000_060_000).add_to(Some(&first)).unwrap();
            assert_eq!(later, first.replace("22:13:20", "22:14:20"));
            assert_eq!(remove(&later, &e), Ok(Some(foreign.to_owned())));
        }
    }

    #[test]
    fn a_key_with_wildcards_is_that_key_alone() {
        let backups = [BackupLocation { bucket: "b".into(), key: "a*${x}?.rdb".into() }];
        let policy: Value =
            serde_json::from_str(&statement(&id("e"), &backups, None).add_to(None).unwrap()).unwrap();
        assert_eq!(policy["Statement"][0]["Resource"][1], "arn:aws:s3:::b/a${*}${$}{x}${?}.rdb");
    }

    #[test]
    fn others_are_told_from_ones_own() {
        let mine = add(Some(FOREIGN[0]), "e");
        assert!(has(&mine, &id("e")) && !has(&mine, &id("f")) && !has("", &id("e")));
        assert!(!has_others(&mine, &id("e")) && has_others(&mine, &id("f")));
        assert!(!has_others(FOREIGN[0], &id("e")) && !has_others("", &id("e")));
    }

    #[test]
    fn a_policy_without_room_is_refused_with_the_numbers() {
        let long = format!(r#"{{"Statement":[{{"Sid":"{}"}}]}}"#, "x".repeat(MAX_POLICY_BYTES - 100));
        let backups = backups();
        let e = id("e");
        let statement = statement(&e, &backups, None);
        assert!(
            matches!(statement.add_to(Some(&long)), Err(PolicyError::Full { bytes }) if bytes > MAX_POLICY_BYTES)
        );
    }

    #[test]
    fn what_is_not_a_policy_is_not_touched() {
        for text in ["", "[]", "{}", "{\"Statement\":[", "{\"Statement\":[1,]}"] {
            assert!(matches!(remove(text, &id("e")), Err(PolicyError::Malformed(_))), "{text}");
        }
    }

    proptest! {
        /// Whatever the order in which seedings start and end, the owner's policy is the original one at the end.
        #[test]
        fn after_the_last_one_has_gone_the_policy_is_what_it_was_to_the_byte(
            foreign in 0_usize..FOREIGN.len(),
            steps in proptest::collection::vec((0_usize..4, any::<bool>()), 0..40),
        ) {
            let names = ["one", "two", "three", "four"];
            let mut policy = FOREIGN[foreign].to_owned();
            for (who, comes) in steps {
                policy = if comes { add(Some(&policy), names[who]) } else { remove(&policy, &id(names[who])).unwrap().unwrap() };
                let parsed: Value = serde_json::from_str(&policy).unwrap();
                prop_assert!(!parsed["Statement"].is_null());
            }
            for name in names { policy = remove(&policy, &id(name)).unwrap().unwrap(); }
            prop_assert_eq!(policy, FOREIGN[foreign]);
        }
    }
}
