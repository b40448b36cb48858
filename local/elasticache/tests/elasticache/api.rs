//! The Query API: requests, rejections and responses.

use std::collections::BTreeMap;

use aws_sdk_elasticache::{
    error::ProvideErrorMetadata,
    operation::create_replication_group::builders::CreateReplicationGroupFluentBuilder as Create,
    types::{NodeGroupConfiguration, Tag},
};

use crate::harness::{Local, Objects, backup};

#[tokio::test]
async fn an_id_is_taken_once_and_a_group_is_not_deleted_while_it_is_created() {
    let local = Local::start(Objects::from([("b.rdb", backup("SET a 1"))])).await;
    local.create("orders", &["b.rdb"]).send().await.unwrap();
    let again = local.create("ORDERS", &["b.rdb"]).send().await.unwrap_err();
    assert!(again.into_service_error().is_replication_group_already_exists_fault());
    let delete = || local.client.delete_replication_group().replication_group_id("orders").send();
    assert!(delete().await.unwrap_err().into_service_error().is_invalid_replication_group_state_fault());
    local.available("orders").await;
    local.delete("orders").await;
    assert!(delete().await.unwrap_err().into_service_error().is_replication_group_not_found_fault());
    local.create("orders", &["b.rdb"]).send().await.unwrap();
    local.available("orders").await;
    local.stop().await;
}

#[tokio::test]
async fn a_deletion_during_the_create_ends_it_where_that_is_allowed() {
    let local = Local::start_with(Objects::from([("b.rdb", backup("SET a 1"))]), |config| {
        config.switches.deletes_while_creating = true;
    })
    .await;
    local.create_cluster("early", &["b.rdb"], 3, 1).send().await.unwrap();
    local.delete("early").await;
    assert!(local.server.running_servers().is_empty());
    local.stop().await;
}

#[tokio::test]
async fn tags_are_listed_only_while_the_group_is_available() {
    let local = Local::start(Objects::from([("b.rdb", backup("SET a 1"))])).await;
    local
        .create("tagged", &["b.rdb"])
        .tags(Tag::builder().key("team").value("a b").build())
        .send()
        .await
        .unwrap();
    let arn = "arn:aws:elasticache:us-east-1:123456789012:replicationgroup:tagged";
    let list = || local.client.list_tags_for_resource().resource_name(arn).send();
    assert!(list().await.unwrap_err().into_service_error().is_replication_group_not_found_fault());
    local.available("tagged").await;
    assert_eq!(list().await.unwrap().tag_list()[0].value(), Some("a b"));
    let more = Tag::builder().key("more").value("1").build();
    local.client.add_tags_to_resource().resource_name(arn).tags(more).send().await.unwrap();
    assert_eq!(list().await.unwrap().tag_list().len(), 2);
    local.stop().await;
}

