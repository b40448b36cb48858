//! `seeder seed`: uploads local backups, starts the state machine and follows the execution.

mod batch;
pub(crate) mod follow;
mod request;
mod upload;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use batch::{Batch, LocalFile, Sent};
use seeder_aws::Clients;
use seeding::{BackupLocation, Code, Finding, Verdict};
use serde_json::{Value, json};

use crate::args::SeedArgs;

const USAGE: u8 = 2;
/// The exit code after Ctrl-C: 128 plus the number of the signal.
const INTERRUPTED: u8 = 130;

/// Runs the command. Errors of the command line are reported before anything is uploaded.
pub(crate) async fn run(args: &SeedArgs) -> Result<ExitCode> {
    let name = execution_name(&args.backups);
    let checked = backups(args, &name).and_then(|backups| {
        let locations: Vec<_> = backups.iter().map(|backup| backup.location.clone()).collect();
        Ok((request::build(args, &locations)?, backups))
    });
    let (request, backups) = match checked {
        Ok(checked) => checked,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(ExitCode::from(USAGE));
        }
    };
    let clients = Clients::from_environment().await;
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
    let started = match start(&clients, args, &name, &request).await {
        Ok(started) => started,
        Err(error) => {
            // No execution will read the objects.
            if !args.keep_upload {
                batch.undo(&s3).await;
            }
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

async fn start(clients: &Clients, args: &SeedArgs, name: &str, request: &Value) -> Result<String> {
    let start = clients.step_functions().start_execution().state_machine_arn(&args.state_machine);
    let started = start.name(name).input(request.to_string()).send().await;
    let started = started
        .map_err(|error| seeder_aws::service_error("start the execution", &error))
        .with_context(|| format!("state machine {}", args.state_machine))?;
    Ok(started.execution_arn().to_owned())
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
    let Some(bucket) = args.bucket.clone() else {
        bail!("--bucket (or SEEDER_BUCKET) is needed to upload {text}");
    };
    let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or("backup.rdb").replace(',', "-");
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
