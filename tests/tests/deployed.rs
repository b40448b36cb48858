//! The template deployed as CloudFormation deploys it, on another emulator of AWS: ministack. Only ElastiCache is ours.

use std::{
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use local_elasticache::{Config, Server, ServerBinaries};
use local_stack::StackOptions;
use system_tests::{data::fill_mixed, process::KilledOnDrop, source::Source};
use tempfile::TempDir;

async fn start_ministack(python: &Path, port: u16, dir: &Path) -> Result<KilledOnDrop> {
    let log = std::fs::File::create(dir.join("ministack.log"))?;
    let mut command = Command::new(python);
    command.args(["-m", "ministack"]).env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", port.to_string());
    // Its other ports: none of them is used here.
    let process = command.current_dir(dir).stdout(Stdio::null()).stderr(log).spawn()?;
    let ministack = KilledOnDrop(process);
    for _ in 0..200 {
        if reqwest::get(format!("http://127.0.0.1:{port}/_ministack/health")).await.is_ok() {
            return Ok(ministack);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!(
        "ministack does not answer; its log is\n{}",
        std::fs::read_to_string(dir.join("ministack.log"))?
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_template_deploys_seeds_cleans_up_and_is_deleted() -> Result<()> {
    let StackOptions { project, binaries, servers, .. } = StackOptions::default();
    let python = project.join(".tools/ministack/bin/python");
    ensure!(python.exists(), "{} is not there: make setup-test", python.display());
    let dir = TempDir::new()?;
    let source = Source::start().await?;
    fill_mixed(&source, 100, "k:").await?;
    let backup = source.save().await?;
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let _ministack = start_ministack(&python, port, dir.path()).await?;
    let servers = ServerBinaries::find(Some(&servers))?;
    let config = Config {
        create_delay: Duration::from_millis(500),
        // The account of ministack.
        account_id: "000000000000".to_owned(),
        ..Config::new(format!("http://127.0.0.1:{port}"), dir.path().join("elasticache"), servers)
    };
    let elasticache = Server::start(config).await?;
    let mut script = Command::new(&python);
    script.arg(project.join("tests/deployed/deploy.py")).arg(port.to_string()).arg(elasticache.endpoint());
    script.arg(&binaries).arg(&backup);
    let status = tokio::task::spawn_blocking(move || script.status()).await?.context("no script")?;
    let log = std::fs::read_to_string(dir.path().join("ministack.log")).unwrap_or_default();
    let last: Vec<_> = log.lines().rev().take(15).collect();
    ensure!(status.success(), "{status}; the log ends with {last:#?}");
    Ok(())
}
