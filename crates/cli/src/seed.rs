//! `seeder seed`: upload what is not in S3 yet, start the state machine, follow it.

pub(crate) mod follow;
mod request;
mod upload;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use seeder_aws::Clients;
use seeding::BackupLocation;

use crate::args::SeedArgs;

const USAGE: u8 = 2;

/// Runs the command. Everything that can be wrong with the command line is found before anything is uploaded.
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
    for backup in &backups {
        if let Some(file) = &backup.file {
            upload::upload(&clients.s3(), file, &backup.location).await?;
        }
    }
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

/// A backup: where it lies or will lie in S3, and the file that it is uploaded from.
struct Backup {
    location: BackupLocation,
    file: Option<PathBuf>,
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
        bail!("{text} is no file here; name an object as s3://bucket/key");
    }
    let Some(bucket) = args.bucket.clone() else {
        bail!("--bucket (or SEEDER_BUCKET) is needed to upload {text}");
    };
    let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or("backup.rdb").replace(',', "-");
    // Under sets/ an upload starts nothing by itself.
    let key = format!("sets/{execution}/{number:02}-{file_name}");
    Ok(Backup { location: BackupLocation { bucket, key }, file: Some(path.to_owned()) })
}

/// A name that no other execution has: two calls with one file are two seedings.
fn execution_name(backups: &[String]) -> String {
    let file_name = backups.first().map_or("backup", |backup| backup.rsplit('/').next().unwrap_or(backup));
    let location = BackupLocation { bucket: String::new(), key: file_name.to_owned() };
    seeding::execution_name(&location, "", &uuid::Uuid::new_v4().to_string())
}
