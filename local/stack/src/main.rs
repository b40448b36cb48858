//! `local-stack serve`: runs the local stack until it is interrupted.
#![forbid(unsafe_code)]

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use local_stack::{Stack, StackOptions};
use tokio::signal::unix::{SignalKind, signal};

/// The local stack: everything that `sam deploy` creates, on loopback.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run until interrupted. Writes DIR/env, for a shell to source, and DIR/pid.
    Serve {
        /// Folder for logs and data.
        #[arg(long, default_value = ".local")]
        dir: PathBuf,
    },
}

#[tokio::main]
async fn main() -> Result<()> {
    let Command::Serve { dir } = Args::parse().command;
    tracing_subscriber::fmt().with_env_filter("warn").with_writer(std::io::stderr).init();
    std::fs::create_dir_all(&dir)?;
    let dir = dir.canonicalize()?;
    let stack = Stack::start(StackOptions { dir: Some(dir.clone()), ..StackOptions::default() }).await?;
    let [mut terminated, mut interrupted] =
        [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    announce(&stack, &dir)?;
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    println!("stopping …");
    stack.stop().await?;
    for name in ["env", "pid"] {
        std::fs::remove_file(dir.join(name)).with_context(|| format!("failed to remove {name}"))?;
    }
    Ok(())
}

fn announce(stack: &Stack, dir: &Path) -> Result<()> {
    let mut env = String::new();
    for (name, value) in stack.env() {
        writeln!(env, "export {name}={value}")?;
    }
    std::fs::write(dir.join("env"), env)?;
    // Last, because scripts that wait for the stack wait for this file.
    std::fs::write(dir.join("pid"), std::process::id().to_string())?;
    println!(
        "The local stack runs. In another shell:

  source {0}/env
  aws s3 cp redis.rdb s3://{1}/redis.rdb            # a dropped file becomes a cluster
  target/debug/seeder seed redis.rdb                # the same, followed to its end
  aws stepfunctions start-execution --state-machine-arn $SEEDER_STATE_MACHINE_ARN \\
      --input '{{\"backups\": [\"{1}/redis.rdb\"]}}'
  aws elasticache describe-replication-groups

Logs are in {0}. Node types: cache.local.16mb, cache.local.64mb and AWS's own. `make local-stop` ends it.",
        dir.display(),
        stack.drop_bucket()
    );
    Ok(())
}
