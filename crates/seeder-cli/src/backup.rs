//! `seeder backup`: makes a backup of a live server, as a replica of it.

mod copy;
mod failure;
mod login;
mod report;
mod save;
mod secrets;
mod servers;
mod survey;
mod waiting;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use anyhow::{Result, anyhow};
use copy::Backup;
use login::Login;
use replication::{Address, Credentials};
use report::Done;
pub(crate) use secrets::without_secrets;
use seeder_aws::Clients;
use servers::Found;
use tokio::{runtime::Handle, task::spawn_blocking};

use crate::{
    USAGE,
    args::BackupArgs,
    output::{Outputs, Wanted, or_abandon},
    reading::Objects,
};

const REFUSED: u8 = 1;
pub(crate) const NOT_REACHABLE: u8 = 3;

/// Runs the command.
pub(crate) async fn run(args: BackupArgs) -> Result<ExitCode> {
    let started = Instant::now();
    // From here on, nothing that can be formatted has the password.
    let (address, credentials) = match Address::parse(args.source.text()) {
        Ok(parsed) => parsed,
        Err(error) => return Ok(usage(&anyhow!("SOURCE: {error}"))),
    };
    let to = args.to.clone().unwrap_or_else(|| format!("{}.rdb", address.file_stem()).into());
    let login = match prepared(&args, &address, credentials, &to) {
        Ok(login) => login,
        Err(error) => return Ok(usage(&error)),
    };
    // No signal is handled yet: one ends the process at once, also while it asks for a password.
    let sentinel = args.sentinel.clone();
    let (source, is_cluster) = (address.clone(), args.cluster);
    let found = spawn_blocking(move || servers::find(&source, login, sentinel.as_deref(), is_cluster));
    let found = match found.await? {
        Ok(found) => found,
        Err(failure) => return Ok(failure.print()),
    };
    if args.bgsave || args.save {
        return spawn_blocking(move || save::run(&args, &address, &found, started)).await?;
    }
    write(args, address, found, to, started).await
}

fn usage(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(USAGE)
}

/// Finds what is wrong with the command line before a server is asked for anything.
fn prepared(
    args: &BackupArgs,
    address: &Address,
    credentials: Option<Credentials>,
    to: &Path,
) -> Result<Login> {
    let login = Login::of(args, address, credentials)?;
    if !args.bgsave && !args.save {
        // How many files a cluster becomes is not known yet.
        let files = args.cluster.then_some(1);
        Outputs::of(&wanted(args, to, files))?;
    }
    Ok(login)
}

fn wanted<'w>(args: &BackupArgs, to: &'w Path, files: Option<u16>) -> Wanted<'w> {
    Wanted { path: to, files, replaces: args.force, is_dry: false }
}

/// Writes the backups of the servers that were found.
async fn write(
    args: BackupArgs,
    source: Address,
    found: Found,
    to: PathBuf,
    started: Instant,
) -> Result<ExitCode> {
    let files = if args.cluster { Some(u16::try_from(found.shards.len())?) } else { None };
    let outputs = match Outputs::of(&wanted(&args, &to, files)) {
        Ok(outputs) => Arc::new(outputs),
        Err(error) => return Ok(usage(&error)),
    };
    // Credentials of AWS are loaded only if an object is to be written.
    let objects = if outputs.are_objects() {
        Some(Arc::new(Objects::new(Clients::from_environment().await.s3(), Handle::current())))
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
        let files = match backup.run() {
            Ok(files) => files,
            Err(failure) => return Ok(failure.print()),
        };
        let to = to.display().to_string();
        let done = Done::new(&source, &to, &files, args.cluster, started.elapsed());
        done.print(args.json, writing.is_stdout())?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}
