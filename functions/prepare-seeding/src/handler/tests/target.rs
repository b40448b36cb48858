//! Findings about the target: everything that blocks the requested cluster.

use super::*;

const GROUP: &str = "elasticache Action=DescribeCacheParameterGroups&CacheParameterGroupName=mine";
const GROUP_PARAMETERS: &str = "elasticache Action=DescribeCacheParameters&CacheParameterGroupName=mine";

fn parameter_group(family: &str) -> Answer {
    let one = format!("<CacheParameterGroupFamily>{family}</CacheParameterGroupFamily>");
    let list = format!(
        "<CacheParameterGroups><CacheParameterGroup>{one}</CacheParameterGroup></CacheParameterGroups>"
    );
    query("DescribeCacheParameterGroups", &list)
}

fn up_to_parameters() -> Wire {
    fine_backup(script()).on(DESCRIBE_GROUP, no_group()).on(VERSIONS, versions())
}

#[tokio::test]
async fn an_id_that_is_taken_is_refused_whatever_its_description() {
    let taken = |description| {
        fine_backup(script())
            .on(DESCRIBE_GROUP, group("available", description, &[], ""))
            .on(VERSIONS, versions())
            .on(DEFAULTS, defaults())
            .on(OFFERINGS, offerings(&[]))
    };
    // No execution has a cluster before it has prepared one.
    for description in ["production", OURS] {
        let output = prepare(&taken(description), orders()).await;
        assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec!["id-taken"]));
        assert_eq!(output["findings"][0]["evidence"]["description"], description);
    }
}

#[tokio::test]
async fn a_node_type_or_version_that_is_not_offered_is_refused_with_what_is() {
    let wire = fine_target(fine_backup(script()));
    let output = prepare(&wire, orders_with("nodeType", "cache.t4g.mirco")).await;
    assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec!["node-type-unknown"]));
    assert_eq!(output["findings"][0]["remedy"], "did you mean cache.t4g.micro?");
    // The parameters of an unknown version are not requested.
    let wire = fine_backup(script()).on(DESCRIBE_GROUP, no_group()).on(VERSIONS, versions());
    let output = prepare(&wire, orders_with("engineVersion", "8.9")).await;
    assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec!["engine-version-unknown"]));
    assert_eq!(output["findings"][0]["evidence"]["offered"], json!(["7.2.6", "8.0.1", "8.1.0"]));
}