#[tokio::test]
async fn what_aws_refuses_is_refused_with_its_codes() {
    let local = Local::start_with(Objects::new(), |config| config.node_quota = 10).await;
    let shard = |slots: &str| NodeGroupConfiguration::builder().slots(slots).build();
    let plain = || local.create("a", &[]);
    let cluster =
        || plain().cache_parameter_group_name("default.redis7.cluster.on").automatic_failover_enabled(true);
    let seeded = || cluster().snapshot_arns("arn:aws:s3:::bucket/a.rdb");
    let cases: Vec<(Create, &str, &str)> = vec![
        (local.create("1a", &[]), "InvalidParameterValue", "not a valid identifier"),
        (local.create("a--b", &[]), "InvalidParameterValue", "two consecutive"),
        (plain().engine("memcached"), "InvalidParameterValue", "Invalid engine"),
        (plain().engine_version("7.4"), "InvalidParameterCombination", "7.4"),
        (plain().cache_node_type("cache.r8g.large"), "InvalidParameterValue", "Invalid Cache Node Type"),
        (
            plain().cache_parameter_group_name("default.redis6.x"),
            "InvalidParameterCombination",
            "family redis7",
        ),
        (plain().cache_parameter_group_name("mine"), "CacheParameterGroupNotFound", "mine"),
        (plain().cache_subnet_group_name("mine"), "CacheSubnetGroupNotFoundFault", "mine"),
        (plain().user_group_ids("mine").transit_encryption_enabled(true), "UserGroupNotFound", "mine"),
        (plain().auth_token("0123456789abcdef"), "InvalidParameterCombination", "encryption-in-transit"),
        (plain().auth_token("short").transit_encryption_enabled(true), "InvalidParameterValue", "AuthToken"),
        (plain().num_cache_clusters(7), "InvalidParameterValue", "1 to 6"),
        (
            plain().num_cache_clusters(2).preferred_cache_cluster_azs("z"),
            "InvalidParameterCombination",
            "AZs",
        ),
        (plain().automatic_failover_enabled(true), "InvalidParameterCombination", "two cache clusters"),
        (
            plain().num_cache_clusters(2).multi_az_enabled(true),
            "InvalidParameterCombination",
            "MultiAZEnabled",
        ),
        (plain().num_node_groups(2), "InvalidParameterCombination", "cluster mode"),
        (plain().snapshot_arns("arn:aws:s3:::bucket/a,b.rdb"), "InvalidParameterValue", "comma"),
        (plain().snapshot_arns("bucket/a.rdb"), "InvalidParameterValue", "Invalid S3 ARN"),
        (cluster().automatic_failover_enabled(false), "InvalidParameterCombination", "AutomaticFailover"),
        (
            seeded().num_node_groups(2),
            "InvalidParameterCombination",
            "Slots must be provided when restoring from snapshot ARNs with cluster mode enabled",
        ),
        (seeded().node_group_configuration(shard("0-16382")), "InvalidParameterValue", "slot 16383"),
        (
            seeded().node_group_configuration(shard("0-9000")).node_group_configuration(shard("9000-16383")),
            "InvalidParameterValue",
            "slot 9000 is given twice",
        ),
        (
            seeded().num_node_groups(2).node_group_configuration(shard("0-16383")),
            "InvalidParameterCombination",
            "NumNodeGroups is 2",
        ),
        (cluster().num_node_groups(11), "NodeQuotaForCustomerExceeded", "quota is 10"),
        (cluster().num_node_groups(91), "NodeGroupsPerReplicationGroupQuotaExceeded", "90"),
    ];
    for (create, code, words) in cases {
        let error = create.send().await.unwrap_err();
        assert_eq!(error.code(), Some(code), "{error:?}");
        assert!(error.message().unwrap().contains(words), "{error:?}");
    }
    assert!(local.server.running_servers().is_empty());
    let unknown = local.client.describe_snapshots().send().await.unwrap_err();
    assert_eq!(unknown.code(), Some("InvalidAction"));
    local.stop().await;
}

