use lambda::test_util::{
    Answer, DESCRIBE_CACHE, DESCRIBE_CACHE_CLUSTER, DESCRIBE_EXACT, DESCRIBE_GROUP, EXECUTION_ARN, Logs,
    OURS, Wire, cache, cache_cluster, group, json, json_error, no_cache, no_cache_cluster, no_group, ok,
    query, query_error, rdb, run, s3_error, script, seeding, status, understands, xml,
};
use rdb_scan::{Control, InspectOptions, Inspected, Position, Weighing, inspect};
use seeder_aws::ReportStore;
use seeding::{ErrorName, KnownInspection, StepError, policy::Roles};
use serde_json::{Value, json};

use super::PrepareSeeding;

const ROLE: &str = "arn:aws:iam::123456789012:role/stack-Function";
const HEAD_BUCKET: &str = "HEAD backups.s3/ x-amz-expected-bucket-owner: 123456789012";
const GET_POLICY: &str = "GET backups.s3/?policy x-amz-expected-bucket-owner: 123456789012";
const HEAD: &str = "HEAD backups.s3/in/orders.rdb x-amz-expected-bucket-owner: 123456789012";
const GET: &str = "GET backups.s3/in/orders.rdb range: bytes=0-4095 if-match: \"e1\"";
const VERSIONS: &str = "elasticache Action=DescribeCacheEngineVersions&Engine=valkey";
const OFFERINGS: &str = "elasticache Action=DescribeReservedCacheNodesOfferings&Duration=1&ProductDescription=valkey&OfferingType=No Upfront&MaxRecords=100";
const DEFAULTS: &str = "elasticache Action=DescribeEngineDefaultParameters&CacheParameterGroupFamily=valkey8";
const KNOWN: &str = "GET reports.s3/inspections/…";
const PRICES: &str = "GET reports.s3/prices/us-east-1.json";
const ACCOUNT: &str = "GET lambda/2016-08-19/account-settings";
const PUT_RECORD: &str = "PUT reports.s3/executions/orders-1/seeding.json";

fn step(wire: &Wire, defaults: Value) -> PrepareSeeding {
    let clients = wire.clients();
    PrepareSeeding {
        step_functions: clients.step_functions(),
        s3: clients.s3(),
        elasticache: clients.elasticache(),
        kms: clients.kms(),
        lambda: clients.lambda(),
        secrets: clients.secrets(),
        roles: Roles { readers: vec![ROLE.into()], granters: vec![ROLE.into()] },
        reports: ReportStore::new(clients.s3(), "reports".into()),
        backup_buckets: vec!["backups".into(), "Old_Backups".into()],
        defaults,
        least_chunk_bytes: 60,
        max_nodes: Some(500),
        max_seedings: None,
        verify_in_vpc: true,
    }
}

async fn prepare_with(wire: &Wire, defaults: Value, request: Value) -> Result<Value, StepError> {
    run_step(&step(wire, defaults), request).await
}

async fn run_step(step: &PrepareSeeding, request: Value) -> Result<Value, StepError> {
    run(step, json!({"execution": EXECUTION_ARN, "request": request})).await
}

async fn prepare(wire: &Wire, request: Value) -> Value {
    let output = prepare_with(wire, json!({}), request).await.unwrap();
    wire.done();
    output
}

fn orders() -> Value {
    json!({"backups": ["backups/in/orders.rdb"], "cluster": {"id": "orders"}})
}

/// The same request with another field of the cluster.
fn orders_with(field: &str, value: &str) -> Value {
    let mut request = orders();
    request["cluster"][field] = value.into();
    request
}

fn bucket_is_there() -> Answer {
    ok().header("x-amz-bucket-region", "us-east-1")
}

fn no_policy() -> Answer {
    s3_error(404, "NoSuchBucketPolicy")
}

/// ElastiCache's canonical user.
const ELASTICACHE: &str = "540804c33a284a299d2547575ce1010f2312ef3da9b3a053c8bc45bf233e4353";

/// An object's ACL that grants this canonical user to read it.
fn acl(reader: &str) -> Answer {
    xml(&format!(
        "<AccessControlPolicy><Owner><ID>owner</ID></Owner><AccessControlList><Grant>\
         <Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"><ID>{reader}</ID></Grantee>\
         <Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>"
    ))
}

fn object() -> Answer {
    ok().header("etag", "\"e1\"").header("content-length", "100")
}

fn beginning() -> Answer {
    status(206).body(rdb(&[("redis-ver", "7.0.15")], &["a"]))
}

