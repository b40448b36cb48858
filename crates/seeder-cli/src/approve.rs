//! `seeder approve` and `seeder reject`: answer a seeding that waits for a person.

use std::process::ExitCode;

use anyhow::Result;
use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};
use seeder_aws::{ReportStore, error_code, service_error};
use seeding::{ExecutionFiles, steps::APPROVAL_REJECTED};
use serde_json::json;

use crate::{
    args::{AwsArgs, ExecutionArgs, RejectArgs},
    execution::{
        find,
        stack::{Machine, Unusable},
    },
    stack::{REPORTS_BUCKET, Stack},
};

/// The longest cause that Step Functions takes, in characters. Source: API reference, `SendTaskFailure`.
const MAX_CAUSE: usize = 32_768;

/// Approves.
pub(crate) async fn approve(args: &ExecutionArgs, aws: &AwsArgs) -> Result<ExitCode> {
    answer(args, aws, None).await
}

/// Rejects, with a reason.
pub(crate) async fn reject(args: &RejectArgs, aws: &AwsArgs) -> Result<ExitCode> {
    answer(&args.execution, aws, Some(&args.because)).await
}

/// Needs `s3:GetObject` for the file with the token, and `states:SendTaskSuccess` or `states:SendTaskFailure`, and
/// nothing else of the stack.
async fn answer(args: &ExecutionArgs, aws: &AwsArgs, because: Option<&str>) -> Result<ExitCode> {
    let clients = aws.clients().await;
    let stack = Stack::new(&clients, &args.stack.name.stack);
    let bucket = match stack.resolve([(REPORTS_BUCKET, args.reports_bucket.as_deref())]).await {
        Ok([bucket]) => bucket,
        Err(error) => return Ok(Unusable::Unreachable(error).report()),
    };
    let reports = ReportStore::new(clients.s3(), bucket);
    let name = args.execution.rsplit(':').next().unwrap_or(&args.execution);
    let Some(request) = reports.read(&ExecutionFiles::of(name).approval()).await? else {
        return explain(args, aws, name).await;
    };
    let step_functions = clients.step_functions();
    let sent = match because {
        None => {
            let approval = step_functions.send_task_success().task_token(&request.token).output("{}");
            approval
                .send()
                .await
                .map(drop)
                .map_err(|error| (is_over(&error), service_error("approve", &error)))
        }
        Some(because) => {
            let cause: String = because.chars().take(MAX_CAUSE).collect();
            let rejection = step_functions.send_task_failure().task_token(&request.token);
            let rejection = rejection.error(APPROVAL_REJECTED).cause(cause);
            rejection
                .send()
                .await
                .map(drop)
                .map_err(|error| (is_over(&error), service_error("reject", &error)))
        }
    };
    match sent {
        Ok(()) => {}
        Err((true, _)) => return Ok(not_waiting(name, "it was answered, or its time is over")),
        Err((false, error)) => return Err(error.into()),
    }
    let answer = if because.is_none() { "approved" } else { "rejected" };
    if args.json {
        println!("{}", json!({"execution": name, "answer": answer}));
    } else {
        println!("{name} is {answer}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Says why there is nothing to answer, by the executions that there are.
async fn explain(args: &ExecutionArgs, aws: &AwsArgs, name: &str) -> Result<ExitCode> {
    let machine =
        match Machine::of(&args.stack, aws, args.reports_bucket.as_deref(), Some(&args.execution)).await {
            Ok(machine) => machine,
            Err(error) => return Ok(error.report()),
        };
    Ok(match find::by_name(&machine.step_functions, &machine.arn, &args.execution).await? {
        Ok(_) => not_waiting(name, "it has not asked for approval"),
        Err(near) => {
            find::report_unknown(&args.execution, &machine.arn, &near);
            ExitCode::FAILURE
        }
    })
}

fn not_waiting(name: &str, why: &str) -> ExitCode {
    eprintln!("error: {name} does not wait for approval: {why}\nhint: seeder status {name}");
    ExitCode::FAILURE
}

/// Whether nobody waits for the answer any more.
fn is_over<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    matches!(error_code(error), Some("TaskTimedOut" | "TaskDoesNotExist" | "InvalidToken"))
}
