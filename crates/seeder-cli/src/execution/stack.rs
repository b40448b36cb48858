//! The state machine and the reports bucket of a stack, for commands that inspect executions.

use std::{fmt, process::ExitCode};

use anyhow::Result;
use aws_sdk_sfn::Client;
use seeding::{Partition, sweep::state_machine_arn};

use crate::{
    UNREACHABLE, USAGE,
    args::{AwsArgs, StackArgs},
    stack::{REPORTS_BUCKET, STATE_MACHINE, Stack, StackError},
};

/// A stack whose executions are inspected.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) step_functions: Client,
    pub(crate) s3: aws_sdk_s3::Client,
    /// The ARN of the state machine.
    pub(crate) arn: String,
    /// The reports bucket, unless the stack cannot be described.
    pub(crate) reports_bucket: Result<String, StackError>,
}

/// The reason why a command ends before it has done anything.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// The command line is wrong.
    Usage(String),
    /// The stack is not there, or must not be described.
    Unreachable(StackError),
}

impl Unusable {
    /// Prints the reason.
    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("error: {self}");
        ExitCode::from(match self {
            Self::Usage(_) => USAGE,
            Self::Unreachable(_) => UNREACHABLE,
        })
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => formatter.write_str(text),
            Self::Unreachable(error) => error.fmt(formatter),
        }
    }
}

impl Machine {
    /// Finds the state machine: that of the execution's ARN, the given one, or the stack's. The reports bucket is
    /// optional.
    pub(crate) async fn of(
        args: &StackArgs,
        aws: &AwsArgs,
        reports_bucket: Option<&str>,
        execution: Option<&str>,
    ) -> Result<Self, Unusable> {
        let from_arn = match execution.filter(|name| name.starts_with("arn:")) {
            Some(arn) if Partition::of_execution(arn).is_ok() => state_machine_arn(arn),
            Some(arn) => {
                return Err(Unusable::Usage(format!(
                    "`{arn}` is not the ARN of an execution\nhint: expected \
                     arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME, or just NAME"
                )));
            }
            None => None,
        };
        let given = from_arn.or_else(|| args.state_machine.clone());
        if let Some(arn) = given.as_deref().filter(|arn| seeding::sweep::execution_arn(arn, "x").is_none()) {
            return Err(Unusable::Usage(format!(
                "`{arn}` is not the ARN of a state machine\nhint: expected \
                 arn:aws:states:REGION:ACCOUNT:stateMachine:NAME"
            )));
        }
        let clients = aws.clients().await;
        let stack = Stack::new(&clients, &args.name.stack);
        let wanted = (REPORTS_BUCKET, reports_bucket);
        let (arn, reports_bucket) = if let Some(arn) = given {
            (arn, stack.resolve([wanted]).await.map(|[bucket]| bucket))
        } else {
            let both = stack.resolve([(STATE_MACHINE, None), wanted]).await;
            let [arn, bucket] = both.map_err(Unusable::Unreachable)?;
            (arn, Ok(bucket))
        };
        Ok(Self { step_functions: clients.step_functions(), s3: clients.s3(), arn, reports_bucket })
    }
}
