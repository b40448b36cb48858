//! The table of fields in docs/REQUEST.md, from the request's comments and from resolving requests.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use std::collections::BTreeSet;

use docs_tests::{Field, Source, Table, check_table};
use seeding::{Identity, Request, resolve};
use serde_json::{Value, json};

/// The fields that are objects: name, place of what is in them, and struct.
const PARTS: [(&str, &str, &str); 3] = [
    ("cluster", "cluster.", "ClusterRequest"),
    ("serverless", "cluster.serverless.", "ServerlessRequest"),
    ("convert", "convert.", "ConvertRequest"),
];

/// A field, with its place in a request: `cluster.`, `cluster.serverless.`, `convert.` or nothing.
fn fields() -> Vec<(&'static str, Field)> {
    fields_of(&Source::read(&["crates/seeding/src/request.rs"]), "", "Request")
}

fn fields_of(source: &Source, place: &'static str, part: &str) -> Vec<(&'static str, Field)> {
    let inside = |field: Field| match PARTS.iter().find(|(name, ..)| *name == field.name) {
        Some((_, place, part)) => fields_of(source, place, part),
        None => vec![(place, field)],
    };
    source.fields(part).unwrap().into_iter().flat_map(inside).collect()
}

/// A request that sets one field.
fn request_with(place: &str, name: &str, value: &Value) -> Value {
    let mut request = json!({"backups": ["my-bucket/redis.rdb"], "cluster": {}, "convert": {}});
    if place == "cluster.serverless." {
        request["cluster"] = json!({"kind": "serverless", "serverless": {}});
    }
    let object =
        place.split('.').filter(|part| !part.is_empty()).fold(&mut request, |object, part| &mut object[part]);
    object[name] = value.clone();
    if name == "multiAz" {
        object["replicasPerShard"] = 1.into();
    }
    if name == "exactId" {
        object["kind"] = "cacheCluster".into();
        object["id"] = "orders".into();
    }
    if name == "onConflict" {
        object["databases"] = "merge".into();
    }
    request
}

/// Whether a value is accepted, as far as this field alone decides.
fn accepts(place: &str, name: &str, value: &Value) -> bool {
    let request = request_with(place, name, value);
    let (resolved, findings) = resolve(&[("request", &request)], &Identity::new("docs", "docs"));
    let field = Value::from(format!("{place}{name}"));
    resolved.is_some() && findings.iter().all(|finding| finding.evidence.get("field") != Some(&field))
}

#[test]
fn the_table_of_fields_is_what_the_code_says() {
    let empty = json!({"backups": ["my-bucket/redis.rdb"]});
    let resolved = resolve(&[("request", &empty)], &Identity::new("docs", "docs")).0.unwrap();
    let cluster = serde_json::to_value(&resolved.cluster).unwrap();
    let options = serde_json::to_value(&resolved.options).unwrap();
    let mut table = Table::new(["field", "values", "default", "meaning"]);
    for (place, Field { name, meaning, values, default, .. }) in fields() {
        assert!(!meaning.is_empty(), "{name} has no comment");
        let values = values.unwrap_or_else(|| panic!("the comment of {name} has no line `Values:`"));
        let resolved = match place {
            "cluster." => &cluster,
            "cluster.serverless." => &cluster["serverless"],
            "convert." => &options["convert"],
            _ => &options,
        };
        let default = default.unwrap_or_else(|| in_words(&resolved[&name]));
        table.row([&format!("`{place}{name}`"), &values, &default, &meaning]);
    }
    check_table("REQUEST.md", "fields", &table);
}

/// A default; nothing if there is none.
fn in_words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => format!("`{text}`"),
        Value::Array(items) if items.is_empty() => String::new(),
        other => format!("`{}`", other.to_string().replace(',', ", ")),
    }
}

#[test]
fn the_ranges_of_numbers_are_those_that_a_request_accepts() {
    let mut ranges = 0;
    for (place, Field { name, values, .. }) in fields() {
        let values = values.unwrap();
        let Some((low, high)) = values.split_once('-') else { continue };
        let (Ok(low), Ok(high)) = (low.parse::<i64>(), high.parse::<i64>()) else { continue };
        for (number, expected) in [(low - 1, false), (low, true), (high, true), (high + 1, false)] {
            assert_eq!(accepts(place, &name, &number.into()), expected, "{place}{name}: {number}");
        }
        ranges += 1;
    }
    assert!(ranges >= 8, "{ranges} ranges");
}

#[test]
fn the_words_of_fields_are_those_that_a_request_accepts() {
    for (place, Field { name, values, .. }) in fields() {
        let values = values.unwrap();
        let words: Vec<_> = values.split('`').skip(1).step_by(2).collect();
        for word in &words {
            let value = serde_json::from_str(word).ok().filter(|value: &Value| !value.is_number());
            let value = value.unwrap_or_else(|| Value::from(*word));
            assert!(accepts(place, &name, &value), "{place}{name}: {word}");
        }
        // serde lists the words that it knows: `expected one of`.
        let request = request_with(place, &name, &json!("no such word"));
        let Err(error) = Request::from_layers(&[("request", &request)]) else { continue };
        if let Some((_, known)) = error.message.split_once("unknown variant `no such word`, expected ") {
            let known: BTreeSet<_> = known.split('`').skip(1).step_by(2).collect();
            assert_eq!(words.into_iter().collect::<BTreeSet<_>>(), known, "{place}{name}");
        }
    }
}

/// Empty requests show the default of the default engine only.
#[test]
fn the_default_version_of_each_engine_is_documented() {
    let fields = fields();
    let (_, version) = fields.iter().find(|(_, field)| field.name == "engineVersion").unwrap();
    for engine in ["valkey", "redis"] {
        let request = request_with("cluster.", "engine", &engine.into());
        let resolved = resolve(&[("request", &request)], &Identity::new("docs", "docs")).0.unwrap();
        let expected = format!("`{}`", resolved.cluster.engine_version);
        assert!(version.default.as_ref().unwrap().contains(&expected), "{engine}: {expected}");
    }
}
