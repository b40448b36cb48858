//! Failed restores: their events, and that nothing is left over.

use local_elasticache::FailureStatus;

use crate::harness::{Local, Objects, backup, keys};

/// Waits for a group that fails to be created. Returns its events.
async fn failed(local: &Local, id: &str) -> Vec<String> {
    let group = local.settled(id).await;
    assert_eq!(group.status(), Some("create-failed"), "{:?}", local.events(id).await);
    assert!(
        local.members(id).await.iter().all(|(_, status, port)| status == "restore-failed" && port.is_none())
    );
    assert!(local.server.running_servers().is_empty());
    local.events(id).await
}

fn assert_reported(events: &[String], words: &[&str]) {
    let last = events.last().unwrap();
    assert!(words.iter().all(|words| last.contains(words)), "{events:#?}");
}

#[tokio::test]
async fn what_does_not_fit_is_told_with_its_shard_and_its_bytes() {
    // All keys are in one slot, so that only one shard is too small.
    let commands = "EVAL \"for i=1,3000 do redis.call('SET','{t}'..i,string.rep('x',9000)) end\" 0";
    let local = Local::start(Objects::from([("big.rdb", backup(commands))])).await;
    local.create("node", &["big.rdb"]).cache_node_type("cache.local.16mb").send().await.unwrap();
    assert_reported(
        &failed(&local, "node").await,
        &["shard 0001", "maxmemory is 16777216", "cache.local.16mb"],
    );
    local
        .create_cluster("shards", &["big.rdb"], 2, 1)
        .cache_node_type("cache.local.16mb")
        .send()
        .await
        .unwrap();
    assert_reported(
        &failed(&local, "shards").await,
        &["shard 0002 (slots 8192-16383)", "maxmemory is 16777216"],
    );
    local.delete("shards").await;
    local.create("node2", &["big.rdb"]).send().await.unwrap();
    local.available("node2").await;
    local.stop().await;
}

#[tokio::test]
async fn a_backup_far_too_big_is_not_loaded_to_its_end() {
    let commands = "EVAL \"for i=1,200 do redis.call('SET','k'..i,string.rep('x',1000000)) end\" 0";
    let local = Local::start(Objects::from([("huge.rdb", backup(commands))])).await;
    local.create("huge", &["huge.rdb"]).cache_node_type("cache.local.16mb").send().await.unwrap();
    let events = failed(&local, "huge").await;
    assert_reported(&events, &[]);
    local.stop().await;
}

#[tokio::test]
async fn the_servers_own_words_tell_why_it_refused_a_file() {
    let good = backup(&keys("k", 100));
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x55;
    let mut newer = good.clone();
    newer[5..9].copy_from_slice(b"0099");
    let truncated = good[..middle].to_vec();
    let two = backup("SET a 1\nSELECT 1\nSET b 1");
    let objects = Objects::from([
        ("flipped.rdb", flipped),
        ("newer.rdb", newer),
        ("truncated.rdb", truncated),
        ("two.rdb", two),
        ("text.rdb", b"no backup at all".to_vec()),
    ]);
    let local = Local::start(objects).await;
    for (id, words) in [
        ("newer", "Can't handle RDB format version 99"),
        ("truncated", "Short read or OOM loading DB"),
        ("text", "Wrong signature trying to load DB from file"),
        ("flipped", "RDB"),
    ] {
        let key = format!("{id}.rdb");
        local.create(id, &[&key]).send().await.unwrap();
        assert_reported(
            &failed(&local, id).await,
            &["Restore failed: the server could not load the backup", words],
        );
        let cluster = format!("{id}-shards");
        local.create_cluster(&cluster, &[&key], 3, 0).send().await.unwrap();
        assert_reported(&failed(&local, &cluster).await, &["the server could not load the backup", words]);
    }
    for (id, shards) in [("one", 1), ("three", 3)] {
        local.create_cluster(id, &["two.rdb"], shards, 0).send().await.unwrap();
        assert_reported(
            &failed(&local, id).await,
            &["holds keys in databases [0, 1]: cluster mode has only 1"],
        );
    }
    local.stop().await;
}

#[tokio::test]
async fn a_backup_that_cannot_be_read_fails_the_restore_with_the_reason() {
    let local = Local::start(Objects::new()).await;
    local.create("denied", &["denied.rdb"]).send().await.unwrap();
    assert_reported(&failed(&local, "denied").await, &["bucket/denied.rdb", "AccessDenied"]);
    local.create("missing", &["missing.rdb"]).send().await.unwrap();
    assert_reported(&failed(&local, "missing").await, &["bucket/missing.rdb", "NoSuchKey"]);
    local.stop().await;
}

#[tokio::test]
async fn a_failed_group_that_stays_creating_can_be_deleted() {
    let local = Local::start_with(Objects::new(), |config| {
        config.switches.failure_status = FailureStatus::StaysCreating;
    })
    .await;
    local.create("stuck", &["denied.rdb"]).send().await.unwrap();
    while local.members("stuck").await[0].1 != "restore-failed" {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(local.group("stuck").await.unwrap().status(), Some("creating"));
    local.delete("stuck").await;
    local.stop().await;
}
