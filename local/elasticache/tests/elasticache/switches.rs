//! The behavior of ElastiCache on bad days, and in large accounts.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_elasticache::{
    error::{ProvideErrorMetadata, SdkError},
    types::CacheCluster,
};
use local_elasticache::TakenFault;

use crate::harness::{LATE_REFUSALS, Local, Objects, backup};

fn code<T, E>(answer: Result<T, SdkError<E>>) -> String
where
    SdkError<E>: ProvideErrorMetadata,
{
    answer.err().expect("a refusal").code().unwrap_or_default().to_owned()
}

/// All members of the account, and the number of pages.
async fn all_members(local: &Local) -> (Vec<CacheCluster>, usize) {
    let (mut all, mut marker, mut pages) = (Vec::new(), None, 0);
    loop {
        let answer = local.client.describe_cache_clusters().set_marker(marker).send().await.unwrap();
        all.extend_from_slice(answer.cache_clusters());
        (marker, pages) = (answer.marker().map(str::to_owned), pages + 1);
        if marker.is_none() {
            return (all, pages);
        }
    }
}

#[tokio::test]
async fn members_outlive_their_group_and_their_names_are_taken() {
    for (fault, expected) in [
        (TakenFault::CacheClusterAlreadyExists, "CacheClusterAlreadyExists"),
        (TakenFault::InvalidCacheClusterState, "InvalidCacheClusterState"),
    ] {
        let local = Local::start_with(Objects::from([("b.rdb", backup("SET a 1"))]), |config| {
            (config.switches.members_outlive, config.switches.taken_fault) = (Duration::from_secs(2), fault);
        })
        .await;
        local.create("orders", &["b.rdb"]).send().await.unwrap();
        local.available("orders").await;
        local.delete("orders").await;
        let members = local.members("orders").await;
        assert_eq!(members, [("orders-001".to_owned(), "deleting".to_owned(), None)]);
        let one = local.client.describe_cache_clusters().cache_cluster_id("orders-001").send().await.unwrap();
        assert_eq!(one.cache_clusters()[0].cache_cluster_status(), Some("deleting"));
        assert_eq!(code(local.create("orders", &["b.rdb"]).send().await), expected);
        local.create("others", &["b.rdb"]).send().await.unwrap();
        while !local.members("orders").await.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        local.create("orders", &["b.rdb"]).send().await.unwrap();
        local.available("orders").await;
        local.stop().await;
    }
}

#[tokio::test]
async fn small_pages_show_who_ignores_the_marker() {
    let local = Local::start_with(Objects::new(), |config| {
        config.switches.page_records = Some(2);
        config.switches.other_members = 15;
    })
    .await;
    let client = &local.client;
    macro_rules! all {
        ($ask:expr, $records:ident) => {{
            let (mut count, mut marker, mut pages) = (0, None, 0);
            loop {
                let answer = $ask.max_records(100).set_marker(marker).send().await.unwrap();
                assert!(answer.$records().len() <= 2);
                (count, pages) = (count + answer.$records().len(), pages + 1);
                marker = answer.marker().map(str::to_owned);
                if marker.is_none() {
                    break (count, pages);
                }
            }
        }};
    }
    assert_eq!(all!(client.describe_replication_groups(), replication_groups), (3, 2));
    assert_eq!(all!(client.describe_cache_clusters(), cache_clusters), (15, 8));
    assert_eq!(all!(client.describe_cache_engine_versions(), cache_engine_versions), (12, 6));
    assert_eq!(all!(client.describe_cache_parameter_groups(), cache_parameter_groups), (14, 7));
    assert_eq!(all!(client.describe_cache_subnet_groups(), cache_subnet_groups), (1, 1));
    assert_eq!(all!(client.describe_user_groups(), user_groups), (0, 1));
    let (parameters, pages) =
        all!(client.describe_cache_parameters().cache_parameter_group_name("default.redis7"), parameters);
    // The last record is the memory of each node type, which is no parameter.
    assert_eq!((parameters, pages), (30, 16));
    local.create("evented", &[]).send().await.unwrap();
    local.available("evented").await;
    let (events, pages) = all!(client.describe_events(), events);
    assert_eq!(pages, usize::div_ceil(events, 2));
    assert!(pages > 1);
    local.stop().await;
}

