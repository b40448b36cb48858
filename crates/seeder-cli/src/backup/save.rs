//! Makes a server save its own file.

use std::{
    path::Path,
    process::ExitCode,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::Result;
use replication::{Address, Connection, Error, Info};
use serde::Serialize;

use super::{failure::Failure, report::Timing, servers::Found, survey::Survey, waiting::Waiting};
use crate::{
    args::BackupArgs,
    term::{elapsed, print_text, thousands},
};

/// The interval in which the server is asked whether it is done.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// The version of this JSON.
const SCHEMA: u32 = 1;

/// What was saved.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Saved {
    /// Version of this JSON, 1.
    schema: u32,
    /// Server that has saved, without credentials.
    source: String,
    /// Path of the file on the server; null if the server does not say it.
    file: Option<String>,
    /// Duration. Nothing else in the object depends on the machine.
    timing: Timing,
}

pub(super) fn run(args: &BackupArgs, source: &Address, found: &Found, started: Instant) -> Result<ExitCode> {
    // Of a master that a sentinel watches, the first server.
    let address = found.shards.first().and_then(|servers| servers.first()).unwrap_or(source);
    match save(args, address, found) {
        Ok(file) => {
            let took = started.elapsed();
            let saved = Saved { schema: SCHEMA, source: address.to_string(), file, timing: took.into() };
            let place = saved.file.as_deref().unwrap_or("where its parameters dir and dbfilename say");
            print_text(&if args.json {
                serde_json::to_string(&saved)? + "\n"
            } else {
                format!("{address} has saved on its own disk: {place}, in {}\n", elapsed(took))
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => Ok(failure.print()),
    }
}

/// Returns the path of the file on the server, if the server says it.
fn save(args: &BackupArgs, address: &Address, found: &Found) -> Result<Option<String>, Failure> {
    let mut connection = found.login.connect(address)?;
    let survey = Survey::of(&mut connection)?;
    if !args.quiet {
        survey.describe(address);
    }
    survey.warn(false);
    let mut waiting = Waiting::new(args.quiet);
    if args.save {
        connection.wait_without_limit()?;
        connection.call(&["SAVE"])?;
    } else {
        in_background(&mut connection, &mut waiting)?;
    }
    let place = (|| Ok((connection.parameter("dir")?, connection.parameter("dbfilename")?)))();
    match place {
        Ok((Some(folder), Some(name))) => Ok(Some(Path::new(&folder).join(name).display().to_string())),
        Ok(_) | Err(Error::Refused(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn in_background(connection: &mut Connection, waiting: &mut Waiting) -> Result<(), Failure> {
    let before = persistence(connection)?;
    let mut is_scheduled = false;
    loop {
        match connection.call(&["BGSAVE"]) {
            Ok(_) => break,
            Err(Error::Refused(refusal)) if refusal.answer.contains("already in progress") => {
                // That one has begun earlier, and lacks what was written since.
                while is_saving(&persistence(connection)?) {
                    waiting.show("waiting until the server has done a save that it had begun");
                    sleep(ASK_EVERY);
                }
            }
            Err(Error::Refused(refusal)) if refusal.answer.contains("BGSAVE SCHEDULE") => {
                connection.call(&["BGSAVE", "SCHEDULE"])?;
                is_scheduled = true;
                break;
            }
            Err(error) => return Err(error.into()),
        }
    }
    loop {
        let now = persistence(connection)?;
        let last = |info: &Info| info.number("rdb_last_save_time");
        let waits = is_scheduled && last(&now) == last(&before) && !has_failed(&now);
        if !is_saving(&now) && !waits {
            if has_failed(&now) {
                let failed = format!("{} failed to save", connection.address());
                return Err(Failure::refused(failed, "its log says why; often there is no room on its disk"));
            }
            return Ok(());
        }
        waiting.show(&progress(&now));
        sleep(ASK_EVERY);
    }
}

fn persistence(connection: &mut Connection) -> Result<Info, Error> {
    let reply = connection.call(&["INFO", "persistence"])?;
    Ok(Info::parse(&reply.text().unwrap_or_default()))
}

fn is_saving(info: &Info) -> bool {
    info.get("rdb_bgsave_in_progress") == Some("1")
}

fn has_failed(info: &Info) -> bool {
    info.get("rdb_last_bgsave_status") == Some("err")
}

/// Servers since Redis 7.0 count keys.
fn progress(info: &Info) -> String {
    match (info.number("current_save_keys_processed"), info.number("current_save_keys_total")) {
        (Some(done), Some(all)) if all > 0 => {
            format!("the server saves: {} of {} keys", thousands(done), thousands(all))
        }
        _ => "the server saves".to_owned(),
    }
}
