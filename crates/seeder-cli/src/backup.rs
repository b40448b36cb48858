//! `seeder backup`: makes a backup of a live server, as a replica of it.

mod copy;
mod failure;
mod login;
mod report;
mod save;
mod secrets;
mod servers;
mod source;
mod survey;
mod waiting;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use anyhow::{Result, anyhow};
pub(crate) use copy::{Backup, Copied};
use replication::Address;
pub(crate) use report::Done;
pub(crate) use secrets::without_secrets;
pub(crate) use servers::Found;
pub(crate) use source::Source;
use tokio::{runtime::Handle, task::spawn_blocking};

use crate::{
    USAGE,
    args::{AwsArgs, BackupArgs},
    output::{Outputs, Wanted, or_abandon},
    reading::Objects,
};

const REFUSED: u8 = 1;
pub(crate) const NOT_REACHABLE: u8 = 3;

/// Runs the command.
pub(crate) async fn run(args: BackupArgs, aws: &AwsArgs) -> Result<ExitCode> {
    let started = Instant::now();
    // From here on, nothing that can be formatted has the password.
    let source = match Source::of(&args.source, &args.server) {
        Ok(source) => source,
        Err(error) => return Ok(usage(&error)),
    };
    let address = source.address.clone();
    let to = args.to.clone().unwrap_or_else(|| format!("{}.rdb", address.file_stem()).into());
    let saves_itself = args.bgsave || args.save;
    if !saves_itself
        // How many files a cluster becomes is not known yet.
        && let Err(error) = Outputs::of(&wanted(&args, &to, args.server.cluster.then_some(1)))
    {
        return Ok(usage(&error));
    }
    // No signal is handled yet: one ends the process at once, also while it asks for a password.
    let found = match source.find().await? {
        Ok(found) => found,
        Err(failure) => return Ok(failure.print()),
    };
    if saves_itself {
        return spawn_blocking(move || save::run(&args, &address, &found, started)).await?;
    }
    write(args, aws, address, found, to, started).await
}

fn usage(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(USAGE)
}

fn wanted<'w>(args: &BackupArgs, to: &'w Path, files: Option<u16>) -> Wanted<'w> {
    Wanted { path: to, files, replaces: args.force, is_dry: false }
}

/// Writes the backups of the servers that were found.
async fn write(
    args: BackupArgs,
    aws: &AwsArgs,
    source: Address,
    found: Found,
    to: PathBuf,
    started: Instant,
) -> Result<ExitCode> {
    let outputs = match Outputs::of(&wanted(&args, &to, found.files()?)) {
        Ok(outputs) => Arc::new(outputs),
        Err(error) => return Ok(usage(&error)),
    };
    // Credentials of AWS are loaded only if an object is to be written.
    let objects = if outputs.are_objects() {
        Some(Arc::new(Objects::new(aws.clients().await.s3(), Handle::current())))
    } else {
        None
    };
    if let Some(objects) = objects.as_deref()
        && let Some(existing) = outputs.existing_object(objects).await?
    {
        return Ok(usage(&anyhow!("s3://{existing} exists; --force replaces it")));
    }
    let (writing, destination) = (Arc::clone(&outputs), objects.clone());
    or_abandon(outputs, objects, move || {
        let backup =
            Backup { found: &found, outputs: &writing, objects: destination.as_deref(), quiet: args.quiet };
        let Copied { files, .. } = match backup.run() {
            Ok(copied) => copied,
            Err(failure) => return Ok(failure.print()),
        };
        let to = to.display().to_string();
        let done = Done::new(&source, &to, &files, args.server.cluster, started.elapsed());
        done.print(args.json, writing.is_stdout())?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}
