//! The CloudFormation stack itself.

use super::{line::Line, subject::Subject};

/// The outputs that commands read.
const OUTPUTS: [&str; 3] = ["DropBucketName", "ReportsBucketName", "StateMachineArn"];

/// Checks the status and the outputs.
pub(super) fn check(subject: &Subject) -> Vec<Line> {
    let name = subject.stack.stack_name().unwrap_or_default();
    let status = subject.stack.stack_status().map_or("", |status| status.as_str());
    let place = format!("in {}, account {}", subject.partition.region, subject.partition.account);
    let mut lines = vec![match status {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" | "IMPORT_COMPLETE" => {
            Line::ok(format!("{name} is {status} {place}"))
        }
        "UPDATE_ROLLBACK_COMPLETE"
        | "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
        | "IMPORT_ROLLBACK_COMPLETE" => Line::warning(
            format!("{name} is {status} {place}: its last update failed, and it is as before"),
            "read the stack's events for the cause, and deploy it again",
        ),
        busy if busy.ends_with("_IN_PROGRESS") && busy != "REVIEW_IN_PROGRESS" => {
            Line::warning(format!("{name} is {status} {place}"), "wait until it is complete")
        }
        _ => Line::fault(
            format!("{name} is {status} {place}"),
            "read the stack's events for the cause, and deploy it again (docs/DEPLOY.md)",
        ),
    }];
    for output in OUTPUTS.into_iter().filter(|output| subject.output(output).is_none()) {
        lines.push(Line::fault(
            format!("{name} has no output {output}"),
            "it may be of an older template or another product: deploy this version, or name another stack with --stack",
        ));
    }
    lines
}