#[tokio::test]
async fn every_page_of_the_parameters_is_turned() {
    let wire = fine_backup(script())
        .on(DESCRIBE_GROUP, no_group())
        .on(VERSIONS, versions())
        .on(DEFAULTS, defaults_page("m1", &lists(&[("databases", "32")], &[("cache.t4g.micro", 1)])))
        .on(
            format!("{DEFAULTS}&Marker=m1"),
            defaults_page("m2", &lists(&[("reserved-memory-percent", "10")], &[])),
        )
        .on(format!("{DEFAULTS}&Marker=m2"), defaults_page("", &lists(&[], &[("cache.t4g.small", 2)])))
        .on(OFFERINGS, offerings(&[]))
        .on(KNOWN, not_known())
        .on(PRICES, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    prepare(&wire, orders()).await;
    let record = wire.json(PUT_RECORD);
    assert_eq!(record["nodeTypes"], json!({"cache.t4g.micro": 1, "cache.t4g.small": 2}));
    assert_eq!((&record["reservedMemoryPercent"], &record["databases"]), (&json!(10), &json!(32)));
}

#[tokio::test]
async fn a_parameter_group_says_how_much_memory_and_how_many_databases_there_are() {
    let page = |marker: &str, lists: &str| {
        query("DescribeCacheParameters", &format!("<Marker>{marker}</Marker>{lists}"))
    };
    let first = lists(&[("cluster-enabled", "no"), ("databases", "64")], &[("cache.t4g.micro", 1)]);
    let wire = up_to_parameters()
        .on(GROUP, parameter_group("valkey8"))
        .on(GROUP_PARAMETERS, page("m1", &first))
        .on(
            format!("{GROUP_PARAMETERS}&Marker=m1"),
            page(
                "",
                &lists(
                    &[
                        ("reserved-memory-percent", "40"),
                        ("hash-max-listpack-entries", "7"),
                        ("maxmemory-policy", "noeviction"),
                    ],
                    &[],
                ),
            ),
        )
        .on(OFFERINGS, offerings(&[]))
        .on(KNOWN, not_known())
        .on(PRICES, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    let output = prepare(&wire, orders_with("parameterGroup", "mine")).await;
    assert_eq!(output["verdict"], "ok");
    let record = wire.json(PUT_RECORD);
    assert_eq!((&record["reservedMemoryPercent"], &record["databases"]), (&json!(40), &json!(64)));
    let memory = &record["memory"];
    let decisive = (&memory["thresholds"]["hashEntries"], &memory["sharesIntegers"]);
    assert_eq!(decisive, (&json!(7), &json!(true)));
}

#[tokio::test]
async fn a_parameter_group_that_does_not_go_with_the_cluster_is_refused() {
    let parameters = |cluster_mode| {
        query("DescribeCacheParameters", &lists(&[("cluster-enabled", cluster_mode)], &[("cache.x", 1)]))
    };
    let missing = query_error(404, "CacheParameterGroupNotFound", "no such group");
    for (wire, expected) in [
        (
            up_to_parameters()
                .on(GROUP, parameter_group("redis7"))
                .on(GROUP_PARAMETERS, parameters("no"))
                .on(OFFERINGS, offerings(&[])),
            json!("valkey8"),
        ),
        (
            up_to_parameters()
                .on(GROUP, parameter_group("valkey8"))
                .on(GROUP_PARAMETERS, parameters("yes"))
                .on(OFFERINGS, offerings(&[])),
            json!("no"),
        ),
        (up_to_parameters().on(GROUP, missing).on(OFFERINGS, offerings(&[])), Value::Null),
    ] {
        let mut request = orders_with("parameterGroup", "mine");
        request["cluster"]["clusterMode"] = "disabled".into();
        let output = prepare(&wire, request).await;
        assert_eq!(
            (&output["outcome"], codes(&output)),
            (&json!("rejected"), vec!["parameter-group-unusable"])
        );
        assert_eq!(output["findings"][0]["evidence"].get("expected").cloned().unwrap_or_default(), expected);
    }
}

#[tokio::test]
async fn a_subnet_group_has_to_be_there() {
    let subnets = "elasticache Action=DescribeCacheSubnetGroups&CacheSubnetGroupName=private";
    let wire = fine_backup(script())
        .on(DESCRIBE_GROUP, no_group())
        .on(subnets, query_error(400, "CacheSubnetGroupNotFoundFault", "no such group"))
        .on(VERSIONS, versions())
        .on(DEFAULTS, defaults())
        .on(OFFERINGS, offerings(&[]));
    let output = prepare(&wire, orders_with("subnetGroup", "private")).await;
    assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec!["subnet-group-missing"]));
}

