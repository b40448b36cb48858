//! `seeder seed FILE`, interrupted in the middle of the upload.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use axum::{
    Router,
    http::{Method, StatusCode, Uri},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// An S3 that starts multipart uploads but never answers a part, so that the command cannot finish before it is
/// interrupted.
async fn answer(calls: UnboundedSender<String>, method: Method, uri: Uri) -> (StatusCode, String) {
    let query = uri.query().unwrap_or_default().to_owned();
    let part = query.contains("partNumber");
    let call = if part { format!("{method} part") } else { format!("{method} {query}") };
    let _ = calls.send(call);
    match method {
        Method::PUT if part => std::future::pending().await,
        Method::POST if query.contains("uploads") => {
            let begun =
                "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";
            (StatusCode::OK, begun.to_owned())
        }
        Method::DELETE => (StatusCode::NO_CONTENT, String::new()),
        _ => (StatusCode::NOT_IMPLEMENTED, String::new()),
    }
}

#[tokio::test]
async fn ctrl_c_aborts_the_upload_and_nothing_is_started() {
    let (sender, mut calls) = unbounded_channel();
    let app = Router::new().fallback(move |method: Method, uri: Uri| answer(sender.clone(), method, uri));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("dump.rdb");
    std::fs::write(&file, b"REDIS0010\xfe\x00\x00\x01k\x01v\xff\0\0\0\0\0\0\0\0").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_seeder"))
        .arg("seed")
        .arg(&file)
        .args([
            "--bucket",
            "drops",
            "--state-machine",
            "arn:aws:states:us-east-1:123456789012:stateMachine:m",
        ])
        .envs([("AWS_ENDPOINT_URL", endpoint.as_str()), ("AWS_REGION", "us-east-1")])
        .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = Vec::new();
    while seen.last().is_none_or(|call: &String| call != "PUT part") {
        seen.push(tokio::time::timeout(Duration::from_mins(1), calls.recv()).await.unwrap().unwrap());
    }
    kill(Pid::from_raw(i32::try_from(command.id()).unwrap()), Signal::SIGINT).unwrap();
    let status = tokio::task::spawn_blocking(move || command.wait()).await.unwrap().unwrap();
    while let Ok(call) = calls.try_recv() {
        seen.push(call);
    }
    assert_eq!(status.code(), Some(130), "{seen:?}");
    let aborted = seen.iter().any(|call| call.starts_with("DELETE") && call.contains("uploadId=u1"));
    assert!(aborted && !seen.iter().any(|call| call.starts_with("POST uploadId")), "{seen:?}");
}
