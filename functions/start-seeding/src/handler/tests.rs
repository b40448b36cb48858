use lambda::test_util::{Answer, Wire, json, json_error, run, script, status};
use seeding::ErrorName;
use serde_json::{Value, json};

use super::StartSeeding;

const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:seed-cluster";
const START: &str = "AWSStepFunctions.StartExecution …";

fn step(wire: &Wire) -> StartSeeding {
    StartSeeding {
        step_functions: wire.clients().step_functions(),
        state_machine_arn: MACHINE.into(),
        trigger_prefix: "in/".into(),
    }
}

fn record(event: &str, key: &str) -> Value {
    json!({
        "eventVersion": "2.3", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventName": event,
        "s3": {"bucket": {"name": "drops"}, "object": {"key": key, "size": 10, "sequencer": "0055AED6DCD90281E5"}},
    })
}

fn uploaded(key: &str) -> Value {
    json!({"Records": [record("ObjectCreated:Put", key)]})
}

fn started() -> Answer {
    json(json!({"executionArn": "arn:e", "startDate": 1.0}))
}

/// The request to Step Functions, and its input.
fn start_request(wire: &Wire) -> (Value, Value) {
    let mut request = wire.json("AWSStepFunctions.StartExecution");
    let input = request["input"].take();
    (request, serde_json::from_str(input.as_str().unwrap()).unwrap())
}

#[tokio::test]
async fn a_dropped_backup_starts_an_execution_that_is_named_after_it() {
    let wire = script().on(START, started());
    let output = run(&step(&wire), uploaded("in/Orders+May.rdb")).await.unwrap();
    wire.done();
    let (request, input) = start_request(&wire);
    assert_eq!(request["stateMachineArn"], MACHINE);
    let name = request["name"].as_str().unwrap();
    assert_eq!((name.len(), &name[..11]), (11 + 16, "orders-may-"));
    assert_eq!(input, json!({"dropped": {"bucket": "drops", "key": "in/Orders May.rdb"}}));
    assert_eq!(output, json!({"executions": [name], "ignored": []}));
}

#[tokio::test]
async fn keys_are_decoded_as_s3_encodes_them() {
    for (encoded, key) in [
        ("in/a+b.rdb", "in/a b.rdb"),
        ("in/a%2Bb.rdb", "in/a+b.rdb"),
        ("in/%C3%BCber%2F%E6%97%A5.rdb", "in/über/日.rdb"),
        ("in/100%25.rdb", "in/100%.rdb"),
    ] {
        let wire = script().on(START, started());
        run(&step(&wire), uploaded(encoded)).await.unwrap();
        assert_eq!(start_request(&wire).1["dropped"]["key"], key);
    }
}

#[tokio::test]
async fn what_is_taken_for_a_backup_starts_an_execution_that_will_say_why_it_is_none() {
    for key in ["in/a.RDB.gz", "in/a.rdb.zst", "in/a.AOF", "in/a.rdb.bak", "in/a.rDb"] {
        let wire = script().on(START, started());
        run(&step(&wire), uploaded(key)).await.unwrap();
        assert_eq!(start_request(&wire).1, json!({"dropped": {"bucket": "drops", "key": key}}));
    }
}

#[tokio::test]
async fn eventbridge_keys_are_taken_as_they_are() {
    let event = json!({
        "version": "0", "source": "aws.s3", "detail-type": "Object Created", "account": "123456789012",
        "detail": {
            "bucket": {"name": "drops"},
            "object": {"key": "in/a+b%20c.rdb", "size": 10, "etag": "e", "version-id": "v7", "sequencer": "00"},
            "reason": "CompleteMultipartUpload",
        },
    });
    let wire = script().on(START, started());
    run(&step(&wire), event).await.unwrap();
    assert_eq!(start_request(&wire).1["dropped"]["key"], "in/a+b%20c.rdb");
}