fn fine_backup(wire: Wire) -> Wire {
    wire.on(HEAD_BUCKET, bucket_is_there())
        .on(GET_POLICY, no_policy())
        .on(HEAD, object())
        .on(GET, beginning())
}

fn not_known() -> Answer {
    s3_error(404, "NoSuchKey")
}

fn versions() -> Answer {
    let one = |version| {
        format!("<CacheEngineVersion><EngineVersion>{version}</EngineVersion></CacheEngineVersion>")
    };
    let list: String = ["7.2.6", "8.0.1", "8.1.0"].map(one).concat();
    query("DescribeCacheEngineVersions", &format!("<CacheEngineVersions>{list}</CacheEngineVersions>"))
}

/// The lists of one page of parameters.
fn lists(parameters: &[(&str, &str)], maxmemory: &[(&str, u64)]) -> String {
    let parameters = parameters
        .iter()
        .map(|(name, value)| {
            format!("<Parameter><ParameterName>{name}</ParameterName><ParameterValue>{value}</ParameterValue></Parameter>")
        })
        .collect::<Vec<_>>()
        .concat();
    let values = maxmemory
        .iter()
        .map(|(node_type, bytes)| {
            format!(
                "<CacheNodeTypeSpecificValue><CacheNodeType>{node_type}</CacheNodeType><Value>{bytes}</Value>\
                 </CacheNodeTypeSpecificValue>"
            )
        })
        .collect::<Vec<_>>()
        .concat();
    format!(
        "<Parameters>{parameters}</Parameters><CacheNodeTypeSpecificParameters><CacheNodeTypeSpecificParameter>\
         <ParameterName>maxmemory</ParameterName><CacheNodeTypeSpecificValues>{values}</CacheNodeTypeSpecificValues>\
         </CacheNodeTypeSpecificParameter></CacheNodeTypeSpecificParameters>"
    )
}

fn defaults_page(marker: &str, lists: &str) -> Answer {
    let page = format!("<EngineDefaults><Marker>{marker}</Marker>{lists}</EngineDefaults>");
    query("DescribeEngineDefaultParameters", &page)
}

fn defaults() -> Answer {
    defaults_page(
        "",
        &lists(
            &[("databases", "16")],
            &[("cache.t4g.micro", 536_870_912), ("cache.t4g.small", 1_471_026_299)],
        ),
    )
}

/// The account's settings with this quota of concurrent invocations.
fn quota(invocations: u32) -> Answer {
    json(json!({"AccountLimit": {"UnreservedConcurrentExecutions": invocations}}))
}

/// The node types that the region sells reservations of.
fn offerings(node_types: &[&str]) -> Answer {
    let one = |node_type: &&str| {
        format!(
            "<ReservedCacheNodesOffering><CacheNodeType>{node_type}</CacheNodeType></ReservedCacheNodesOffering>"
        )
    };
    let list: String = node_types.iter().map(one).collect();
    query(
        "DescribeReservedCacheNodesOfferings",
        &format!("<ReservedCacheNodesOfferings>{list}</ReservedCacheNodesOfferings>"),
    )
}

fn fine_target(wire: Wire) -> Wire {
    let wire = wire.on(DESCRIBE_GROUP, no_group()).on(VERSIONS, versions()).on(DEFAULTS, defaults());
    wire.on(OFFERINGS, offerings(&[]))
}

