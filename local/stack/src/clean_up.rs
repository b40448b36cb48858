//! What EventBridge does on AWS: an execution that ended badly starts the clean-up entry of the state machine.

use std::{collections::HashSet, time::Duration};

use aws_sdk_sfn::{Client, types::ExecutionStatus};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

use crate::state_machine;

/// How often the executions are looked at.
const PAUSE: Duration = Duration::from_millis(300);

/// Watches until it is aborted.
pub(crate) fn watch(sfn: Client) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut settled = HashSet::new();
        loop {
            if let Err(error) = look(&sfn, &mut settled).await {
                tracing::debug!(%error, "executions could not be looked at");
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
}

async fn look(sfn: &Client, settled: &mut HashSet<String>) -> Result<(), aws_sdk_sfn::Error> {
    let listed = sfn.list_executions().state_machine_arn(state_machine::arn()).send().await?;
    for execution in listed.executions() {
        let arn = execution.execution_arn();
        if *execution.status() == ExecutionStatus::Running || settled.contains(arn) {
            continue;
        }
        if matches!(
            execution.status(),
            ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Aborted
        ) {
            let described = sfn.describe_execution().execution_arn(arn).send().await?;
            // The clean-up of a clean-up would never end.
            if !described.input().unwrap_or_default().starts_with("{\"cleanUp\"") {
                start(sfn, arn).await?;
            }
        }
        settled.insert(arn.to_owned());
    }
    Ok(())
}

async fn start(sfn: &Client, arn: &str) -> Result<(), aws_sdk_sfn::Error> {
    let name = format!("clean-up-{}", &hex::encode(Sha256::digest(arn))[..16]);
    let input = json!({"cleanUp": arn}).to_string();
    let started =
        sfn.start_execution().state_machine_arn(state_machine::arn()).name(name).input(input).send().await;
    match started.map_err(aws_sdk_sfn::Error::from) {
        Ok(_) | Err(aws_sdk_sfn::Error::ExecutionAlreadyExists(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
