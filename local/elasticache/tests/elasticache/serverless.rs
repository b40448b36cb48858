//! Serverless caches: created, described, restored by a real server, deleted.

use std::time::Duration;

use aws_sdk_elasticache::types::{CacheUsageLimits, DataStorage, DataStorageUnit, ServerlessCache};
use tokio::time::sleep;

use crate::harness::{Local, Objects, backup, keys, runs, size};

const ARN: &str = "arn:aws:s3:::bucket/a.rdb";

async fn cache(local: &Local, name: &str) -> Option<ServerlessCache> {
    let answer = local.client.describe_serverless_caches().serverless_cache_name(name).send().await;
    match answer {
        Ok(answer) => Some(answer.serverless_caches()[0].clone()),
        Err(error) => {
            assert!(error.into_service_error().is_serverless_cache_not_found_fault());
            None
        }
    }
}

async fn settled(local: &Local, name: &str) -> ServerlessCache {
    loop {
        let cache = cache(local, name).await.unwrap();
        if cache.status() != Some("creating") {
            return cache;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_serverless_cache_holds_the_backup_in_a_namespace_of_its_own() {
    let local = Local::start(Objects::from([("a.rdb", backup(&keys("k", 500)))])).await;
    local.create("orders", &[]).send().await.unwrap();
    let limit = DataStorage::builder().maximum(2).unit(DataStorageUnit::Gb).build();
    let create = local.client.create_serverless_cache().serverless_cache_name("Orders").engine("valkey");
    let create = create.major_engine_version("8").description("seeded by a test").subnet_ids("subnet-1");
    let create = create.cache_usage_limits(CacheUsageLimits::builder().data_storage(limit).build());
    let answer = create.clone().snapshot_arns_to_restore(ARN).send().await.unwrap();
    assert_eq!(answer.serverless_cache().unwrap().status(), Some("creating"));
    let again = create.send().await.unwrap_err().into_service_error();
    assert!(again.is_serverless_cache_already_exists_fault(), "{again:?}");
    let refused = local.client.delete_serverless_cache().serverless_cache_name("orders").send().await;
    assert!(refused.unwrap_err().into_service_error().is_invalid_serverless_cache_state_fault());

    let found = settled(&local, "orders").await;
    assert_eq!(found.status(), Some("available"));
    assert_eq!(found.description(), Some("seeded by a test"));
    assert_eq!(found.major_engine_version(), Some("8"));
    assert_eq!(found.arn(), Some("arn:aws:elasticache:us-east-1:123456789012:serverlesscache:orders"));
    assert_eq!(found.subnet_ids(), ["subnet-1"]);
    let storage = found.cache_usage_limits().unwrap().data_storage().unwrap();
    assert_eq!((storage.maximum(), storage.unit()), (Some(2), Some(&DataStorageUnit::Gb)));
    let port = u16::try_from(found.endpoint().unwrap().port().unwrap()).unwrap();
    assert!(size(port).await >= 500);
    // Its server is no node of the account.
    assert_eq!(local.members("orders").await.len(), 1);
    let pids = local.server.running_servers();

    local.client.delete_serverless_cache().serverless_cache_name("orders").send().await.unwrap();
    while let Some(found) = cache(&local, "orders").await {
        assert_eq!(found.status(), Some("deleting"));
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(pids.iter().filter(|pid| runs(**pid)).count(), 1, "only the replication group's is left");
    local.available("orders").await;
    local.stop().await;
}

#[tokio::test]
async fn a_restore_that_fails_is_create_failed_with_an_event() {
    let local = Local::start(Objects::from([("a.rdb", b"REDIS9999 no backup".to_vec())])).await;
    let create = local.client.create_serverless_cache().serverless_cache_name("broken").engine("redis");
    create.snapshot_arns_to_restore(ARN).send().await.unwrap();
    assert_eq!(settled(&local, "broken").await.status(), Some("create-failed"));
    let ask = local.client.describe_events().source_type("serverless-cache".into()).duration(60);
    let answer = ask.source_identifier("broken").send().await.unwrap();
    let failed = |event: &&str| event.contains("Restore failed");
    assert_eq!(answer.events().iter().filter_map(|event| event.message()).filter(failed).count(), 1);
    local.client.delete_serverless_cache().serverless_cache_name("broken").send().await.unwrap();
    local.stop().await;
}

#[tokio::test]
async fn what_a_serverless_cache_cannot_be_is_refused() {
    let local = Local::start(Objects::new()).await;
    let create = || local.client.create_serverless_cache().serverless_cache_name("orders").engine("valkey");
    let limits = |storage| CacheUsageLimits::builder().data_storage(storage).build();
    let storage = DataStorage::builder().unit(DataStorageUnit::Gb);
    for (create, code) in [
        (create().serverless_cache_name("a--b"), "InvalidParameterValue"),
        (create().engine("memcached"), "InvalidParameterValue"),
        (create().major_engine_version("6"), "InvalidParameterCombination"),
        (create().major_engine_version("8.1"), "InvalidParameterCombination"),
        (create().user_group_id("no-such-group"), "UserGroupNotFound"),
        (create().cache_usage_limits(limits(storage.clone().maximum(5001).build())), "InvalidParameterValue"),
        (
            create().cache_usage_limits(limits(storage.clone().minimum(3).maximum(2).build())),
            "InvalidParameterCombination",
        ),
    ] {
        let error = create.send().await.unwrap_err().into_service_error();
        assert_eq!(error.meta().code(), Some(code), "{error:?}");
    }
    local.stop().await;
}
