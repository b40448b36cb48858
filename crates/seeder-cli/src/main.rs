//! `seeder`: checks backups and seeds ElastiCache from the command line.

#![forbid(unsafe_code)]

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    seeder_cli::run().await
}
