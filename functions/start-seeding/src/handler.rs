//! The function: each dropped backup starts one execution, however often its event is delivered.

mod event;

use aws_sdk_sfn::{Client, operation::start_execution::StartExecutionError};
use lambda::{Handler, Invocation, optional, required};
use seeder_aws::service_error;
use seeding::{DroppedBackup, DroppedObject, StepError};
use serde::Serialize;
use serde_json::Value;

/// Needs `states:StartExecution` on the state machine.
pub(crate) struct StartSeeding {
    step_functions: Client,
    state_machine_arn: String,
    trigger_prefix: String,
}

/// The result of an event.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Started {
    /// The names of the executions that were started, now or by an earlier delivery.
    executions: Vec<String>,
    /// The objects that were ignored, and why.
    ignored: Vec<String>,
}

impl StartSeeding {
    pub(crate) fn from_environment(step_functions: Client) -> Result<Self, StepError> {
        Ok(Self {
            step_functions,
            state_machine_arn: required("STATE_MACHINE_ARN")?,
            trigger_prefix: optional("TRIGGER_PREFIX").unwrap_or_default(),
        })
    }
}

impl Handler for StartSeeding {
    type Input = Value;
    type Output = Started;

    async fn handle(&self, event: Value, _: Invocation) -> Result<Started, StepError> {
        let mut started = Started { executions: Vec::new(), ignored: Vec::new() };
        for object in event::dropped_objects(&event)? {
            match object.starts(&self.trigger_prefix) {
                Ok(drop) => started.executions.push(self.start(&object, &drop).await?),
                Err(reason) => {
                    tracing::info!(object = %object.location, reason, "ignored");
                    started.ignored.push(format!("{}: {reason}", object.location));
                }
            }
        }
        Ok(started)
    }
}

impl StartSeeding {
    async fn start(&self, object: &DroppedObject, drop: &DroppedBackup) -> Result<String, StepError> {
        let name = object.execution_name();
        let input = serde_json::to_string(drop).map_err(StepError::internal)?;
        let start = self.step_functions.start_execution().state_machine_arn(&self.state_machine_arn);
        match start.name(&name).input(input).send().await {
            Ok(_) => tracing::info!(execution = name, object = %object.location, "started"),
            // The same event was delivered again after the execution had ended.
            Err(error)
                if error.as_service_error().is_some_and(StartExecutionError::is_execution_already_exists) =>
            {
                tracing::info!(execution = name, object = %object.location, "was started before");
            }
            Err(error) => return Err(service_error(&format!("start the execution {name}"), &error)),
        }
        Ok(name)
    }
}

#[cfg(test)]
mod tests;
