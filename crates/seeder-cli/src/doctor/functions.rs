//! The functions: whether they are there, and of which version.

use std::collections::BTreeMap;

use aws_sdk_lambda::types::{LastUpdateStatus, State};
use futures::future::join_all;
use seeder_aws::error_code;

use super::{
    Checked,
    line::{Line, Unchecked},
    subject::Subject,
};

/// The version of this command, which is that of the functions that were released with it.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The variable in which the template gives each function its version.
const VARIABLE: &str = "SEEDER_VERSION";

/// The version of a function, or the fault that it has.
enum Found {
    Version(String),
    Fault(Line),
}

/// Checks every function.
pub(super) async fn check(subject: &Subject) -> Checked {
    let functions = subject.of_type("AWS::Lambda::Function")?;
    if functions.is_empty() {
        let remedy = "name the stack of elasticache-seeder with --stack, or deploy it again";
        return Ok(vec![Line::fault("the stack has no functions", remedy)]);
    }
    let found = join_all(functions.iter().map(|(_, name)| describe(subject, name))).await;
    let mut by_version = BTreeMap::<String, Vec<&str>>::new();
    let mut lines = Vec::new();
    for ((_, name), found) in functions.iter().zip(found) {
        match found? {
            Found::Version(version) => by_version.entry(version).or_default().push(name),
            Found::Fault(line) => lines.push(line),
        }
    }
    lines.extend(versions(&by_version));
    Ok(lines)
}

async fn describe(subject: &Subject, name: &str) -> Result<Found, Unchecked> {
    let asked = subject.clients.lambda().get_function_configuration().function_name(name).send().await;
    let answer = match asked {
        Ok(answer) => answer,
        Err(error) if error_code(&error) == Some("ResourceNotFoundException") => {
            return Ok(Found::Fault(Line::fault(
                format!("the function {name} is gone"),
                "it was deleted by hand: delete the stack and deploy it again, or undo the deletion",
            )));
        }
        Err(error) => {
            let doing = format!("describe the function {name}");
            return Err(Unchecked::of("lambda:GetFunctionConfiguration", &doing, &error));
        }
    };
    let reason = answer.state_reason().or(answer.last_update_status_reason()).unwrap_or("no reason given");
    if answer.state() == Some(&State::Failed)
        || answer.last_update_status() == Some(&LastUpdateStatus::Failed)
    {
        return Ok(Found::Fault(Line::fault(
            format!("the function {name} has failed: {reason}"),
            "remove the cause, and deploy the stack again",
        )));
    }
    let variables = answer.environment.and_then(|environment| environment.variables).unwrap_or_default();
    Ok(Found::Version(variables.get(VARIABLE).cloned().unwrap_or_default()))
}

/// Compares the versions with each other and with this command's.
fn versions(by_version: &BTreeMap<String, Vec<&str>>) -> Vec<Line> {
    let shown = |version: &str| if version.is_empty() { "no version".to_owned() } else { version.to_owned() };
    let mut versions: Vec<_> = by_version.iter().collect();
    versions.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
    match versions.as_slice() {
        [] => Vec::new(),
        [(version, names)] if *version == VERSION => {
            vec![Line::ok(format!("{} functions of version {version}", names.len()))]
        }
        [(version, _)] => vec![Line::warning(
            format!("the functions are of {}, and this command is of {VERSION}", shown(version)),
            "deploy this version, or use the command of the functions' version",
        )],
        [(most, _), others @ ..] => others
            .iter()
            .map(|(version, names)| {
                Line::fault(
                    format!("{} of {}, the others of {}", names.join(", "), shown(version), shown(most)),
                    "deploy the stack again, so that all functions are of one version",
                )
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::line::Level, *};

    #[test]
    fn versions_have_to_agree_with_each_other_and_should_with_the_command() {
        let levels = |found: &[(&str, &[&'static str])]| {
            let found = found.iter().map(|(version, names)| ((*version).to_owned(), names.to_vec()));
            versions(&found.collect()).into_iter().map(|line| line.level).collect::<Vec<_>>()
        };
        assert_eq!(levels(&[(VERSION, &["a", "b"])]), [Level::Ok]);
        assert_eq!(levels(&[("9.9.9", &["a", "b"])]), [Level::Warning]);
        assert_eq!(levels(&[(VERSION, &["a", "b"]), ("", &["c"])]), [Level::Fault]);
    }
}
