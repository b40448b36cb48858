use std::collections::BTreeMap;

use hcl_edit::{
    expr::{Expression, ObjectKey, ObjectValue},
    parser::parse_body,
    structure::{Block, BlockLabel, Body},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    facts::{memory::MemoryParameters, node_types::NodeTypes, partition::Partition},
    record::seeding::Target,
    request::resolve::resolve,
};

/// The attributes that Terraform's provider never reads back from AWS, so that an imported cluster differs from a
/// configuration that has them. Source: hashicorp/terraform-provider-aws at commit 001b636 (version 6, 2026),
/// internal/service/elasticache/replication_group.go, `resourceReplicationGroupRead`, which sets none of them.
const NEVER_READ_BACK: [&str; 7] = [
    "apply_immediately",
    "auth_token",
    "auth_token_update_strategy",
    "final_snapshot_identifier",
    "preferred_cache_cluster_azs",
    "snapshot_arns",
    "snapshot_name",
];

/// The attributes of which a difference replaces the cluster: `ForceNew` or `ForceNewIf` in the same file's schema.
const FORCE_NEW: [&str; 15] = [
    "at_rest_encryption_enabled",
    "data_tiering_enabled",
    "engine",
    "engine_version",
    "global_replication_group_id",
    "kms_key_id",
    "network_type",
    "node_group_configuration",
    "port",
    "replication_group_id",
    "security_group_names",
    "snapshot_arns",
    "snapshot_name",
    "subnet_group_name",
    "transit_encryption_enabled",
];

/// The attributes that the provider sets from what AWS describes, whatever they were.
const READ_BACK: [&str; 18] = [
    "at_rest_encryption_enabled",
    "automatic_failover_enabled",
    "description",
    "engine",
    "engine_version",
    "kms_key_id",
    "multi_az_enabled",
    "node_type",
    "num_cache_clusters",
    "num_node_groups",
    "parameter_group_name",
    "port",
    "replicas_per_node_group",
    "replication_group_id",
    "security_group_ids",
    "snapshot_retention_limit",
    "subnet_group_name",
    "transit_encryption_enabled",
];

const ARN: &str = "arn:aws:states:eu-west-1:123456789012:execution:seed-cluster:orders-1";
const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d";

fn seeding(cluster: &Value) -> (Seeding, Identity, ClusterInfo) {
    let identity = Identity::new(ARN, "orders-1");
    let request = json!({"backups": ["b/k.rdb"], "cluster": cluster});
    let (resolved, findings) = resolve(&[("request", &request)], &identity);
    let resolved = resolved.unwrap_or_else(|| panic!("{findings:?}"));
    let info = ClusterInfo {
        id: resolved.cluster.id.clone(),
        arn: String::new(),
        endpoint: "orders.example".to_owned(),
        port: resolved.cluster.port,
        // Of a second try, which the record does not name.
        node_type: "cache.r7g.xlarge".to_owned(),
        shards: resolved.cluster.shards,
    };
    let target = Target {
        cluster: resolved.cluster,
        options: resolved.options,
        node_types: NodeTypes::default(),
        reserved_memory_percent: 25,
        databases: 16,
        memory: MemoryParameters::default(),
        looked_at_ms: 0,
        max_nodes: None,
        prices: None,
    };
    let (partition, execution) = Partition::of_execution(ARN).unwrap();
    let seeding =
        Seeding { schema: 1, execution: execution.to_owned(), partition, backups: Vec::new(), target };
    (seeding, identity, info)
}

fn text(cluster: &Value) -> String {
    let (seeding, identity, info) = seeding(cluster);
    HandOver::of(&seeding, &identity, &info).text().to_owned()
}

fn block<'b>(body: &'b Body, name: &str) -> &'b Block {
    body.blocks().find(|block| block.has_ident(name)).unwrap()
}

