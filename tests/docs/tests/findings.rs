//! Keeps `docs/FINDINGS.md` in step with the code.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use std::{collections::BTreeSet, fmt::Write as _, fs};

use docs_tests::{check_page, project_file};
use seeding::{Code, ErrorName, MACHINE_CODES, Severity};

fn page() -> String {
    let mut page = String::from(
        "# Findings\n\n\
         A finding is one fact about a seeding: `{code, severity, backup, shard, evidence, remedy}`. A `fail` rejects the\n\
         seeding, unless its code can be allowed and is listed in the request's `allow`. After a `warn` the seeding continues.\n\
         The table has the usual severity. Where AWS documents less than it does, a `fail` may be a `warn`.\n\
         `kms-key-needs-grant` is a `fail` if the key's policy is readable and does not allow ElastiCache.\n\
         `engine-version-unknown` is a `note` if only the patch level was ignored.\n\n\
         <!-- This page is written by `make docs` -->\n\n\
         | code | severity | can be allowed | meaning |\n|---|---|---|---|\n",
    );
    for code in Code::ALL {
        let severity = match code.severity() {
            Severity::Fail => "fail",
            Severity::Warn => "warn",
            Severity::Note => "note",
        };
        let allowed = match (code.severity(), code.can_be_allowed()) {
            (Severity::Fail, true) => "yes",
            (Severity::Fail, false) => "no",
            _ => "",
        };
        let _ = writeln!(page, "| `{code}` | {severity} | {allowed} | {} |", code.meaning());
    }
    page.push_str(
        "\n## When a step fails\n\n\
         The first finding of `SeedingFailed` says which step failed and why. Its code is the name of the error. None can be allowed.\n\
         A step with a retryable error is retried first.\n\n\
         | code | error | retried | meaning |\n|---|---|---|---|\n",
    );
    for name in ErrorName::ALL {
        let retried = if name.is_retryable() { "yes" } else { "" };
        let _ = writeln!(page, "| `{}` | `{name}` | {retried} | {} |", name.finding_code(), name.meaning());
    }
    page.push_str("\nThe state machine itself adds:\n\n| code | meaning |\n|---|---|\n");
    for (code, meaning) in MACHINE_CODES {
        let _ = writeln!(page, "| `{code}` | {meaning} |");
    }
    page
}

/// The page has every error name and code that the state machine writes, and no others.
#[test]
fn the_machine_writes_the_codes_of_the_page() {
    let machine = fs::read_to_string(project_file("statemachine/seed-cluster.asl.json")).unwrap();
    let is_code =
        |text: &str| text.contains('-') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let is_name = |text: &str| {
        text.starts_with(|letter: char| letter.is_ascii_uppercase())
            && text.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let mut written: BTreeSet<String> = BTreeSet::new();
    // Format: `'code': 'verify-failed'`.
    for rest in machine.split("'code': '").skip(1) {
        let code = rest.split('\'').next().unwrap();
        assert!(is_code(code), "{code}");
        written.insert(code.to_owned());
    }
    // Format: `'error': 'RestoreFailed'`, or one of two names by a condition. Names that functions write are in
    // `ErrorName`.
    for rest in machine.split("'error': ").skip(1) {
        let line = rest.lines().next().unwrap();
        let expression = line.split(", 'cause'").next().unwrap();
        let names = expression.split('\'').filter(|text| is_name(text));
        written.extend(names.map(kebab_case));
    }
    // Codes for errors of AWS.
    let codes = machine.split("\"failureCode\": ").nth(1).unwrap().lines().next().unwrap();
    written.extend(codes.split('\'').filter(|text| is_code(text) || *text == "timeout").map(str::to_owned));
    // Codes that functions write as well are in `Code` and `ErrorName`.
    written.retain(|code| Code::ALL.iter().all(|one| one.as_str() != code));
    written.retain(|code| ErrorName::ALL.iter().all(|one| one.finding_code() != *code));
    let listed: BTreeSet<_> = MACHINE_CODES.iter().map(|(code, _)| (*code).to_owned()).collect();
    assert_eq!(written, listed);
}

fn kebab_case(name: &str) -> String {
    let mut code = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !code.is_empty() {
            code.push('-');
        }
        code.push(letter.to_ascii_lowercase());
    }
    code
}

#[test]
fn the_page_of_findings_is_what_the_code_says() {
    check_page("FINDINGS.md", &page());
}
