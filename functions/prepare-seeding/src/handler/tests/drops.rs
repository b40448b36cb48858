//! Dropped files and lists, with the settings beside them.

use super::*;

#[tokio::test]
async fn a_dropped_file_takes_the_settings_beside_it() {
    let settings = json!({"cluster": {"id": "orders"}, "dryRun": true});
    let wire = script().on("GET backups.s3/in/seed.json", json(settings));
    let wire = fine_target(fine_backup(wire))
        .on(KNOWN, not_known())
        .on(PRICES, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    let output = prepare(&wire, json!({"dropped": {"bucket": "backups", "key": "in/orders.rdb"}})).await;
    assert_eq!((&output["clusterId"], &output["dryRun"]), (&json!("orders"), &json!(true)));
}

#[tokio::test]
async fn a_dropped_file_alone_names_its_cluster() {
    let wire = fine_backup(script().on("GET backups.s3/in/seed.json", s3_error(404, "NoSuchKey")))
        .on("elasticache Action=DescribeReplicationGroups&ReplicationGroupId=orders-…", no_group())
        .on(VERSIONS, versions())
        .on(DEFAULTS, defaults())
        .on(OFFERINGS, offerings(&[]))
        .on(KNOWN, not_known())
        .on(PRICES, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    let output = prepare(&wire, json!({"dropped": {"bucket": "backups", "key": "in/orders.rdb"}})).await;
    assert_eq!(output["clusterId"].as_str().unwrap().len(), "orders-".len() + 8);
}

#[tokio::test]
async fn what_is_dropped_and_only_taken_for_a_backup_is_rejected_with_the_reason() {
    for (key, beginning, code) in [
        ("in/orders.rdb.gz", vec![0x1f, 0x8b, 8, 0], "compressed-backup"),
        ("in/orders.RDB.ZST", vec![0x28, 0xb5, 0x2f, 0xfd], "compressed-backup"),
        ("in/orders.aof", b"*2\r\n$6\r\nSELECT".to_vec(), "not-an-rdb"),
        ("in/orders.rdb.bak", rdb(&[], &["a"]), "invalid-request"),
        ("in/orders.rdb.bak", b"text".to_vec(), "not-an-rdb"),
    ] {
        let wire = script().on(format!("HEAD backups.s3/{key}"), object()).on(
            format!("GET backups.s3/{key} range: bytes=0-4095 if-match: \"e1\""),
            status(206).body(beginning),
        );
        let output = prepare(&wire, json!({"dropped": {"bucket": "backups", "key": key}})).await;
        assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec![code]), "{key}");
        assert_eq!(output["findings"][0]["backup"], format!("backups/{key}"));
    }
    let key = "in/orders.rdb.gz";
    let wire = script().on(format!("HEAD backups.s3/{key}"), status(404));
    let output = prepare(&wire, json!({"dropped": {"bucket": "backups", "key": key}})).await;
    assert_eq!(codes(&output), ["backup-missing"]);
}

#[tokio::test]
async fn a_dropped_list_is_one_seeding_of_all_that_it_names() {
    let list = json!({"backups": ["backups/in/orders.rdb", "backups/in/2.rdb"], "cluster": {"id": "orders"}});
    let wire = fine_backup(script().on("GET backups.s3/sets/all.seed.json", json(list)))
        .on("HEAD backups.s3/in/2.rdb x-amz-expected-bucket-owner: 123456789012", object())
        .on("GET backups.s3/in/2.rdb range: bytes=0-4095 if-match: \"e1\"", beginning());
    let wire = fine_target(wire)
        .on(KNOWN, not_known())
        .on(KNOWN, not_known())
        .on(PRICES, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    let output = prepare(&wire, json!({"dropped": {"bucket": "backups", "key": "sets/all.seed.json"}})).await;
    assert_eq!(output["chunks"].as_array().unwrap().len(), 4);
    assert_eq!(wire.json(PUT_RECORD)["cluster"]["clusterMode"], true);
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_named_with_their_file() {
    let dropped = json!({"dropped": {"bucket": "backups", "key": "in/orders.rdb"}});
    for (answer, reason) in [
        (json(json!({"clutser": {}})), "backups/in/seed.json: clutser: unknown field `clutser`"),
        (ok().body("{"), "backups/in/seed.json: not JSON: EOF"),
        (
            ok().header("content-length", "262145").body(vec![b' '; 262_145]),
            "the file has 262145 bytes, at most 262144",
        ),
    ] {
        let wire = script().on("GET backups.s3/in/seed.json", answer);
        let output = prepare(&wire, dropped.clone()).await;
        assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec!["invalid-request"]));
        let found = output["findings"][0]["evidence"]["reason"].as_str().unwrap();
        assert!(found.contains(reason), "{found}");
    }
    let wire = script().on("GET backups.s3/in/seed.json", s3_error(403, "AccessDenied"));
    let error = prepare_with(&wire, json!({}), dropped).await.unwrap_err();
    assert_eq!(error.name, ErrorName::AccessDenied, "settings that may not be read must not be passed over");
}