#[tokio::test]
async fn what_the_role_may_not_look_at_is_a_warning_and_the_documented_numbers_are_taken() {
    let denied = || query_error(403, "AccessDenied", "not authorized");
    let wire = fine_backup(script())
        .on(DESCRIBE_GROUP, denied())
        .on(VERSIONS, denied())
        .on(DEFAULTS, denied())
        .on(OFFERINGS, denied())
        .on(KNOWN, not_known())
        .on(PRICES, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    // A version that the product does not know. Without permission to list the versions, it is accepted.
    let output = prepare(&wire, orders_with("engineVersion", "8.9")).await;
    assert_eq!((&output["verdict"], codes(&output)), (&json!("warn"), vec!["target-not-checked"; 4]));
    assert_eq!(wire.json(PUT_RECORD)["nodeTypes"]["cache.r7g.large"], 14_037_181_030_u64);
    let wire = up_to_parameters()
        .on(GROUP, parameter_group("valkey8"))
        .on(GROUP_PARAMETERS, denied())
        .on(OFFERINGS, denied())
        .on(KNOWN, not_known())
        .on(PRICES, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    let output = prepare(&wire, orders_with("parameterGroup", "mine")).await;
    assert_eq!(codes(&output), ["target-not-checked"; 2]);
}

/// The parameter group `mine` with this value of `cluster-enabled`.
fn group_with_cluster_mode(enabled: &str) -> Wire {
    let parameters = lists(&[("cluster-enabled", enabled)], &[("cache.t4g.micro", 536_870_912)]);
    up_to_parameters()
        .on(GROUP, parameter_group("valkey8"))
        .on(GROUP_PARAMETERS, query("DescribeCacheParameters", &parameters))
        .on(OFFERINGS, offerings(&[]))
}

#[tokio::test]
async fn the_parameter_group_decides_about_cluster_mode_where_the_request_is_silent() {
    for (enabled, mode, automatic) in [("yes", true, true), ("no", false, false)] {
        let wire = group_with_cluster_mode(enabled)
            .on(KNOWN, not_known())
            .on(PRICES, not_known())
            .on(PUT_RECORD, ok())
            .on(ACCOUNT, quota(1000));
        assert_eq!(prepare(&wire, orders_with("parameterGroup", "mine")).await["verdict"], "ok");
        let record = wire.json(PUT_RECORD);
        let cluster = &record["cluster"];
        assert_eq!((&cluster["clusterMode"], &cluster["automaticShards"]), (&json!(mode), &json!(automatic)));
        assert_eq!(record["databases"], if mode { 1 } else { 16 });
    }
}

#[tokio::test]
async fn a_patch_level_is_a_note_and_a_version_may_stand_without_quotes() {
    let record = async |version: Value| {
        let mut request = orders();
        request["cluster"]["engineVersion"] = version;
        let wire = fine_target(fine_backup(script()))
            .on(KNOWN, not_known())
            .on(PRICES, not_known())
            .on(PUT_RECORD, ok())
            .on(ACCOUNT, quota(1000));
        let output = prepare(&wire, request).await;
        (
            output["verdict"].clone(),
            output["findings"].clone(),
            wire.json(PUT_RECORD)["cluster"]["engineVersion"].clone(),
        )
    };
    let (verdict, findings, taken) = record(json!("8.1.3")).await;
    assert_eq!((&verdict, &taken), (&json!("ok"), &json!("8.1")));
    assert_eq!(
        (&findings[0]["code"], &findings[0]["severity"]),
        (&json!("engine-version-unknown"), &json!("note"))
    );
    assert_eq!(record(json!(8.1)).await, (json!("ok"), json!([]), json!("8.1")));
    let mut request = orders();
    request["cluster"]["engineVersion"] = 8.into();
    let wire = script();
    let output = prepare(&wire, request).await;
    assert_eq!(codes(&output), ["invalid-request"]);
    assert!(
        output["findings"][0]["evidence"]["reason"]
            .as_str()
            .unwrap()
            .contains("cluster.engineVersion: 8 is only")
    );
}

#[tokio::test]
async fn a_version_that_is_not_offered_is_one_finding() {
    // The unknown version gives no findings about node types or the RDB version.
    let newer = [b"REDIS0012".as_slice(), &[0xff; 9]].concat();
    let wire = script()
        .on(HEAD_BUCKET, bucket_is_there())
        .on(GET_POLICY, no_policy())
        .on(HEAD, object())
        .on(GET, status(206).body(newer))
        .on(DESCRIBE_GROUP, no_group())
        .on(VERSIONS, versions());
    let mut request = orders_with("engineVersion", "8.9");
    request["cluster"]["nodeType"] = "cache.x9g.large".into();
    request["cluster"]["parameterGroup"] = "mine".into();
    assert_eq!(codes(&prepare(&wire, request).await), ["engine-version-unknown"]);
}

const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:token";

#[tokio::test]
async fn an_auth_token_is_checked_and_never_shown() {
    let asked = format!("secretsmanager.GetSecretValue {{\"SecretId\":\"{SECRET}\"}}");
    let with = |answer: Answer| {
        let wire = fine_backup(script()).on(DESCRIBE_GROUP, no_group()).on(asked.clone(), answer);
        wire.on(VERSIONS, versions()).on(DEFAULTS, defaults()).on(OFFERINGS, offerings(&[]))
    };
    let logs = Logs::keep();
    for (answer, reason) in [
        (json(json!({"SecretString": "too-short-42"})), "12 characters"),
        (json(json!({"SecretString": "too-short-42 and spaces"})), "2 characters of the token"),
        (
            json(json!({"SecretString": "{\"token\":\"too-short-42-not\"}"})),
            "a string in the field authToken",
        ),
        (json(json!({"SecretBinary": "dG9vLXNob3J0LTQy"})), "is binary"),
        (json_error(400, "ResourceNotFoundException", "can't find the secret"), "can't find the secret"),
        (json_error(400, "AccessDeniedException", "not authorized"), "is denied"),
    ] {
        let output = prepare(&with(answer), orders_with("authTokenSecretArn", SECRET)).await;
        assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec!["auth-token-unusable"]));
        let found = output["findings"][0]["evidence"]["reason"].as_str().unwrap();
        assert!(found.contains(reason), "{found}");
        assert!(!output.to_string().contains("too-short"), "{output}");
    }
    let wire = with(json(json!({"SecretString": "{\"password\":\"long-enough-for-42\"}"})));
    let wire =
        wire.on(KNOWN, not_known()).on(PRICES, not_known()).on(PUT_RECORD, ok()).on(ACCOUNT, quota(1000));
    assert_eq!(prepare(&wire, orders_with("authTokenSecretArn", SECRET)).await["verdict"], "ok");
    assert!(!wire.text(PUT_RECORD).contains("long-enough"), "the record holds the token");
    assert!(!logs.text().contains("long-enough") && !logs.text().contains("too-short"), "{}", logs.text());
}