fn codes(output: &Value) -> Vec<&str> {
    output["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_request_without_fault_is_recorded_and_its_backup_is_to_be_read() {
    let wire = fine_target(fine_backup(script()))
        .on(KNOWN, not_known())
        .on(PRICES, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    let output = prepare(&wire, orders()).await;
    assert_eq!(
        output,
        json!({
            "outcome": "prepared", "verdict": "ok", "findings": [], "chunks": [{"backup": 0, "start": 0, "end": 60}, {"backup": 0, "start": 60, "end": 100}],
            "clusterId": "orders",
            "pollSeconds": 30, "dryRun": false, "verify": false, "onRestoreFailed": "delete",
            "maxStartOvers": 1, "deadlineMinutes": 240, "workers": 40, "approval": false, "approvalHours": 24,
        })
    );
    let record = wire.json(PUT_RECORD);
    assert_eq!(record["execution"], "orders-1");
    assert_eq!(
        record["partition"],
        json!({"partition": "aws", "region": "us-east-1", "account": "123456789012"})
    );
    let backup = json!({
        "bucket": "backups", "key": "in/orders.rdb", "sizeBytes": 100, "etag": "\"e1\"",
        "header": {"version": 10, "magic": "REDIS"},
    });
    assert_eq!(record["backups"], json!([backup]));
    assert_eq!(
        (&record["cluster"]["id"], &record["cluster"]["engineVersion"]),
        (&json!("orders"), &json!("8.1"))
    );
    assert_eq!(
        record["nodeTypes"],
        json!({"cache.t4g.micro": 536_870_912, "cache.t4g.small": 1_471_026_299})
    );
    assert_eq!((&record["reservedMemoryPercent"], &record["databases"]), (&json!(25), &json!(16)));
}

#[tokio::test]
async fn the_stacks_defaults_hold_where_the_request_says_nothing() {
    let wire = fine_target(fine_backup(script()))
        .on(KNOWN, not_known())
        .on(PRICES, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    let stack =
        json!({"verify": true, "pollSeconds": 10, "cluster": {"replicasPerShard": 1, "tags": {"a": "1"}}});
    let mut request = orders();
    request["pollSeconds"] = 20.into();
    let output = prepare_with(&wire, stack, request).await.unwrap();
    assert_eq!((&output["verify"], &output["pollSeconds"]), (&json!(true), &json!(20)));
    assert_eq!(wire.json(PUT_RECORD)["cluster"]["replicasPerShard"], 1);
}

#[tokio::test]
async fn unknown_fields_are_named_before_anything_is_looked_at() {
    for (request, reason) in [
        (json!({"bakups": []}), "request: bakups: unknown field `bakups`"),
        (
            json!({"backups": "backups/a.rdb", "cluster": {"nodetype": "x"}}),
            "request: cluster.nodetype: unknown field",
        ),
        (json!({"dropped": {"bucket": "backups"}}), "missing field `key`"),
        (json!([]), "expected a JSON object, found an array"),
    ] {
        let wire = script();
        let output = prepare(&wire, request).await;
        assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec!["invalid-request"]));
        let found = output["findings"][0]["evidence"]["reason"].as_str().unwrap();
        assert!(found.contains(reason), "{found}");
    }
}

#[tokio::test]
async fn a_bucket_that_is_not_allowed_is_not_asked_for_anything() {
    let wire = fine_target(script());
    let output = prepare(&wire, json!({"backups": ["secrets/a.rdb"], "cluster": {"id": "orders"}})).await;
    assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec!["bucket-not-allowed"]));
    let wire = script();
    let output = prepare(&wire, json!({"dropped": {"bucket": "secrets", "key": "a.rdb"}})).await;
    assert_eq!(codes(&output), ["bucket-not-allowed"]);
}

#[tokio::test]
async fn a_bucket_whose_name_elasticache_cannot_read_is_not_asked_for_anything() {
    let wire = fine_target(script());
    let output = prepare(&wire, json!({"backups": ["Old_Backups/a.rdb"], "cluster": {"id": "orders"}})).await;
    assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec!["bucket-name-not-dns"]));
}

#[tokio::test]
async fn what_is_wrong_with_the_bucket_is_told_by_its_reason() {
    for (answer, code, evidence) in [
        (
            status(301).header("x-amz-bucket-region", "eu-west-1"),
            "bucket-in-other-region",
            ("found", "eu-west-1"),
        ),
        (
            status(400).header("x-amz-bucket-region", "eu-west-1"),
            "bucket-in-other-region",
            ("expected", "us-east-1"),
        ),
        (ok().header("x-amz-bucket-region", "eu-west-1"), "bucket-in-other-region", ("found", "eu-west-1")),
        (status(403), "bucket-not-accessible", ("reason", "access denied")),
        (
            status(403).header("x-amz-bucket-region", "us-east-1"),
            "bucket-not-accessible",
            ("reason", "access denied"),
        ),
        (status(404), "bucket-not-accessible", ("reason", "no such bucket")),
    ] {
        let wire = script().on(HEAD_BUCKET, answer);
        // If access to the bucket is denied, its policy may still explain why.
        let closed = evidence == ("reason", "access denied");
        let wire = if closed { wire.on(GET_POLICY, s3_error(403, "AccessDenied")) } else { wire };
        let wire = fine_target(wire);
        let output = prepare(&wire, orders()).await;
        assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec![code]));
        assert_eq!(output["findings"][0]["evidence"][evidence.0], evidence.1);
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_object_is_told_by_its_reason() {
    for (answer, code) in [
        (status(404), "backup-missing"),
        (status(403), "backup-not-readable"),
        (status(400), "encrypted-with-unusable-key"),
        (object().header("x-amz-server-side-encryption", "aws:kms:dsse"), "encrypted-with-unusable-key"),
        (ok().header("etag", "\"e1\"").header("content-length", "0"), "empty-backup"),
        (object().header("x-amz-storage-class", "DEEP_ARCHIVE"), "archived-object"),
        (object().header("x-amz-archive-status", "ARCHIVE_ACCESS"), "archived-object"),
        (
            object()
                .header("x-amz-storage-class", "GLACIER")
                .header("x-amz-restore", "ongoing-request=\"true\""),
            "archived-object",
        ),
        (object().header("x-amz-server-side-encryption-bucket-key-enabled", "true"), "bucket-key-enabled"),
    ] {
        let wire = fine_target(
            script().on(HEAD_BUCKET, bucket_is_there()).on(GET_POLICY, no_policy()).on(HEAD, answer),
        );
        let output = prepare(&wire, orders()).await;
        assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec![code]));
        assert_eq!(output["findings"][0]["backup"], "backups/in/orders.rdb");
    }
}

