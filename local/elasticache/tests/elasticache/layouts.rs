//! Backups spread over the shards of a real cluster.

use redis::Value;

use crate::harness::{Local, Objects, backup, connect, keys, size};

async fn sizes(local: &Local, id: &str) -> Vec<u64> {
    let mut sizes = Vec::new();
    for (_, status, port) in local.members(id).await {
        assert_eq!(status, "available");
        sizes.push(size(port.unwrap()).await);
    }
    sizes
}

#[tokio::test]
async fn three_shards_with_replicas_share_the_keys_by_slot() {
    let commands = format!(
        "{}\nRPUSH list 1 2 3\nHSET hash f v\nXADD stream 1-1 a b\nFUNCTION LOAD \
         \"#!lua name=mylib\\nredis.register_function('f', function() return 1 end)\"",
        keys("k", 20_000)
    );
    let local = Local::start(Objects::from([("b.rdb", backup(&commands))])).await;
    local.create_cluster("three", &["b.rdb"], 3, 1).send().await.unwrap();
    let group = local.available("three").await;
    assert_eq!(group.cluster_enabled(), Some(true));
    assert_eq!(group.node_groups()[1].slots(), Some("5461-10921"));
    let ids: Vec<&str> = group.member_clusters().iter().map(String::as_str).collect();
    assert_eq!(ids[..3], ["three-0001-001", "three-0001-002", "three-0002-001"]);
    let sizes = sizes(&local, "three").await;
    // ElastiCache's own key is one more.
    assert_eq!(sizes[0] + sizes[2] + sizes[4], 20_004);
    assert_eq!(
        [sizes[0], sizes[2], sizes[4]],
        [sizes[1], sizes[3], sizes[5]],
        "replicas hold what primaries hold"
    );
    assert!(sizes.iter().all(|&size| size > 6_000), "{sizes:?}");

    let port = u16::try_from(group.configuration_endpoint().unwrap().port().unwrap()).unwrap();
    let mut node = connect(port).await;
    let slots: Vec<Value> = redis::cmd("CLUSTER").arg("SLOTS").query_async(&mut node).await.unwrap();
    assert_eq!(slots.len(), 3);
    let functions: Vec<Value> = redis::cmd("FUNCTION").arg("LIST").query_async(&mut node).await.unwrap();
    assert_eq!(functions.len(), 1);
    local.delete("three").await;
    assert!(local.server.running_servers().is_empty());
    local.stop().await;
}

#[tokio::test]
async fn several_backups_become_one_cluster_of_six_shards() {
    let objects = Objects::from([("a.rdb", backup(&keys("a", 3000))), ("b.rdb", backup(&keys("b", 2000)))]);
    let local = Local::start(objects).await;
    local.create_cluster("six", &["a.rdb", "b.rdb"], 6, 0).send().await.unwrap();
    local.available("six").await;
    let sizes = sizes(&local, "six").await;
    assert_eq!((sizes.len(), sizes.iter().sum::<u64>()), (6, 5001));
    local.stop().await;
}

#[tokio::test]
async fn one_shard_of_cluster_mode_loads_the_file_itself_and_owns_all_slots() {
    let local = Local::start(Objects::from([("b.rdb", backup(&keys("k", 100)))])).await;
    local.create_cluster("one", &["b.rdb"], 1, 2).send().await.unwrap();
    let group = local.available("one").await;
    assert_eq!(group.node_groups()[0].slots(), Some("0-16383"));
    assert_eq!(sizes(&local, "one").await, [101, 101, 101]);
    local.stop().await;
}

#[tokio::test]
async fn several_backups_become_one_node_with_all_databases_and_a_replica() {
    let second = format!("SELECT 5\n{}\nSET gone 1\nPEXPIRE gone 1", keys("b", 70));
    let objects = Objects::from([("a.rdb", backup(&keys("a", 100))), ("b.rdb", backup(&second))]);
    let local = Local::start(objects).await;
    let create =
        local.create("both", &["a.rdb", "b.rdb"]).num_cache_clusters(2).automatic_failover_enabled(true);
    let create = create.transit_encryption_enabled(true).auth_token("0123456789abcdef");
    create.send().await.unwrap();
    local.available("both").await;
    for (_, _, port) in local.members("both").await {
        let client =
            redis::Client::open(format!("redis://:0123456789abcdef@127.0.0.1:{}/", port.unwrap())).unwrap();
        let mut node = client.get_multiplexed_async_connection().await.unwrap();
        let keyspace: String = redis::cmd("INFO").arg("keyspace").query_async(&mut node).await.unwrap();
        assert!(keyspace.contains("db0:keys=101,") && keyspace.contains("db5:keys=70,"), "{keyspace}");
    }
    local.stop().await;
}

#[tokio::test]
async fn many_small_seedings_at_once_all_come_up() {
    let local = Local::start(Objects::from([("b.rdb", backup(&keys("k", 500)))])).await;
    for number in 0..20 {
        let id = format!("many-{number}");
        if number % 4 == 0 {
            local.create_cluster(&id, &["b.rdb"], 2, 0).send().await.unwrap();
        } else {
            local.create(&id, &["b.rdb"]).send().await.unwrap();
        }
    }
    for number in 0..20 {
        local.available(&format!("many-{number}")).await;
    }
    assert_eq!(local.server.running_servers().len(), 25);
    local.stop().await;
}
