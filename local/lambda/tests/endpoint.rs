//! The endpoint with a real process as function.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use std::{path::Path, time::Duration};

use local_lambda::{Config, FunctionConfig, NotReady, NotReadyError, Server, Switches};
use serde_json::{Value, json};

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:tool";

async fn server(timeout: Duration) -> Server {
    server_with(timeout, |_| {}).await
}

async fn server_with(timeout: Duration, change: impl FnOnce(&mut Config)) -> Server {
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/function.py");
    let function = FunctionConfig { name: "tool".into(), binary, env: Vec::new(), timeout, memory_mb: 128 };
    let log_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("local-lambda-tests");
    let [region, account_id] = ["us-east-1", "123456789012"].map(str::to_owned);
    let mut config = Config {
        functions: vec![function],
        region,
        account_id,
        log_dir,
        concurrency: 2,
        account_concurrency: 100,
        switches: Switches::default(),
    };
    change(&mut config);
    Server::start(config).await.unwrap()
}

/// Returns the status, the error kind in the header, and the body.
async fn invoke(server: &Server, name: &str, kind: &str, payload: Value) -> (u16, Option<String>, Value) {
    let url = format!("{}/2015-03-31/functions/{name}/invocations", server.endpoint());
    let request =
        reqwest::Client::new().post(url).header("X-Amz-Invocation-Type", kind).body(payload.to_string());
    let answer = request.send().await.unwrap();
    assert!(answer.headers().contains_key("x-amzn-requestid"));
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let error = header("x-amz-function-error").or(header("x-amzn-errortype"));
    (
        answer.status().as_u16(),
        error,
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default(),
    )
}

async fn call(server: &Server, payload: Value) -> (u16, Option<String>, Value) {
    invoke(server, "tool", "RequestResponse", payload).await
}

#[tokio::test]
async fn a_function_is_found_by_name_and_arn_and_its_process_is_used_again() {
    let server = server(Duration::from_secs(20)).await;
    let (status, error, first) = call(&server, json!({"n": 1})).await;
    assert_eq!((status, error), (200, None));
    assert_eq!((&first["echo"]["n"], &first["name"]), (&json!(1), &json!("tool")));
    for name in [ARN.to_owned(), format!("{ARN}:live"), ARN.replace(':', "%3A")] {
        let (_, _, again) = invoke(&server, &name, "RequestResponse", json!({})).await;
        assert_eq!(again["process"], first["process"], "{name}");
    }
    let (status, error, _) = invoke(&server, "other", "RequestResponse", json!({})).await;
    assert_eq!((status, error.as_deref()), (404, Some("ResourceNotFoundException")));
    server.stop().await;
}

#[tokio::test]
async fn errors_exits_and_timeouts_are_told_as_lambda_tells_them() {
    let server = server(Duration::from_secs(2)).await;
    for (payload, name) in [
        (json!({"do": "fail"}), "MyError"),
        (json!({"do": "exit"}), "Runtime.ExitError"),
        (json!({"do": "sleep"}), "Sandbox.Timedout"),
    ] {
        let (status, error, body) = call(&server, payload).await;
        assert_eq!((status, error.as_deref(), &body["errorType"]), (200, Some("Unhandled"), &json!(name)));
    }
    // The function still works after all of them.
    assert_eq!(call(&server, json!({"n": 2})).await.2["echo"]["n"], 2);
    server.stop().await;
}

#[tokio::test]
async fn faults_on_purpose_meet_the_next_invocation_only() {
    let server = server(Duration::from_secs(20)).await;
    server.faults().fail_next("tool", "Asked", "for\nhint: it");
    server.faults().kill_next("tool");
    assert_eq!(
        call(&server, json!({})).await.2,
        json!({"errorType": "Asked", "errorMessage": "for\nhint: it"})
    );
    assert_eq!(call(&server, json!({"do": "sleep"})).await.2["errorType"], "Runtime.ExitError");
    assert!(call(&server, json!({})).await.2["echo"].is_object());
    assert_eq!(server.invocations("tool"), 3);
    server.stop().await;
}

#[tokio::test]
async fn an_event_is_accepted_at_once_and_tried_three_times() {
    let server = server(Duration::from_secs(20)).await;
    assert_eq!(invoke(&server, "tool", "Event", json!({"do": "fail"})).await.0, 202);
    for _ in 0..100 {
        if server.invocations("tool") == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(server.invocations("tool"), 3);
    server.stop().await;
}

#[tokio::test]
async fn a_function_that_rested_is_not_ready_at_first() {
    let not_ready = |times, error| NotReady { function: "tool".into(), times, error };
    let server = server_with(Duration::from_secs(20), |config| {
        config.switches.not_ready =
            vec![not_ready(2, NotReadyError::ResourceNotReady), not_ready(1, NotReadyError::EniNotReady)];
    })
    .await;
    for name in ["ResourceNotReadyException", "ResourceNotReadyException", "ENINotReadyException"] {
        let (status, error, body) = call(&server, json!({})).await;
        assert_eq!((status, error.as_deref()), (502, Some(name)));
        assert!(body["Message"].is_string(), "{body}");
    }
    assert_eq!(server.invocations("tool"), 0);
    assert_eq!(call(&server, json!({"n": 1})).await.2["echo"]["n"], 1);
    server.stop().await;
}

#[tokio::test]
async fn the_account_runs_as_many_invocations_at_once_as_its_quota_says() {
    let server = server_with(Duration::from_secs(3), |config| {
        (config.concurrency, config.account_concurrency) = (20, 10);
    })
    .await;
    let url = format!("{}/2016-08-19/account-settings/", server.endpoint());
    let settings = reqwest::get(url).await.unwrap().bytes().await.unwrap();
    let settings: Value = serde_json::from_slice(&settings).unwrap();
    assert_eq!(settings["AccountLimit"]["ConcurrentExecutions"], 10);
    assert_eq!(settings["AccountLimit"]["UnreservedConcurrentExecutions"], 10);

    let mut running = tokio::task::JoinSet::new();
    let server = std::sync::Arc::new(server);
    for _ in 0..11 {
        let server = std::sync::Arc::clone(&server);
        running.spawn(async move { call(&server, json!({"do": "sleep"})).await });
    }
    // One is refused at once. The others sleep until their time is over.
    let (status, error, _) = running.join_next().await.unwrap().unwrap();
    assert_eq!((status, error.as_deref()), (429, Some("TooManyRequestsException")));
    for (status, _, body) in running.join_all().await {
        assert_eq!((status, &body["errorType"]), (200, &json!("Sandbox.Timedout")));
    }
    assert_eq!(server.invocations("tool"), 10);
    assert_eq!(call(&server, json!({"n": 1})).await.2["echo"]["n"], 1);
    std::sync::Arc::into_inner(server).unwrap().stop().await;
}