/// The attributes of the resource, as JSON. What is a template or a reference is no value.
fn resource(text: &str) -> BTreeMap<String, Value> {
    let body = parse_body(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let attributes = block(&body, "resource").body.attributes();
    attributes.map(|one| (one.key.as_str().to_owned(), plain(&one.value))).collect()
}

fn plain(expression: &Expression) -> Value {
    match expression {
        Expression::String(text) => json!(text.as_str()),
        Expression::Bool(is_set) => json!(**is_set),
        Expression::Number(_) => json!(expression.to_string().trim().parse::<u64>().unwrap()),
        Expression::Array(values) => values.iter().map(plain).collect(),
        Expression::Object(members) => {
            let member = |(key, value): (&ObjectKey, &ObjectValue)| {
                let Some(Expression::String(key)) = key.as_expr() else { panic!("{key:?}") };
                (key.as_str().to_owned(), plain(value.expr()))
            };
            Value::Object(members.iter().map(member).collect())
        }
        other => panic!("{other:?} is no plain value"),
    }
}

/// Every field that a request may have.
fn full() -> Value {
    json!({
        "id": "orders", "engine": "redis", "engineVersion": "7.1", "shards": 3, "replicasPerShard": 1,
        "nodeType": "cache.r7g.large", "subnetGroup": "private", "securityGroupIds": ["sg-1", "sg-2"],
        "parameterGroup": "redis-7", "port": 7000, "transitEncryption": true, "atRestEncryption": true,
        "kmsKeyId": KEY, "userGroupId": "orders-users", "multiAz": true, "snapshotRetentionDays": 7,
        "tags": {"team": "orders"},
    })
}

#[test]
fn the_resource_is_the_cluster_as_it_is() {
    let owner = Identity::new(ARN, "orders-1").owner_text();
    let described = resource(&text(&full()));
    let expected = json!({
        "replication_group_id": "orders", "description": owner, "engine": "redis", "engine_version": "7.1",
        "node_type": "cache.r7g.xlarge", "num_node_groups": 3, "replicas_per_node_group": 1,
        "automatic_failover_enabled": true, "multi_az_enabled": true, "port": 7000,
        "at_rest_encryption_enabled": true, "transit_encryption_enabled": true, "snapshot_retention_limit": 7,
        "kms_key_id": KEY, "parameter_group_name": "redis-7", "subnet_group_name": "private",
        "security_group_ids": ["sg-1", "sg-2"], "user_group_ids": ["orders-users"],
        "tags": {"elasticache-seeder:execution": owner, "team": "orders"},
    });
    assert_eq!(json!(described), expected);
    let single = resource(&text(&json!({"id": "orders"})));
    assert_eq!(
        (&single["num_cache_clusters"], &single["automatic_failover_enabled"]),
        (&json!(1), &json!(false))
    );
    for absent in ["num_node_groups", "subnet_group_name", "security_group_ids", "parameter_group_name"] {
        assert!(!single.contains_key(absent), "{absent}");
    }
}

#[test]
fn no_attribute_is_one_that_aws_does_not_return() {
    let secret = json!({"id": "orders", "authTokenSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:t"});
    for cluster in [full(), json!({"id": "orders"}), secret] {
        for (name, value) in resource(&text(&cluster)) {
            assert!(!NEVER_READ_BACK.contains(&name.as_str()), "{name} = {value}");
            let is_known =
                READ_BACK.contains(&name.as_str()) || ["tags", "user_group_ids"].contains(&name.as_str());
            assert!(is_known, "{name} is not known to be read back");
        }
    }
}

/// Each of them has the value that the cluster was created with, or is left out.
#[test]
fn what_would_replace_the_cluster_is_exactly_as_it_was_asked_for() {
    let cluster = full();
    let asked = BTreeMap::from([
        ("at_rest_encryption_enabled", &cluster["atRestEncryption"]),
        ("engine", &cluster["engine"]),
        ("engine_version", &cluster["engineVersion"]),
        ("kms_key_id", &cluster["kmsKeyId"]),
        ("port", &cluster["port"]),
        ("replication_group_id", &cluster["id"]),
        ("subnet_group_name", &cluster["subnetGroup"]),
        ("transit_encryption_enabled", &cluster["transitEncryption"]),
    ]);
    let described = resource(&text(&cluster));
    let replacing = described.iter().filter(|(name, _)| FORCE_NEW.contains(&name.as_str()));
    let replacing: BTreeMap<_, _> = replacing.map(|(name, value)| (name.as_str(), value)).collect();
    assert_eq!(replacing, asked);
}

/// AWS returns the ARN of the key, whatever name the request has for it.
#[test]
fn another_name_of_a_key_is_no_difference_that_replaces_the_cluster() {
    for key in ["alias/orders", "0a1b2c3d", "arn:aws:kms:eu-west-1:123456789012:alias/orders"] {
        let text = text(&json!({"id": "orders", "kmsKeyId": key}));
        assert!(!resource(&text).contains_key("kms_key_id"), "{text}");
        assert!(text.contains("ignore_changes = [kms_key_id]"), "{text}");
    }
    assert!(!text(&full()).contains("ignore_changes"));
}

#[test]
fn the_file_imports_the_cluster_and_warns() {
    let text = text(&full());
    let body = parse_body(&text).unwrap();
    let import = block(&body, "import").body.attributes();
    let import: BTreeMap<_, _> =
        import.map(|one| (one.key.as_str(), one.value.to_string().trim().to_owned())).collect();
    assert_eq!(import["to"], "aws_elasticache_replication_group.orders");
    assert_eq!(import["id"], "\"orders\"");
    let labels: Vec<_> = block(&body, "resource").labels.iter().map(BlockLabel::as_str).collect();
    assert_eq!(labels, ["aws_elasticache_replication_group", "orders"]);
    for warning in
        ["Never add snapshot_arns", "replaces the cluster, data and all", "CloudFormation cannot import"]
    {
        assert!(text.contains(warning), "{warning}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A tag may have any text: it stays a text.
    #[test]
    fn every_value_means_itself(
        key in r#"[a-z]{0,3}([$%]{0,3}[{}]|["\\\n\t]|~|\PC){1,8}"#,
        value in r#"([$%]{0,3}[{}]|["\\\r\n\t\x00-\x1f]|#|/\*|<<EOT\n|[\u{202e}\u{2028}]|\PC){0,12}"#,
    ) {
        let (mut seeding, identity, info) = seeding(&json!({"id": "orders"}));
        seeding.target.cluster.tags.insert(key.clone(), value.clone());
        seeding.target.cluster.subnet_group = Some(value.clone());
        let text = HandOver::of(&seeding, &identity, &info).text().to_owned();
        let described = resource(&text);
        prop_assert_eq!(&described["tags"][&key], &json!(value), "{}", text);
        prop_assert_eq!(&described["subnet_group_name"], &json!(value), "{}", text);
        prop_assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()));
    }
}
