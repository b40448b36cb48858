//! `seeder backup SOURCE s3://bucket/key` creates a whole object, or none.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

mod backing_up;
mod local_objects;
#[path = "../../rdb-scan/tests/common/server.rs"]
mod server;

use std::{
    process::{Command, Output},
    time::Duration,
};

use axum::{Router, http::StatusCode};
use backing_up::{an_engine, expect, fill_with_noise, free_port, printed, relay, scripted, seeder, url};
use local_objects::LocalS3;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use server::Server;
use tempfile::TempDir;
use tokio::task::spawn_blocking;

const DISKLESS: [&str; 4] = ["--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"];
const BY_DISK: [&str; 2] = ["--repl-diskless-sync", "no"];

/// An S3 with an empty bucket.
struct Bucket {
    local: LocalS3,
    folder: TempDir,
}

impl Bucket {
    async fn new() -> Self {
        Self { local: LocalS3::start().await, folder: tempfile::tempdir().unwrap() }
    }

    fn seeder(&self, words: &[&str]) -> Command {
        let mut command = seeder(self.folder.path(), words);
        command
            .envs([("AWS_ENDPOINT_URL", self.local.endpoint.as_str()), ("AWS_REGION", "us-east-1")])
            .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")]);
        command
    }

    async fn backup(&self, words: &[&str]) -> Output {
        let mut command = self.seeder(words);
        spawn_blocking(move || command.output()).await.unwrap().unwrap()
    }

    /// The keys of all objects. There must be no open upload.
    async fn keys(&self) -> Vec<String> {
        let uploads = self.local.s3.list_multipart_uploads().bucket("backups").send().await.unwrap();
        assert_eq!(uploads.uploads(), []);
        let objects = self.local.s3.list_objects_v2().bucket("backups").send().await.unwrap();
        objects.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
    }

    async fn open_uploads(&self) -> usize {
        self.local.s3.list_multipart_uploads().bucket("backups").send().await.unwrap().uploads().len()
    }