#[tokio::test]
async fn each_record_of_a_notification_counts_and_what_is_no_backup_is_left_alone() {
    let event = json!({"Records": [
        record("ObjectCreated:Put", "in/one.rdb"),
        record("ObjectRemoved:Delete", "in/two.rdb"),
        record("ObjectCreated:Put", "in/seed.json"),
        record("ObjectCreated:CompleteMultipartUpload", "in/three.RDB"),
        record("ObjectCreated:Copy", "elsewhere/four.rdb"),
        record("ObjectCreated:Put", "executions/x/report.rdb"),
    ]});
    let wire = script().on(START, started()).on(START, started());
    let output = run(&step(&wire), event).await.unwrap();
    wire.done();
    assert_eq!(output["executions"].as_array().unwrap().len(), 2);
    assert_eq!(
        output["ignored"],
        json!([
            "drops/in/seed.json: its name does not end in .rdb",
            "drops/elsewhere/four.rdb: it is not under the trigger prefix",
            "drops/executions/x/report.rdb: it is a file of this product's own",
        ])
    );
}

#[tokio::test]
async fn the_test_event_of_s3_and_other_news_start_nothing() {
    for event in [
        json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "drops", "RequestId": "r"}),
        json!({"source": "aws.s3", "detail-type": "Object Deleted", "detail": {}}),
        json!({"Records": []}),
    ] {
        let wire = script();
        let output = run(&step(&wire), event).await.unwrap();
        wire.done();
        assert_eq!(output, json!({"executions": [], "ignored": []}));
    }
}

#[tokio::test]
async fn a_second_delivery_asks_for_the_same_execution_byte_for_byte_and_succeeds() {
    let first = script().on(START, started());
    let again = script().on(START, json_error(400, "ExecutionAlreadyExists", "Execution Already Exists"));
    let one = run(&step(&first), uploaded("in/orders.rdb")).await.unwrap();
    let two = run(&step(&again), uploaded("in/orders.rdb")).await.unwrap();
    assert_eq!(one, two);
    assert_eq!(first.text(""), again.text(""));
    let other = script().on(START, started());
    let mut event = uploaded("in/orders.rdb");
    event["Records"][0]["s3"]["object"]["sequencer"] = "0055AED6DCD90281E6".into();
    assert_ne!(run(&step(&other), event).await.unwrap(), one, "another upload of the same key");
}

#[tokio::test]
async fn what_stands_in_the_way_has_its_name() {
    for (answer, name) in [
        (json_error(400, "ThrottlingException", "Rate exceeded"), ErrorName::ServiceBusy),
        (json_error(400, "ExecutionLimitExceeded", "too many"), ErrorName::ServiceBusy),
        (status(503), ErrorName::ServiceBusy),
        (json_error(400, "AccessDeniedException", "not authorized"), ErrorName::AccessDenied),
    ] {
        let wire = script().on(START, answer);
        let error = run(&step(&wire), uploaded("in/orders.rdb")).await.unwrap_err();
        assert_eq!(error.name, name, "{error}");
        assert!(error.message.starts_with("failed to start the execution orders-"), "{error}");
    }
}

#[tokio::test]
async fn what_is_not_an_upload_event_is_an_invalid_input() {
    for event in [
        json!({}),
        json!("Records"),
        json!({"Records": [{"eventName": "ObjectCreated:Put"}]}),
        uploaded("in/%ZZ.rdb"),
        uploaded("in/%F"),
        uploaded("in/%FF.rdb"),
        json!({"source": "aws.s3", "detail-type": "Object Created", "detail": {"bucket": {}}}),
    ] {
        let wire = script();
        let error = run(&step(&wire), event.clone()).await.unwrap_err();
        assert_eq!(error.name, ErrorName::InvalidInput, "{event}");
    }
}

#[tokio::test]
async fn the_sample_events_start_what_they_tell_of() {
    for (event, starts) in [
        (include_str!("../../../../events/s3-notification.json"), 1),
        (include_str!("../../../../events/eventbridge-object-created.json"), 1),
        (include_str!("../../../../events/s3-test-event.json"), 0),
    ] {
        let wire = (0..starts).fold(script(), |wire, _| wire.on(START, started()));
        let mut step = step(&wire);
        step.trigger_prefix = String::new();
        let output = run(&step, serde_json::from_str(event).unwrap()).await.unwrap();
        wire.done();
        assert_eq!(output["executions"].as_array().unwrap().len(), starts, "{output}");
    }
}
