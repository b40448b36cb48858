//! What holds at the end of every run, whatever the fault.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use aws_sdk_sfn::types::ExecutionStatus;

use super::{
    announced,
    case::Case,
    ending::{Ending, left_behind},
    injection::Injection,
};
use crate::user::Outcome;

/// The codes of findings that follow from a denied call, besides that of the error itself.
const OF_DENIAL: [&str; 6] = [
    "access-denied",
    "backup-not-readable",
    "bucket-not-accessible",
    "grant-missing",
    "grant-refused",
    "target-not-checked",
];

/// What the documentation says.
#[derive(Debug)]
pub(crate) struct Documented(String);

impl Documented {
    /// Reads the page with the codes of findings.
    pub(crate) fn read(project: &Path) -> Result<Self> {
        let path = project.join("docs/FINDINGS.md");
        Ok(Self(fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?))
    }

    fn has(&self, code: &str) -> bool {
        self.0.contains(&format!("| `{code}` |"))
    }
}

/// What is wrong with the end of a run; nothing if all is well. `expected` is the summary without a fault, `keys` what
/// the cluster has to hold.
pub(crate) fn violations(
    case: Option<&Case>,
    ending: &Ending,
    expected: &str,
    keys: usize,
    documented: &Documented,
) -> Vec<String> {
    let mut found = ending.touched.clone();
    if ending.good_deleted {
        found.push("a cluster was deleted after it had become available".to_owned());
    }
    let summary = ending.summary();
    let got_over =
        case.is_none_or(|case| case.injection.is_got_over(&case.caller) && !is_doubt(case, ending));
    if got_over && summary != expected {
        found.push(format!("expected the end `{expected}`, found `{summary}`: {:#}", ending.main.value));
    }
    for outcome in std::iter::once(&ending.main).chain(&ending.clean_up) {
        found.extend(undocumented(outcome, documented));
    }
    if !got_over && summary != expected {
        found.extend(case.and_then(|case| unexplained(case, ending, expected)));
    }
    found.extend(cluster(ending, keys));
    found.extend(left(ending, case));
    found.extend(announced::violations(case, ending));
    found
}

/// Whether a run ended because a cluster is there that may be its own. What is left is checked as ever.
fn is_doubt(case: &Case, ending: &Ending) -> bool {
    case.scenario.may_be_in_doubt() && ending.main.codes().first() == Some(&"id-taken")
}

/// Codes that no page explains.
fn undocumented<'a>(outcome: &'a Outcome, documented: &'a Documented) -> impl Iterator<Item = String> + 'a {
    let codes = outcome.codes().into_iter().filter(|code| !documented.has(code));
    codes.map(|code| format!("the code `{code}` is not in docs/FINDINGS.md"))
}

/// A failure whose first finding names neither the fault nor what follows from it.
fn unexplained(case: &Case, ending: &Ending, expected: &str) -> Option<String> {
    if ending.main.status != ExecutionStatus::Failed {
        return None;
    }
    let code = ending.main.codes().first().copied().unwrap_or("none");
    let explained = match case.injection {
        // The deadline names the error for which the cluster could not be checked.
        Injection::Denied | Injection::DeniedForGood => {
            let message =
                ending.main.value["findings"][0]["evidence"]["message"].as_str().unwrap_or_default();
            OF_DENIAL.contains(&code) || message.contains("is still unknown (AccessDenied)")
        }
        // The machine could not invoke a function.
        _ => ["service-busy", "timeout"].contains(&code),
    };
    let explained = explained || is_doubt(case, ending);
    // True whatever else went wrong, such as the deletion before a start-over.
    let explained =
        explained || (["restore-failed", "create-failed"].contains(&code) && case.scenario.is_hopeless());
    let usual = expected.split(", then ").next().is_some_and(|main| main.ends_with(&format!(" {code}")));
    (!explained && !usual).then(|| {
        format!(
            "the code `{code}` names neither the fault nor a consequence: {:#}",
            ending.main.value["findings"][0]
        )
    })
}

/// A cluster that is left, against what was reported.
fn cluster(ending: &Ending, keys: usize) -> Option<String> {
    let seeded = |outcome: &Outcome| {
        outcome.status == ExecutionStatus::Succeeded && outcome.value["outcome"] == "seeded"
    };
    let told = seeded(&ending.main) || ending.clean_up.as_ref().is_some_and(seeded);
    let named = left_behind(ending.last()).iter().any(|text| names(text, &ending.id));
    match &ending.cluster {
        None if told => Some("the end is `seeded`, and there is no cluster".to_owned()),
        None => None,
        Some(cluster) if told => match cluster.keys {
            Some(found) if found == keys => None,
            Some(found) => Some(format!("the end is `seeded` with {found} keys, expected {keys}")),
            None => Some(format!("the end is `seeded`, and the cluster is {}", cluster.status)),
        },
        Some(_) if named => None,
        Some(cluster) => Some(format!(
            "the cluster {} is left, {}, and the end is `{}` with leftBehind {:?}",
            ending.id,
            cluster.status,
            ending.summary(),
            left_behind(ending.last())
        )),
    }
}

/// What is left in the bucket's policy, and what is said to be left.
fn left(ending: &Ending, case: Option<&Case>) -> Vec<String> {
    let mut found = Vec::new();
    let last = ending.last();
    let denied = |caller: &str| {
        case.is_some_and(|case| {
            matches!(case.injection, Injection::Denied | Injection::DeniedForGood) && case.caller == caller
        })
    };
    let told = last.codes().contains(&"revoke-failed") || left_behind(last).contains(&"grant");
    let may_stay = denied("revoke-access") && told;
    if !may_stay && !ending.converted.is_empty() {
        found.push(format!(
            "the conversion bucket has {:?} at the end `{}`",
            ending.converted,
            ending.summary()
        ));
    }
    if !may_stay && let Some(policy) = &ending.changed_policy {
        found.push(format!("the policy is another one at the end `{}`: {policy}", ending.summary()));
    }
    for outcome in std::iter::once(&ending.main).chain(&ending.clean_up) {
        for text in left_behind(outcome) {
            if text != "grant" && !names(text, &ending.id) {
                found.push(format!("leftBehind says `{text}`, which names nothing that there is"));
            }
        }
    }
    for text in left_behind(last) {
        // A step that may not see what it has done cannot know.
        let real = if text == "grant" {
            denied("revoke-access") || ending.changed_policy.is_some() || !ending.converted.is_empty()
        } else {
            denied("delete-cluster") || ending.cluster.is_some()
        };
        if !real {
            found.push(format!("leftBehind says `{text}`, which is not left"));
        }
    }
    found
}

/// Whether an entry of leftBehind is about this cluster.
fn names(text: &str, id: &str) -> bool {
    // Who cannot ask for the cluster's ID names the execution.
    if text.starts_with("cluster of ") {
        return true;
    }
    text.strip_prefix("cluster ").is_some_and(|rest| rest == id || rest.starts_with(&format!("{id}:")))
}
