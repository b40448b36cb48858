use lambda::test_util::{
    EXECUTION_ARN, RECORD, Wire, json, ok, rdb, read_record, run, s3_error, script, seeding, understands,
};
use rdb_scan::{
    Assembly, Control, InspectOptions, Position, RangeInspection, Weighing, assemble, inspect_up_to,
};
use seeder_aws::ReportStore;
use seeding::{ErrorName, KnownInspection, Seeding, StepError};
use serde_json::{Value, json};

use super::AssessBackup;

const KEPT: &str = "PUT reports.s3/inspections/…";
const PAGE: &str = "PUT reports.s3/executions/orders-1/report.html";
const REPORT: &str = "PUT reports.s3/executions/orders-1/report.json";

fn orders() -> Seeding {
    let cluster = json!({"id": "orders", "nodeType": "cache.t4g.micro"});
    seeding(&json!({"backups": ["backups/in/orders.rdb"], "cluster": cluster}))
}

async fn assess(wire: &Wire, inspected: &[Value], findings: Value, round: u32) -> Result<Value, StepError> {
    let step =
        AssessBackup { reports: ReportStore::new(wire.clients().s3(), "reports".into()), max_rounds: 200 };
    let input =
        json!({"execution": EXECUTION_ARN, "inspected": inspected, "findings": findings, "round": round});
    run(&step, input).await
}

/// The partial results of a file: of one worker with time for all of it, or of workers with time for one record each.
fn inspected(file: &[u8], time: Control) -> Vec<RangeInspection> {
    let mut parts = Vec::new();
    let mut start = Position::default();
    loop {
        let from = usize::try_from(start.offset()).unwrap();
        let end = file.len() as u64;
        let weighings = vec![Weighing::by(orders().target.memory_settings())];
        let options = InspectOptions { size_bytes: Some(end), weighings, ..InspectOptions::default() };
        let part = inspect_up_to(&file[from..], &start, end, &options, &mut |_| time).unwrap();
        let resume = part.resume.clone();
        parts.push(part);
        match resume {
            None => return parts,
            Some(position) => start = position,
        }
    }
}

/// The key of a backup's kept inspection.
fn kept_key(seeding: &Seeding, backup: usize) -> String {
    let memory = seeding.target.memory_settings();
    seeding::ExecutionFiles::inspection(&seeding.backups[backup], seeding.target.options.hide_keys, &memory)
        .to_string()
}

fn whole(file: &[u8]) -> RangeInspection {
    inspected(file, Control::Continue).remove(0)
}

fn partial(backup: usize, range: &RangeInspection) -> String {
    seeding::ExecutionFiles::of("orders-1").partial(backup, range.range.start, range.range.end).to_string()
}

fn chunk(backup: usize, range: &RangeInspection) -> Value {
    let end = range.span().unwrap().end;
    json!({
        "backup": backup, "start": range.range.start, "end": end, "complete": range.resume.is_none(),
        "partial": partial(backup, range),
    })
}

/// The step's reads of these partial results of the first backup.
fn reading(seeding: &Seeding, parts: &[RangeInspection]) -> Wire {
    parts.iter().fold(script().on(RECORD, read_record(seeding)), |wire, part| {
        wire.on(format!("GET reports.s3/{}", partial(0, part)), json(part))
    })
}

async fn assess_file(file: &[u8]) -> Value {
    let part = whole(file);
    let wire = reading(&orders(), std::slice::from_ref(&part)).on(KEPT, ok()).on(PAGE, ok()).on(REPORT, ok());
    let output = assess(&wire, &[chunk(0, &part)], json!([]), 1).await.unwrap();
    wire.done();
    output
}

