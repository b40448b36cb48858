use seeder_aws::{
    Reports,
    test_util::{
        Answer, EXECUTION_ARN, RECORD, Wire, json, ok, rdb, read_record, run, run_late, s3_error, script,
        seeding, status, understands,
    },
};
use seeding::{ErrorName, Seeding, StepError};
use serde_json::{Value, json};

use super::InspectChunk;

const PARTIAL: &str = "executions/orders-1/partials/000-0000000000000000.json";
const MIB: usize = 1024 * 1024;

fn orders(file: &[u8]) -> Seeding {
    let mut seeding = seeding(&json!({"backups": ["backups/in/orders.rdb"]}));
    seeding.backups[0].size_bytes = file.len() as u64;
    seeding
}

fn step(wire: &Wire) -> InspectChunk {
    let s3 = wire.clients().s3();
    InspectChunk { reports: Reports::new(s3.clone(), "reports".into()), s3 }
}

fn input(file: &[u8]) -> Value {
    json!({"execution": EXECUTION_ARN, "range": {"backup": 0, "start": 0, "end": file.len()}})
}

async fn inspect(wire: &Wire, file: &[u8]) -> Result<Value, StepError> {
    run(&step(wire), input(file)).await
}

/// The ranged request for these bytes of the backup, as long as it is the one that was looked at.
fn get(start: usize, end: usize) -> String {
    format!("GET backups.s3/in/orders.rdb range: bytes={start}-{} if-match: \"e1\"", end - 1)
}

fn part(file: &[u8], start: usize, end: usize) -> Answer {
    status(206).header("content-length", (end - start).to_string()).body(&file[start..end])
}

/// A backup of some 17 MiB in one string: three parts of 8 MiB.
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
        .on(format!("PUT reports.s3/{PARTIAL}"), ok());
    let output = inspect(&wire, &file).await.unwrap();
    wire.done();
    let expected = json!({"backup": 0, "start": 0, "end": file.len(), "complete": true, "partial": PARTIAL});
    assert_eq!(output, expected);
    let written = wire.json("PUT");
    assert_eq!(written["resume"], Value::Null);
    assert_eq!(written["inspection"]["keys"], 3);
    assert_eq!(written["inspection"]["aux"], json!({"used-mem": "1000000"}));
    assert_eq!(written["inspection"]["biggest"][0]["key"], "a");
}

#[tokio::test]
async fn key_names_stay_out_where_the_request_hides_them() {
    let file = rdb(&[], &["customer-4711"]);
    let mut seeding = orders(&file);
    seeding.options.hide_keys = true;
    let wire = script()
        .on(RECORD, read_record(&seeding))
        .on(get(0, file.len()), part(&file, 0, file.len()))
        .on(format!("PUT reports.s3/{PARTIAL}"), ok());
    inspect(&wire, &file).await.unwrap();
    assert!(!wire.text("PUT").contains("customer-4711"));
}

#[tokio::test]
async fn what_is_wrong_with_the_file_is_part_of_the_result_and_no_error() {
    let file = b"*3\r\n$3\r\nSET\r\n".to_vec();
    let wire = script()
        .on(RECORD, read_record(&orders(&file)))
        .on(get(0, file.len()), part(&file, 0, file.len()))
        .on(format!("PUT reports.s3/{PARTIAL}"), ok());
    assert_eq!(inspect(&wire, &file).await.unwrap()["complete"], true);
    assert_eq!(wire.json("PUT")["inspection"]["faults"][0]["code"], "not-an-rdb");
}

#[tokio::test]
async fn a_large_backup_is_read_in_parts_that_are_put_together_in_their_order() {
    let file = large();
    let wire = script()
        .on(RECORD, read_record(&orders(&file)))
        .on(get(0, 8 * MIB), part(&file, 0, 8 * MIB))
        .on(get(8 * MIB, 16 * MIB), part(&file, 8 * MIB, 16 * MIB))
        .on(get(16 * MIB, file.len()), part(&file, 16 * MIB, file.len()))
        .on(format!("PUT reports.s3/{PARTIAL}"), ok());
    assert_eq!(inspect(&wire, &file).await.unwrap()["end"], file.len());
    wire.done();
    let written = wire.json("PUT");
    assert_eq!((&written["inspection"]["keys"], &written["inspection"]["faults"]), (&json!(1), &json!([])));
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
        // Whether the third part was asked for by then is left open.
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
        .on(format!("PUT reports.s3/{PARTIAL}"), ok());
    inspect(&wire, &file).await.unwrap();
    wire.done();
    assert_eq!(wire.json("PUT")["inspection"]["keys"], 2);
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
        .on(format!("PUT reports.s3/{PARTIAL}"), ok());
    let output = run_late(&step(&first), input(&file)).await.unwrap();
    first.done();
    let end = usize::try_from(output["end"].as_u64().unwrap()).unwrap();
    assert_eq!(output, json!({"backup": 0, "start": 0, "end": end, "complete": false, "partial": PARTIAL}));
    assert!(end > 0 && end < file.len(), "{end}");
    let written = first.json("PUT");
    assert_eq!(written["resume"]["offset"], end);

    let next = format!("executions/orders-1/partials/000-{end:016}.json");
    let second = script()
        .on(RECORD, read_record(&orders(&file)))
        .on(format!("GET reports.s3/{PARTIAL}"), json(&written))
        .on(get(end, file.len()), part(&file, end, file.len()))
        .on(format!("PUT reports.s3/{next}"), ok());
    let mut again = input(&file);
    again["range"]["start"] = end.into();
    again["range"]["resume"] = PARTIAL.into();
    let output = run(&step(&second), again).await.unwrap();
    second.done();
    assert_eq!(
        output,
        json!({"backup": 0, "start": end, "end": file.len(), "complete": true, "partial": next})
    );
    let keys = |partial: &Value| partial["inspection"]["keys"].as_u64().unwrap();
    assert_eq!(keys(&written) + keys(&second.json("PUT")), 3);
}

#[tokio::test]
async fn a_piece_that_cannot_be_gone_on_from_is_a_fault_of_ours() {
    let file = rdb(&[], &["a"]);
    let mut again = input(&file);
    again["range"]["resume"] = PARTIAL.into();
    let wire = script()
        .on(RECORD, read_record(&orders(&file)))
        .on(format!("GET reports.s3/{PARTIAL}"), s3_error(404, "NoSuchKey"));
    assert_eq!(run(&step(&wire), again).await.unwrap_err().name, ErrorName::Internal);
    let mut other = input(&file);
    other["range"]["backup"] = 7.into();
    let wire = script().on(RECORD, read_record(&orders(&file)));
    let error = run(&step(&wire), other).await.unwrap_err();
    assert_eq!((error.name, error.message.as_str()), (ErrorName::Internal, "backup 7 of 1"));
}

#[test]
fn the_sample_event_is_understood() {
    understands::<InspectChunk>(include_str!("../../../../events/inspect-chunk.json"));
}
