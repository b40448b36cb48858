//! Backups whose inspection is kept from an earlier seeding.

use super::*;

/// The inspection by a seeding this many hours ago, for the engine of [`orders`].
fn known(hours: u64) -> KnownInspection {
    let now_ms = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap();
    let memory = seeding(&orders()).target.memory_settings();
    let options = InspectOptions { weighings: vec![Weighing::by(memory)], ..InspectOptions::default() };
    let inspected =
        inspect(&rdb(&[], &["a"])[..], &Position::default(), &options, &mut |_| Control::Continue);
    let Ok(Inspected::Complete(inspection)) = inspected else { panic!("no pause was requested") };
    KnownInspection { looked_at_ms: now_ms - hours * 60 * 60 * 1000, inspection, boundaries: Vec::new() }
}

#[tokio::test]
async fn a_backup_that_is_known_is_not_read_again() {
    for (hide_keys, end) in [(false, ".json"), (true, "-hidden.json")] {
        let wire = fine_target(fine_backup(script()))
            .on(KNOWN, json(known(1)))
            .on(PRICES, not_known())
            .on(PUT_RECORD, ok())
            .on(ACCOUNT, quota(1000));
        let mut request = orders();
        request["hideKeys"] = hide_keys.into();
        let output = prepare(&wire, request).await;
        assert_eq!((&output["verdict"], &output["chunks"]), (&json!("ok"), &json!([])));
        let record = wire.json(PUT_RECORD);
        let key = record["backups"][0]["knownInspection"].as_str().unwrap();
        assert!(
            key.starts_with("inspections/")
                && key.contains(&format!("/e1-100-v{}-valkey-8.1-", rdb_scan::SCHEMA)),
            "{key}"
        );
        assert!(key.ends_with(end), "{key}");
    }
}

#[tokio::test]
async fn what_was_weighed_for_another_engine_is_read_again() {
    let mut other = known(1);
    other.inspection.weights.clear();
    let wire = fine_target(fine_backup(script()))
        .on(KNOWN, json(other))
        .on(PRICES, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    assert_eq!(prepare(&wire, orders()).await["chunks"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_too_old_or_of_another_version_is_as_good_as_unknown() {
    for answer in [json(known(25)), json(json!({"schema": 7})), ok().body("{"), s3_error(403, "AccessDenied")]
    {
        let wire = fine_target(fine_backup(script()))
            .on(KNOWN, answer)
            .on(PRICES, not_known())
            .on(PUT_RECORD, ok())
            .on(ACCOUNT, quota(1000));
        let output = prepare(&wire, orders()).await;
        assert_eq!(output["chunks"].as_array().unwrap().len(), 2);
        assert_eq!(wire.json(PUT_RECORD)["backups"][0].get("knownInspection"), None);
    }
}
