use lambda::test_util::{
    Answer, DESCRIBE_CACHE, DESCRIBE_CACHE_CLUSTER, DESCRIBE_EXACT, DESCRIBE_GROUP, DESCRIBE_NODES,
    EXECUTION_ARN, OURS, RECORD, Wire, cache, cache_cluster, group, json as json_file, member, no_cache,
    no_group, nodes, nodes_before, nothing, ok, query, query_error, read_record, run, s3_error, script,
    seeding, status, understands,
};
use seeder_aws::ReportStore;
use seeding::{ErrorName, Seeding, StepError};
use serde_json::{Value, json};

use super::CheckCluster;

const HEAD: &str = "HEAD backups.s3/in/orders.rdb x-amz-expected-bucket-owner: 123456789012";
const GROUP_EVENTS: &str = "elasticache Action=DescribeEvents&SourceIdentifier=orders&SourceType=replication-group&Duration=1440&MaxRecords=100";
const NODE_EVENTS: &str =
    "elasticache Action=DescribeEvents&SourceType=cache-cluster&Duration=1440&MaxRecords=100";
const CLOSE: &str = "DELETE reports.s3/executions/orders-1/create.json";

fn orders(mut cluster: Value) -> Seeding {
    cluster["id"] = "orders".into();
    seeding(&json!({"backups": ["backups/in/orders.rdb"], "cluster": cluster, "deadlineMinutes": 60}))
}

async fn check(wire: &Wire, age_minutes: i64) -> Result<Value, StepError> {
    let clients = wire.clients();
    let step = CheckCluster {
        s3: clients.s3(),
        elasticache: clients.elasticache(),
        reports: ReportStore::new(clients.s3(), "reports".into()),
    };
    let created_at_ms = jiff::Timestamp::now().as_millisecond() - age_minutes * 60_000;
    run(&step, json!({"execution": EXECUTION_ARN, "createdAtMs": created_at_ms})).await
}

/// Events of a group or a node: dates and messages.
fn events(source: &str, events: &[(&str, &str)]) -> Answer {
    let events = events
        .iter()
        .map(|(date, message)| {
            format!(
                "<Event><SourceIdentifier>{source}</SourceIdentifier><Date>{date}</Date><Message>{message}</Message></Event>"
            )
        })
        .collect::<Vec<_>>()
        .concat();
    query("DescribeEvents", &format!("<Events>{events}</Events>"))
}

/// A poll of the group with one member that has not ended.
fn poll(cluster: Value, of_group: Answer, of_members: Answer) -> Wire {
    script()
        .on(RECORD, read_record(&orders(cluster)))
        .on(DESCRIBE_GROUP, of_group)
        .on(DESCRIBE_NODES, of_members)
}

/// A poll of the group with one member that has ended, with its events.
fn look(cluster: Value, of_group: Answer, of_members: Answer) -> Wire {
    poll(cluster, of_group, of_members)
        .on(GROUP_EVENTS, events("orders", &[]))
        .on(NODE_EVENTS, events("orders-001", &[]))
}

const PRIMARY: &str = "<NodeGroups><NodeGroup><NodeGroupId>0001</NodeGroupId><PrimaryEndpoint><Address>primary.host</Address>\
                       <Port>7000</Port></PrimaryEndpoint></NodeGroup></NodeGroups>";

#[tokio::test]
async fn a_group_that_is_up_is_told_with_its_primary_endpoint() {
    let wire = look(
        json!({}),
        group("available", OURS, &["orders-001"], PRIMARY),
        member("orders-001", "available"),
    )
    .on(CLOSE, nothing())
    .on(HEAD, ok().header("etag", "\"e1\""));
    let output = check(&wire, 1).await.unwrap();
    wire.done();
    let cluster = json!({
        "kind": "replicationGroup", "id": "orders",
        "arn": "arn:aws:elasticache:us-east-1:123456789012:replicationgroup:orders",
        "endpoint": "primary.host", "port": 7000, "nodeType": "cache.t4g.micro", "shards": 1,
    });
    assert_eq!(
        output,
        json!({
            "phase": "available", "status": "available", "deadlinePassed": false, "waitSeconds": 30, "events": [],
            "hint": "",
            "cluster": cluster, "findings": [],
        })
    );
}

