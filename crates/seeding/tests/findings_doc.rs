//! Keeps `docs/FINDINGS.md` in step with the code.

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::Path};

use seeding::{Code, ErrorName, MACHINE_CODES, Severity};

fn page() -> String {
    let mut page = String::from(
        "# Findings\n\n\
         A finding is one fact about a seeding: `{code, severity, backup, shard, evidence, remedy}`. A `fail` rejects the seeding, unless\n\
         its code can be allowed and is listed in the request's `allow`. After a `warn` the seeding continues. The table has the usual\n\
         severity. Where AWS documents less than it does, a `fail` may be a `warn`. `kms-key-needs-grant` is a `fail` if the key's policy\n\
         is readable and does not allow ElastiCache. `engine-version-unknown` is a `note` if only the patch level was ignored.\n\n\
         <!-- Written by the test findings_doc of the crate seeding: UPDATE_DOCS=1 cargo test -p seeding --test findings_doc -->\n\n\
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

/// Every error name and code in the state machine is on the page, and the page has no others.
#[test]
fn the_machine_writes_the_codes_of_the_page() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../statemachine/seed-cluster.asl.json");
    let machine = fs::read_to_string(path).unwrap();
    let is_code =
        |text: &str| text.contains('-') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let is_name = |text: &str| {
        text.starts_with(|letter: char| letter.is_ascii_uppercase())
            && text.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let mut written: BTreeSet<String> = BTreeSet::new();
    // `'code': 'verify-failed'`
    for rest in machine.split("'code': '").skip(1) {
        let code = rest.split('\'').next().unwrap();
        assert!(is_code(code), "{code}");
        written.insert(code.to_owned());
    }
    // `'error': 'RestoreFailed'`, or one of two by a condition. Those of functions are in `ErrorName`.
    for rest in machine.split("'error': ").skip(1) {
        let expression = rest.split(", 'cause'").next().unwrap();
        let names = expression.split('\'').filter(|text| is_name(text));
        written.extend(names.map(kebab_case));
    }
    // States.Timeout, by `$replace('States.', '')`.
    written.insert("timeout".to_owned());
    // The state machine also writes some codes of `Code`.
    written.retain(|code| Code::ALL.iter().all(|one| one.as_str() != code));
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
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/FINDINGS.md");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, page()).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page(),
        "docs/FINDINGS.md is stale: UPDATE_DOCS=1 cargo test -p seeding --test findings_doc"
    );
}
