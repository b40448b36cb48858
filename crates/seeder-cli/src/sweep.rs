//! `seeder sweep`: start the clean-ups that are due, as the stack's own function does every hour.

use std::process::ExitCode;

use anyhow::Result;
use jiff::Timestamp;
use seeder_aws::sweep::{Sweep, Swept};
use seeding::sweep::Decision;

use crate::{
    USAGE,
    args::{AwsArgs, SweepArgs},
    stack::{REPORTS_BUCKET, STATE_MACHINE, Stack},
};

/// Runs the command.
pub(crate) async fn run(args: &SweepArgs, aws: &AwsArgs) -> Result<ExitCode> {
    let clients = aws.clients().await;
    let stack = Stack::new(&clients, &args.stack.name.stack);
    let (bucket, machine) = (args.reports_bucket.as_deref(), args.stack.state_machine.as_deref());
    let (bucket, machine) = match stack.resolve([(REPORTS_BUCKET, bucket), (STATE_MACHINE, machine)]).await {
        Ok([bucket, machine]) => (bucket, machine),
        Err(error) if error.is_usage() => {
            eprintln!("error: {error:#}");
            return Ok(ExitCode::from(USAGE));
        }
        Err(error) => return Err(error.into()),
    };
    let swept = Sweep::new(&clients, bucket, machine).run(Timestamp::now(), args.dry_run).await?;
    print!("{}", text(&swept, args.dry_run));
    for (name, error) in
        swept.executions.iter().filter_map(|one| Some((&one.name, one.decision.as_ref().err()?)))
    {
        eprintln!("error: {name}: {error}");
    }
    if !swept.complete {
        eprintln!("warning: more executions have open journals; sweep again once these are cleaned up");
    }
    let all = swept.complete && swept.executions.iter().all(|one| one.decision.is_ok());
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One line per execution, and one with the totals.
fn text(swept: &Swept, dry_run: bool) -> String {
    let mut lines = Vec::new();
    let mut due = 0;
    for one in &swept.executions {
        let Ok(decision) = &one.decision else { continue };
        let name = &one.name;
        lines.push(match (decision, &one.clean_up) {
            (Decision::CleanUp, Some(clean_up)) => {
                due += 1;
                let verb = if dry_run { "would start" } else { "started" };
                format!("{name}: {}: {verb} {clean_up}\n", decision.meaning())
            }
            _ => format!("{name}: {}\n", decision.meaning()),
        });
    }
    let open = swept.executions.len();
    let verb = if dry_run { "due" } else { "started" };
    lines.push(format!("{open} with open journals, {due} clean-ups {verb}\n"));
    lines.concat()
}

#[cfg(test)]
mod tests {
    use seeder_aws::sweep::SweptExecution;
    use seeding::{ErrorName, StepError};

    use super::*;

    #[test]
    fn every_execution_is_a_line_and_a_dry_run_says_so() {
        let one = |name: &str, clean_up: Option<&str>, decision| SweptExecution {
            name: name.into(),
            clean_up: clean_up.map(str::to_owned),
            decision,
        };
        let swept = Swept {
            executions: vec![
                one("a", Some("clean-up-a"), Ok(Decision::CleanUp)),
                one("b", None, Ok(Decision::Running)),
                one("c", None, Err(StepError::new(ErrorName::AccessDenied, "no", "ask"))),
            ],
            complete: true,
        };
        assert_eq!(
            text(&swept, true),
            "a: ended, and something may be left: would start clean-up-a\nb: still runs\n\
             3 with open journals, 1 clean-ups due\n"
        );
        assert!(text(&swept, false).contains("left: started clean-up-a\n"));
    }
}