#[tokio::test]
async fn default_parameters_come_in_pages_with_the_memory_of_node_types() {
    let local = Local::start(Objects::new()).await;
    let (mut marker, mut parameters, mut maxmemory, mut pages) = (None, BTreeMap::new(), BTreeMap::new(), 0);
    loop {
        let ask = local.client.describe_engine_default_parameters().cache_parameter_group_family("redis7");
        let answer = ask.max_records(20).set_marker(marker).send().await.unwrap();
        let defaults = answer.engine_defaults().unwrap();
        pages += 1;
        for parameter in defaults.parameters() {
            parameters.insert(
                parameter.parameter_name().unwrap().to_owned(),
                parameter.parameter_value().map(str::to_owned),
            );
        }
        for specific in defaults.cache_node_type_specific_parameters() {
            assert_eq!(specific.parameter_name(), Some("maxmemory"));
            for value in specific.cache_node_type_specific_values() {
                maxmemory
                    .insert(value.cache_node_type().unwrap().to_owned(), value.value().unwrap().to_owned());
            }
        }
        marker = defaults.marker().map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    assert!(pages > 1);
    assert_eq!(parameters["reserved-memory-percent"].as_deref(), Some("25"));
    assert_eq!(parameters["databases"].as_deref(), Some("16"));
    assert_eq!(parameters["hash-max-listpack-entries"].as_deref(), Some("512"));
    assert_eq!(maxmemory["cache.r7g.large"], "14037181030");
    assert_eq!(maxmemory["cache.local.16mb"], "16777216");
    local.stop().await;
}

#[tokio::test]
async fn parameter_groups_of_ones_own_reach_the_servers() {
    let local =
        Local::start(Objects::from([("b.rdb", backup("SELECT 12\nSET a 1\nHSET h a 1 b 2 c 3"))])).await;
    let client = &local.client;
    let create = client.create_cache_parameter_group().cache_parameter_group_name("mine");
    create.cache_parameter_group_family("redis7").description("d").send().await.unwrap();
    let set = |name: &str, value: &str| {
        let change = aws_sdk_elasticache::types::ParameterNameValue::builder()
            .parameter_name(name)
            .parameter_value(value);
        client
            .modify_cache_parameter_group()
            .cache_parameter_group_name("mine")
            .parameter_name_values(change.build())
            .send()
    };
    set("hash-max-listpack-entries", "2").await.unwrap();
    assert_eq!(set("appendonly", "yes").await.unwrap_err().code(), Some("InvalidParameterValue"));
    let user = client
        .describe_cache_parameters()
        .cache_parameter_group_name("mine")
        .source("user")
        .send()
        .await
        .unwrap();
    assert_eq!(user.parameters()[0].parameter_value(), Some("2"));
    local.create("own", &["b.rdb"]).cache_parameter_group_name("mine").send().await.unwrap();
    let group = local.available("own").await;
    let port = group.node_groups()[0].primary_endpoint().unwrap().port().unwrap();
    let mut node = crate::harness::connect(u16::try_from(port).unwrap()).await;
    let (encoding,): (String,) = redis::pipe()
        .cmd("SELECT")
        .arg(12)
        .ignore()
        .cmd("OBJECT")
        .arg("ENCODING")
        .arg("h")
        .query_async(&mut node)
        .await
        .unwrap();
    assert_eq!(encoding, "hashtable");
    set("databases", "4").await.unwrap();
    local.create("few", &["b.rdb"]).cache_parameter_group_name("mine").send().await.unwrap();
    assert_eq!(local.settled("few").await.status(), Some("create-failed"));
    assert!(
        local.events("few").await.last().unwrap().contains("more than 4 databases"),
        "{:?}",
        local.events("few").await
    );
    local.stop().await;
}

#[tokio::test]
async fn names_that_a_create_refers_to_can_be_looked_up() {
    let local = Local::start(Objects::new()).await;
    let client = &local.client;
    let versions = client.describe_cache_engine_versions().engine("valkey").send().await.unwrap();
    assert_eq!(versions.cache_engine_versions().len(), 6);
    let create = client
        .create_cache_subnet_group()
        .cache_subnet_group_name("nets")
        .cache_subnet_group_description("d");
    create.subnet_ids("subnet-1").send().await.unwrap();
    let nets = client.describe_cache_subnet_groups().cache_subnet_group_name("nets").send().await.unwrap();
    assert_eq!(nets.cache_subnet_groups()[0].subnets()[0].subnet_identifier(), Some("subnet-1"));
    client
        .create_user_group()
        .user_group_id("users")
        .engine("redis")
        .user_ids("default")
        .send()
        .await
        .unwrap();
    let users = client.describe_user_groups().user_group_id("users").send().await.unwrap();
    assert_eq!(users.user_groups()[0].user_ids(), ["default"]);
    let groups = client.describe_cache_parameter_groups().send().await.unwrap();
    assert_eq!(groups.cache_parameter_groups().len(), 14);
    local.stop().await;
}
