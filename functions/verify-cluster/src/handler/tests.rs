mod server;

use lambda::test_util::{EXECUTION_ARN, Wire, json as json_file, run, script};
use seeding::{ErrorName, StepError, steps::VerifyInput};
use serde_json::{Value, json};

use self::server::Server;
use super::{
    VerifyCluster,
    census::{ELASTICACHE_KEY, data_of_memory, keys_of_keyspace},
};

/// What the state machine passes: a server on loopback, and these counts.
fn input(port: u16, cluster_mode: bool, [keys, expires, already_expired]: [u64; 3]) -> Value {
    let counts = json!({"keys": keys, "expires": expires, "alreadyExpired": already_expired});
    json!({"execution": EXECUTION_ARN, "verification": {
        "host": "127.0.0.1", "port": port, "tls": false, "clusterMode": cluster_mode, "counts": counts,
    }})
}

/// Runs the step without any answer from AWS.
async fn verify(input: Value) -> Result<Value, StepError> {
    verify_with(&script(), input).await
}

async fn verify_with(wire: &Wire, input: Value) -> Result<Value, StepError> {
    run(&VerifyCluster { secrets: wire.clients().secrets() }, input).await
}

fn counted(output: &Value) -> Value {
    json!([output["keys"], output["expectedKeys"], output["findings"]])
}

#[tokio::test]
async fn the_keys_of_all_databases_count_and_elasticaches_own_does_not() {
    let Some(server) = Server::start(&[]).await else { return };
    for (database, key) in [("0", "a"), ("0", "b"), ("3", "a"), ("15", "a"), ("0", ELASTICACHE_KEY)] {
        server.command(&["SELECT", database], &["SET", key, "v"]).await;
    }
    let output = verify(input(server.port, false, [4, 0, 0])).await.unwrap();
    assert_eq!(counted(&output), json!([4, 4, []]));
}

#[tokio::test]
async fn keys_that_may_have_expired_since_are_not_missed_and_others_are() {
    let Some(server) = Server::start(&[]).await else { return };
    server.command(&["SET", "a", "v"], &["SET", "b", "v"]).await;
    for (counted, differs) in [
        ([2, 0, 0], false),
        ([5, 3, 0], false),
        ([5, 3, 3], false),
        ([5, 2, 0], true),
        ([1, 0, 0], true),
        ([3, 1, 1], false),
        // One more key than can be left.
        ([3, 2, 2], true),
    ] {
        let output = verify(input(server.port, false, counted)).await.unwrap();
        assert_eq!(output["keys"], 2);
        let codes: Vec<_> =
            output["findings"].as_array().unwrap().iter().map(|finding| &finding["code"]).collect();
        assert_eq!(codes, vec!["key-count-differs"; usize::from(differs)], "{output}");
    }
}

#[tokio::test]
async fn with_cluster_mode_on_the_keys_of_every_primary_count() {
    let Some((one, other)) = server::two_shards().await else { return };
    // Slots 5061 and 12182, and that of ElastiCache's key, wherever it is.
    one.command(&["PING"], &["SET", "bar", "v"]).await;
    other.command(&["PING"], &["SET", "foo", "v"]).await;
    other.command(&["PING"], &["SET", "{foo}2", "v"]).await;
    let owner = if server::slot(ELASTICACHE_KEY, &one).await < 8192 { &one } else { &other };
    owner.command(&["PING"], &["SET", ELASTICACHE_KEY, "v"]).await;
    let output = verify(input(one.port, true, [3, 0, 0])).await.unwrap();
    assert_eq!(counted(&output), json!([3, 3, []]));
}

#[tokio::test]
async fn the_memory_of_the_data_is_measured_without_that_of_an_empty_server() {
    let Some(server) = Server::start(&[]).await else { return };
    let mut input = input(server.port, false, [0, 0, 0]);
    input["verification"]["counts"]["dataBytes"] = json!(123);
    let empty = verify(input.clone()).await.unwrap();
    assert_eq!(empty["memory"]["predictedBytes"], 123);
    server.command(&["PING"], &["SET", "a", &"v".repeat((1 << 20) - 100)]).await;
    let filled = verify(input).await.unwrap();
    let measured = |output: &Value| output["memory"]["measuredBytes"].as_u64().unwrap();
    // Of the pages and buffers of an empty server, some hundred kB are nobody's.
    assert!(measured(&empty) < 1 << 19, "{empty}");
    let grown = measured(&filled) - measured(&empty);
    assert!((1 << 20..(1 << 20) + (1 << 18)).contains(&grown), "{grown}");
}

#[tokio::test]
async fn the_auth_token_opens_the_door() {
    let token = "0123456789abcdef";
    let Some(server) = Server::start(&["--requirepass", token]).await else { return };
    let mut input = input(server.port, false, [0, 0, 0]);
    input["verification"]["authTokenSecretArn"] = json!("arn:s");
    let secret = |token: &str| {
        let ask = "secretsmanager.GetSecretValue {\"SecretId\":\"arn:s\"}";
        script().on(ask, json_file(json!({"SecretString": token})))
    };
    assert_eq!(verify_with(&secret(token), input.clone()).await.unwrap()["keys"], 0);
    let error = verify_with(&secret("fedcba9876543210"), input).await.unwrap_err();
    assert_eq!(error.name, ErrorName::ServiceBusy);
    assert!(!error.to_string().contains("fedcba9876543210"), "{error}");
}

#[tokio::test]
async fn a_cluster_that_cannot_be_reached_is_told_with_its_address() {
    // The reserved port of a service that no one runs any more.
    let port = 1;
    let error = verify(input(port, false, [0, 0, 0])).await.unwrap_err();
    assert_eq!(error.name, ErrorName::ServiceBusy);
    assert!(error.message.starts_with(&format!("failed to count the keys at 127.0.0.1:{port}: ")), "{error}");
    assert!(error.hint.contains("verify to false"), "{error}");
}

#[tokio::test]
async fn without_a_report_there_is_nothing_to_compare() {
    let mut input = input(1, false, [0, 0, 0]);
    input["verification"]["counts"] = Value::Null;
    assert_eq!(verify(input).await.unwrap_err().name, ErrorName::Internal);
}

#[test]
fn the_keyspace_of_any_version_is_added_up() {
    let info =
        "# Keyspace\r\ndb0:keys=12,expires=3,avg_ttl=0\r\ndb7:keys=1,expires=0,avg_ttl=0,subexpiry=0\r\n";
    assert_eq!(keys_of_keyspace(info), 13);
    assert_eq!(keys_of_keyspace("# Keyspace\r\n"), 0);
    assert_eq!(keys_of_keyspace("db0:expires=3,keys=x\r\ndb1:keys=5"), 5);
}

#[test]
fn what_replication_and_clients_take_is_not_data() {
    let old = "used_memory:1000\r\nused_memory_startup:500\r\nmem_clients_slaves:1\r\nmem_clients_normal:20\r\nmem_replication_backlog:300\r\n";
    assert_eq!(data_of_memory(old), Some(179));
    // The new sum has both.
    assert_eq!(data_of_memory(&format!("{old}mem_total_replication_buffers:310\r\n")), Some(170));
    assert_eq!(data_of_memory("used_memory:1000\r\n"), None);
    assert_eq!(data_of_memory("used_memory:1000\r\nused_memory_startup:1001"), Some(0));
}

#[test]
fn the_sample_event_is_understood() {
    let event = include_str!("../../../../events/verify-cluster.json");
    serde_json::from_str::<VerifyInput>(event).unwrap();
}