    async fn object(&self, key: &str) -> (String, Vec<u8>) {
        let got = self.local.s3.get_object().bucket("backups").key(key).send().await.unwrap();
        let etag = got.e_tag().unwrap().trim_matches('"').to_owned();
        (etag, got.body.collect().await.unwrap().to_vec())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_holds_what_the_server_has() {
    let Some(engine) = an_engine() else { return };
    let bucket = Bucket::new().await;
    let port = free_port();
    let mut server = Server::start(&engine, &[&DISKLESS[..], &["--port", &port.to_string()]].concat());
    fill_with_noise(&mut server, 40);
    let source = url(&server);
    let done = bucket.backup(&[&source, "s3://backups/a/new.rdb", "--json"]).await;
    expect(&done, 0, "\"to\":\"s3://backups/a/new.rdb\"");
    let (etag, object) = bucket.object("a/new.rdb").await;
    assert!(etag.ends_with("-3"), "{etag}: parts of 16 MiB");
    let mut loaded = Server::load(&engine, Some(&object), &[]).unwrap();
    assert_eq!(loaded.run(&["DEBUG", "DIGEST"]), server.run(&["DEBUG", "DIGEST"]));

    expect(
        &bucket.backup(&[&source, "s3://backups/a/new.rdb"]).await,
        2,
        "s3://backups/a/new.rdb exists; --force",
    );
    server.run(&["FLUSHALL"]);
    expect(&bucket.backup(&[&source, "s3://backups/a/new.rdb", "--force"]).await, 0, "0 keys");
    assert!(bucket.object("a/new.rdb").await.1.len() < 1000);
    expect(&bucket.backup(&[&source, "s3://none/new.rdb"]).await, 3, "none");
    expect(&bucket.backup(&[&source, "s3://backups"]).await, 2, "s3://backups");
    assert_eq!(bucket.keys().await, ["a/new.rdb"]);

    // No password is in a key, nor anywhere else.
    server.run(&["CONFIG", "SET", "requirepass", "pass/word"]);
    let source = format!("redis://:pass%2fword@127.0.0.1:{port}");
    let done = bucket.backup(&[&source, "s3://backups/b.rdb", "--json"]).await;
    expect(&done, 0, "\"to\":\"s3://backups/b.rdb\"");
    let shown = format!("{}{:?}", printed(&done), bucket.keys().await);
    assert!(!shown.contains("pass/word") && !shown.contains("pass%2f"), "{shown}");
}

/// An S3 that refuses to begin an upload.
async fn refusing(status: u16, code: &'static str, message: &'static str) -> String {
    let answer = move || async move {
        let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        (StatusCode::from_u16(status).unwrap(), body)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    endpoint
}

#[tokio::test(flavor = "multi_thread")]
async fn why_s3_takes_no_backup_is_said_with_what_to_do() {
    let Some(engine) = an_engine() else { return };
    let bucket = Bucket::new().await;
    let server = Server::start(&engine, &DISKLESS);
    let source = url(&server);
    for (status, code, message, hint) in [
        (403, "AccessDenied", "Access Denied", "hint: grant this permission to who calls"),
        (403, "RequestTimeTooSkewed", "The difference is too large.", "hint: set the clock of this machine"),
        (400, "ExpiredToken", "The provided token has expired.", "hint: log in again"),
        (404, "NoSuchBucket", "The specified bucket does not exist", "hint: name a bucket that exists"),
    ] {
        let mut command = bucket.seeder(&[&source, "s3://others/new.rdb", "--force"]);
        command.env("AWS_ENDPOINT_URL", refusing(status, code, message).await);
        let output = spawn_blocking(move || command.output()).await.unwrap().unwrap();
        expect(&output, 3, hint);
        expect(&output, 3, &format!("error: failed to upload others/new.rdb: {code}: {message}"));
    }
    let mut command = bucket.seeder(&[&source, "s3://backups/new.rdb", "--force"]);
    for variable in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        command.env_remove(variable);
    }
    command.envs([("AWS_EC2_METADATA_DISABLED", "true"), ("HOME", "/none")]);
    let output = spawn_blocking(move || command.output()).await.unwrap().unwrap();
    expect(&output, 3, "hint: there are no AWS credentials");
    let mut command = bucket.seeder(&[&source, "s3://backups/new.rdb", "--force"]);
    command.env_remove("AWS_REGION").env("AWS_EC2_METADATA_DISABLED", "true");
    let output = spawn_blocking(move || command.output()).await.unwrap().unwrap();
    expect(&output, 3, "hint: set the region");
    assert!(bucket.keys().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_dies_in_the_middle_leaves_no_object_and_no_upload() {
    let Some(engine) = an_engine() else { return };
    let bucket = Bucket::new().await;
    for (arguments, percent) in [(&DISKLESS[..], 70), (&BY_DISK, 99)] {
        let mut server = Server::start(&engine, arguments);
        fill_with_noise(&mut server, 40);
        let server_bytes = server.save().len() as u64;
        let (port, reached, cut) = relay(&server, server_bytes * percent / 100);
        let process =
            bucket.seeder(&[&format!("redis://127.0.0.1:{port}"), "s3://backups/new.rdb"]).spawn().unwrap();
        spawn_blocking(move || reached.recv_timeout(Duration::from_mins(1)).unwrap()).await.unwrap();
        assert_eq!(bucket.open_uploads().await, 1);
        drop((server, cut));
        let output = spawn_blocking(move || process.wait_with_output()).await.unwrap().unwrap();
        expect(&output, 3, "closed the connection after");
        assert!(bucket.keys().await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_refused_or_interrupted_leaves_no_object_and_no_upload() {
    let bucket = Bucket::new().await;
    let forbids = scripted(|words| match words[0].as_str() {
        "PSYNC" => b"-NOPERM no\r\n".to_vec(),
        _ => b"+OK\r\n".to_vec(),
    });
    expect(
        &bucket.backup(&[&format!("redis://127.0.0.1:{forbids}"), "s3://backups/a.rdb"]).await,
        1,
        "NOPERM",
    );
    let damages = scripted(|words| match words[0].as_str() {
        "PSYNC" => {
            [&b"+FULLRESYNC 0 0\r\n$20000000\r\nREDIS0011\xfe\x00"[..], &vec![0x77; 20_000_000]].concat()
        }
        _ => b"+OK\r\n".to_vec(),
    });
    expect(
        &bucket.backup(&[&format!("redis://127.0.0.1:{damages}"), "s3://backups/b.rdb"]).await,
        1,
        "is damaged",
    );
    assert!(bucket.keys().await.is_empty());

    let Some(engine) = an_engine() else { return };
    let mut server = Server::start(&engine, &DISKLESS);
    fill_with_noise(&mut server, 40);
    let (port, reached, _cut) = relay(&server, 30_000_000);
    let process =
        bucket.seeder(&[&format!("redis://127.0.0.1:{port}"), "s3://backups/c.rdb"]).spawn().unwrap();
    spawn_blocking(move || reached.recv_timeout(Duration::from_mins(1)).unwrap()).await.unwrap();
    assert_eq!(bucket.open_uploads().await, 1);
    kill(Pid::from_raw(i32::try_from(process.id()).unwrap()), Signal::SIGINT).unwrap();
    let output = spawn_blocking(move || process.wait_with_output()).await.unwrap().unwrap();
    expect(&output, 130, "interrupted; no new file is left");
    assert!(bucket.keys().await.is_empty());
}
