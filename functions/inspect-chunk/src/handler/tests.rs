use lambda::test_util::{
    Answer, EXECUTION_ARN, RECORD, Wire, json, ok, rdb, read_record, run, run_late, s3_error, script,
    seeding, status, understands,
};
use seeder_aws::ReportStore;
use seeding::{ErrorName, Seeding, StepError};
use serde_json::{Value, json};

use super::InspectChunk;

const MIB: usize = 1024 * 1024;

/// The key of a chunk's partial result.
fn partial(start: usize, end: usize) -> String {
    format!("executions/orders-1/partials/000-{start:016}-{end:016}.json")
}

fn orders(file: &[u8]) -> Seeding {
    let mut seeding = seeding(&json!({"backups": ["backups/in/orders.rdb"]}));
    seeding.backups[0].size_bytes = file.len() as u64;
    seeding
}

fn step(wire: &Wire) -> InspectChunk {
    let s3 = wire.clients().s3();
    InspectChunk { reports: ReportStore::new(s3.clone(), "reports".into()), s3, least_bytes: 0 }
}

fn input(file: &[u8]) -> Value {
    json!({"execution": EXECUTION_ARN, "chunk": {"backup": 0, "start": 0, "end": file.len()}})
}

async fn inspect(wire: &Wire, file: &[u8]) -> Result<Value, StepError> {
    run(&step(wire), input(file)).await
}

/// The ranged request for these bytes of the backup, on condition of the inspected ETag.
fn get(start: usize, end: usize) -> String {
    format!("GET backups.s3/in/orders.rdb range: bytes={start}-{} if-match: \"e1\"", end - 1)
}

fn part(file: &[u8], start: usize, end: usize) -> Answer {
    status(206).header("content-length", (end - start).to_string()).body(&file[start..end])
}

/// A backup of about 17 MiB in one string: three parts of 8 MiB.
fn large() -> Vec<u8> {
    let mut file = rdb(&[], &[]);
    file.truncate(file.len() - 9);
    let bytes = 17 * MIB;
    file.extend([0, 3]);
    file.extend(b"big");
    file.push(0x80);
    file.extend(u32::try_from(bytes).unwrap().to_be_bytes());
    file.resize(file.len() + bytes, b'x');
    file.push(0xff);
    file.extend([0; 8]);
    file
}

#[tokio::test]
async fn a_backup_is_read_by_range_and_etag_and_what_it_holds_is_written_down() {
    let file = rdb(&[("used-mem", "1000000")], &["a", "b", "c"]);
    let wire = script()
        .on(RECORD, read_record(&orders(&file)))
        .on(get(0, file.len()), part(&file, 0, file.len()))
        .on(format!("PUT reports.s3/{}", partial(0, file.len())), ok());
    let output = inspect(&wire, &file).await.unwrap();
    wire.done();
    let expected = json!({"backup": 0, "start": 0, "end": file.len(), "complete": true, "partial": partial(0, file.len())});
    assert_eq!(output, expected);
    let written = wire.json("PUT");
    assert_eq!(written["resume"], Value::Null);
    assert_eq!(written["parts"][0]["keys"], 3);
    assert_eq!(written["parts"][0]["aux"], json!({"used-mem": "1000000"}));
    assert_eq!(written["parts"][0]["biggest"][0]["key"], "a");
}

#[tokio::test]
async fn key_names_stay_out_where_the_request_hides_them() {
    let file = rdb(&[], &["customer-4711"]);
    let mut seeding = orders(&file);
    seeding.target.options.hide_keys = true;
    let wire = script()
        .on(RECORD, read_record(&seeding))
        .on(get(0, file.len()), part(&file, 0, file.len()))
        .on(format!("PUT reports.s3/{}", partial(0, file.len())), ok());
    inspect(&wire, &file).await.unwrap();
    assert!(!wire.text("PUT").contains("customer-4711"));
}

#[tokio::test]
async fn what_is_wrong_with_the_file_is_part_of_the_result_and_no_error() {
    let file = b"*3\r\n$3\r\nSET\r\n".to_vec();
    let wire = script()
        .on(RECORD, read_record(&orders(&file)))
        .on(get(0, file.len()), part(&file, 0, file.len()))
        .on(format!("PUT reports.s3/{}", partial(0, file.len())), ok());
    assert_eq!(inspect(&wire, &file).await.unwrap()["complete"], true);
    assert_eq!(wire.json("PUT")["parts"][0]["faults"][0]["code"], "not-an-rdb");
}

