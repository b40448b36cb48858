//! Calls steps as the state machine does; also re-exports [`seeder_aws::test_util`].

use jiff::Timestamp;
pub use seeder_aws::test_util::*;
use seeding::StepError;
use serde_json::{Value, json};

use crate::{
    execution::Step,
    serve::{Handler, Invocation, call},
};

/// Fails the test unless a step can read this sample event.
///
/// # Panics
/// If the event has no execution ARN, or its input does not deserialize.
#[track_caller]
pub fn understands<S: Step>(event: &str) {
    let mut event: Value = serde_json::from_str(event).expect("a sample event is JSON");
    let arn = event.as_object_mut().and_then(|input| input.remove("execution"));
    assert!(arn.is_some_and(|arn| arn.is_string()), "no execution in {event}");
    let understood = serde_json::from_value::<S::Input>(event).map(|_| ());
    assert!(understood.is_ok(), "{understood:?}");
}

/// Calls a step as the state machine does: JSON in, JSON out, 15 minutes left.
pub async fn run<H: Handler>(step: &H, input: Value) -> Result<Value, StepError> {
    run_for(step, input, 15 * 60).await
}

/// Calls a step whose deadline has passed.
pub async fn run_late<H: Handler>(step: &H, input: Value) -> Result<Value, StepError> {
    run_for(step, input, -1).await
}

async fn run_for<H: Handler>(step: &H, input: Value, seconds: i64) -> Result<Value, StepError> {
    let deadline_ms = Timestamp::now().as_millisecond() + seconds * 1000;
    let invocation = Invocation { deadline_ms: u64::try_from(deadline_ms).unwrap_or(0) };
    let output = call(step, input, invocation).await?;
    Ok(json!(output))
}
