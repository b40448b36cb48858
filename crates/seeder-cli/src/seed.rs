//! `seeder seed`: uploads local backups, starts the state machine and follows the execution.

mod batch;
pub(crate) mod follow;
mod request;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, bail};
use aws_sdk_sfn::operation::start_execution::StartExecutionError;
use batch::{Batch, LocalFile, Sent};
use seeder_aws::Clients;
use seeding::{BackupLocation, Code, ErrorName, Finding, Verdict, sweep::execution_arn};
use serde_json::{Value, json};

use crate::{
    INTERRUPTED, USAGE,
    args::SeedArgs,
    stack::{DROP_BUCKET, STATE_MACHINE, Stack},
};

/// Runs the command. Errors of the command line are reported before anything is uploaded, and without calls to AWS as
/// far as possible.
pub(crate) async fn run(args: &SeedArgs) -> Result<ExitCode> {
    let name = execution_name(&args.backups);
    let checked = backups(args, &name).and_then(|backups| Ok((request(args, &backups)?, backups)));
    let mut backups = match checked {
        Ok((_, backups)) => backups,
        Err(error) => return Ok(usage(&error)),
    };
    let clients = Clients::from_environment().await;
    let stack = Stack::new(&clients, &args.stack.name.stack);
    // The bucket matters for files only.
    let bucket =
        args.bucket.as_deref().or_else(|| backups.iter().all(|one| one.file.is_none()).then_some(""));
    let machine = args.stack.state_machine.as_deref();
    let (bucket, machine) = match stack.resolve([(DROP_BUCKET, bucket), (STATE_MACHINE, machine)]).await {
        Ok([bucket, machine]) => (bucket, machine),
        Err(error) if error.is_usage() => return Ok(usage(&error.into())),
        Err(error) => return Err(error.into()),
    };
    for backup in backups.iter_mut().filter(|backup| backup.file.is_some()) {
        backup.location.bucket.clone_from(&bucket);
    }
    let request = match request(args, &backups) {
        Ok(request) => request,
        Err(error) => return Ok(usage(&error)),
    };
    let s3 = clients.s3();
    let files: Vec<_> = backups.into_iter().filter_map(Backup::local).collect();
    let allow: Vec<Code> = serde_json::from_value(request["allow"].clone()).unwrap_or_default();
    let mut batch = Batch::default();
    match batch.send(&s3, &files, &allow).await? {
        Sent::All => {}
        Sent::Refused(findings) => return Ok(refused(&findings, args.json)),
        Sent::Interrupted => {
            eprintln!("no object was created and no execution was started");
            return Ok(ExitCode::from(INTERRUPTED));
        }
    }
    let started = match start(&clients, &machine, &name, &request).await {
        Ok(started) => started,
        Err(NotStarted::Refused(error)) => {
            // No execution will read the objects.
            if !args.keep_upload {
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
    let followed = follow::follow_to_end(&clients.step_functions(), &started, args.json).await?;
    if followed.rejected && !args.keep_upload {
        batch.undo(&s3).await;
    }
    Ok(followed.code)
}

fn usage(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(USAGE)
}

/// The reason why there is no ARN of an execution.
#[derive(Debug)]
enum NotStarted {
    /// Step Functions refused to start it.
    Refused(anyhow::Error),
    /// It may run: the answer was lost, or is not a refusal.
    Unknown(anyhow::Error),
}

async fn start(clients: &Clients, machine: &str, name: &str, request: &Value) -> Result<String, NotStarted> {
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

/// Prints findings about a local file in the same way as the outcome of an execution.
fn refused(findings: &[Finding], as_json: bool) -> ExitCode {
    let outcome = json!({"verdict": Verdict::Reject, "findings": findings, "report": "", "events": [], "leftBehind": []});
    if as_json {
        println!("{outcome}");
    }
    follow::print_outcome(Some("BackupRejected"), &outcome);
    eprintln!("no object was created and no execution was started");
    ExitCode::from(1)
}

/// A backup: its location in S3, and the file to upload it from.
struct Backup {
    location: BackupLocation,
    file: Option<PathBuf>,
}

impl Backup {
    fn local(self) -> Option<LocalFile> {
        self.file.map(|path| LocalFile { path, location: self.location })
    }
}

fn request(args: &SeedArgs, backups: &[Backup]) -> Result<Value> {
    let locations: Vec<_> = backups.iter().map(|backup| backup.location.clone()).collect();
    request::build(args, &locations)
}

fn backups(args: &SeedArgs, execution: &str) -> Result<Vec<Backup>> {
    args.backups.iter().enumerate().map(|(number, text)| backup(args, execution, number, text)).collect()
}

fn backup(args: &SeedArgs, execution: &str, number: usize, text: &str) -> Result<Backup> {
    let path = Path::new(text);
    if text.starts_with("arn:") || (text.contains("://") && !path.exists()) {
        return Ok(Backup { location: BackupLocation::parse(text)?, file: None });
    }
    if !path.is_file() {
        bail!("{text} is not a file; name an S3 object as s3://bucket/key");
    }
    let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or("backup.rdb").replace(',', "-");
    // A name that passes every check, until the stack's outputs name the bucket.
    let bucket = args.bucket.clone().unwrap_or_else(|| "drop-bucket".to_owned());
    // An upload under sets/ starts no execution by itself.
    let key = format!("sets/{execution}/{number:02}-{file_name}");
    Ok(Backup { location: BackupLocation { bucket, key }, file: Some(path.to_owned()) })
}

/// Returns a name that no other execution has: two calls with the same file are two seedings.
fn execution_name(backups: &[String]) -> String {
    let file_name = backups.first().map_or("backup", |backup| backup.rsplit('/').next().unwrap_or(backup));
    let location = BackupLocation { bucket: String::new(), key: file_name.to_owned() };
    seeding::execution_name(&location, "", &uuid::Uuid::new_v4().to_string())
}

#[cfg(test)]
mod tests {
    use seeder_aws::test_util::{Answer, Wire, json as json_file, json_error, lost, script};

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