#[tokio::test]
async fn with_cluster_mode_on_the_endpoint_is_the_configuration_endpoint() {
    let endpoint = format!(
        "<ConfigurationEndpoint><Address>config.host</Address><Port>6379</Port></ConfigurationEndpoint>{PRIMARY}"
    );
    let of_group = group("available", OURS, &["orders-001"], &endpoint);
    let wire = look(json!({"clusterMode": "enabled"}), of_group, member("orders-001", "available"))
        .on(CLOSE, nothing())
        .on(HEAD, ok().header("etag", "\"e1\""));
    assert_eq!(check(&wire, 1).await.unwrap()["cluster"]["endpoint"], "config.host");
    wire.done();
}

#[tokio::test]
async fn the_phase_follows_from_the_group_and_its_members() {
    for (of_group, of_member, phase, status) in [
        ("creating", "creating", "creating", "creating"),
        ("creating", "restore-failed", "restore-failed", "creating, orders-001 restore-failed"),
        ("create-failed", "creating", "create-failed", "create-failed, orders-001 creating"),
        ("available", "snapshotting", "creating", "available, orders-001 snapshotting"),
        ("deleting", "deleting", "deleting", "deleting"),
        ("brand-new-status", "available", "creating", "brand-new-status, orders-001 available"),
    ] {
        let polled = if phase == "creating" { poll } else { look };
        let wire =
            polled(json!({}), group(of_group, OURS, &["orders-001"], ""), member("orders-001", of_member));
        let output = check(&wire, 1).await.unwrap();
        wire.done();
        assert_eq!((&output["phase"], &output["status"]), (&json!(phase), &json!(status)));
        assert_eq!(output.get("cluster"), None);
    }
}

#[tokio::test]
async fn a_member_that_is_not_there_yet_keeps_the_flow_polling() {
    let others = nodes(&[("stock", "stock-001", "available")]);
    let wire = poll(json!({}), group("available", OURS, &["orders-001"], PRIMARY), others);
    assert_eq!(check(&wire, 1).await.unwrap()["phase"], "creating");
    wire.done();
}

#[tokio::test]
async fn the_last_ten_events_are_told_verbatim_and_in_their_order() {
    let minutes: Vec<_> = (0..12).map(|minute| format!("2026-11-24T00:{minute:02}:30Z")).collect();
    let of_group: Vec<_> =
        minutes.iter().rev().map(|date| (date.as_str(), "of the group: &quot;as is&quot;")).collect();
    let wire = script()
        .on(RECORD, read_record(&orders(json!({}))))
        .on(DESCRIBE_GROUP, group("creating", OURS, &["orders-001"], ""))
        .on(DESCRIBE_NODES, member("orders-001", "restore-failed"))
        .on(GROUP_EVENTS, events("orders", &of_group))
        // Half a second after the group's last event but one.
        .on(NODE_EVENTS, events("orders-001", &[("2026-11-24T00:10:30.500Z", "Restore failed")]));
    let output = check(&wire, 1).await.unwrap();
    wire.done();
    let told: Vec<_> =
        output["events"].as_array().unwrap().iter().map(|event| event.as_str().unwrap()).collect();
    assert_eq!(told.len(), 10);
    assert_eq!(told[0], "2026-11-24T00:03:30Z orders: of the group: \"as is\"");
    assert_eq!(told[8], "2026-11-24T00:10:30.5Z orders-001: Restore failed");
    assert_eq!(told[9], "2026-11-24T00:11:30Z orders: of the group: \"as is\"");
}

#[tokio::test]
async fn the_hint_of_a_failed_restore_follows_its_events() {
    for (message, words) in [
        ("ElastiCache has not been granted READ permissions on the S3 Bucket.", "could not read the backup"),
        ("Restore failed: insufficient memory", "larger node type"),
        ("Can't handle RDB format version 12", "newer engine version"),
        ("Something new", "read the events"),
    ] {
        let wire = script()
            .on(RECORD, read_record(&orders(json!({}))))
            .on(DESCRIBE_GROUP, group("create-failed", OURS, &["orders-001"], ""))
            .on(DESCRIBE_NODES, member("orders-001", "restore-failed"))
            .on(GROUP_EVENTS, events("orders", &[]))
            .on(NODE_EVENTS, events("orders-001", &[("2026-11-24T00:10:30Z", message)]));
        let output = check(&wire, 1).await.unwrap();
        wire.done();
        assert_eq!(output["phase"], "restore-failed");
        let hint = output["hint"].as_str().unwrap();
        assert!(hint.contains(words), "{message}: {hint}");
        assert_eq!(hint.contains("memory"), words.contains("node type"), "{message}: {hint}");
    }
}

