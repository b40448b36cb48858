//! The clean-up rules, as EventBridge applies them on AWS. If one matches the event of an ended execution, that starts
//! the clean-up entry of the state machine.

use std::{collections::HashSet, time::Duration};

use aws_sdk_sfn::{Client, operation::describe_execution::DescribeExecutionOutput, types::ExecutionStatus};
use local_eventbridge::Pattern;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

use crate::step_functions::state_machine;

/// Polling interval for executions.
const PAUSE: Duration = Duration::from_millis(300);

/// Polls executions until the task is aborted.
pub(crate) fn watch(
    sfn: Client,
    starter: Client,
    rules: Vec<Pattern>,
    input_template: String,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut settled = HashSet::new();
        loop {
            if let Err(error) = poll(&sfn, &starter, &rules, &input_template, &mut settled).await {
                tracing::debug!(%error, "executions could not be polled");
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
}

async fn poll(
    sfn: &Client,
    starter: &Client,
    rules: &[Pattern],
    input_template: &str,
    settled: &mut HashSet<String>,
) -> Result<(), aws_sdk_sfn::Error> {
    let listed = sfn.list_executions().state_machine_arn(state_machine::arn()).send().await?;
    for execution in listed.executions() {
        let arn = execution.execution_arn();
        if *execution.status() == ExecutionStatus::Running || settled.contains(arn) {
            continue;
        }
        let described = sfn.describe_execution().execution_arn(arn).send().await?;
        let event = status_change(&described);
        if rules.iter().any(|rule| rule.matches(&event)) {
            start(starter, arn, input_template).await?;
        }
        settled.insert(arn.to_owned());
    }
    Ok(())
}

/// The event of a status change, with the fields that rules can match.
fn status_change(execution: &DescribeExecutionOutput) -> Value {
    json!({
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {
            "executionArn": execution.execution_arn(),
            "stateMachineArn": execution.state_machine_arn(),
            "status": execution.status().as_str(),
            "input": execution.input().unwrap_or_default(),
            "output": execution.output(),
        },
    })
}

async fn start(client: &Client, arn: &str, input_template: &str) -> Result<(), aws_sdk_sfn::Error> {
    let name = format!("clean-up-{}", &hex::encode(Sha256::digest(arn))[..16]);
    let input = input_template.replace("<execution>", arn);
    let started =
        client.start_execution().state_machine_arn(state_machine::arn()).name(name).input(input).send().await;
    match started.map_err(aws_sdk_sfn::Error::from) {
        Ok(_) | Err(aws_sdk_sfn::Error::ExecutionAlreadyExists(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