fn codes(findings: &Value) -> Vec<&str> {
    findings.as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_sound_backup_that_fits_is_ok_and_has_a_plan_and_a_report() {
    let part = whole(&rdb(&[("redis-ver", "7.0.15"), ("used-mem", "1000000")], &["a", "b", "c"]));
    let wire = reading(&orders(), std::slice::from_ref(&part)).on(KEPT, ok()).on(PAGE, ok()).on(REPORT, ok());
    let output = assess(&wire, &[chunk(0, &part)], json!([]), 1).await.unwrap();
    wire.done();
    assert_eq!((&output["outcome"], &output["verdict"]), (&json!("assessed"), &json!("ok")));
    assert_eq!(codes(&output["findings"]), ["checksum-absent"]);
    assert_eq!(output["plan"]["nodeType"], "cache.t4g.micro");
    let report = wire.json(REPORT);
    let used = &report["footprint"]["usedMemoryBytes"];
    assert!((200..1000).contains(&used.as_u64().unwrap()), "{used}");
    let shard = json!({"slots": "0-16383", "keys": 3, "usedMemoryBytes": used, "usableBytes": 402_653_184});
    assert_eq!(output["plan"]["shards"], json!([shard]));
    assert_eq!(output["report"], "s3://reports/executions/orders-1/report.json");
    let counts = json!({"keys": 3, "expires": 0, "alreadyExpired": 0, "dataBytes": used});
    assert_eq!(report["counts"], counts);
    assert_eq!(report["backups"][0]["key"], "in/orders.rdb");
    assert_eq!(report["plan"], output["plan"]);
}

#[tokio::test]
async fn chunks_are_joined_to_what_one_pass_would_have_found() {
    let file = rdb(&[("used-mem", "1000000")], &["a", "b", "c", "d", "e"]);
    let parts = inspected(&file, Control::Pause);
    assert!(parts.len() > 2, "{} parts", parts.len());
    let mut chunks: Vec<_> = parts.iter().map(|part| chunk(0, part)).collect();
    // In any order, and one of them twice.
    chunks.reverse();
    chunks.push(chunks[0].clone());
    let wire = reading(&orders(), &parts).on(KEPT, ok()).on(PAGE, ok()).on(REPORT, ok());
    let output = assess(&wire, &chunks, json!([]), 3).await.unwrap();
    wire.done();
    let one_pass = reading(&orders(), &[whole(&file)]).on(KEPT, ok()).on(PAGE, ok()).on(REPORT, ok());
    let expected = assess(&one_pass, &[chunk(0, &whole(&file))], json!([]), 1).await.unwrap();
    assert_eq!(output, expected);
    assert_eq!(wire.json(REPORT), one_pass.json(REPORT));
}

#[tokio::test]
async fn what_is_known_of_a_backup_stands_for_reading_it() {
    let file = rdb(&[("used-mem", "1000000")], &["a", "b", "c"]);
    let part = whole(&file);
    let wire = reading(&orders(), std::slice::from_ref(&part)).on(KEPT, ok()).on(PAGE, ok()).on(REPORT, ok());
    let first = assess(&wire, &[chunk(0, &part)], json!([]), 1).await.unwrap();
    let key = kept_key(&orders(), 0);
    let kept = wire.json(&format!("PUT reports.s3/{key}"));

    let mut seeding = orders();
    seeding.backups[0].known_inspection = Some("inspections/known.json".into());
    let known = "GET reports.s3/inspections/known.json";
    let wire =
        script().on(RECORD, read_record(&seeding)).on(known, json(kept)).on(PAGE, ok()).on(REPORT, ok());
    let second = assess(&wire, &[], json!([]), 1).await.unwrap();
    wire.done();
    assert_eq!(second, first);

    // A deleted inspection is read after all, and a failure to keep one changes nothing.
    let wire = script()
        .on(RECORD, read_record(&seeding))
        .on(known, s3_error(404, "NoSuchKey"))
        .on("PUT reports.s3/executions/orders-1/partials/…", ok());
    let output = assess(&wire, &[], json!([]), 1).await.unwrap();
    assert_eq!(output["chunks"][0]["start"], 0);
    let refused = s3_error(403, "AccessDenied");
    let wire =
        reading(&orders(), std::slice::from_ref(&part)).on(KEPT, refused).on(PAGE, ok()).on(REPORT, ok());
    assert_eq!(assess(&wire, &[chunk(0, &part)], json!([]), 1).await.unwrap(), first);
}

#[tokio::test]
async fn names_that_are_to_be_hidden_are_kept_apart() {
    let mut seeding = orders();
    seeding.target.options.hide_keys = true;
    let key = kept_key(&seeding, 0);
    let put = format!("PUT reports.s3/{key}");
    let part = whole(&rdb(&[("used-mem", "1000000")], &["a"]));
    let wire = reading(&seeding, std::slice::from_ref(&part)).on(&put, ok()).on(PAGE, ok()).on(REPORT, ok());
    assess(&wire, &[chunk(0, &part)], json!([]), 1).await.unwrap();
    wire.done();
    assert!(key.ends_with("-hidden.json"), "{key}");
}

#[tokio::test]
async fn of_two_backups_only_the_unknown_one_waits_for_workers_and_is_kept() {
    let cluster = json!({"id": "orders", "nodeType": "cache.t4g.micro", "clusterMode": "enabled"});
    let mut both = seeding(&json!({"backups": ["backups/in/1.rdb", "backups/in/2.rdb"], "cluster": cluster}));
    let (first, second) = (rdb(&[("used-mem", "1000")], &["a"]), rdb(&[("used-mem", "1000")], &["b", "c"]));
    both.backups[0].known_inspection = Some("inspections/1.json".into());
    let Assembly::Whole(inspection) = assemble(&[whole(&first)], first.len() as u64, 0) else {
        panic!("a whole file is not whole");
    };
    let known = json(KnownInspection { looked_at_ms: 1, inspection: *inspection, boundaries: Vec::new() });
    let part = whole(&second);
    let kept = format!("PUT reports.s3/{}", kept_key(&both, 1));
    let wire = script()
        .on(RECORD, read_record(&both))
        .on("GET reports.s3/inspections/1.json", known)
        .on(format!("GET reports.s3/{}", partial(1, &part)), json(&part))
        .on(&kept, ok())
        .on(PAGE, ok())
        .on(REPORT, ok());
    let output = assess(&wire, &[chunk(1, &part)], json!([]), 1).await.unwrap();
    wire.done();
    assert_eq!((&output["outcome"], &wire.json(REPORT)["counts"]["keys"]), (&json!("assessed"), &json!(3)));
}

#[tokio::test]
async fn a_key_that_stands_twice_is_told_as_what_ends_a_load() {
    let output = assess_file(&rdb(&[("used-mem", "1000000")], &["a", "b", "a"])).await;
    assert_eq!((&output["verdict"], codes(&output["findings"])[0]), (&json!("reject"), "duplicate-data"));
    let evidence = &output["findings"][0]["evidence"];
    assert_eq!((&evidence["hazard"], &evidence["count"]), (&json!("duplicate-key"), &json!(1)));
}

#[tokio::test]
async fn what_only_redis_enterprise_reads_is_refused() {
    let file = rdb(&[("used-mem", "1000000")], &["a", "b"]);
    // Before the second key's type: an LRU idle time.
    let second = file.windows(3).position(|bytes| bytes == [0, 1, b'b']).unwrap();
    let file = [&file[..second], &[107, 7], &file[second..]].concat();
    let output = assess_file(&file).await;
    assert_eq!((&output["verdict"], codes(&output["findings"])[0]), (&json!("reject"), "foreign-record"));
}

#[tokio::test]
async fn a_backup_that_breaks_off_where_a_worker_paused_is_not_taken_for_sound() {
    let file = rdb(&[], &["a", "b"]);
    let parts = inspected(&file[..file.len() - 9], Control::Pause);
    let mut chunks: Vec<_> = parts.iter().map(|part| chunk(0, part)).collect();
    chunks.reverse();
    let wire = reading(&orders(), &parts).on(KEPT, ok()).on(PAGE, ok()).on(REPORT, ok());
    let output = assess(&wire, &chunks, json!([]), 9).await.unwrap();
    wire.done();
    assert_eq!(output["verdict"], "reject");
    assert_eq!(codes(&output["findings"]), ["backup-truncated"]);
}

#[tokio::test]
async fn what_no_worker_has_finished_is_read_on_before_anything_is_decided() {
    let mut seeding = orders();
    let file = rdb(&[], &["a", "b"]);
    seeding.backups[0].size_bytes = file.len() as u64;
    let unfinished = inspected(&file, Control::Pause).remove(0);
    let end = unfinished.span().unwrap().end;
    let gap = seeding::ExecutionFiles::of("orders-1").gap(0, end);
    let put = format!("PUT reports.s3/{gap}");
    let wire = reading(&seeding, std::slice::from_ref(&unfinished)).on(&put, ok());
    let output = assess(&wire, &[chunk(0, &unfinished)], json!([]), 1).await.unwrap();
    wire.done();
    let gap = json!({"backup": 0, "start": end, "end": file.len(), "resume": gap});
    assert_eq!(output, json!({"outcome": "incomplete", "chunks": [gap]}));
    assert_eq!(wire.json(&put)["offset"], end);
}

#[tokio::test]
async fn rounds_that_are_used_up_are_a_finding_with_what_is_left() {
    let mut seeding = orders();
    let file = rdb(&[], &["a", "b"]);
    seeding.backups[0].size_bytes = file.len() as u64;
    let unfinished = inspected(&file, Control::Pause).remove(0);
    let left = file.len() as u64 - unfinished.span().unwrap().end;
    let earlier =
        json!([{"code": "unusual-content", "severity": "note", "evidence": {}, "remedy": "nothing"}]);
    let wire = reading(&seeding, std::slice::from_ref(&unfinished))
        .on("PUT reports.s3/executions/orders-1/partials/…", ok())
        .on(PAGE, ok())
        .on(REPORT, ok());
    let output = assess(&wire, &[chunk(0, &unfinished)], earlier, 200).await.unwrap();
    wire.done();
    assert_eq!((&output["outcome"], &output["verdict"]), (&json!("assessed"), &json!("reject")));
    assert_eq!(codes(&output["findings"]), ["inspection-too-long", "unusual-content"]);
    let finding = &output["findings"][0];
    assert_eq!(finding["severity"], "fail");
    assert_eq!(finding["evidence"], json!({"rounds": 200, "rangesLeft": 1, "bytesLeft": left}));
    assert_eq!(output["report"], "s3://reports/executions/orders-1/report.json");
    assert_eq!(wire.json(REPORT)["findings"], output["findings"]);
}

#[tokio::test]
async fn data_that_does_not_fit_is_rejected_with_the_numbers() {
    // A node with a `maxmemory` of 100 bytes.
    let mut seeding = orders();
    seeding.target.node_types = std::iter::once(("cache.t4g.micro".to_owned(), 100)).collect();
    let part = whole(&rdb(&[], &["a"]));
    let wire = reading(&seeding, std::slice::from_ref(&part)).on(KEPT, ok()).on(PAGE, ok()).on(REPORT, ok());
    let output = assess(&wire, &[chunk(0, &part)], json!([]), 1).await.unwrap();
    wire.done();
    assert_eq!(output["verdict"], "reject");
    let finding = &output["findings"][0];
    assert_eq!(finding["code"], "does-not-fit");
    // One object with key and value, and a hash table with one 64-byte bucket, in Valkey 8.1.
    let used = wire.json(REPORT)["footprint"]["usedMemoryBytes"].as_u64().unwrap();
    assert!((110..300).contains(&used), "{used}");
    let evidence = json!({
        "maxmemoryBytes": 100, "neededBytes": used, "reserveBytes": 2_097_152, "usableBytes": 75,
    });
    assert_eq!(finding["evidence"], evidence);
}

#[tokio::test]
async fn the_number_of_shards_that_was_left_to_the_plan_is_settled_in_the_record() {
    let mut seeding = orders();
    seeding.target.cluster.cluster_mode = true;
    seeding.target.cluster.automatic_shards = true;
    // Each shard of a cluster needs 4 MiB of reserve, and a little for the keys: two shards fit, one does not.
    let names: Vec<String> = (0..60).map(|number| format!("{number:0>60}")).collect();
    let keys: Vec<&str> = names.iter().map(String::as_str).collect();
    let part = whole(&rdb(&[], &keys));
    seeding.target.node_types = std::iter::once(("cache.t4g.micro".to_owned(), 5_606_000)).collect();
    let record = "PUT reports.s3/executions/orders-1/seeding.json";
    let wire = reading(&seeding, std::slice::from_ref(&part))
        .on(KEPT, ok())
        .on(record, ok())
        .on(PAGE, ok())
        .on(REPORT, ok());
    let output = assess(&wire, &[chunk(0, &part)], json!([]), 1).await.unwrap();
    wire.done();
    let shards = output["plan"]["shards"].as_array().unwrap().len();
    assert!(shards > 1, "{output:#}");
    assert_eq!(wire.json(record)["cluster"]["shards"], shards);
    assert_eq!(output["plan"]["nextSmaller"]["shards"], shards - 1);
}

#[tokio::test]
async fn a_broken_backup_is_rejected_and_has_no_plan() {
    let mut file = rdb(&[], &["a", "b"]);
    file.truncate(file.len() - 12);
    let output = assess_file(&file).await;
    assert_eq!(output["verdict"], "reject");
    assert_eq!(output["findings"][0]["code"], "backup-truncated");
    assert_eq!(output["findings"][0]["evidence"]["offset"].as_u64(), Some(16));
    assert_eq!(output.get("plan"), None);
}

#[tokio::test]
async fn the_machine_carries_five_findings_the_weightiest_first_and_the_report_all() {
    let note = json!({"code": "unusual-content", "severity": "note", "evidence": {}, "remedy": "nothing"});
    let fail = json!({"code": "module-data", "severity": "fail", "evidence": {}, "remedy": "delete them"});
    let earlier = json!([note, note, note, note, note, note, fail]);
    let part = whole(&rdb(&[("used-mem", "1000000")], &["a"]));
    let wire = reading(&orders(), std::slice::from_ref(&part)).on(KEPT, ok()).on(PAGE, ok()).on(REPORT, ok());
    let output = assess(&wire, &[chunk(0, &part)], earlier, 1).await.unwrap();
    assert_eq!(output["verdict"], "reject");
    assert_eq!(output["findings"].as_array().unwrap().len(), 5);
    assert_eq!(output["findings"][0]["code"], "module-data");
    assert_eq!(wire.json(REPORT)["findings"].as_array().unwrap().len(), 8);
}

#[tokio::test]
async fn chunks_that_do_not_meet_are_never_judged() {
    let file = rdb(&[], &["a", "b", "c", "d"]);
    let mut parts = inspected(&file, Control::Pause);
    let missing = parts.remove(1);
    let chunks: Vec<_> = parts.iter().map(|part| chunk(0, part)).collect();
    let wire = reading(&orders(), &parts).on("PUT reports.s3/executions/orders-1/partials/…", ok());
    let output = assess(&wire, &chunks, json!([]), 2).await.unwrap();
    wire.done();
    let gap = missing.range.start;
    assert_eq!(output["chunks"][0]["start"], gap);
    assert_eq!(output["chunks"][0]["end"], missing.span().unwrap().end);

    let nothing =
        script().on(RECORD, read_record(&orders())).on("PUT reports.s3/executions/orders-1/partials/…", ok());
    let output = assess(&nothing, &[], json!([]), 1).await.unwrap();
    assert_eq!(output["chunks"][0]["start"], 0);
    let wire = script()
        .on(RECORD, read_record(&orders()))
        .on("GET reports.s3/executions/orders-1/partials/…", s3_error(404, "NoSuchKey"));
    let error = assess(&wire, &[chunk(0, &whole(&file))], json!([]), 1).await.unwrap_err();
    assert_eq!(error.name, ErrorName::Internal);
}

#[test]
fn the_sample_event_is_understood() {
    understands::<AssessBackup>(include_str!("../../../../events/assess-backup.json"));
}
