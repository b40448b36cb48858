//! Serving of a step as a Lambda function.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use seeding::{ErrorName, StepError};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tracing::Instrument;
use tracing_subscriber::fmt::{format::Writer, time::FormatTime};

use crate::environment::optional;

/// The context of a call, besides its input.
#[derive(Debug, Clone, Copy)]
pub struct Invocation {
    /// The time at which Lambda stops the function, in milliseconds since the Unix epoch.
    pub deadline_ms: u64,
}

impl Invocation {
    /// The time left until the deadline; zero once it has passed.
    pub fn time_left(&self) -> Duration {
        let now_ms = jiff::Timestamp::now().as_millisecond();
        Duration::from_millis(self.deadline_ms.saturating_sub(u64::try_from(now_ms).unwrap_or(0)))
    }
}

/// A function's reaction to an event.
pub trait Handler: Send + Sync + 'static {
    /// The input, read from the event's JSON.
    type Input: DeserializeOwned + Send;
    /// The output.
    type Output: Serialize + Send;

    /// Handles one event. Lambda may call it twice with the same input.
    fn handle(
        &self,
        input: Self::Input,
        invocation: Invocation,
    ) -> impl Future<Output = Result<Self::Output, StepError>> + Send;
}

/// Runs a step until Lambda stops the process. Logs are JSON with the execution on every line; errors are named
/// diagnostics.
pub async fn serve<H: Handler>(handler: H) -> Result<(), lambda_runtime::Error> {
    start_logging();
    let handler = Arc::new(handler);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let handler = Arc::clone(&handler);
        async move {
            let execution = execution_of(&event.payload).to_owned();
            let span = tracing::info_span!("step", execution, request_id = event.context.request_id);
            let invocation = Invocation { deadline_ms: event.context.deadline };
            call(&*handler, event.payload, invocation).instrument(span).await.map_err(Failure)
        }
    }))
    .await
}

pub(crate) async fn call<H: Handler>(
    handler: &H,
    payload: Value,
    invocation: Invocation,
) -> Result<H::Output, StepError> {
    let input = parse(&payload)?;
    let result = handler.handle(input, invocation).await;
    match &result {
        Ok(_) => tracing::info!("step done"),
        Err(error) if error.name.is_retryable() => {
            tracing::warn!(error = %error.name, message = error.message, "step failed, to be retried");
        }
        Err(error) => {
            tracing::error!(error = %error.name, message = error.message, hint = error.hint, "step failed");
        }
    }
    result
}

/// Deserializes an input; an error names the path at which it failed.
pub(crate) fn parse<T: DeserializeOwned>(payload: &Value) -> Result<T, StepError> {
    serde_path_to_error::deserialize(payload).map_err(|error| {
        let message = format!("input at `{}`: {}", error.path(), error.inner());
        StepError::new(
            ErrorName::InvalidInput,
            message,
            "invoke the function with the input that the state machine passes",
        )
    })
}

/// The execution ARN in a payload, or `none`: upload events have no execution yet.
fn execution_of(payload: &Value) -> &str {
    payload.get("execution").and_then(Value::as_str).unwrap_or("none")
}

fn start_logging() {
    let level = optional("AWS_LAMBDA_LOG_LEVEL").unwrap_or_else(|| "INFO".to_owned());
    let filter = tracing_subscriber::EnvFilter::try_from_env("SEEDER_LOG").unwrap_or_else(|_| {
        tracing_subscriber::EnvFilter::new(format!("{level},aws_config=warn,lambda_runtime=warn"))
    });
    // A subscriber that is already set (in a test) stays.
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter)
        .with_writer(std::io::stdout)
        .with_timer(Rfc3339)
        .try_init();
}

/// The time of a log line. Without one, Lambda treats every line as level INFO. Source: Lambda developer guide,
/// "Log-level filtering".
struct Rfc3339;

impl FormatTime for Rfc3339 {
    fn format_time(&self, line: &mut Writer<'_>) -> fmt::Result {
        write!(line, "{:.3}", jiff::Timestamp::now())
    }
}

/// Carries a step's error to Lambda under its own name; the state machine would otherwise see the name of a Rust type.
#[derive(Debug)]
struct Failure(StepError);

impl From<Failure> for Diagnostic {
    fn from(Failure(error): Failure) -> Self {
        Self { error_type: error.name.as_str().to_owned(), error_message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    struct Halve;

    #[derive(Deserialize)]
    struct Number {
        value: u32,
    }

    impl Handler for Halve {
        type Input = Vec<Number>;
        type Output = u32;

        async fn handle(&self, input: Vec<Number>, _: Invocation) -> Result<u32, StepError> {
            let odd = || StepError::new(ErrorName::ParametersRefused, "an odd number", "take an even one");
            input
                .first()
                .filter(|number| number.value % 2 == 0)
                .map(|number| number.value / 2)
                .ok_or_else(odd)
        }
    }

    const INVOCATION: Invocation = Invocation { deadline_ms: 0 };

    #[tokio::test]
    async fn an_error_crosses_to_the_state_machine_under_its_own_name_with_text_and_hint() {
        let error = call(&Halve, json!([{"value": 3}]), INVOCATION).await.unwrap_err();
        let diagnostic = Diagnostic::from(Failure(error));
        assert_eq!(diagnostic.error_type, "ParametersRefused");
        assert_eq!(diagnostic.error_message, "an odd number\nhint: take an even one");
    }

    #[tokio::test]
    async fn an_input_that_is_not_understood_is_named_with_its_place() {
        let error = call(&Halve, json!([{"value": 4}, {"value": -1}]), INVOCATION).await.unwrap_err();
        assert_eq!(error.name, ErrorName::InvalidInput);
        assert!(error.message.starts_with("input at `[1].value`: invalid value: integer `-1`"), "{error}");
        assert_eq!(call(&Halve, json!([{"value": 4}]), INVOCATION).await, Ok(2));
    }

    #[test]
    fn a_deadline_that_is_over_leaves_no_time() {
        assert_eq!(INVOCATION.time_left(), Duration::ZERO);
    }
}
