//! `seeder upload`: uploads backups as one set, and continues an upload that was interrupted.

mod checksum;
mod file;
mod resume;
mod set;

use std::process::ExitCode;

use anyhow::Result;
use aws_sdk_s3::{Client, primitives::ByteStream};
use file::{Complete, Judged};
use seeder_aws::{objects::look_at_object, service_error};
use seeding::{BackupLocation, Code, objects::ObjectLook};
use serde_json::Value;
use set::Set;

use crate::{
    args::{AwsArgs, UploadArgs},
    request,
    signals::Signals,
    stack::{Drops, Stack},
    term::{print_finding, print_text, thousands},
    usage::Usage,
};

/// Runs the command.
pub(crate) async fn run(args: &UploadArgs, aws: &AwsArgs) -> Result<ExitCode> {
    // Everything that the command line alone decides, before AWS is asked for anything.
    let anywhere = Set::of(args, "drop-bucket", "")?;
    request::build(&args.request, &args.cluster, &anywhere.locations()).map_err(Usage::error)?;
    let clients = aws.clients().await;
    let stack = Stack::new(&clients, &args.stack.stack);
    let drops = match stack.drops(args.bucket.as_deref(), args.prefix.as_deref()).await {
        Ok(drops) => drops,
        Err(error) if error.is_usage() => return Err(Usage::error(error.into())),
        Err(error) => return Err(error.into()),
    };
    let set = Set::of(args, &drops.bucket, &drops.prefix)?;
    let request = request::build(&args.request, &args.cluster, &set.locations()).map_err(Usage::error)?;
    let (s3, mut signals) = (clients.s3(), Signals::new()?);
    tokio::select! {
        done = send(args, &s3, &drops, &set, &request) => done,
        status = signals.next() => {
            eprintln!("interrupted; no new object is left, and the same command continues where this one stopped");
            Ok(ExitCode::from(status))
        }
    }
}

async fn send(args: &UploadArgs, s3: &Client, drops: &Drops, set: &Set, request: &Value) -> Result<ExitCode> {
    if !args.no_start && !args.force && exists(s3, &set.list).await? {
        let list = &set.list;
        return Err(Usage::of(format!(
            "s3://{list} exists, so the set was started before\nhint: name another set by --set, start this one once \
             more by --force, or leave it by --no-start"
        )));
    }
    let allow: Vec<Code> = serde_json::from_value(request["allow"].clone()).unwrap_or_default();
    let mut complete = Vec::new();
    for file in &set.files {
        match file.send(s3, args.force, &allow).await? {
            Judged::Sound(file) => complete.push(file),
            Judged::Refused(findings) => {
                findings.iter().map(serde_json::to_value).for_each(|finding| {
                    print_finding(&finding.unwrap_or_default());
                });
                eprintln!(
                    "{} is not sound: no object was created and nothing was started",
                    file.path.display()
                );
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    let mut lines = Vec::new();
    for (file, complete) in set.files.iter().zip(complete) {
        let how = match complete.finish(s3, args.force).await? {
            Complete::Sent { resumed: 0 } => String::new(),
            Complete::Sent { resumed } => format!(", {} of them were there from before", thousands(resumed)),
            Complete::WasThere => ", which were there with the same checksum".to_owned(),
        };
        let bytes = thousands(file.bytes);
        lines.push(format!("{} to s3://{}: {bytes} bytes{how}\n", file.path.display(), file.location));
    }
    if !args.no_start {
        let body = ByteStream::from(request.to_string().into_bytes());
        let put = s3.put_object().bucket(&set.list.bucket).key(&set.list.key).body(body);
        let put = put.content_type("application/json").send().await;
        put.map_err(|error| service_error(&format!("upload {}", set.list), &error))?;
        lines.push(format!("{}\n", drops.what_starts(&set.list)));
    }
    print_text(&lines.concat())?;
    Ok(ExitCode::SUCCESS)
}

async fn exists(s3: &Client, location: &BackupLocation) -> Result<bool> {
    Ok(matches!(look_at_object(s3, location, None).await?, ObjectLook::Found(_) | ObjectLook::CustomerKey))
}