#[tokio::test]
async fn events_that_cannot_be_read_stop_nothing() {
    let wire = script()
        .on(RECORD, read_record(&orders(json!({}))))
        .on(DESCRIBE_GROUP, group("create-failed", OURS, &[], ""))
        .on(GROUP_EVENTS, query_error(403, "AccessDenied", "no"))
        .on(NODE_EVENTS, query_error(403, "AccessDenied", "no"));
    assert_eq!(check(&wire, 1).await.unwrap()["events"], json!([]));
    wire.done();
}

#[tokio::test]
async fn a_group_that_is_not_ours_is_none_and_is_not_looked_into() {
    for answer in [no_group(), group("available", "production", &["orders-001"], PRIMARY)] {
        let wire = script().on(RECORD, read_record(&orders(json!({})))).on(DESCRIBE_GROUP, answer);
        let output = check(&wire, 1).await.unwrap();
        wire.done();
        assert_eq!((&output["phase"], &output["status"]), (&json!("gone"), &json!("not found")));
    }
}

#[tokio::test]
async fn a_backup_that_was_overwritten_meanwhile_is_a_warning() {
    for (answer, found) in [(ok().header("etag", "\"e2\""), "\"e2\""), (status(404), "not there")] {
        let wire = look(
            json!({}),
            group("available", OURS, &["orders-001"], PRIMARY),
            member("orders-001", "available"),
        )
        .on(CLOSE, nothing())
        .on(HEAD, answer);
        let output = check(&wire, 1).await.unwrap();
        assert_eq!(output["phase"], "available");
        let finding = &output["findings"][0];
        assert_eq!(
            (&finding["code"], &finding["severity"]),
            (&json!("changed-during-seeding"), &json!("warn"))
        );
        assert_eq!(finding["evidence"], json!({"found": found, "inspected": "\"e1\""}));
    }
}

#[tokio::test]
async fn the_deadline_counts_from_the_create() {
    for (age_minutes, passed, wait) in [(1, false, 30), (59, false, 177), (61, true, 183)] {
        let polled = if passed { look } else { poll };
        let wire =
            polled(json!({}), group("creating", OURS, &["orders-001"], ""), member("orders-001", "creating"));
        let output = check(&wire, age_minutes).await.unwrap();
        wire.done();
        assert_eq!((&output["deadlinePassed"], &output["waitSeconds"]), (&json!(passed), &json!(wait)));
    }
}

/// An account with many nodes, and a group with many: the calls do not grow with the group.
#[tokio::test]
async fn five_hundred_members_take_as_many_calls_as_pages() {
    let ids: Vec<String> = (0..500).map(|number| format!("orders-{number:03}")).collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut wire = script()
        .on(RECORD, read_record(&orders(json!({"clusterMode": "enabled", "shards": 500}))))
        .on(DESCRIBE_GROUP, group("creating", OURS, &names, ""));
    for (number, page) in names.chunks(100).enumerate() {
        let members: Vec<_> = page.iter().map(|id| ("orders", *id, "creating")).collect();
        let marker = if number == 0 { String::new() } else { format!("&Marker=page-{number}") };
        wire = wire
            .on(format!("{DESCRIBE_NODES}{marker}"), nodes_before(&members, &format!("page-{}", number + 1)));
    }
    let output = check(&wire, 1).await.unwrap();
    wire.done();
    assert_eq!((&output["phase"], &output["status"]), (&json!("creating"), &json!("creating")));
}

#[tokio::test]
async fn throttling_is_tried_again() {
    let wire = script()
        .on(RECORD, read_record(&orders(json!({}))))
        .on(DESCRIBE_GROUP, query_error(400, "Throttling", "Rate exceeded"));
    assert_eq!(check(&wire, 1).await.unwrap_err().name, ErrorName::ServiceBusy);
}

#[test]
fn the_sample_event_is_understood() {
    understands::<CheckCluster>(include_str!("../../../../events/check-cluster.json"));
}

const CACHE_EVENTS: &str = "elasticache Action=DescribeEvents&SourceIdentifier=orders&SourceType=serverless-cache&Duration=1440&MaxRecords=100";

fn poll_cache(status: &str, description: &str) -> Wire {
    let wire = script().on(RECORD, read_record(&orders(json!({"kind": "serverless"}))));
    wire.on(DESCRIBE_CACHE, cache(status, description))
}