#[tokio::test]
async fn the_first_bytes_tell_what_the_engine_cannot_read() {
    let newer = [b"REDIS0012".as_slice(), &[0xff; 9]].concat();
    for (bytes, code) in [
        (newer, "rdb-newer-than-engine"),
        (b"\x1f\x8b\x08 packed".to_vec(), "compressed-backup"),
        (b"*3\r\n$3\r\nSET\r\n".to_vec(), "not-an-rdb"),
    ] {
        let wire = script()
            .on(HEAD_BUCKET, bucket_is_there())
            .on(GET_POLICY, no_policy())
            .on(HEAD, object())
            .on(GET, status(206).body(bytes));
        let mut request = orders();
        request["convert"] = json!({"when": "never"});
        let output = prepare(&fine_target(wire), request).await;
        assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec![code]));
    }
    let wire = script()
        .on(HEAD_BUCKET, bucket_is_there())
        .on(GET_POLICY, no_policy())
        .on(HEAD, object())
        .on(GET, s3_error(403, "AccessDenied"));
    assert_eq!(codes(&prepare(&fine_target(wire), orders()).await), ["backup-not-readable"]);
}

#[tokio::test]
async fn a_backup_that_is_overwritten_between_two_looks_stops_the_step() {
    let wire = script()
        .on(HEAD_BUCKET, bucket_is_there())
        .on(GET_POLICY, no_policy())
        .on(HEAD, object())
        .on(GET, s3_error(412, "PreconditionFailed"));
    let error = prepare_with(&wire, json!({}), orders()).await.unwrap_err();
    assert_eq!(error.name, ErrorName::ChangedDuringSeeding);
}

#[tokio::test]
async fn another_accounts_bucket_may_be_named_only_for_existing_access() {
    let wire = script()
        .on("HEAD backups.s3/", bucket_is_there())
        .on("GET backups.s3/?policy", no_policy())
        .on("GET backups.s3/in/orders.rdb?acl", acl(ELASTICACHE))
        .on("HEAD backups.s3/in/orders.rdb", object())
        .on(GET, beginning());
    let wire = fine_target(wire)
        .on(KNOWN, not_known())
        .on(PRICES, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    let mut request = orders();
    request["access"] = "existing".into();
    prepare(&wire, request).await;
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let wire = script()
        .on("HEAD backups.s3/ x-amz-expected-bucket-owner: 123456789012", status(404))
        .on(VERSIONS, versions())
        .on(DEFAULTS, defaults())
        .on(OFFERINGS, offerings(&[]));
    let request = json!({
        "backups": ["backups/in/orders.rdb", "secrets/b.rdb"],
        "cluster": {"id": "not--an-id", "nodeType": "cache.t4g.mirco"}, "allow": ["backup-corrupt"],
    });
    let output = prepare(&wire, request).await;
    let expected = [
        "invalid-cluster-id",
        "invalid-request",
        "bucket-not-accessible",
        "bucket-not-allowed",
        "node-type-unknown",
    ];
    assert_eq!(codes(&output), expected);
}

#[tokio::test]
async fn throttling_is_tried_again() {
    let wire = fine_backup(script()).on(DESCRIBE_GROUP, query_error(400, "Throttling", "Rate exceeded"));
    assert_eq!(prepare_with(&wire, json!({}), orders()).await.unwrap_err().name, ErrorName::ServiceBusy);
}

mod access;
mod drops;
mod keys;
mod known;
mod limits;
mod prices;
mod target;

#[test]
fn the_sample_event_is_understood() {
    understands::<PrepareSeeding>(include_str!("../../../../events/prepare-seeding.json"));
}
