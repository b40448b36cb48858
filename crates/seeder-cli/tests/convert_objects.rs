//! `seeder convert IN s3://bucket/key` creates whole objects, or none.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

mod local_objects;

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use aws_sdk_s3::Client;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, StatusCode, Uri},
};
use local_objects::LocalS3;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A backup of some 40 MB with keys in many slots, in RDB version 12 without a checksum.
fn rdb() -> Vec<u8> {
    let mut rdb = b"REDIS0012\xfe\x00".to_vec();
    for number in 0..40_000u32 {
        rdb.extend(b"\x00\x04");
        rdb.extend(number.to_le_bytes());
        rdb.extend([0x43, 0xe8]);
        rdb.extend([b'v'; 1000]);
    }
    rdb.extend(b"\xff\0\0\0\0\0\0\0\0");
    rdb
}

fn seeder(folder: &Path, endpoint: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seeder"));
    command
        .arg("convert")
        .args(words)
        .args(["--to", "valkey-8.1"])
        .current_dir(folder)
        .envs([("AWS_ENDPOINT_URL", endpoint), ("AWS_REGION", "us-east-1")])
        .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

async fn convert(folder: &Path, endpoint: &str, words: &[&str]) -> Output {
    let mut command = seeder(folder, endpoint, words);
    tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in.rdb"), rdb()).unwrap();
    folder
}

async fn body(s3: &Client, key: &str) -> (String, Vec<u8>) {
    let got = s3.get_object().bucket("backups").key(key).send().await.unwrap();
    let etag = got.e_tag().unwrap().trim_matches('"').to_owned();
    (etag, got.body.collect().await.unwrap().to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_what_files_would_be() {
    let (local, folder) = (LocalS3::start().await, folder());
    let LocalS3 { s3, endpoint, .. } = &local;
    let path = folder.path();
    let file = |name: &str| std::fs::read(path.join(name)).unwrap();

    let done = convert(path, endpoint, &["in.rdb", "s3://backups/new.rdb", "--json"]).await;
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert_eq!(convert(path, endpoint, &["in.rdb", "new.rdb"]).await.status.code(), Some(0));
    let (etag, found) = body(s3, "new.rdb").await;
    assert!(found == file("new.rdb"));
    assert!(etag.ends_with("-3"), "{etag}: parts of 16 MiB");

    // It is not replaced unless that was said. A dry run writes nothing.
    let again = convert(path, endpoint, &["in.rdb", "s3://backups/new.rdb"]).await;
    assert_eq!(again.status.code(), Some(2), "{again:?}");
    assert!(String::from_utf8_lossy(&again.stderr).contains("s3://backups/new.rdb exists; --force"));
    let words = ["s3://backups/new.rdb", "s3://backups/new.rdb", "--slots", "0-100", "--force"];
    let replaced = convert(path, endpoint, &words).await;
    assert_eq!(replaced.status.code(), Some(0), "{replaced:?}");
    assert!(body(s3, "new.rdb").await.1.len() < 1_000_000);
    let dry = convert(path, endpoint, &["in.rdb", "s3://backups/dry.rdb", "--dry-run"]).await;
    assert_eq!(dry.status.code(), Some(0), "{dry:?}");

    for to in ["s3://backups/shard.rdb", "shard.rdb"] {
        let done = convert(path, endpoint, &["in.rdb", to, "--split", "3"]).await;
        assert_eq!(done.status.code(), Some(0), "{done:?}");
    }
    for name in ["shard-0001.rdb", "shard-0002.rdb", "shard-0003.rdb"] {
        assert!(body(s3, name).await.1 == file(name), "{name}");
    }
    // One of several is there: nothing is replaced.
    s3.delete_object().bucket("backups").key("shard-0001.rdb").send().await.unwrap();
    let again = convert(path, endpoint, &["in.rdb", "s3://backups/shard.rdb", "--split", "3"]).await;
    assert_eq!(again.status.code(), Some(2), "{again:?}");
    // A bucket that is not there is found before the objects are written.
    let missing = convert(path, endpoint, &["in.rdb", "s3://none/new.rdb"]).await;
    assert_eq!(missing.status.code(), Some(3), "{missing:?}");

    let uploads = s3.list_multipart_uploads().bucket("backups").send().await.unwrap();
    assert_eq!(uploads.uploads(), []);
    let objects = s3.list_objects_v2().bucket("backups").send().await.unwrap();
    let keys: Vec<_> = objects.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(keys, ["new.rdb", "shard-0002.rdb", "shard-0003.rdb"]);
}

/// How an S3 of this file answers a part and the completion of an upload.
#[derive(Clone, Copy)]
struct Answers {
    part: Option<StatusCode>,
    completion: StatusCode,
}

/// An S3 with no object, in which uploads fail.
async fn failing(answers: Answers) -> (String, UnboundedReceiver<String>) {
    let (sender, calls) = unbounded_channel();
    let app = Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap, body: Body| {
        answer(answers, sender.clone(), method, uri, headers, body)
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (endpoint, calls)
}

async fn answer(
    answers: Answers,
    calls: UnboundedSender<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> (StatusCode, [(&'static str, &'static str); 1], String) {
    // Whoever answers before the body has come closes the connection.
    let _ = to_bytes(body, usize::MAX).await;
    let query = uri.query().unwrap_or_default();
    let part = query.contains("partNumber");
    let only_new = headers.get("if-none-match").is_some_and(|tag| tag == "*");
    let call = match method {
        Method::PUT if part => "part".to_owned(),
        Method::POST if query.contains("uploads") => "begin".to_owned(),
        Method::POST if only_new => "complete if none exists".to_owned(),
        Method::DELETE if query.contains("uploadId=u1") => "abort".to_owned(),
        _ => method.to_string(),
    };
    let _ = calls.send(call.clone());
    let (status, body) = match call.as_str() {
        "HEAD" => (StatusCode::NOT_FOUND, ""),
        "begin" => (
            StatusCode::OK,
            "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>",
        ),
        "part" => match answers.part {
            Some(StatusCode::OK) => (StatusCode::OK, ""),
            Some(status) => (status, "<Error><Code>AccessDenied</Code></Error>"),
            None => std::future::pending().await,
        },
        "complete if none exists" => (
            answers.completion,
            "<Error><Code>PreconditionFailed</Code><Message>At least one</Message></Error>",
        ),
        "abort" => (StatusCode::NO_CONTENT, ""),
        _ => (StatusCode::NOT_IMPLEMENTED, ""),
    };
    (status, [("etag", "\"tag\"")], body.to_owned())
}

fn all(mut calls: UnboundedReceiver<String>) -> Vec<String> {
    let mut seen = Vec::new();
    while let Ok(call) = calls.try_recv() {
        seen.push(call);
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_fails_is_aborted() {
    let folder = folder();
    let denied = Answers { part: Some(StatusCode::FORBIDDEN), completion: StatusCode::OK };
    let (endpoint, calls) = failing(denied).await;
    let output = convert(folder.path(), &endpoint, &["in.rdb", "s3://backups/new.rdb"]).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let seen = all(calls);
    assert_eq!(seen.last().unwrap(), "abort", "{seen:?}");
    assert!(!seen.iter().any(|call| call.starts_with("complete")), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_appears_meanwhile_is_not_replaced() {
    let folder = folder();
    let exists = Answers { part: Some(StatusCode::OK), completion: StatusCode::PRECONDITION_FAILED };
    let (endpoint, calls) = failing(exists).await;
    let output = convert(folder.path(), &endpoint, &["in.rdb", "s3://backups/new.rdb"]).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let seen = all(calls);
    assert_eq!(seen[seen.len() - 2..], ["complete if none exists", "abort"], "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_aborts_the_upload() {
    let folder = folder();
    let (endpoint, mut calls) = failing(Answers { part: None, completion: StatusCode::OK }).await;
    let mut command = seeder(folder.path(), &endpoint, &["in.rdb", "s3://backups/new.rdb"]).spawn().unwrap();
    while tokio::time::timeout(Duration::from_mins(1), calls.recv()).await.unwrap().unwrap() != "part" {}
    kill(Pid::from_raw(i32::try_from(command.id()).unwrap()), Signal::SIGINT).unwrap();
    let status = tokio::task::spawn_blocking(move || command.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(130));
    let seen = all(calls);
    assert_eq!(seen.last().unwrap(), "abort", "{seen:?}");
    assert!(!seen.iter().any(|call| call.starts_with("complete")), "{seen:?}");
}
