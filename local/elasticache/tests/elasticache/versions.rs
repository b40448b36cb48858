//! The nodes run the requested engine and version, or an event names the substitute.

use local_elasticache::Nearness;

use crate::harness::{Local, Objects, backup_by, connect, keys};

/// The version of a running node, as an event names it.
async fn runs(port: u16) -> String {
    let info: String = redis::cmd("INFO").arg("server").query_async(&mut connect(port).await).await.unwrap();
    let field = |name: &str| {
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|value| value.trim().to_owned())
    };
    match field("valkey_version") {
        Some(version) => format!("valkey-server {version}"),
        None => format!("redis-server {}", field("redis_version").unwrap()),
    }
}

#[tokio::test]
async fn every_version_runs_on_the_nearest_server_and_its_event_names_both() {
    let servers = crate::harness::servers();
    for (number, (engine, version, family)) in [
        ("redis", "6.2", "redis6.x"),
        ("redis", "7.0", "redis7"),
        ("redis", "7.1", "redis7"),
        ("valkey", "7.2", "valkey7"),
        ("valkey", "8.0", "valkey8"),
        ("valkey", "8.1", "valkey8"),
        ("valkey", "8.2", "valkey8"),
        ("valkey", "9.0", "valkey9"),
        ("valkey", "9.1", "valkey9"),
    ]
    .into_iter()
    .enumerate()
    {
        let choice = servers.choose(engine, version).unwrap();
        // A backup that the same server wrote: older servers cannot read the files of newer ones.
        let objects = Objects::from([("b.rdb", backup_by(choice.server, &keys("k", 100)))]);
        let local = Local::start(objects).await;
        let id = format!("version-{number}");
        let create = local.create(&id, &["b.rdb"]).engine(engine).engine_version(version);
        create.send().await.unwrap();
        local.available(&id).await;
        let port = local.members(&id).await[0].2.unwrap();
        assert_eq!(runs(port).await, choice.server.to_string(), "{engine} {version}");
        let events = local.events(&id).await;
        let reported = events.iter().find(|event| event.contains(&format!("for {engine} {version}")));
        let reported = reported.unwrap_or_else(|| panic!("{events:#?}"));
        assert!(reported.contains(&choice.server.to_string()), "{reported}");
        assert_eq!(reported.contains("stands in"), choice.nearness != Nearness::Same, "{reported}");
        // The same with cluster mode enabled, where every generation of servers has to accept its `nodes.conf`.
        let cluster = format!("{id}-shards");
        let create = local.create_cluster(&cluster, &["b.rdb"], 2, 1).engine(engine).engine_version(version);
        create.cache_parameter_group_name(format!("default.{family}.cluster.on")).send().await.unwrap();
        local.available(&cluster).await;
        local.stop().await;
    }
}
