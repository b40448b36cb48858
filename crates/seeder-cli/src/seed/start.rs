//! Starting an execution.

use aws_sdk_sfn::operation::start_execution::StartExecutionError;
use seeder_aws::Clients;
use seeding::{ErrorName, sweep::execution_arn};
use serde_json::Value;

/// The reason why there is no ARN of an execution.
#[derive(Debug)]
pub(super) enum NotStarted {
    /// Step Functions refused to start it.
    Refused(anyhow::Error),
    /// It may run: the answer was lost, or is not a refusal.
    Unknown(anyhow::Error),
}

/// Starts an execution of this name. Returns its ARN.
pub(super) async fn start(
    clients: &Clients,
    machine: &str,
    name: &str,
    request: &Value,
) -> Result<String, NotStarted> {
    let start = clients.step_functions().start_execution().state_machine_arn(machine);
    let error = match start.name(name).input(request.to_string()).send().await {
        Ok(started) => return Ok(started.execution_arn().to_owned()),
        Err(error) => error,
    };
    // The answer to an earlier attempt of the client was lost, and the execution is over already.
    if error.as_service_error().is_some_and(StartExecutionError::is_execution_already_exists)
        && let Some(arn) = execution_arn(machine, name)
    {
        return Ok(arn);
    }
    let refused = error.raw_response().is_some_and(|answer| answer.status().is_client_error());
    let error = seeder_aws::service_error("start the execution", &error);
    // Throttling may follow an attempt whose answer was lost.
    let refused = refused && error.name != ErrorName::ServiceBusy;
    let error = anyhow::Error::new(error).context(format!("state machine {machine}"));
    Err(if refused { NotStarted::Refused(error) } else { NotStarted::Unknown(error) })
}

#[cfg(test)]
mod tests {
    use seeder_aws::test_util::{Answer, Wire, json as json_file, json_error, lost, script};
    use serde_json::json;

    use super::*;

    const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:seed-cluster";
    const ARN: &str = "arn:aws:states:us-east-1:123456789012:execution:seed-cluster:orders-1";

    async fn started(answers: impl IntoIterator<Item = Answer>) -> Result<String, NotStarted> {
        let on = |wire: Wire, answer| wire.on("AWSStepFunctions.StartExecution …", answer);
        let wire = answers.into_iter().fold(script(), on);
        start(&wire.clients(), MACHINE, "orders-1", &json!({})).await
    }

    #[tokio::test]
    async fn an_answer_that_was_lost_is_no_reason_to_delete_the_uploads() {
        assert!(matches!(started([lost()]).await, Err(NotStarted::Unknown(_))));
        let failing = json_error(500, "InternalFailure", "");
        assert!(matches!(started([failing]).await, Err(NotStarted::Unknown(_))));
        let throttled = json_error(400, "ThrottlingException", "Rate exceeded");
        assert!(matches!(started([throttled]).await, Err(NotStarted::Unknown(_))));
        let denied = json_error(400, "AccessDeniedException", "not authorized");
        assert!(matches!(started([denied]).await, Err(NotStarted::Refused(_))));
    }

    #[tokio::test]
    async fn an_execution_that_is_over_when_it_is_asked_for_again_is_the_one_that_was_started() {
        let over = json_error(400, "ExecutionAlreadyExists", "Execution Already Exists");
        assert_eq!(started([over]).await.unwrap(), ARN);
        let running = json_file(json!({"executionArn": ARN, "startDate": 1}));
        assert_eq!(started([running]).await.unwrap(), ARN);
    }
}
