mod server;

use lambda::test_util::{
    Answer, DESCRIBE_GROUP, EXECUTION_ARN, OURS, RECORD, Wire, group, json, no_group, read_record, run,
    s3_error, script, seeding, understands,
};
use seeder_aws::ReportStore;
use seeding::{ErrorName, Seeding, StepError};
use serde_json::{Value, json};

use self::server::Server;
use super::{
    VerifyCluster,
    keys::{ELASTICACHE_KEY, keys_of_keyspace},
};

const REPORT: &str = "GET reports.s3/executions/orders-1/report.json";

fn orders(cluster: &Value) -> Seeding {
    let mut request = json!({"backups": ["backups/in/orders.rdb"], "cluster": {"id": "orders"}});
    for (name, value) in cluster.as_object().unwrap() {
        request["cluster"][name] = value.clone();
    }
    seeding(&request)
}

async fn verify(wire: &Wire) -> Result<Value, StepError> {
    let clients = wire.clients();
    let step = VerifyCluster {
        elasticache: clients.elasticache(),
        secrets: clients.secrets(),
        reports: ReportStore::new(clients.s3(), "reports".into()),
    };
    run(&step, json!({"execution": EXECUTION_ARN})).await
}

/// A report with these counts, and members that the step does not read.
fn report(keys: u64, expires: u64, already_expired: u64) -> Answer {
    let counts = json!({"keys": keys, "expires": expires, "alreadyExpired": already_expired});
    json(json!({"schema": 1, "verdict": "ok", "counts": counts, "backups": []}))
}

/// The group with its only endpoint, or its configuration endpoint, on loopback.
fn group_at(port: u16, cluster_mode: bool) -> Answer {
    let endpoint = format!("<Address>127.0.0.1</Address><Port>{port}</Port>");
    let endpoints = if cluster_mode {
        format!("<ConfigurationEndpoint>{endpoint}</ConfigurationEndpoint>")
    } else {
        format!(
            "<NodeGroups><NodeGroup><PrimaryEndpoint>{endpoint}</PrimaryEndpoint></NodeGroup></NodeGroups>"
        )
    };
    group("available", OURS, &[], &endpoints)
}

fn look(cluster: &Value, report: Answer, port: u16) -> Wire {
    let seeding = orders(cluster);
    script()
        .on(RECORD, read_record(&seeding))
        .on(REPORT, report)
        .on(DESCRIBE_GROUP, group_at(port, seeding.target.cluster.cluster_mode))
}

#[tokio::test]
async fn the_keys_of_all_databases_count_and_elasticaches_own_does_not() {
    let Some(server) = Server::start(&[]).await else { return };
    for (database, key) in [("0", "a"), ("0", "b"), ("3", "a"), ("15", "a"), ("0", ELASTICACHE_KEY)] {
        server.command(&["SELECT", database], &["SET", key, "v"]).await;
    }
    let wire = look(&json!({}), report(4, 0, 0), server.port);
    let output = verify(&wire).await.unwrap();
    wire.done();
    assert_eq!(output, json!({"keys": 4, "expectedKeys": 4, "findings": []}));
}

#[tokio::test]
async fn keys_that_may_have_expired_since_are_not_missed_and_others_are() {
    let Some(server) = Server::start(&[]).await else { return };
    server.command(&["SET", "a", "v"], &["SET", "b", "v"]).await;
    for (counted, differs) in [
        (report(2, 0, 0), false),
        (report(5, 3, 0), false),
        (report(5, 3, 3), false),
        (report(5, 2, 0), true),
        (report(1, 0, 0), true),
        (report(3, 1, 1), false),
        // One more key than can be left.
        (report(3, 2, 2), true),
    ] {
        let wire = look(&json!({}), counted, server.port);
        let output = verify(&wire).await.unwrap();
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
    let wire = look(&json!({"clusterMode": "enabled", "shards": 2}), report(3, 0, 0), one.port);
    assert_eq!(verify(&wire).await.unwrap(), json!({"keys": 3, "expectedKeys": 3, "findings": []}));
    wire.done();
}

#[tokio::test]
async fn the_auth_token_opens_the_door() {
    let token = "0123456789abcdef";
    let Some(server) = Server::start(&["--requirepass", token]).await else { return };
    let cluster = json!({"authTokenSecretArn": "arn:s"});
    let secret = |token: &str| {
        look(&cluster, report(0, 0, 0), server.port).on(
            "secretsmanager.GetSecretValue {\"SecretId\":\"arn:s\"}",
            json(json!({"SecretString": token})),
        )
    };
    assert_eq!(verify(&secret(token)).await.unwrap()["keys"], 0);
    let error = verify(&secret("fedcba9876543210")).await.unwrap_err();
    assert_eq!(error.name, ErrorName::ServiceBusy);
    assert!(!error.to_string().contains("fedcba9876543210"), "{error}");
}

#[tokio::test]
async fn a_cluster_that_cannot_be_reached_is_told_with_its_address() {
    // The reserved port of a service that no one runs any more.
    let port = 1;
    let error = verify(&look(&json!({}), report(0, 0, 0), port)).await.unwrap_err();
    assert_eq!(error.name, ErrorName::ServiceBusy);
    assert!(error.message.starts_with(&format!("failed to count the keys at 127.0.0.1:{port}: ")), "{error}");
    assert!(error.hint.contains("verify to false"), "{error}");
}

#[tokio::test]
async fn without_a_report_or_a_cluster_there_is_nothing_to_compare() {
    let wire = script().on(RECORD, read_record(&orders(&json!({})))).on(REPORT, s3_error(404, "NoSuchKey"));
    assert_eq!(verify(&wire).await.unwrap_err().name, ErrorName::Internal);
    let wire = script()
        .on(RECORD, read_record(&orders(&json!({}))))
        .on(REPORT, report(1, 0, 0))
        .on(DESCRIBE_GROUP, no_group());
    assert_eq!(verify(&wire).await.unwrap_err().name, ErrorName::Internal);
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
fn the_sample_event_is_understood() {
    understands::<VerifyCluster>(include_str!("../../../../events/verify-cluster.json"));
}