#[tokio::test]
async fn a_serverless_cache_is_what_its_own_status_says() {
    let wire = poll_cache("AVAILABLE", OURS)
        .on(CACHE_EVENTS, events("orders", &[]))
        .on(CLOSE, nothing())
        .on(HEAD, ok().header("etag", "\"e1\""));
    let output = check(&wire, 1).await.unwrap();
    wire.done();
    let cluster = json!({
        "kind": "serverless", "id": "orders",
        "arn": "arn:aws:elasticache:us-east-1:123456789012:serverlesscache:orders",
        "endpoint": "orders.host", "port": 6379, "nodeType": "serverless", "shards": 1,
    });
    assert_eq!((&output["phase"], &output["cluster"]), (&json!("available"), &cluster));
    let wire = poll_cache("CREATING", OURS);
    assert_eq!(check(&wire, 1).await.unwrap()["phase"], "creating");
    wire.done();
    let failed = [("2026-01-01T00:00:00Z", "Restore failed: Access Denied")];
    let wire = poll_cache("CREATE-FAILED", OURS).on(CACHE_EVENTS, events("orders", &failed));
    let output = check(&wire, 1).await.unwrap();
    wire.done();
    assert_eq!((&output["phase"], &output["status"]), (&json!("create-failed"), &json!("CREATE-FAILED")));
    assert_eq!(output["events"], json!(["2026-01-01T00:00:00Z orders: Restore failed: Access Denied"]));
}

#[tokio::test]
async fn somebody_elses_serverless_cache_is_not_ours() {
    for answer in [cache("available", "production"), cache("available", ""), no_cache()] {
        let wire = script().on(RECORD, read_record(&orders(json!({"kind": "serverless"}))));
        let wire = wire.on(DESCRIBE_CACHE, answer);
        assert_eq!(check(&wire, 1).await.unwrap()["phase"], "gone");
        wire.done();
    }
}

const CACHE_CLUSTER_EVENTS: &str = "elasticache Action=DescribeEvents&SourceIdentifier=orders-8a3ff643bf7f1909&SourceType=cache-cluster&Duration=1440&MaxRecords=100";

#[tokio::test]
async fn a_cache_cluster_is_what_its_own_status_says() {
    let id = "orders-8a3ff643bf7f1909";
    let poll = |status: &str| {
        let wire = script().on(RECORD, read_record(&orders(json!({"kind": "cacheCluster"}))));
        wire.on(DESCRIBE_CACHE_CLUSTER, cache_cluster(id, status, ""))
    };
    let wire = poll("available").on(CACHE_CLUSTER_EVENTS, events(id, &[]));
    let wire = wire.on(CLOSE, nothing()).on(HEAD, ok().header("etag", "\"e1\""));
    let output = check(&wire, 1).await.unwrap();
    wire.done();
    let cluster = json!({
        "kind": "cacheCluster", "id": id, "arn": format!("arn:aws:elasticache:us-east-1:123456789012:cluster:{id}"),
        "endpoint": format!("{id}.host"), "port": 6379, "nodeType": "cache.t4g.small", "shards": 1,
    });
    assert_eq!((&output["phase"], &output["cluster"]), (&json!("available"), &cluster));
    for (status, phase) in [
        ("restore-failed", "restore-failed"),
        ("incompatible-network", "create-failed"),
        ("deleting", "deleting"),
        ("deleted", "deleting"),
    ] {
        let failed = [("2026-01-01T00:00:00Z", "Restore failed: Access Denied")];
        let wire = poll(status).on(CACHE_CLUSTER_EVENTS, events(id, &failed));
        let output = check(&wire, 1).await.unwrap();
        wire.done();
        assert_eq!((&output["phase"], &output["status"]), (&json!(phase), &json!(status)));
        assert_eq!(
            output["events"],
            json!([format!("2026-01-01T00:00:00Z {id}: Restore failed: Access Denied")])
        );
    }
    for status in ["creating", "snapshotting", "rebooting cluster nodes"] {
        let wire = poll(status);
        assert_eq!(check(&wire, 1).await.unwrap()["phase"], "creating");
        wire.done();
    }
}

#[tokio::test]
async fn a_cache_cluster_with_an_exact_id_is_ours_by_the_evidence_only() {
    for (evidence, phase) in [(Some("created"), "creating"), (Some("in-doubt"), "gone"), (None, "gone")] {
        let wire = script()
            .on(RECORD, read_record(&orders(json!({"kind": "cacheCluster", "exactId": true}))))
            .on(DESCRIBE_EXACT, cache_cluster("orders", "creating", ""))
            .on(
                "GET reports.s3/executions/orders-1/evidence.json",
                evidence.map_or_else(
                    || s3_error(404, "NoSuchKey"),
                    |evidence| json_file(json!({"evidence": evidence})),
                ),
            );
        assert_eq!(check(&wire, 1).await.unwrap()["phase"], phase);
        wire.done();
    }
}
