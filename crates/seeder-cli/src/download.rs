//! `seeder report`: downloads the page about an execution.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Result, anyhow};
use seeder_aws::{error_code, service_error};
use seeding::ExecutionFiles;
use serde_json::json;

use crate::{
    USAGE,
    args::{AwsArgs, ReportArgs},
    execution::{find, stack::Machine},
    page::{is_other_file, write_page},
    term::print_text,
};

/// Runs the command.
pub(crate) async fn run(args: &ReportArgs, aws: &AwsArgs) -> Result<ExitCode> {
    let of = &args.execution;
    let machine = Machine::of(&of.stack, aws, of.reports_bucket.as_deref(), Some(&of.execution)).await;
    let machine = match machine {
        Ok(machine) => machine,
        Err(error) => return Ok(error.report()),
    };
    let execution = match find::by_name(&machine.step_functions, &machine.arn, &of.execution).await? {
        Ok(execution) => execution,
        Err(near) => {
            find::report_unknown(&of.execution, &machine.arn, &near);
            return Ok(ExitCode::FAILURE);
        }
    };
    let name = execution.cleans_up_for().unwrap_or(&execution.name);
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.html")));
    if is_other_file(&path) {
        eprintln!("error: {} is there and is no page\nhint: name another file with --output", path.display());
        return Ok(ExitCode::from(USAGE));
    }
    let bucket = machine.reports_bucket.as_ref().map_err(|error| anyhow!("{error}"))?;
    let key = ExecutionFiles::of(name).page();
    let uri = format!("s3://{bucket}/{key}");
    let answer = match machine.s3.get_object().bucket(bucket).key(key.as_str()).send().await {
        Ok(answer) => answer,
        Err(error) if error_code(&error) == Some("NoSuchKey") => {
            eprintln!(
                "error: there is no {uri}\nhint: it is written once the backups are judged; seeder status {name} \
                 shows how far the execution is"
            );
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(anyhow!("{}", service_error(&format!("read {uri}"), &error).message)),
    };
    let page = answer.body.collect().await.map_err(|error| anyhow!("failed to read {uri}: {error}"))?;
    write_page(&path, &page.into_bytes())?;
    print_text(&if of.json {
        format!("{}\n", json!({"execution": name, "uri": uri, "file": path}))
    } else {
        format!("{}\n", path.display())
    })?;
    if args.open && !open(&path) {
        eprintln!("warning: no browser could be started; open {} yourself", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens a file with `$BROWSER` or what the system opens files with. Returns whether that was started.
fn open(path: &Path) -> bool {
    let browser = env::var_os("BROWSER").filter(|browser| !browser.is_empty());
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    // A name may begin with a dash.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut command = Command::new(browser.unwrap_or_else(|| opener.into()));
    command.arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}
