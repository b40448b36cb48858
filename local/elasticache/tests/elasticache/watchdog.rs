//! Servers end with the process that started them, however it ends.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    time::Duration,
};

use crate::harness::{Local, Objects, backup, runs};

const HELPER: &str = "LOCAL_ELASTICACHE_TEST_HELPER";

#[tokio::test]
async fn servers_end_when_the_process_that_started_them_is_killed() {
    let mut helper = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "watchdog::helper_with_a_cluster", "--nocapture"])
        .env(HELPER, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(helper.stdout.take().unwrap()).lines();
    let pids = lines
        .map(Result::unwrap)
        .find_map(|line| line.split_once("servers: ").map(|(_, pids)| pids.to_owned()));
    let pids: Vec<u32> = pids.unwrap().split(',').map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(pids.len(), 4);
    assert!(pids.iter().all(|&pid| runs(pid)));
    // SIGKILL leaves the helper no chance to clean up.
    helper.kill().unwrap();
    helper.wait().unwrap();
    while pids.iter().any(|&pid| runs(pid)) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Not a test of its own, but the process that the test above starts and kills.
#[tokio::test]
async fn helper_with_a_cluster() {
    if std::env::var_os(HELPER).is_none() {
        return;
    }
    let local = Local::start(Objects::from([("b.rdb", backup("SET a 1"))])).await;
    local.create_cluster("helped", &["b.rdb"], 2, 1).send().await.unwrap();
    local.available("helped").await;
    let pids: Vec<String> = local.server.running_servers().iter().map(ToString::to_string).collect();
    println!("servers: {}", pids.join(","));
    std::io::stdout().flush().unwrap();
    std::future::pending::<()>().await;
}
