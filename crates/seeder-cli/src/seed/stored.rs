//! Backups that are files or objects.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, bail};
use seeding::{BackupLocation, Code, Finding, Verdict};
use serde_json::{Value, json};

use super::{
    Place,
    batch::{Batch, LocalFile, Sent},
    execution_name,
    follow::print_outcome,
};
use crate::{
    INTERRUPTED,
    args::{AwsArgs, SeedArgs, SourceText},
    request,
    usage::Usage,
};

/// Uploads the files, and seeds. Errors of the command line are reported before anything is uploaded, and without calls
/// to AWS as far as possible.
pub(super) async fn run(args: &SeedArgs, aws: &AwsArgs) -> Result<ExitCode> {
    if let Some(option) = args.server.first_given() {
        return Err(Usage::of(format!("{option} is for a live server, and no SOURCE is one")));
    }
    let name = execution_name(file_name(args.sources.first().map_or("backup", SourceText::text)));
    let mut backups = backups(args, &name).map_err(Usage::error)?;
    request(args, &backups)?;
    // The bucket matters for files only.
    let place = Place::find(args, aws, backups.iter().any(|one| one.file.is_some())).await?;
    for backup in backups.iter_mut().filter(|backup| backup.file.is_some()) {
        backup.location.bucket.clone_from(&place.bucket);
    }
    let request = request(args, &backups)?;
    let s3 = place.clients.s3();
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
    let followed = place.seed(&name, &request, batch, args.keep_upload).await?;
    followed.print(args.json)?;
    Ok(followed.code())
}

/// Prints findings about a local file in the same way as the outcome of an execution.
fn refused(findings: &[Finding], as_json: bool) -> ExitCode {
    let outcome = json!({"verdict": Verdict::Reject, "findings": findings, "report": "", "events": [], "leftBehind": []});
    if as_json {
        println!("{outcome}");
    }
    print_outcome(Some("BackupRejected"), &outcome);
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
    request::build(&args.request, &args.cluster, &locations).map_err(Usage::error)
}

/// The last part of a path or an address.
fn file_name(source: &str) -> &str {
    source.rsplit('/').next().unwrap_or(source)
}

fn backups(args: &SeedArgs, execution: &str) -> Result<Vec<Backup>> {
    let sources = args.sources.iter().map(SourceText::text).enumerate();
    sources.map(|(number, text)| backup(args, execution, number, text)).collect()
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
