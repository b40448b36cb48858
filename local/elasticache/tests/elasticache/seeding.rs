//! Restores that succeed, in every layout.

use crate::harness::{Local, Objects, backup, connect, keys, runs, size};

#[tokio::test]
async fn a_single_node_holds_the_backup_and_the_services_own_key() {
    let commands = format!("{}\nSELECT 3\nSET other 1\nPEXPIREAT other 4102444800000", keys("k", 1000));
    let local = Local::start(Objects::from([("a/b.rdb", backup(&commands))])).await;
    let answer = local.create("Orders", &["a/b.rdb"]).send().await.unwrap();
    assert_eq!(answer.replication_group().unwrap().status(), Some("creating"));
    let group = local.available("orders").await;
    assert_eq!(group.description(), Some("seeded by a test"));
    assert_eq!(group.arn(), Some("arn:aws:elasticache:us-east-1:123456789012:replicationgroup:orders"));
    assert_eq!(group.member_clusters(), ["orders-001"]);
    let endpoint = group.node_groups()[0].primary_endpoint().unwrap();
    assert_eq!(endpoint.address(), Some("127.0.0.1"));
    let port = u16::try_from(endpoint.port().unwrap()).unwrap();
    assert_eq!(size(port).await, 1001);
    let mut node = connect(port).await;
    let expiry: i64 = redis::pipe()
        .cmd("SELECT")
        .arg(3)
        .ignore()
        .cmd("PEXPIRETIME")
        .arg("other")
        .query_async::<(i64,)>(&mut node)
        .await
        .unwrap()
        .0;
    assert_eq!(expiry, 4_102_444_800_000);
    let (_, limit): (String, u64) =
        redis::cmd("CONFIG").arg("GET").arg("maxmemory").query_async(&mut node).await.unwrap();
    assert_eq!(limit, 67_108_864);
    let pids = local.server.running_servers();
    assert_eq!(pids.len(), 1);
    local.delete("orders").await;
    assert!(!runs(pids[0]));
    local.stop().await;
}