#[tokio::test]
async fn the_members_of_an_account_come_a_hundred_a_page() {
    let local = Local::start_with(Objects::from([("b.rdb", backup("SET a 1"))]), |config| {
        config.switches.other_members = 250;
        config.node_quota = 1;
    })
    .await;
    // The nodes of others count for no quota here.
    local.create("own", &["b.rdb"]).send().await.unwrap();
    local.available("own").await;
    let (members, pages) = all_members(&local).await;
    assert_eq!((members.len(), pages), (251, 3));
    let own = members.iter().filter(|member| member.replication_group_id() == Some("own"));
    assert_eq!(own.map(|member| member.cache_cluster_id().unwrap()).collect::<Vec<_>>(), ["own-001"]);
    let ids: BTreeSet<_> = members.iter().map(|member| member.cache_cluster_id()).collect();
    assert_eq!(ids.len(), 251);
    assert!(members.iter().all(|member| member.replication_group_id().is_some()));
    assert_eq!(local.server.running_servers().len(), 1);
    local.stop().await;
}

#[tokio::test]
async fn five_hundred_members_are_described_and_none_runs() {
    let objects = Objects::from([("b.rdb", backup("SET a 1"))]);
    let local = Local::start_with(objects, |config| config.switches.simulates_nodes = true).await;
    local.create_cluster("huge", &["b.rdb"], 250, 1).send().await.unwrap();
    let group = local.available("huge").await;
    assert_eq!((group.member_clusters().len(), group.node_groups().len()), (500, 250));
    assert_eq!(group.configuration_endpoint().unwrap().port(), Some(1));
    let (members, pages) = all_members(&local).await;
    assert_eq!((members.len(), pages), (500, 5));
    assert!(members.iter().all(|member| member.cache_cluster_status() == Some("available")));
    assert!(local.events("huge").await.iter().any(|event| event.starts_with("Read the backup bucket/b.rdb")));
    assert!(local.server.running_servers().is_empty());

    // A backup that cannot be read fails a create as always.
    local.create("denied", &["denied.rdb"]).send().await.unwrap();
    assert_eq!(local.settled("denied").await.status(), Some("create-failed"));
    local.delete("huge").await;
    local.stop().await;
}

#[tokio::test]
async fn the_first_create_makes_the_service_linked_role_and_is_refused() {
    let local = Local::start_with(Objects::from([("b.rdb", backup("SET a 1"))]), |config| {
        config.switches.lacks_service_linked_role = true;
    })
    .await;
    assert_eq!(code(local.create("first", &["b.rdb"]).send().await), "ServiceLinkedRoleNotFoundFault");
    assert!(local.group("first").await.is_none());
    local.create("first", &["b.rdb"]).send().await.unwrap();
    local.available("first").await;
    local.stop().await;
}

#[tokio::test]
async fn a_create_is_refused_until_elasticache_can_read_its_backups() {
    let local = Local::start_with(Objects::from([("late.rdb", backup("SET a 1"))]), |config| {
        config.switches.checks_backups_at_create = true;
    })
    .await;
    for _ in 0..LATE_REFUSALS {
        let refused = local.create("late", &["late.rdb"]).send().await.unwrap_err();
        assert_eq!(refused.code(), Some("InvalidParameterValue"));
        assert!(refused.message().unwrap().contains("READ permissions bucket/late.rdb"), "{refused:?}");
        assert!(local.group("late").await.is_none());
    }
    local.create("late", &["late.rdb"]).send().await.unwrap();
    local.available("late").await;
    local.stop().await;
}