#[tokio::test]
async fn a_user_group_has_to_be_there_active_and_of_the_engine() {
    let group = |status: &str, engine: &str| {
        let one = format!(
            "<member><UserGroupId>app</UserGroupId><Status>{status}</Status><Engine>{engine}</Engine>\
             <MinimumEngineVersion>6.0</MinimumEngineVersion></member>"
        );
        query("DescribeUserGroups", &format!("<UserGroups>{one}</UserGroups>"))
    };
    let with = |answer: Answer| {
        let wire = fine_backup(script()).on(DESCRIBE_GROUP, no_group()).on(VERSIONS, versions());
        wire.on("elasticache Action=DescribeUserGroups&UserGroupId=app", answer)
            .on(DEFAULTS, defaults())
            .on(OFFERINGS, offerings(&[]))
    };
    let request = || orders_with("userGroupId", "app");
    for (answer, reason) in [
        (query_error(404, "UserGroupNotFound", "no such group"), "no such user group"),
        (group("modifying", "valkey"), "modifying"),
    ] {
        let output = prepare(&with(answer), request()).await;
        assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec!["user-group-unusable"]));
        let found = output["findings"][0]["evidence"]["reason"].as_str().unwrap();
        assert!(found.contains(reason), "{found}");
    }
    let wire = with(group("active", "redis"))
        .on(KNOWN, not_known())
        .on(PRICES, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    assert_eq!(prepare(&wire, request()).await["verdict"], "ok");
    let denied = query_error(403, "AccessDenied", "not authorized");
    let wire = with(denied)
        .on(KNOWN, not_known())
        .on(PRICES, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    assert_eq!(codes(&prepare(&wire, request()).await), ["target-not-checked"]);
}

#[tokio::test]
async fn tags_follow_the_rules_of_aws() {
    let wire = fine_target(fine_backup(script()));
    let mut request = orders();
    request["cluster"]["tags"] = json!({"aws:team": "x", "team": "orders;1"});
    let output = prepare(&wire, request).await;
    assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec!["invalid-tag"; 2]));
    assert_eq!(output["findings"][0]["evidence"]["tag"], "aws:team");
}

