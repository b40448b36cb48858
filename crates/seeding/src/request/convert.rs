//! Whether a backup that the engine does not read is converted, what a conversion may lose, and what it changes.

use rdb_convert::{Databases, Glob, OnConflict, Policies, Target};
use rdb_scan::Kind;
use serde::{Deserialize, Serialize};

use crate::{
    facts::node_types::near_names,
    finding::{Code, Finding},
    request::ConvertRequest,
};

/// The most patterns that a request may have, of included and of excluded keys.
const MOST_PATTERNS: usize = 1000;

/// The most keys among which conflicts are looked for, not counting those of the largest database: a worker holds their
/// hashes with 16 bytes each, and reads them from a file of a third more.
const MOST_COMPARED_KEYS: u64 = 20_000_000;

/// When a backup is converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// If the engine does not read it as it is, or something is to be changed.
    #[default]
    Needed,
    /// Never: such a backup is refused.
    Never,
}

/// The conversion of backups, with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Convert {
    /// When a backup is converted.
    pub when: When,
    /// What a conversion may lose.
    #[serde(flatten)]
    pub policies: Policies,
    /// What it changes.
    #[serde(flatten)]
    pub changes: Changes,
}

/// What a conversion changes in the data. The default is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Changes {
    /// Where the keys of each database go.
    pub databases: Databases,
    /// What happens to keys that two databases bring to one.
    pub on_conflict: OnConflict,
    /// Only keys that match one of these stay; all if empty.
    pub include: Vec<String>,
    /// Keys that match one of these go.
    pub exclude: Vec<String>,
    /// Whether keys go that have expired.
    pub drop_expired: bool,
    /// Only keys of these types stay; all if empty.
    pub only: Vec<String>,
    /// Whether what ends a load is mended.
    pub repair: bool,
    /// Whether what is intact in a damaged backup is seeded.
    pub salvage: bool,
}

impl Changes {
    /// Whether every backup has to be converted for them, whatever the engine reads.
    pub fn is_empty(&self) -> bool {
        *self == Self { on_conflict: self.on_conflict, salvage: self.salvage, ..Self::default() }
    }
}

impl Convert {
    /// Fills in the defaults: convert if needed, lose nothing, change nothing. Every contradiction is a finding.
    pub(crate) fn resolve(request: &ConvertRequest, findings: &mut Vec<Finding>) -> Self {
        let policy = Option::unwrap_or_default;
        let list = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
        let convert = Self {
            when: request.when.unwrap_or_default(),
            policies: Policies {
                field_expiries: policy(request.field_expiries),
                stream_state: policy(request.stream_state),
                modules: policy(request.modules),
                unsupported_types: policy(request.unsupported_types),
                functions: policy(request.functions),
            },
            changes: Changes {
                databases: request.databases.clone().unwrap_or_default(),
                on_conflict: request.on_conflict.unwrap_or_default(),
                include: list(&request.include),
                exclude: list(&request.exclude),
                drop_expired: request.drop_expired.unwrap_or(false),
                only: list(&request.only),
                repair: request.repair.unwrap_or(false),
                salvage: request.salvage.unwrap_or(false),
            },
        };
        convert.check(findings);
        convert
    }

    fn check(&self, findings: &mut Vec<Finding>) {
        let Changes { databases, on_conflict, include, exclude, only, salvage, .. } = &self.changes;
        let mut invalid = |field: &str, remedy: String| {
            findings.push(Finding::new(Code::InvalidRequest, remedy).with("field", field));
        };
        if self.when == When::Never && (!self.changes.is_empty() || *salvage) {
            let remedy = "remove convert.when, or everything in convert that changes the data";
            invalid("convert.when", remedy.to_owned());
        }
        if *on_conflict != OnConflict::Refuse && databases.is_keep() {
            let remedy = "name convert.databases too, or remove convert.onConflict: keys of databases that stay where they are meet no others";
            invalid("convert.onConflict", remedy.to_owned());
        }
        for name in only.iter().filter(|name| Kind::named(name).is_none()) {
            let near = near_names(name, Kind::ALL.iter().map(|kind| kind.name())).join(", ");
            invalid("convert.only", format!("remove `{name}`: no type has this name; near ones: {near}"));
        }
        for pattern in include.iter().filter(|pattern| exclude.contains(pattern)) {
            let remedy = format!("name `{pattern}` once: no key could stay that it includes");
            invalid("convert.include", remedy);
        }
        for (field, patterns) in [("convert.include", include), ("convert.exclude", exclude)] {
            if patterns.len() > MOST_PATTERNS {
                let found = patterns.len();
                invalid(field, format!("name at most {MOST_PATTERNS} patterns; there are {found}"));
            }
        }
    }

    /// The options of the conversion for a target. `now_ms`: the time at which keys have expired or not.
    pub fn options(&self, target: Target, now_ms: i64) -> rdb_convert::Options {
        let Changes { databases, on_conflict, include, exclude, drop_expired, only, repair, .. } =
            &self.changes;
        let globs =
            |patterns: &[String]| patterns.iter().map(|pattern| Glob::new(pattern.as_bytes())).collect();
        rdb_convert::Options {
            policies: self.policies,
            databases: databases.clone(),
            on_conflict: *on_conflict,
            include: globs(include),
            exclude: globs(exclude),
            drop_expired: *drop_expired,
            repair: *repair,
            only: only.iter().filter_map(|name| Kind::named(name)).collect(),
            now_ms,
            most_compared_keys: MOST_COMPARED_KEYS,
            ..rdb_convert::Options::new(target)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn resolve(convert: &Value) -> (Convert, Vec<Finding>) {
        let mut findings = Vec::new();
        let convert = Convert::resolve(&serde_json::from_value(convert.clone()).unwrap(), &mut findings);
        (convert, findings)
    }

    #[test]
    fn what_changes_the_data_needs_a_conversion() {
        for (request, is_empty) in [
            (json!({}), true),
            (json!({"modules": "drop", "onConflict": "refuse", "databases": "keep", "salvage": true}), true),
            (json!({"databases": "merge", "onConflict": "last"}), false),
            (json!({"databases": "merge"}), false),
            (json!({"databases": {"1": "drop"}}), false),
            (json!({"include": ["a*"]}), false),
            (json!({"exclude": ["a*"]}), false),
            (json!({"dropExpired": true}), false),
            (json!({"only": ["hash"]}), false),
            (json!({"repair": true}), false),
        ] {
            let (convert, findings) = resolve(&request);
            assert!(findings.is_empty(), "{request}: {findings:?}");
            assert_eq!(convert.changes.is_empty(), is_empty, "{request}");
            let stored = serde_json::to_value(&convert).unwrap();
            assert_eq!(serde_json::from_value::<Convert>(stored).unwrap(), convert, "{request}");
        }
    }

    #[test]
    fn contradictions_are_named() {
        for (request, field) in [
            (json!({"when": "never", "include": ["a"]}), "convert.when"),
            (json!({"when": "never", "salvage": true}), "convert.when"),
            (json!({"only": ["hahs"]}), "convert.only"),
            (json!({"onConflict": "first"}), "convert.onConflict"),
            (json!({"onConflict": "last", "databases": "keep"}), "convert.onConflict"),
            (json!({"include": ["a", "b"], "exclude": ["b"]}), "convert.include"),
            (json!({"exclude": vec!["a"; 1001]}), "convert.exclude"),
        ] {
            let (_, findings) = resolve(&request);
            assert_eq!(findings.len(), 1, "{request}");
            assert_eq!(findings[0].evidence["field"], field);
        }
    }
}
