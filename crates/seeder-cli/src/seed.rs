//! `seeder seed`: backs up a live server or uploads local backups, starts the state machine and follows the execution.

mod batch;
pub(crate) mod follow;
mod live;
mod start;
mod stored;

use std::process::ExitCode;

use anyhow::Result;
use batch::Batch;
use follow::Followed;
use seeder_aws::Clients;
use seeding::BackupLocation;
use serde_json::Value;
use start::{NotStarted, start};

use crate::{
    args::{AwsArgs, SeedArgs},
    backup::Source,
    stack::{DROP_BUCKET, STATE_MACHINE, Stack},
    usage::Usage,
};

/// Runs the command.
pub(crate) async fn run(args: &SeedArgs, aws: &AwsArgs) -> Result<ExitCode> {
    if args.sources.iter().any(Source::is_named_by) {
        live::run(args, aws).await
    } else {
        stored::run(args, aws).await
    }
}

/// Where a seeding takes place.
struct Place {
    clients: Clients,
    /// The bucket to upload to; empty if nothing is uploaded.
    bucket: String,
    machine: String,
}

impl Place {
    /// What the options name, and of the stack what they do not.
    async fn find(args: &SeedArgs, aws: &AwsArgs, uploads: bool) -> Result<Self> {
        let clients = aws.clients().await;
        let stack = Stack::new(&clients, &args.stack.name.stack);
        let bucket = args.bucket.as_deref().or((!uploads).then_some(""));
        let machine = args.stack.state_machine.as_deref();
        match stack.resolve([(DROP_BUCKET, bucket), (STATE_MACHINE, machine)]).await {
            Ok([bucket, machine]) => Ok(Self { clients, bucket, machine }),
            Err(error) if error.is_usage() => Err(Usage::error(error.into())),
            Err(error) => Err(error.into()),
        }
    }

    /// Starts an execution and follows it to its end. What was uploaded is deleted if it was not seeded, unless it is
    /// to be kept.
    async fn seed(&self, name: &str, request: &Value, mut batch: Batch, keeps: bool) -> Result<Followed> {
        let s3 = self.clients.s3();
        let started = match start(&self.clients, &self.machine, name, request).await {
            Ok(started) => started,
            Err(NotStarted::Refused(error)) => {
                // No execution will read the objects.
                if !keeps {
                    batch.undo(&s3).await;
                }
                return Err(error);
            }
            Err(NotStarted::Unknown(error)) => {
                eprintln!(
                    "the execution {name} may have started all the same, so nothing was deleted: look for it first"
                );
                return Err(error);
            }
        };
        eprintln!("execution {started}");
        let followed = follow::follow_to_end(&self.clients.step_functions(), &started).await?;
        if followed.is_rejected() && !keeps {
            batch.undo(&s3).await;
        }
        Ok(followed)
    }
}

/// Returns a name that no other execution has: two calls with the same file are two seedings.
fn execution_name(file_name: &str) -> String {
    let location = BackupLocation { bucket: String::new(), key: file_name.to_owned() };
    seeding::execution_name(&location, "", &uuid::Uuid::new_v4().to_string())
}