fn up_to_region(node_types: &[&str]) -> Wire {
    up_to_parameters().on(DEFAULTS, defaults()).on(OFFERINGS, offerings(node_types))
}

fn prepared(wire: Wire) -> Wire {
    wire.on(KNOWN, not_known()).on(PRICES, not_known()).on(PUT_RECORD, ok()).on(ACCOUNT, quota(1000))
}

#[tokio::test]
async fn a_node_type_that_the_region_may_lack_is_a_warning_and_auto_chooses_another() {
    let wire = prepared(up_to_region(&["cache.t4g.small"]));
    let output = prepare(&wire, orders_with("nodeType", "cache.t4g.micro")).await;
    assert_eq!((&output["verdict"], codes(&output)), (&json!("warn"), vec!["node-type-not-in-region"]));
    let wire = prepared(up_to_region(&["cache.t4g.small"]));
    let output = prepare(&wire, orders_with("nodeType", "auto")).await;
    assert_eq!(output["verdict"], "ok");
    let types = wire.json(PUT_RECORD)["nodeTypes"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(types, ["cache.t4g.small"]);
    // A list without any known type is ignored.
    let wire = prepared(up_to_region(&["cache.z9.large"]));
    let output = prepare(&wire, orders_with("nodeType", "cache.t4g.micro")).await;
    assert_eq!((&output["verdict"], codes(&output)), (&json!("ok"), vec![]));
}

/// AWS may have a type or a version that its lists do not name.
#[tokio::test]
async fn a_node_type_or_version_that_is_not_listed_can_be_allowed() {
    let mut request = orders_with("nodeType", "cache.z9.large");
    request["allow"] = json!(["node-type-unknown"]);
    let output = prepare(&prepared(up_to_region(&[])), request).await;
    assert_eq!((&output["outcome"], codes(&output)), (&json!("prepared"), vec!["node-type-unknown"]));
    let mut request = orders_with("engineVersion", "8.9");
    request["allow"] = json!(["engine-version-unknown"]);
    let wire = prepared(fine_backup(script()).on(DESCRIBE_GROUP, no_group()).on(VERSIONS, versions()));
    let output = prepare(&wire, request).await;
    assert_eq!((&output["outcome"], codes(&output)), (&json!("prepared"), vec!["engine-version-unknown"]));
}

fn serverless() -> Value {
    orders_with("kind", "serverless")
}

#[tokio::test]
async fn a_serverless_cache_needs_neither_node_types_nor_a_region_that_has_them() {
    let wire = fine_backup(script())
        .on(DESCRIBE_CACHE, no_cache())
        .on(VERSIONS, versions())
        .on(DEFAULTS, defaults())
        .on(KNOWN, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    // The stack's defaults describe nodes.
    let stack =
        json!({"cluster": {"replicasPerShard": 1, "subnetGroup": "private", "nodeType": "cache.t4g.mirco"}});
    let output = prepare_with(&wire, stack, serverless()).await.unwrap();
    wire.done();
    assert_eq!((&output["outcome"], codes(&output)), (&json!("prepared"), vec![]));
    let record = wire.json(PUT_RECORD);
    assert_eq!(
        (&record["cluster"]["kind"], &record["cluster"]["clusterMode"]),
        (&json!("serverless"), &json!(true))
    );
    assert_eq!((&record["nodeTypes"], &record["databases"]), (&json!({}), &json!(1)));
}

#[tokio::test]
async fn a_name_that_a_serverless_cache_has_is_refused() {
    let wire = fine_backup(script())
        .on(DESCRIBE_CACHE, cache("available", "production"))
        .on(VERSIONS, versions())
        .on(DEFAULTS, defaults());
    let output = prepare(&wire, serverless()).await;
    assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec!["id-taken"]));
}