#[tokio::test]
async fn a_large_backup_is_read_in_parts_that_are_put_together_in_their_order() {
    let file = large();
    let wire = script()
        .on(RECORD, read_record(&orders(&file)))
        .on(get(0, 8 * MIB), part(&file, 0, 8 * MIB))
        .on(get(8 * MIB, 16 * MIB), part(&file, 8 * MIB, 16 * MIB))
        .on(get(16 * MIB, file.len()), part(&file, 16 * MIB, file.len()))
        .on(format!("PUT reports.s3/{}", partial(0, file.len())), ok());
    assert_eq!(inspect(&wire, &file).await.unwrap()["end"], file.len());
    wire.done();
    let written = wire.json("PUT");
    assert_eq!((&written["parts"][0]["keys"], &written["parts"][0]["faults"]), (&json!(1), &json!([])));
}

#[tokio::test]
async fn an_object_that_is_overwritten_in_the_middle_is_never_read_as_a_mixture() {
    let file = large();
    for (answer, name) in [
        (s3_error(412, "PreconditionFailed"), ErrorName::ChangedDuringSeeding),
        (s3_error(404, "NoSuchKey"), ErrorName::BackupGone),
        (s3_error(403, "AccessDenied"), ErrorName::AccessDenied),
        (s3_error(503, "SlowDown"), ErrorName::ServiceBusy),
    ] {
        let wire = script()
            .on(RECORD, read_record(&orders(&file)))
            .on(get(0, 8 * MIB), part(&file, 0, 8 * MIB))
            .on(get(8 * MIB, 16 * MIB), answer)
            .on(get(16 * MIB, file.len()), part(&file, 16 * MIB, file.len()));
        // The third part may or may not have been requested by then.
        let error = inspect(&wire, &file).await.unwrap_err();
        assert_eq!(error.name, name, "{error}");
        assert!(error.message.contains("bytes 8388608-16777215 of backups/in/orders.rdb"), "{error}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_asked_for_again() {
    let file = rdb(&[], &["a", "b"]);
    let length = file.len().to_string();
    let wire = script()
        .on(RECORD, read_record(&orders(&file)))
        .on(get(0, file.len()), status(206).header("content-length", length).body(&file[..10]))
        .on(get(0, file.len()), status(206).body(&file[..12]))
        .on(get(0, file.len()), part(&file, 0, file.len()))
        .on(format!("PUT reports.s3/{}", partial(0, file.len())), ok());
    inspect(&wire, &file).await.unwrap();
    wire.done();
    assert_eq!(wire.json("PUT")["parts"][0]["keys"], 2);
}

#[tokio::test]
async fn a_body_that_breaks_off_again_and_again_is_left_to_the_state_machine() {
    let file = rdb(&[], &["a", "b"]);
    let short = || status(206).body(&file[..10]);
    let wire = (0..4).fold(script().on(RECORD, read_record(&orders(&file))), |wire, _| {
        wire.on(get(0, file.len()), short())
    });
    let error = inspect(&wire, &file).await.unwrap_err();
    wire.done();
    assert_eq!(error.name, ErrorName::ServiceBusy);
    assert!(error.message.ends_with(&format!("10 of {} bytes came", file.len())), "{error}");
}

#[tokio::test]
async fn near_its_deadline_a_worker_writes_down_where_the_next_one_goes_on() {
    let file = rdb(&[("used-mem", "1000000")], &["a", "b", "c"]);
    let first = script()
        .on(RECORD, read_record(&orders(&file)))
        .on(get(0, file.len()), part(&file, 0, file.len()))
        .on(format!("PUT reports.s3/{}", partial(0, file.len())), ok());
    let output = run_late(&step(&first), input(&file)).await.unwrap();
    first.done();
    let end = usize::try_from(output["end"].as_u64().unwrap()).unwrap();
    let expected = json!({
        "backup": 0, "start": 0, "end": end, "complete": false, "partial": partial(0, file.len()),
    });
    assert_eq!(output, expected);
    assert!(end > 0 && end < file.len(), "{end}");
    let written = first.json("PUT");
    assert_eq!(written["resume"]["offset"], end);

    let gap = "executions/orders-1/partials/gap.json";
    let second = script()
        .on(RECORD, read_record(&orders(&file)))
        .on(format!("GET reports.s3/{gap}"), json(&written["resume"]))
        .on(get(end, file.len()), part(&file, end, file.len()))
        .on(format!("PUT reports.s3/{}", partial(end, file.len())), ok());
    let mut again = input(&file);
    again["chunk"]["start"] = end.into();
    again["chunk"]["resume"] = gap.into();
    let output = run(&step(&second), again).await.unwrap();
    second.done();
    let expected = json!({
        "backup": 0, "start": end, "end": file.len(), "complete": true, "partial": partial(end, file.len()),
    });
    assert_eq!(output, expected);
    let keys = |partial: &Value| partial["parts"][0]["keys"].as_u64().unwrap();
    assert_eq!(keys(&written) + keys(&second.json("PUT")), 3);
}

#[tokio::test]
async fn a_worker_begins_in_the_middle_with_the_first_record_that_it_finds() {
    let names: Vec<_> = (0..40).map(|index| format!("key:{index:03}")).collect();
    let file = rdb(&[], &names.iter().map(String::as_str).collect::<Vec<_>>());
    let middle = file.len() / 2;
    let mut seeding = orders(&file);
    seeding.backups[0].header = rdb_scan::read_header(&file).ok();
    let wire = script()
        .on(RECORD, read_record(&seeding))
        .on(get(middle, file.len()), part(&file, middle, file.len()))
        .on(format!("PUT reports.s3/{}", partial(middle, file.len())), ok());
    let mut second_half = input(&file);
    second_half["chunk"]["start"] = middle.into();
    let output = run(&step(&wire), second_half.clone()).await.unwrap();
    wire.done();
    assert_eq!((&output["start"], &output["end"]), (&json!(middle), &json!(file.len())));
    let begins = wire.json("PUT")["parts"][0]["start"].as_u64().unwrap();
    assert!((middle as u64..middle as u64 + 10).contains(&begins), "{begins}");

    seeding.backups[0].header = None;
    let wire = script().on(RECORD, read_record(&seeding));
    assert_eq!(run(&step(&wire), second_half).await.unwrap_err().name, ErrorName::Internal);
}

#[tokio::test]
async fn behind_the_end_of_a_range_only_what_a_record_needs_is_asked_for() {
    let file = large();
    let wire = script()
        .on(RECORD, read_record(&orders(&file)))
        .on(get(0, 8 * MIB), part(&file, 0, 8 * MIB))
        .on(get(8 * MIB, 16 * MIB), part(&file, 8 * MIB, 16 * MIB))
        .on(get(16 * MIB, file.len()), part(&file, 16 * MIB, file.len()))
        .on(format!("PUT reports.s3/{}", partial(0, 1000)), ok());
    let mut start = input(&file);
    start["chunk"]["end"] = 1000.into();
    let output = run(&step(&wire), start).await.unwrap();
    wire.done();
    // The string that begins in the chunk is read to its end; the end mark after it belongs to the next chunk.
    assert_eq!((&output["end"], &output["complete"]), (&json!(file.len() - 9), &json!(true)));
}

#[tokio::test]
async fn a_position_that_is_gone_and_a_backup_that_is_none_are_faults_of_ours() {
    let file = rdb(&[], &["a"]);
    let mut again = input(&file);
    again["chunk"]["resume"] = "executions/orders-1/partials/gap.json".into();
    let wire = script()
        .on(RECORD, read_record(&orders(&file)))
        .on("GET reports.s3/executions/orders-1/partials/gap.json", s3_error(404, "NoSuchKey"));
    assert_eq!(run(&step(&wire), again).await.unwrap_err().name, ErrorName::Internal);
    let mut other = input(&file);
    other["chunk"]["backup"] = 7.into();
    let wire = script().on(RECORD, read_record(&orders(&file)));
    let error = run(&step(&wire), other).await.unwrap_err();
    assert_eq!((error.name, error.message.as_str()), (ErrorName::Internal, "backup 7 of 1"));
}

#[test]
fn the_sample_event_is_understood() {
    understands::<InspectChunk>(include_str!("../../../../events/inspect-chunk.json"));
}
