//! A backup of a live server, which is made first.

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Instant};

use anyhow::Result;
use seeding::BackupLocation;
use serde_json::json;
use tokio::runtime::Handle;

use super::{Place, batch::Batch, execution_name};
use crate::{
    args::{AwsArgs, SeedArgs},
    backup::{Backup, Copied, Done, Source},
    output::{Outputs, Wanted, or_abandon},
    reading::Objects,
    request,
    term::elapsed,
    usage::Usage,
};

/// Backs the server up into the stack's bucket, and seeds from there.
pub(super) async fn run(args: &SeedArgs, aws: &AwsArgs) -> Result<ExitCode> {
    let started = Instant::now();
    let [text] = args.sources.as_slice() else {
        return Err(Usage::of("a live server is seeded from alone: name it as the only SOURCE"));
    };
    // From here on, nothing that can be formatted has the password.
    let source = Source::of(text, &args.server).map_err(Usage::error)?;
    let address = source.address.clone();
    let file_name = format!("{}.rdb", address.file_stem());
    let name = execution_name(&file_name);
    // An upload under sets/ starts no execution by itself.
    let key = format!("sets/{name}/{file_name}");
    let any_bucket = BackupLocation { bucket: "drop-bucket".to_owned(), key: key.clone() };
    request::build(&args.request, &args.cluster, &[any_bucket]).map_err(Usage::error)?;
    let place = Place::find(args, aws, true).await?;
    // No signal is handled yet: one ends the process at once, also while it asks for a password.
    let found = match source.find().await? {
        Ok(found) => found,
        Err(failure) => return Ok(failure.print()),
    };
    let to = format!("s3://{}/{key}", place.bucket);
    let wanted = Wanted { path: &PathBuf::from(&to), files: found.files()?, replaces: true, is_dry: false };
    let outputs = Arc::new(Outputs::of(&wanted).map_err(Usage::error)?);
    let request = request::build(&args.request, &args.cluster, outputs.locations()).map_err(Usage::error)?;
    let objects = Arc::new(Objects::new(place.clients.s3(), Handle::current()));
    let (writing, destination) = (Arc::clone(&outputs), Arc::clone(&objects));
    let copied = or_abandon(outputs, Some(objects), move || {
        let backup = Backup { found: &found, outputs: &writing, objects: Some(&destination), quiet: false };
        Ok(backup.run())
    });
    let Copied { files, objects } = match copied.await? {
        Ok(copied) => copied,
        Err(failure) => {
            let code = failure.print();
            eprintln!("no object was created and no execution was started");
            return Ok(code);
        }
    };
    let done = Done::new(&address, &to, &files, args.server.cluster, started.elapsed());
    eprint!("{}", done.text());
    let mut followed = place.seed(&name, &request, Batch::of(objects), args.keep_upload).await?;
    followed.add("backup", json!(done));
    followed.print(args.json)?;
    eprintln!("{}; {} in all", done.summary(), elapsed(started.elapsed()));
    Ok(followed.code())
}