/// The outcome and the message begin with the first finding, and show a few.
#[tokio::test]
async fn a_refusal_begins_with_its_reason_and_not_with_a_note() {
    let wire = fine_backup(script())
        .on(DESCRIBE_CACHE, cache("available", "production"))
        .on(VERSIONS, versions())
        .on(DEFAULTS, defaults());
    let mut request = serverless();
    request["cluster"]["engineVersion"] = json!("8.1");
    let output = prepare(&wire, request).await;
    assert_eq!(codes(&output), vec!["id-taken", "engine-version-unknown"]);
}

fn of_redis(line: &str) -> String {
    line.replace("valkey8", "redis7").replace("valkey", "redis")
}

fn redis_versions() -> Answer {
    let one = "<CacheEngineVersion><EngineVersion>7.1.0</EngineVersion></CacheEngineVersion>";
    query("DescribeCacheEngineVersions", &format!("<CacheEngineVersions>{one}</CacheEngineVersions>"))
}

#[tokio::test]
async fn a_cache_cluster_is_checked_as_redis_whatever_the_stacks_defaults_say() {
    let wire = fine_backup(script())
        .on(DESCRIBE_CACHE_CLUSTER, no_cache_cluster())
        .on(of_redis(VERSIONS), redis_versions())
        .on(of_redis(DEFAULTS), defaults())
        .on(of_redis(OFFERINGS), offerings(&[]))
        .on(KNOWN, not_known())
        .on(PRICES, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    let stack = json!({"cluster": {
        "engine": "valkey", "engineVersion": "8.1", "parameterGroup": "mine", "replicasPerShard": 1,
        "transitEncryption": true, "atRestEncryption": true, "multiAz": false,
    }});
    let output = prepare_with(&wire, stack, orders_with("kind", "cacheCluster")).await.unwrap();
    wire.done();
    assert_eq!((&output["outcome"], codes(&output)), (&json!("prepared"), vec![]));
    assert_eq!(output["clusterId"], "orders-8a3ff643bf7f1909");
    let record = wire.json(PUT_RECORD);
    assert_eq!((&record["cluster"]["engine"], &record["databases"]), (&json!("redis"), &json!(16)));
    assert_eq!(record["nodeTypes"]["cache.t4g.micro"], 536_870_912);
}

#[tokio::test]
async fn an_exact_id_that_a_cache_cluster_or_a_member_has_is_refused() {
    let member = "<ReplicationGroupId>someones</ReplicationGroupId>";
    for (more, group) in [("", Value::Null), (member, json!("someones"))] {
        let wire = fine_backup(script())
            .on(DESCRIBE_EXACT, cache_cluster("orders", "available", more))
            .on(of_redis(VERSIONS), redis_versions())
            .on(of_redis(DEFAULTS), defaults())
            .on(of_redis(OFFERINGS), offerings(&[]));
        let mut request = orders_with("kind", "cacheCluster");
        request["cluster"]["exactId"] = true.into();
        let output = prepare(&wire, request).await;
        assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec!["id-taken"]));
        let evidence = &output["findings"][0]["evidence"];
        assert_eq!((&evidence["status"], &evidence["memberOf"]), (&json!("available"), &group));
        assert!(evidence.get("description").is_none(), "{evidence}");
    }
}
