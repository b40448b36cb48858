use lambda::test_util::{
    Answer, DESCRIBE_CACHE, DESCRIBE_CACHE_CLUSTER, DESCRIBE_EXACT, DESCRIBE_GROUP, EXECUTION_ARN, Logs,
    OURS, RECORD, Wire, cache, cache_cluster, group, json, json_error, lost, no_cache, no_cache_cluster,
    no_group, nothing, ok, query, query_error, read_record, run, s3_error, script, seeding, status,
    understands,
};
use seeder_aws::ReportStore;
use seeding::{ErrorName, Seeding, StepError, steps::CreateJournal};
use serde_json::{Value, json};

use super::CreateCluster;

const HEAD: &str = "HEAD backups.s3/in/orders.rdb x-amz-expected-bucket-owner: 123456789012";
const CREATE: &str = "elasticache Action=CreateReplicationGroup&…";
const ASKED: &str = "PUT reports.s3/executions/orders-1/create.json";
const ASKED_BEFORE: &str = "GET reports.s3/executions/orders-1/create.json";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:token";

fn orders(cluster: &Value) -> Seeding {
    let mut request = json!({"backups": ["backups/in/orders.rdb"], "cluster": {"id": "orders"}});
    for (name, value) in cluster.as_object().unwrap() {
        request["cluster"][name] = value.clone();
    }
    seeding(&request)
}

async fn create(wire: &Wire, slots: &[&str]) -> Result<Value, StepError> {
    let clients = wire.clients();
    let step = CreateCluster {
        s3: clients.s3(),
        elasticache: clients.elasticache(),
        secrets: clients.secrets(),
        reports: ReportStore::new(clients.s3(), "reports".into()),
    };
    let shard = |slots: &&str| {
        let (first, last) = slots.split_once('-').unwrap();
        let slots = json!(format!("{first}-{last}"));
        json!({"slots": slots, "keys": 1, "usedMemoryBytes": 1, "usableBytes": 2})
    };
    let shards: Vec<_> = slots.iter().map(shard).collect();
    let plan = json!({"nodeType": "cache.t4g.micro", "shards": shards});
    run(&step, json!({"execution": EXECUTION_ARN, "plan": plan, "nodeType": "cache.t4g.small"})).await
}

fn unchanged() -> Answer {
    ok().header("etag", "\"e1\"").header("content-length", "100")
}

fn created() -> Answer {
    query("CreateReplicationGroup", "<ReplicationGroup><Status>creating</Status></ReplicationGroup>")
}

/// A first attempt: no create was called, and the ID is free.
fn up_to_create(seeding: &Seeding) -> Wire {
    let wire = script().on(RECORD, read_record(seeding)).on(HEAD, unchanged());
    wire.on(ASKED_BEFORE, s3_error(404, "NoSuchKey")).on(DESCRIBE_GROUP, no_group())
}

/// A further attempt, after one whose answer was lost.
fn up_to_create_again(seeding: &Seeding) -> Wire {
    let wire = script().on(RECORD, read_record(seeding)).on(HEAD, unchanged());
    wire.on(ASKED_BEFORE, json(CreateJournal { asked_at_ms: 1, answered: false }))
}

/// The fields of the create request.
fn fields(wire: &Wire) -> Vec<String> {
    wire.form("elasticache Action=CreateReplicationGroup")
}

