//! `seeder seed`: upload what is not in S3 yet, start the state machine, follow it.

pub(crate) mod follow;
mod request;
mod upload;

use std::{path::Path, process::ExitCode};

use anyhow::{Context, Result, bail};
use seeder_aws::Clients;
use seeding::BackupLocation;

use crate::args::SeedArgs;

/// Runs the command.
pub(crate) async fn run(args: &SeedArgs) -> Result<ExitCode> {
    let clients = Clients::from_environment().await;
    let mut locations = Vec::new();
    let name = execution_name(&args.backups);
    for (number, backup) in args.backups.iter().enumerate() {
        locations.push(locate(args, &clients, &name, number, backup).await?);
    }
    let request = match request::build(args, &locations) {
        Ok(request) => request,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(ExitCode::from(2));
        }
    };
    let started = clients
        .step_functions()
        .start_execution()
        .state_machine_arn(&args.state_machine)
        .name(&name)
        .input(request.to_string())
        .send()
        .await
        .map_err(|error| seeder_aws::service_error("start the execution", &error))
        .with_context(|| format!("state machine {}", args.state_machine))?;
    eprintln!("execution {}", started.execution_arn());
    follow::follow(&clients.step_functions(), started.execution_arn(), args.json).await
}

/// The backup's place in S3, after an upload if it is a file here.
async fn locate(
    args: &SeedArgs,
    clients: &Clients,
    execution: &str,
    number: usize,
    backup: &str,
) -> Result<BackupLocation> {
    if backup.starts_with("s3://") || backup.starts_with("arn:") {
        return Ok(BackupLocation::parse(backup)?);
    }
    let path = Path::new(backup);
    if !path.is_file() {
        bail!("{backup} is no file; name an object as s3://bucket/key");
    }
    let Some(bucket) = &args.bucket else {
        bail!("--bucket (or SEEDER_BUCKET) is needed to upload {backup}");
    };
    let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or("backup.rdb").replace(',', "-");
    // Under sets/ an upload starts nothing by itself.
    let key = format!("sets/{execution}/{number:02}-{file_name}");
    let location = BackupLocation { bucket: bucket.clone(), key };
    upload::upload(&clients.s3(), path, &location).await?;
    Ok(location)
}

/// A name that no other execution has: two calls with one file are two seedings.
fn execution_name(backups: &[String]) -> String {
    let file_name = backups.first().map_or("backup", |backup| backup.rsplit('/').next().unwrap_or(backup));
    let location = BackupLocation { bucket: String::new(), key: file_name.to_owned() };
    seeding::execution_name(&location, "", &uuid::Uuid::new_v4().to_string())
}
