//! Keeps `docs/FINDINGS.md` what the code says.

use std::{env, fmt::Write as _, fs, path::Path};

use seeding::{Code, Severity};

fn page() -> String {
    let mut page = String::from(
        "# Findings\n\n\
         A finding is one thing that a person should know about a seeding: `{code, severity, backup, shard, evidence, remedy}`.\n\
         A `fail` refuses the seeding, unless its code is listed in the request's `allow` and can be allowed. A `warn` lets it go on.\n\
         The severity is the usual one; where AWS documents less than it does, a `fail` may be a `warn`. `kms-key-needs-grant` is a `fail` where the key's\n\
         policy could be read and does not let ElastiCache in; `engine-version-unknown` is a `note` where only a patch level was left out.\n\n\
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
    page
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