#[tokio::test]
async fn with_cluster_mode_off_the_group_is_one_shard_of_nodes() {
    let spec = json!({
        "nodeType": "cache.t4g.micro", "replicasPerShard": 1, "multiAz": true, "port": 7000, "subnetGroup": "private",
        "securityGroupIds": ["sg-1", "sg-2"], "kmsKeyId": "key", "userGroupId": "users", "snapshotRetentionDays": 3,
        "tags": {"team": "orders + more"},
    });
    let wire = up_to_create(&orders(&spec)).on(ASKED, ok()).on(CREATE, created()).on(ASKED, ok());
    let output = create(&wire, &["0-16383"]).await.unwrap();
    wire.done();
    assert_eq!((&output["clusterId"], &output["status"]), (&json!("orders"), &json!("creating")));
    assert!(output["createdAtMs"].as_i64().unwrap() > 1_700_000_000_000);
    let mut sent = fields(&wire);
    sent.sort();
    let mut expected = [
        "Action=CreateReplicationGroup",
        "ReplicationGroupId=orders",
        "ReplicationGroupDescription=elasticache-seeder orders-1 8a3ff643bf7f1909",
        "Engine=valkey",
        "EngineVersion=8.1",
        "CacheNodeType=cache.t4g.small",
        "CacheParameterGroupName=default.valkey8",
        "ClusterMode=disabled",
        "NumCacheClusters=2",
        "AutomaticFailoverEnabled=true",
        "MultiAZEnabled=true",
        "Port=7000",
        "CacheSubnetGroupName=private",
        "SecurityGroupIds.SecurityGroupId.1=sg-1",
        "SecurityGroupIds.SecurityGroupId.2=sg-2",
        "TransitEncryptionEnabled=true",
        "AtRestEncryptionEnabled=true",
        "KmsKeyId=key",
        "UserGroupIds.member.1=users",
        "SnapshotRetentionLimit=3",
        "SnapshotArns.SnapshotArn.1=arn:aws:s3:::backups/in/orders.rdb",
        "Tags.Tag.1.Key=elasticache-seeder:execution",
        "Tags.Tag.1.Value=elasticache-seeder orders-1 8a3ff643bf7f1909",
        "Tags.Tag.2.Key=team",
        "Tags.Tag.2.Value=orders + more",
    ];
    expected.sort_unstable();
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn with_cluster_mode_on_each_shard_is_given_its_slots() {
    let spec = json!({"engine": "redis", "clusterMode": "enabled", "shards": 2, "replicasPerShard": 1});
    let wire = up_to_create(&orders(&spec)).on(ASKED, ok()).on(CREATE, created()).on(ASKED, ok());
    create(&wire, &["0-5000", "5001-16383"]).await.unwrap();
    let sent = fields(&wire);
    for field in [
        "Engine=redis",
        "CacheParameterGroupName=default.redis7.cluster.on",
        "ClusterMode=enabled",
        "NumNodeGroups=2",
        "AutomaticFailoverEnabled=true",
        "NodeGroupConfiguration.NodeGroupConfiguration.1.NodeGroupId=0001",
        "NodeGroupConfiguration.NodeGroupConfiguration.1.Slots=0-5000",
        "NodeGroupConfiguration.NodeGroupConfiguration.1.ReplicaCount=1",
        "NodeGroupConfiguration.NodeGroupConfiguration.2.NodeGroupId=0002",
        "NodeGroupConfiguration.NodeGroupConfiguration.2.Slots=5001-16383",
    ] {
        assert!(sent.iter().any(|sent| sent == field), "{field} in {sent:#?}");
    }
    for name in ["NumCacheClusters", "ReplicasPerNodeGroup", "SecurityGroupIds", "AuthToken", "KmsKeyId"] {
        assert!(!sent.iter().any(|sent| sent.starts_with(name)), "{name} in {sent:#?}");
    }
}

#[tokio::test]
async fn one_node_alone_has_nowhere_to_fail_over_to() {
    let wire = up_to_create(&orders(&json!({}))).on(ASKED, ok()).on(CREATE, created()).on(ASKED, ok());
    create(&wire, &["0-16383"]).await.unwrap();
    let sent = fields(&wire);
    assert!(sent.contains(&"AutomaticFailoverEnabled=false".to_owned()), "{sent:#?}");
    assert!(sent.contains(&"NumCacheClusters=1".to_owned()), "{sent:#?}");
}

#[tokio::test]
async fn a_bucket_that_is_only_checked_may_belong_to_another_account() {
    let theirs = seeding(&json!({"backups": ["backups/in/orders.rdb"], "access": "existing"}));
    let wire = script()
        .on(RECORD, read_record(&theirs))
        .on("HEAD backups.s3/in/orders.rdb", unchanged())
        .on(ASKED_BEFORE, s3_error(404, "NoSuchKey"))
        .on("elasticache Action=DescribeReplicationGroups&ReplicationGroupId=orders-…", no_group())
        .on(ASKED, ok())
        .on(CREATE, created())
        .on(ASKED, ok());
    create(&wire, &["0-16383"]).await.unwrap();
    wire.done();
}

fn taken() -> Answer {
    query_error(400, "ReplicationGroupAlreadyExists", "Replication group orders already exists.")
}

#[tokio::test]
async fn a_group_that_an_earlier_try_of_this_step_made_is_success() {
    let wire = up_to_create_again(&orders(&json!({})))
        .on(ASKED, ok())
        .on(CREATE, taken())
        .on(ASKED, ok())
        .on(DESCRIBE_GROUP, group("creating", OURS, &[], ""));
    assert_eq!(create(&wire, &["0-16383"]).await.unwrap()["status"], "creating");
    wire.done();
}

#[tokio::test]
async fn somebody_elses_group_is_an_error_that_shows_its_description() {
    // A name that begins like this execution's is another execution.
    for description in ["production", "elasticache-seeder orders-12", "elasticache-seeder orders"] {
        let wire = up_to_create(&orders(&json!({})))
            .on(ASKED, ok())
            .on(CREATE, taken())
            .on(ASKED, ok())
            .on(DESCRIBE_GROUP, group("available", description, &[], ""));
        let error = create(&wire, &["0-16383"]).await.unwrap_err();
        wire.done();
        assert_eq!(error.name, ErrorName::IdTaken);
        assert!(error.message.contains(&format!("`{description}`")), "{error}");
    }
}

/// Execution names can be reused after 90 days, and the cluster of the first execution still exists.
#[tokio::test]
async fn a_group_that_was_there_before_the_first_try_is_never_ours() {
    let wire = script().on(RECORD, read_record(&orders(&json!({})))).on(HEAD, unchanged());
    let wire = wire.on(ASKED_BEFORE, s3_error(404, "NoSuchKey"));
    let wire = wire.on(DESCRIBE_GROUP, group("available", OURS, &[], ""));
    assert_eq!(create(&wire, &["0-16383"]).await.unwrap_err().name, ErrorName::IdTaken);
    wire.done();
}

#[tokio::test]
async fn a_group_that_is_just_going_is_waited_for() {
    let wire = up_to_create(&orders(&json!({})))
        .on(ASKED, ok())
        .on(CREATE, taken())
        .on(ASKED, ok())
        .on(DESCRIBE_GROUP, no_group());
    assert_eq!(create(&wire, &["0-16383"]).await.unwrap_err().name, ErrorName::ServiceBusy);
}

/// The clean-up waits for a cluster that may still appear (`delete-cluster` reads the same journal).
#[tokio::test]
async fn a_create_without_an_answer_stays_pending() {
    let unanswered = [lost(), query_error(500, "InternalFailure", "try again"), status(503)];
    for answer in unanswered {
        let wire = up_to_create(&orders(&json!({}))).on(ASKED, ok()).on(CREATE, answer);
        assert_eq!(create(&wire, &["0-16383"]).await.unwrap_err().name, ErrorName::ServiceBusy);
        wire.done();
        let journal: CreateJournal = serde_json::from_value(wire.json(ASKED)).unwrap();
        assert!(journal.is_pending(jiff::Timestamp::now().as_millisecond()), "{journal:?}");
    }
}

#[tokio::test]
async fn a_backup_that_is_not_the_inspected_one_any_more_creates_nothing() {
    for (answer, name, text) in [
        (
            ok().header("etag", "\"e2\""),
            ErrorName::ChangedDuringSeeding,
            "ETag \"e1\" was inspected, \"e2\" is there now",
        ),
        (status(404), ErrorName::BackupGone, "backups/in/orders.rdb was deleted"),
        (status(403), ErrorName::AccessDenied, "backups/in/orders.rdb cannot be read any more"),
        (status(503), ErrorName::ServiceBusy, "failed to inspect backups/in/orders.rdb: HTTP status 503"),
    ] {
        let wire = script().on(RECORD, read_record(&orders(&json!({})))).on(HEAD, answer);
        let error = create(&wire, &["0-16383"]).await.unwrap_err();
        wire.done();
        assert_eq!(error.name, name, "{error}");
        assert!(error.message.contains(text), "{error}");
    }
}

#[tokio::test]
async fn what_elasticache_refuses_is_told_in_its_own_words() {
    for (code, name) in [
        ("InsufficientCacheClusterCapacity", ErrorName::CapacityUnavailable),
        ("NodeQuotaForCustomerExceeded", ErrorName::QuotaExceeded),
        ("ClusterQuotaForCustomerExceeded", ErrorName::QuotaExceeded),
        ("NodeGroupsPerReplicationGroupQuotaExceeded", ErrorName::QuotaExceeded),
        ("InvalidParameterCombination", ErrorName::ParametersRefused),
        ("InvalidParameterValue", ErrorName::ParametersRefused),
        ("CacheSubnetGroupNotFoundFault", ErrorName::ParametersRefused),
        ("UserGroupNotFound", ErrorName::ParametersRefused),
        ("Throttling", ErrorName::ServiceBusy),
        ("AccessDenied", ErrorName::AccessDenied),
    ] {
        let words = "No permission to access S3 object: arn:aws:s3:::backups/in/orders.rdb";
        let wire = up_to_create(&orders(&json!({})))
            .on(ASKED, ok())
            .on(CREATE, query_error(400, code, words))
            .on(ASKED, ok());
        let error = create(&wire, &["0-16383"]).await.unwrap_err();
        assert_eq!(error.name, name, "{code}");
        assert_eq!(error.message, format!("failed to create the replication group orders: {code}: {words}"));
    }
}

#[tokio::test]
async fn the_auth_token_goes_from_the_secret_to_elasticache_and_nowhere_else() {
    for secret in
        ["0123456789abcdef!", r#"{"authToken": "0123456789abcdef!"}"#, r#"{"password": "0123456789abcdef!"}"#]
    {
        let seeding = orders(&json!({"authTokenSecretArn": SECRET}));
        let wire = up_to_create(&seeding)
            .on(
                format!("secretsmanager.GetSecretValue {{\"SecretId\":\"{SECRET}\"}}"),
                json(json!({"SecretString": secret})),
            )
            .on(ASKED, ok())
            .on(CREATE, created())
            .on(ASKED, ok());
        let logs = Logs::keep();
        let output = create(&wire, &["0-16383"]).await.unwrap();
        wire.done();
        assert!(
            logs.text().contains("create asked for") && !logs.text().contains("0123456789abcdef!"),
            "{}",
            logs.text()
        );
        assert!(fields(&wire).contains(&"AuthToken=0123456789abcdef!".to_owned()));
        assert!(!output.to_string().contains("0123456789abcdef!"), "{output}");
    }
}

#[tokio::test]
async fn a_refused_create_does_not_tell_the_auth_token() {
    let wire = up_to_create(&orders(&json!({"authTokenSecretArn": SECRET})))
        .on("secretsmanager.GetSecretValue …", json(json!({"SecretString": "0123456789abcdef!"})))
        .on(ASKED, ok())
        .on(CREATE, query_error(400, "InvalidParameterValue", "no"))
        .on(ASKED, ok());
    let error = create(&wire, &["0-16383"]).await.unwrap_err();
    assert!(!format!("{error:?}").contains("0123456789abcdef!"), "{error:?}");
}

#[tokio::test]
async fn a_secret_without_a_token_creates_nothing_and_is_not_shown() {
    for (answer, name) in [
        (json(json!({"SecretString": "short-secret"})), ErrorName::ParametersRefused),
        (json(json!({"SecretString": r#"{"user": "short-secret"}"#})), ErrorName::ParametersRefused),
        (json_error(400, "ResourceNotFoundException", "can't find the secret"), ErrorName::ParametersRefused),
        (json_error(400, "AccessDeniedException", "not authorized"), ErrorName::AccessDenied),
        (json_error(500, "InternalServiceError", "oops"), ErrorName::ServiceBusy),
    ] {
        let wire = up_to_create(&orders(&json!({"authTokenSecretArn": SECRET})))
            .on("secretsmanager.GetSecretValue …", answer);
        let error = create(&wire, &["0-16383"]).await.unwrap_err();
        wire.done();
        assert_eq!(error.name, name, "{error}");
        assert!(error.message.contains(SECRET) && !error.to_string().contains("short-secret"), "{error}");
    }
}

#[test]
fn the_sample_event_is_understood() {
    understands::<CreateCluster>(include_str!("../../../../events/create-cluster.json"));
}

const CREATE_CACHE: &str = "elasticache Action=CreateServerlessCache&…";

fn up_to_create_cache(cluster: &Value) -> Wire {
    let mut cluster = cluster.clone();
    cluster["kind"] = "serverless".into();
    let wire = script().on(RECORD, read_record(&orders(&cluster))).on(HEAD, unchanged());
    wire.on(ASKED_BEFORE, s3_error(404, "NoSuchKey")).on(DESCRIBE_CACHE, no_cache()).on(ASKED, ok())
}

fn cache_created() -> Answer {
    query("CreateServerlessCache", "<ServerlessCache><Status>CREATING</Status></ServerlessCache>")
}

#[tokio::test]
async fn a_serverless_cache_is_sent_its_major_version_and_its_limits() {
    let spec = json!({
        "securityGroupIds": ["sg-1"], "kmsKeyId": "key", "userGroupId": "users",
        "snapshotRetentionDays": 3, "serverless": {"maxGb": 10, "minEcpu": 1000, "subnetIds": ["subnet-1", "subnet-2"]},
    });
    let wire = up_to_create_cache(&spec).on(CREATE_CACHE, cache_created()).on(ASKED, ok());
    assert_eq!(create(&wire, &["0-16383"]).await.unwrap()["status"], "CREATING");
    wire.done();
    let mut sent = wire.form("elasticache Action=CreateServerlessCache");
    sent.sort();
    let mut expected = [
        "Action=CreateServerlessCache",
        "ServerlessCacheName=orders",
        "Description=elasticache-seeder orders-1 8a3ff643bf7f1909",
        "Engine=valkey",
        "MajorEngineVersion=8",
        "CacheUsageLimits.DataStorage.Maximum=10",
        "CacheUsageLimits.DataStorage.Unit=GB",
        "CacheUsageLimits.ECPUPerSecond.Minimum=1000",
        "KmsKeyId=key",
        "SecurityGroupIds.SecurityGroupId.1=sg-1",
        "SnapshotArnsToRestore.SnapshotArn.1=arn:aws:s3:::backups/in/orders.rdb",
        "SnapshotRetentionLimit=3",
        "SubnetIds.SubnetId.1=subnet-1",
        "SubnetIds.SubnetId.2=subnet-2",
        "Tags.Tag.1.Key=elasticache-seeder:execution",
        "Tags.Tag.1.Value=elasticache-seeder orders-1 8a3ff643bf7f1909",
        "UserGroupId=users",
    ];
    expected.sort_unstable();
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_serverless_cache_without_limits_leaves_them_to_aws() {
    let wire = up_to_create_cache(&json!({})).on(CREATE_CACHE, cache_created()).on(ASKED, ok());
    create(&wire, &["0-16383"]).await.unwrap();
    let sent = wire.form("elasticache Action=CreateServerlessCache");
    for name in ["CacheUsageLimits", "SubnetIds", "KmsKeyId", "UserGroupId", "SecurityGroupIds"] {
        assert!(!sent.iter().any(|sent| sent.starts_with(name)), "{name} in {sent:#?}");
    }
}

#[tokio::test]
async fn a_serverless_cache_of_this_name_is_ours_or_an_error() {
    let exists = || query_error(400, "ServerlessCacheAlreadyExistsFault", "orders already exists");
    for (description, expected) in [(OURS, Ok("creating")), ("production", Err(ErrorName::IdTaken))] {
        let wire = up_to_create_cache(&json!({})).on(CREATE_CACHE, exists()).on(ASKED, ok());
        let wire = wire.on(DESCRIBE_CACHE, cache("creating", description));
        let result = create(&wire, &["0-16383"]).await;
        wire.done();
        let result = result.map(|output| output["status"].as_str().unwrap().to_owned());
        assert_eq!(result.as_deref().map_err(|error| error.name), expected);
    }
}

const CREATE_CACHE_CLUSTER: &str = "elasticache Action=CreateCacheCluster&…";
const EVIDENCE: &str = "reports.s3/executions/orders-1/evidence.json";

fn put_evidence() -> String {
    format!("PUT {EVIDENCE}")
}

fn cache_cluster_created() -> Answer {
    query(
        "CreateCacheCluster",
        "<CacheCluster><CacheClusterStatus>creating</CacheClusterStatus></CacheCluster>",
    )
}

fn cache_cluster_exists() -> Answer {
    query_error(400, "CacheClusterAlreadyExists", "Cache cluster already exists")
}

fn of_cache_cluster(cluster: &Value) -> Seeding {
    let mut cluster = cluster.clone();
    cluster["kind"] = "cacheCluster".into();
    orders(&cluster)
}

#[tokio::test]
async fn a_cache_cluster_is_one_node_whose_id_ends_with_the_executions_hash() {
    let spec = json!({
        "nodeType": "cache.t4g.micro", "port": 7000, "subnetGroup": "private", "securityGroupIds": ["sg-1"],
        "snapshotRetentionDays": 3, "tags": {"team": "orders"},
    });
    let wire = script().on(RECORD, read_record(&of_cache_cluster(&spec))).on(HEAD, unchanged());
    let wire =
        wire.on(ASKED_BEFORE, s3_error(404, "NoSuchKey")).on(DESCRIBE_CACHE_CLUSTER, no_cache_cluster());
    let wire = wire.on(ASKED, ok()).on(CREATE_CACHE_CLUSTER, cache_cluster_created()).on(ASKED, ok());
    let output = create(&wire, &["0-16383"]).await.unwrap();
    wire.done();
    assert_eq!(output["clusterId"], "orders-8a3ff643bf7f1909");
    let mut sent = wire.form("elasticache Action=CreateCacheCluster");
    sent.sort();
    let mut expected = [
        "Action=CreateCacheCluster",
        "CacheClusterId=orders-8a3ff643bf7f1909",
        "Engine=redis",
        "EngineVersion=7.1",
        "CacheNodeType=cache.t4g.small",
        "NumCacheNodes=1",
        "CacheParameterGroupName=default.redis7",
        "Port=7000",
        "CacheSubnetGroupName=private",
        "SecurityGroupIds.SecurityGroupId.1=sg-1",
        "SnapshotRetentionLimit=3",
        "SnapshotArns.SnapshotArn.1=arn:aws:s3:::backups/in/orders.rdb",
        "Tags.Tag.1.Key=elasticache-seeder:execution",
        "Tags.Tag.1.Value=elasticache-seeder orders-1 8a3ff643bf7f1909",
        "Tags.Tag.2.Key=team",
        "Tags.Tag.2.Value=orders",
    ];
    expected.sort_unstable();
    assert_eq!(sent, expected);
}

/// After a lost answer, its ID says that it is ours.
#[tokio::test]
async fn a_cache_cluster_whose_answer_was_lost_is_known_by_its_id() {
    let wire = up_to_create_again(&of_cache_cluster(&json!({}))).on(ASKED, ok());
    let wire = wire.on(CREATE_CACHE_CLUSTER, cache_cluster_exists()).on(ASKED, ok());
    let wire = wire.on(DESCRIBE_CACHE_CLUSTER, cache_cluster("orders-8a3ff643bf7f1909", "creating", ""));
    assert_eq!(create(&wire, &["0-16383"]).await.unwrap()["status"], "creating");
    wire.done();
}

/// A first attempt to create a cache cluster with an exact ID, until its create is called.
fn up_to_create_exactly() -> Wire {
    let wire = script().on(RECORD, read_record(&of_cache_cluster(&json!({"exactId": true}))));
    let wire = wire.on(HEAD, unchanged()).on(ASKED_BEFORE, s3_error(404, "NoSuchKey"));
    wire.on(DESCRIBE_EXACT, no_cache_cluster()).on(ASKED, ok()).on(put_evidence(), ok())
}

/// A further attempt, after one that left this evidence.
fn up_to_create_exactly_again(evidence: Option<&str>) -> Wire {
    let wire = up_to_create_again(&of_cache_cluster(&json!({"exactId": true})));
    let left =
        evidence.map_or_else(|| s3_error(404, "NoSuchKey"), |evidence| json(json!({"evidence": evidence})));
    wire.on(format!("GET {EVIDENCE}"), left).on(ASKED, ok())
}

/// The evidence that was written, in order.
fn evidence(wire: &Wire) -> Vec<String> {
    let written = wire.jsons(&put_evidence());
    written.iter().map(|file| file["evidence"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_create_with_an_exact_id_is_in_doubt_until_its_answer_is_noted() {
    let wire = up_to_create_exactly().on(CREATE_CACHE_CLUSTER, lost());
    assert_eq!(create(&wire, &["0-16383"]).await.unwrap_err().name, ErrorName::ServiceBusy);
    wire.done();
    assert_eq!(evidence(&wire), ["in-doubt"]);
    let wire = up_to_create_exactly().on(CREATE_CACHE_CLUSTER, cache_cluster_created());
    let wire = wire.on(put_evidence(), ok()).on(ASKED, ok());
    assert_eq!(create(&wire, &["0-16383"]).await.unwrap()["clusterId"], "orders");
    wire.done();
    assert_eq!(evidence(&wire), ["in-doubt", "created"]);
}

/// It appeared after the check, and no call of ours can have made it.
#[tokio::test]
async fn an_exact_id_that_someone_took_meanwhile_leaves_no_doubt() {
    let wire = up_to_create_exactly().on(CREATE_CACHE_CLUSTER, cache_cluster_exists());
    let wire = wire.on(format!("DELETE {EVIDENCE}"), nothing()).on(ASKED, ok());
    let wire = wire.on(DESCRIBE_EXACT, cache_cluster("orders", "creating", ""));
    let error = create(&wire, &["0-16383"]).await.unwrap_err();
    wire.done();
    assert_eq!((error.name, error.message.as_str()), (ErrorName::IdTaken, "the cluster orders exists"));
}

/// The evidence decides, and a second attempt does not change it.
#[tokio::test]
async fn an_exact_id_that_exists_after_a_lost_answer_stays_in_doubt() {
    let exists = |wire: Wire| {
        let wire = wire.on(CREATE_CACHE_CLUSTER, cache_cluster_exists()).on(ASKED, ok());
        wire.on(DESCRIBE_EXACT, cache_cluster("orders", "creating", ""))
    };
    let wire = exists(up_to_create_exactly_again(Some("in-doubt")).on(put_evidence(), ok()));
    let error = create(&wire, &["0-16383"]).await.unwrap_err();
    wire.done();
    assert_eq!(error.name, ErrorName::IdTaken);
    assert!(error.message.contains("the answer to an earlier create of it was lost"), "{error}");
    assert_eq!(evidence(&wire), ["in-doubt"]);
    // Answered, and then the function died.
    let wire = exists(up_to_create_exactly_again(Some("created")));
    assert_eq!(create(&wire, &["0-16383"]).await.unwrap()["status"], "creating");
    wire.done();
    // The earlier call was never sent.
    let wire = up_to_create_exactly_again(None).on(put_evidence(), ok());
    let wire = wire.on(CREATE_CACHE_CLUSTER, cache_cluster_exists());
    let wire = wire.on(format!("DELETE {EVIDENCE}"), nothing()).on(ASKED, ok());
    let wire = wire.on(DESCRIBE_EXACT, cache_cluster("orders", "creating", ""));
    let error = create(&wire, &["0-16383"]).await.unwrap_err();
    wire.done();
    assert_eq!(error.message, "the cluster orders exists");
}

#[tokio::test]
async fn a_member_of_a_replication_group_has_no_exact_id_to_give() {
    let member = "<ReplicationGroupId>someones</ReplicationGroupId>";
    let wire = up_to_create_exactly_again(Some("created")).on(CREATE_CACHE_CLUSTER, cache_cluster_exists());
    let wire = wire.on(ASKED, ok()).on(DESCRIBE_EXACT, cache_cluster("orders", "available", member));
    assert_eq!(create(&wire, &["0-16383"]).await.unwrap_err().message, "the cluster orders exists");
    wire.done();
}
