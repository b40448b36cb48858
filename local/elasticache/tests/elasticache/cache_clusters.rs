//! Cache clusters of their own: created, described, restored by a real server, deleted.

use std::time::Duration;

use aws_sdk_elasticache::{
    operation::create_cache_cluster::builders::CreateCacheClusterFluentBuilder,
    types::{CacheCluster, Tag},
};
use tokio::time::sleep;

use crate::harness::{Local, Objects, backup, keys, runs, size};

const ARN: &str = "arn:aws:s3:::bucket/a.rdb";

fn create(local: &Local, id: &str) -> CreateCacheClusterFluentBuilder {
    let create = local.client.create_cache_cluster().cache_cluster_id(id).engine("redis");
    create.engine_version("7.1").cache_node_type("cache.local.64mb").num_cache_nodes(1)
}

async fn cluster(local: &Local, id: &str) -> Option<CacheCluster> {
    let asked = local.client.describe_cache_clusters().cache_cluster_id(id).show_cache_node_info(true);
    match asked.send().await {
        Ok(answer) => Some(answer.cache_clusters()[0].clone()),
        Err(error) => {
            assert!(error.into_service_error().is_cache_cluster_not_found_fault());
            None
        }
    }
}

async fn settled(local: &Local, id: &str) -> CacheCluster {
    loop {
        let found = cluster(local, id).await.unwrap();
        if found.cache_cluster_status() != Some("creating") {
            return found;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_cache_cluster_is_one_server_with_the_backup() {
    let local = Local::start(Objects::from([("a.rdb", backup(&keys("k", 500)))])).await;
    let tag = Tag::builder().key("team").value("orders").build();
    let asked = create(&local, "Orders").snapshot_arns(ARN).tags(tag);
    let answer = asked.clone().send().await.unwrap();
    assert_eq!(answer.cache_cluster().unwrap().cache_cluster_status(), Some("creating"));
    let again = asked.send().await.unwrap_err().into_service_error();
    assert!(again.is_cache_cluster_already_exists_fault(), "{again:?}");
    // Nothing says who creates it.
    let creating = cluster(&local, "orders").await.unwrap();
    let arn = "arn:aws:elasticache:us-east-1:123456789012:cluster:orders";
    assert_eq!((creating.arn(), creating.cache_cluster_create_time()), (Some(arn), None));
    assert!(local.client.list_tags_for_resource().resource_name(arn).send().await.is_err());
    let refused = local.client.delete_cache_cluster().cache_cluster_id("orders").send().await;
    assert!(refused.unwrap_err().into_service_error().is_invalid_cache_cluster_state_fault());

    let found = settled(&local, "orders").await;
    assert_eq!(found.cache_cluster_status(), Some("available"));
    assert_eq!((found.engine(), found.engine_version()), (Some("redis"), Some("7.1")));
    assert_eq!((found.num_cache_nodes(), found.replication_group_id()), (Some(1), None));
    assert!(found.cache_cluster_create_time().is_some());
    let port = found.cache_nodes()[0].endpoint().unwrap().port().unwrap();
    assert!(size(u16::try_from(port).unwrap()).await >= 500);
    let tags = local.client.list_tags_for_resource().resource_name(arn).send().await.unwrap();
    assert_eq!(tags.tag_list()[0].value(), Some("orders"));
    assert!(local.group("orders").await.is_none());

    let pids = local.server.running_servers();
    local.client.delete_cache_cluster().cache_cluster_id("orders").send().await.unwrap();
    while let Some(found) = cluster(&local, "orders").await {
        assert_eq!(found.cache_cluster_status(), Some("deleting"));
        sleep(Duration::from_millis(50)).await;
    }
    assert!(!pids.into_iter().any(runs), "its server still runs");
    local.stop().await;
}

#[tokio::test]
async fn members_of_replication_groups_share_the_namespace_and_are_told_apart() {
    let local = Local::start(Objects::new()).await;
    local.create("group", &[]).send().await.unwrap();
    let taken = create(&local, "group-001").send().await.unwrap_err().into_service_error();
    assert!(taken.is_cache_cluster_already_exists_fault(), "{taken:?}");
    create(&local, "other-001").send().await.unwrap();
    let taken = local.create("other", &[]).send().await.unwrap_err();
    assert_eq!(taken.into_service_error().meta().code(), Some("CacheClusterAlreadyExists"));
    let ids = |alone| {
        let asked = local.client.describe_cache_clusters();
        let asked = asked.show_cache_clusters_not_in_replication_groups(alone).send();
        async {
            let answer = asked.await.unwrap();
            let ids = answer.cache_clusters().iter().map(|one| one.cache_cluster_id().unwrap().to_owned());
            ids.collect::<Vec<_>>()
        }
    };
    assert_eq!(ids(true).await, ["other-001"]);
    assert_eq!(ids(false).await.len(), 2);
    local.available("group").await;
    let member = local.client.delete_cache_cluster().cache_cluster_id("group-001").send().await;
    assert!(member.unwrap_err().into_service_error().is_invalid_cache_cluster_state_fault());
    local.stop().await;
}

#[tokio::test]
async fn a_restore_that_fails_is_restore_failed_with_an_event() {
    let local = Local::start(Objects::from([("a.rdb", b"REDIS9999 no backup".to_vec())])).await;
    create(&local, "broken").snapshot_arns(ARN).send().await.unwrap();
    assert_eq!(settled(&local, "broken").await.cache_cluster_status(), Some("restore-failed"));
    let ask = local.client.describe_events().source_type("cache-cluster".into()).duration(60);
    let answer = ask.source_identifier("broken").send().await.unwrap();
    let failed = |event: &&str| event.contains("Restore failed");
    assert_eq!(answer.events().iter().filter_map(|event| event.message()).filter(failed).count(), 1);
    local.client.delete_cache_cluster().cache_cluster_id("broken").send().await.unwrap();
    local.stop().await;
}

#[tokio::test]
async fn what_a_cache_cluster_cannot_be_is_refused() {
    let local = Local::start(Objects::new()).await;
    let create = || create(&local, "orders");
    let (value, combination) = ("InvalidParameterValue", "InvalidParameterCombination");
    for (create, code) in [
        (create().cache_cluster_id("a--b"), value),
        (create().cache_cluster_id("a".repeat(51)), value),
        (create().engine("memcached"), value),
        (create().engine("valkey").engine_version("8.1"), value),
        (create().num_cache_nodes(2), value),
        (create().transit_encryption_enabled(true), combination),
        (create().auth_token("0123456789abcdef"), combination),
        (create().cache_parameter_group_name("default.redis7.cluster.on"), combination),
        (create().cache_node_type("cache.no.such"), value),
        (create().snapshot_arns(ARN).snapshot_arns("arn:aws:s3:::bucket/b.rdb"), value),
        (create().cache_subnet_group_name("no-such"), "CacheSubnetGroupNotFoundFault"),
        (create().snapshot_retention_limit(36), value),
    ] {
        let error = create.send().await.unwrap_err().into_service_error();
        assert_eq!(error.meta().code(), Some(code), "{error:?}");
    }
    local.stop().await;
}
