//! `seeder doctor`: checks a stack and what it needs around it, before the first drop and whenever something is odd.

mod alarms;
mod buckets;
mod capacity;
mod executions;
mod functions;
mod line;
mod network;
mod queues;
mod roles;
mod rules;
mod stack;
mod subject;

use std::process::ExitCode;

use anyhow::Result;
use futures::future::{FutureExt as _, LocalBoxFuture, join_all};
use serde_json::json;

use self::{
    line::{Level, Line, Unchecked},
    subject::Subject,
};
use crate::{
    UNREACHABLE,
    args::{AwsArgs, DoctorArgs},
    term::print_text,
};

/// The result of a check, or the reason why it was not done.
type Checked = Result<Vec<Line>, Unchecked>;
/// A check of one thing.
type Check = for<'a> fn(&'a Subject) -> LocalBoxFuture<'a, Checked>;

/// Every check, in the order of the output.
const CHECKS: &[(&str, Check)] = &[
    ("stack", |subject| async { Ok(stack::check(subject)) }.boxed_local()),
    ("functions", |subject| functions::check(subject).boxed_local()),
    ("rules", |subject| rules::check(subject).boxed_local()),
    ("logs", |subject| rules::logs(subject).boxed_local()),
    ("roles", |subject| roles::check(subject).boxed_local()),
    ("buckets", |subject| buckets::check(subject).boxed_local()),
    ("keys", |subject| buckets::keys(subject).boxed_local()),
    ("concurrency", |subject| capacity::concurrency(subject).boxed_local()),
    ("nodes", |subject| capacity::nodes(subject).boxed_local()),
    ("service-role", |subject| network::service_role(subject).boxed_local()),
    ("subnets", |subject| network::subnets(subject).boxed_local()),
    ("state-machine", |subject| executions::machine(subject).boxed_local()),
    ("executions", |subject| executions::failures(subject).boxed_local()),
    ("queues", |subject| queues::check(subject).boxed_local()),
    ("alarms", |subject| alarms::check(subject).boxed_local()),
    ("leftovers", |subject| executions::leftovers(subject).boxed_local()),
];

/// Runs the command.
pub(crate) async fn run(args: &DoctorArgs, aws: &AwsArgs) -> Result<ExitCode> {
    let clients = aws.clients().await;
    let subject = match Subject::of(&clients, &args.name.stack, &args.buckets).await {
        Ok(subject) => subject,
        Err(error) => {
            eprintln!("error: {error}");
            return Ok(ExitCode::from(UNREACHABLE));
        }
    };
    let checks = CHECKS.iter().map(async |(name, check)| {
        let lines = check(&subject).await.unwrap_or_else(|unchecked| vec![unchecked.line()]);
        lines.into_iter().map(|line| (*name, line)).collect::<Vec<_>>()
    });
    let lines: Vec<_> = join_all(checks).await.into_iter().flatten().collect();
    let worst = lines.iter().map(|(_, line)| line.level).max().unwrap_or(Level::Ok);
    print_text(&if args.json {
        let checks: Vec<_> = lines.iter().map(|(name, line)| line.json(name)).collect();
        format!("{}\n", json!({"stack": args.name.stack, "worst": worst, "checks": checks}))
    } else {
        let text: String = lines.iter().map(|(name, line)| line.text(name)).collect();
        format!("{text}\n{}\n", totals(&lines))
    })?;
    Ok(if worst == Level::Fault { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The number of lines of each level.
fn totals(lines: &[(&str, Line)]) -> String {
    let count = |level| lines.iter().filter(|(_, line)| line.level == level).count();
    let counted = |level, name: &str| match count(level) {
        1 => format!("1 {name}"),
        number => format!("{number} {name}s"),
    };
    let (warnings, faults) = (counted(Level::Warning, "warning"), counted(Level::Fault, "fault"));
    format!("{} ok, {warnings}, {faults}", count(Level::Ok))
}
