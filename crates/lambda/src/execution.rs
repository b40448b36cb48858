//! The execution that a step works for.

use std::future::Future;

use seeder_aws::ReportStore;
use seeding::{ErrorName, ExecutionFiles, Identity, Partition, Seeding, StepError};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::serve::{Handler, Invocation, parse};

/// The member of every step's input that holds the ARN of its execution.
const EXECUTION: &str = "execution";

/// A step that works for an execution. Its input is what the state machine passes, without the execution's ARN.
pub trait Step: Send + Sync + 'static {
    /// The input, as the state machine passes it.
    type Input: DeserializeOwned + Send;
    /// The output.
    type Output: Serialize + Send;

    /// The bucket that holds the execution's files.
    fn reports(&self) -> &ReportStore;

    /// Runs the step. Lambda may call it twice with the same input.
    fn run(
        &self,
        input: Self::Input,
        execution: Execution<'_>,
    ) -> impl Future<Output = Result<Self::Output, StepError>> + Send;
}

/// An execution of the state machine, as seen by one of its steps.
#[derive(Debug, Clone)]
pub struct Execution<'a> {
    /// Its ARN.
    pub arn: &'a str,
    /// Its name, the last part of its ARN.
    pub name: &'a str,
    /// The mark of everything that it creates.
    pub identity: Identity,
    /// The partition, region and account that it runs in.
    pub partition: Partition,
    /// The current invocation of the function.
    pub invocation: Invocation,
    reports: &'a ReportStore,
}

impl<'a> Execution<'a> {
    fn of(arn: &'a str, reports: &'a ReportStore, invocation: Invocation) -> Result<Self, StepError> {
        let (partition, name) = Partition::of_execution(arn)?;
        Ok(Self { arn, name, identity: Identity::new(arn, name), partition, invocation, reports })
    }

    /// The keys of its files in the reports bucket.
    pub const fn files(&self) -> ExecutionFiles<'a> {
        ExecutionFiles::of(self.name)
    }

    /// Reads its record.
    ///
    /// # Errors
    /// `InvalidInput` if it has none, or an error of S3.
    pub async fn seeding(&self) -> Result<Seeding, StepError> {
        let key = self.files().seeding();
        self.reports.read(&key).await?.ok_or_else(|| {
            let (name, uri) = (self.name, self.reports.uri(&key));
            StepError::new(
                ErrorName::InvalidInput,
                format!("there is no record of the execution {name} at {uri}"),
                "use the ARN of an execution that has completed prepare-seeding",
            )
        })
    }
}

impl<S: Step> Handler for S {
    type Input = Value;
    type Output = S::Output;

    async fn handle(&self, mut payload: Value, invocation: Invocation) -> Result<S::Output, StepError> {
        let Some(Value::String(arn)) = payload.as_object_mut().and_then(|input| input.remove(EXECUTION))
        else {
            return Err(StepError::new(
                ErrorName::InvalidInput,
                format!("input at `{EXECUTION}`: no ARN of an execution"),
                "invoke the function with the input that the state machine passes",
            ));
        };
        let execution = Execution::of(&arn, self.reports(), invocation)?;
        self.run(parse(&payload)?, execution).await
    }
}
