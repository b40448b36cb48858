//! docs/RESULT.md describes each state in which the machine ends, with the members of its object.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use std::{collections::BTreeSet, fs};

use docs_tests::project_file;
use serde_json::Value;

fn text(file: &str) -> String {
    fs::read_to_string(project_file(file)).unwrap()
}

/// Rows of a table, as cells.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// `{outcome: "seeded", cluster}`, by the names.
fn names(object: &str) -> BTreeSet<String> {
    let inside = object.trim_matches(|letter| "`{}".contains(letter));
    inside.split(", ").map(|member| member.split(':').next().unwrap().to_owned()).collect()
}

#[test]
fn every_end_of_the_machine_is_described() {
    let machine: Value = serde_json::from_str(&text("statemachine/seed-cluster.asl.json")).unwrap();
    let page = text("docs/RESULT.md");
    let (ends, rest) = page.split_once("## The cause of a failure").unwrap();
    let (causes, _) = rest.split_once("`leftBehind` has these entries").unwrap();
    let of_a_cause: BTreeSet<_> =
        rows(causes).iter().map(|cells| cells[0].trim_matches('`').to_owned()).collect();
    let mut described: Vec<_> =
        rows(ends).iter().map(|cells| cells[0].trim_matches('`').to_owned()).collect();
    let states = machine["States"].as_object().unwrap();
    for (state, one) in states {
        let kind = one["Type"].as_str().unwrap();
        if kind != "Succeed" && kind != "Fail" {
            continue;
        }
        let rows = rows(ends);
        let row = rows.iter().find(|cells| cells[0] == format!("`{state}`"));
        let row = row.unwrap_or_else(|| panic!("docs/RESULT.md does not describe {state}"));
        described.retain(|name| name != state);
        if kind == "Succeed" {
            assert_eq!(row[1], "succeeded", "{state}");
            let members: BTreeSet<_> = one["Output"].as_object().unwrap().keys().cloned().collect();
            assert_eq!(names(row[3]), members, "{state}");
        } else {
            assert_eq!(row[1], "failed", "{state}");
            // `$string({'verdict': $verdict, 'findings': …})`
            let cause = one["Cause"].as_str().unwrap();
            let cause = cause.split("$string({").nth(1).unwrap();
            let members: BTreeSet<_> = cause
                .split('\'')
                .skip(1)
                .step_by(2)
                .filter(|name| name.chars().all(char::is_alphabetic))
                .map(str::to_owned)
                .collect();
            assert_eq!(of_a_cause, members, "{state}");
        }
    }
    assert_eq!(described, Vec::<String>::new(), "docs/RESULT.md describes states that are no ends");
}
