//! The state machine, its last executions, and what they may have left.

use aws_sdk_sfn::types::StateMachineStatus;
use jiff::Timestamp;
use seeder_aws::{error_code, sweep::Sweep};
use seeding::sweep::Decision;

use super::{
    Checked,
    line::{Line, Unchecked},
    subject::Subject,
};
use crate::execution::{Execution, Outcome, clock, find};

/// The number of executions that are inspected.
const LAST: usize = 20;
/// The most lines about one kind of thing.
const SHOWN: usize = 5;

/// Checks that the state machine is there.
pub(super) async fn machine(subject: &Subject) -> Checked {
    let Some(arn) = subject.output("StateMachineArn") else { return Ok(Vec::new()) };
    let asked = subject.clients.step_functions().describe_state_machine().state_machine_arn(arn).send().await;
    match asked {
        Ok(answer) if answer.status() == Some(&StateMachineStatus::Deleting) => {
            Ok(vec![Line::fault(format!("{arn} is being deleted"), "deploy the stack again")])
        }
        Ok(_) => Ok(vec![Line::ok(format!("{arn} is active"))]),
        Err(error) if error_code(&error) == Some("StateMachineDoesNotExist") => Ok(vec![Line::fault(
            format!("{arn} is gone: nothing can be seeded"),
            "it was deleted by hand: delete the stack and deploy it again",
        )]),
        Err(error) => Err(Unchecked::of("states:DescribeStateMachine", "describe the state machine", &error)),
    }
}

/// Lists the failures of the last executions.
pub(super) async fn failures(subject: &Subject) -> Checked {
    let Some(arn) = subject.output("StateMachineArn") else { return Ok(Vec::new()) };
    let step_functions = subject.clients.step_functions();
    let page = find::Pages::new(&step_functions, arn, None).next().await;
    let page = page.map_err(|error| Unchecked::new("states:ListExecutions", &error))?.unwrap_or_default();
    let arns = page.into_iter().take(LAST).map(|one| one.execution_arn).collect();
    let executions = find::describe_all(&step_functions, arns).await;
    let executions = executions.map_err(|error| Unchecked::new("states:DescribeExecution", &error))?;
    Ok(judge(&executions))
}

/// A rejected backup is an answer to whoever dropped it, and no failure.
fn judge(executions: &[Execution]) -> Vec<Line> {
    let failed = executions.iter().filter(|one| one.outcome == Outcome::Failed);
    let lines: Vec<_> = failed
        .take(SHOWN)
        .map(|one| {
            let (name, first) = (&one.name, one.first_finding().unwrap_or("no reason given"));
            let what = one.cleans_up_for().map(|of| format!("the clean-up of {of}, ")).unwrap_or_default();
            let message = format!("{what}{name} failed at {}: {first}", clock(one.started_ms));
            Line::warning(message, format!("seeder status {name}"))
        })
        .collect();
    match (lines.is_empty(), executions.len()) {
        (true, 0) => vec![Line::ok("there are no executions yet")],
        (true, number) => vec![Line::ok(format!("none of the last {number} has failed"))],
        (false, _) => lines,
    }
}

/// Lists what a sweep would do.
pub(super) async fn leftovers(subject: &Subject) -> Checked {
    let (Some(bucket), Some(machine)) =
        (subject.output("ReportsBucketName"), subject.output("StateMachineArn"))
    else {
        return Ok(Vec::new());
    };
    let sweep = Sweep::new(&subject.clients, bucket.to_owned(), machine.to_owned());
    let swept = sweep.run(Timestamp::now(), true).await;
    let swept = swept.map_err(|error| Unchecked::new("s3:ListBucket", &error))?;
    let mut lines = Vec::new();
    for one in &swept.executions {
        let name = &one.name;
        match &one.decision {
            Ok(decision @ Decision::CleanUp) => {
                lines.push(Line::warning(format!("{name}: {}", decision.meaning()), "seeder sweep"));
            }
            Ok(decision @ Decision::Unknown) => lines.push(Line::warning(
                format!("{name} has an open journal and is {}", decision.meaning()),
                "check whether it ran in another state machine, such as one that this stack had before; then delete what its \
                 record names, and its journals",
            )),
            Ok(Decision::Running | Decision::JustEnded | Decision::Seeded) => {}
            Err(error) => return Err(Unchecked::new("states:DescribeExecution", error)),
        }
    }
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if more > 0 {
        lines.push(Line::warning(format!("{more} more"), "seeder sweep --dry-run"));
    }
    if lines.is_empty() {
        let open = swept.executions.len();
        lines.push(Line::ok(format!("nothing is left; {open} executions run or have just ended")));
    }
    Ok(lines)
}
