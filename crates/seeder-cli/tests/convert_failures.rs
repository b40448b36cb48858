//! A `seeder convert` that cannot end well says why, and leaves nothing unfinished.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use std::{
    fs::{self, OpenOptions},
    io::Read,
    os::unix::{fs::FileExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, Method, StatusCode, Uri},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc::{UnboundedSender, unbounded_channel},
    task::spawn_blocking,
};

const TAIL: &[u8] = b"\xff\0\0\0\0\0\0\0\0";

/// A backup with this many keys of 1 kB in each of two databases, without a checksum.
fn rdb(keys: u16) -> Vec<u8> {
    let mut rdb = b"REDIS0011".to_vec();
    for database in [0, 3] {
        rdb.extend([0xfe, database]);
        for number in 0..keys {
            rdb.extend(b"\x00\x02");
            rdb.extend(number.to_be_bytes());
            rdb.extend([0x43, 0xe8]);
            rdb.extend([b'v'; 1000]);
        }
    }
    rdb.extend(TAIL);
    rdb
}

fn folder(rdb: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.rdb"), rdb).unwrap();
    folder
}

fn seeder(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seeder"));
    command.arg("convert").args(words).args(["--to", "valkey-8.1"]).current_dir(folder);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn convert(folder: &Path, words: &[&str]) -> Output {
    seeder(folder, words).output().unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Everything that was left, beside the backup.
fn left(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| !path.ends_with("in.rdb")).collect()
}

#[test]
fn a_file_that_may_not_grow_is_deleted() {
    let folder = folder(&rdb(300));
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 100; exec \"$0\" convert in.rdb out.rdb --to valkey-8.1"])
        .arg(env!("CARGO_BIN_EXE_seeder"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(error(&output).contains("out.rdb: failed to write: File too large"), "{output:?}");
    assert!(left(folder.path()).is_empty());
}

#[test]
fn a_pipe_that_closes_is_an_error() {
    let folder = folder(&rdb(300));
    let mut process = seeder(folder.path(), &["in.rdb", "-"]).spawn().unwrap();
    let mut first = [0; 10];
    process.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(error(&output).contains("failed to write"), "{output:?}");
}

#[test]
fn what_is_no_file_is_not_replaced_by_one() {
    let folder = folder(&rdb(1));
    std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    for to in ["socket", "/dev/null", "."] {
        let output = convert(folder.path(), &["in.rdb", to, "--force"]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
    assert_eq!(left(folder.path()), [folder.path().join("socket")]);
}

#[test]
fn the_longest_name_can_be_written() {
    let folder = folder(&rdb(1));
    let output = convert(folder.path(), &["in.rdb", &"n".repeat(255)]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn filters_that_leave_nothing_and_names_that_are_wrong_say_so() {
    let folder = folder(&rdb(1));
    for (words, expected) in [
        (&["--include", "a*", "--exclude", "a*"][..], "no key could stay"),
        (&["--exclude", "*"], "no key could stay"),
        (&["--only", "module", "--modules", "drop"], "no key could stay"),
        (&["--databases", "1=2,1=3"], "database 1 is named twice"),
        (&["--databases", "1=2,x"], "\"x\" is no database"),
        (&["--slots", "0-16384"], "expected two slots of 0 to 16383"),
    ] {
        let output = convert(folder.path(), &[&["in.rdb", "out.rdb"], words].concat());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(error(&output).contains(expected), "{output:?}");
    }
    for (to, expected) in [
        ("valkey-8", "unknown target \"valkey-8\"; near are valkey-8.0, valkey-8.1, valkey-8.2"),
        ("redis-8.0", "unknown target \"redis-8.0\"; near are redis-6.2, redis-7.0, redis-7.1"),
        ("keydb-6.3", "unknown target \"keydb-6.3\"; known are redis-6.2, "),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seeder"));
        let output = command.args(["convert", "in.rdb", "out.rdb", "--to", to]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(error(&output).contains(expected), "{output:?}");
    }
    assert!(left(folder.path()).is_empty());
}

#[test]
fn the_help_names_every_target() {
    let output = convert(Path::new("/"), &["--help"]);
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    for name in rdb_convert::Target::NAMES {
        assert!(help.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn what_is_no_backup_is_not_to_be_salvaged() {
    for (rdb, code) in
        [(&b""[..], "empty-file"), (b"REDIS0011\xfe", "truncated"), (b"PK\x03\x04 zip", "not-an-rdb")]
    {
        let folder = folder(rdb);
        for words in [&["in.rdb", "out.rdb", "--json"][..], &["in.rdb", "out.rdb", "--json", "--salvage"]] {
            let output = convert(folder.path(), words);
            // Of a file that is cut, nothing is intact, and that can be written.
            let salvaged = code == "truncated" && words.contains(&"--salvage");
            assert_eq!(left(folder.path()).is_empty(), !salvaged, "{output:?}");
            if salvaged {
                continue;
            }
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            let told: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(told["refused"][0]["code"], code, "{told}");
            let remedy = told["refused"][0]["remedy"].as_str().unwrap();
            assert_eq!(remedy.contains("--salvage"), code == "truncated", "{remedy}");
        }
        let output = convert(folder.path(), &["in.rdb", "out2.rdb"]);
        assert!(!String::from_utf8_lossy(&output.stdout).contains("REDIS0000"), "{output:?}");
    }
}

#[test]
fn conflicts_are_counted_and_the_first_hundred_listed() {
    let folder = folder(&rdb(20_000));
    for threads in ["1", "2"] {
        let words = ["in.rdb", "out.rdb", "--databases", "merge", "--json", "--threads", threads];
        let output = convert(folder.path(), &words);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["conflicts"]["n"], 20_000);
        let keys = told["conflicts"]["keys"].as_array().unwrap();
        assert_eq!((keys.len(), &keys[0], &keys[99]), (100, &json!("\\x00\\x00"), &json!("\\x00c")));
        // Nothing was written.
        assert_eq!((&told["keysWritten"], &told["bytesWritten"]), (&json!(0), &json!(0)));
    }
    assert!(left(folder.path()).is_empty());
}

/// An S3 with the backup as object `in.rdb`, and others that can be written.
async fn serve<F: Future<Output = ()> + Send>(
    rdb: Vec<u8>,
    calls: UnboundedSender<String>,
    before: impl Fn(String) -> F + Clone + Send + Sync + 'static,
) -> String {
    let rdb = Bytes::from(rdb);
    let app = Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap| {
        let (rdb, calls, before) = (rdb.clone(), calls.clone(), before.clone());
        async move {
            let call = format!("{method} {uri}");
            before(call.clone()).await;
            let _ = calls.send(call);
            answer(&rdb, &method, &uri, &headers)
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    endpoint
}

fn answer(rdb: &Bytes, method: &Method, uri: &Uri, headers: &HeaderMap) -> (StatusCode, HeaderMap, Bytes) {
    let mut answered = HeaderMap::new();
    answered.insert("etag", "\"tag\"".parse().unwrap());
    let begun = "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";
    let (status, body) = match *method {
        Method::HEAD if uri.path().ends_with("in.rdb") => {
            answered.insert("content-length", rdb.len().into());
            (StatusCode::OK, Bytes::new())
        }
        Method::GET => {
            let range = headers.get("range").map_or("bytes=0-", |range| range.to_str().unwrap());
            let (first, last) = range.trim_start_matches("bytes=").split_once('-').unwrap();
            let (first, last) = (first.parse().unwrap(), last.parse().unwrap_or(rdb.len() - 1));
            let last: usize = last.min(rdb.len() - 1);
            let place = format!("bytes {first}-{last}/{}", rdb.len());
            answered.insert("content-range", place.parse().unwrap());
            (StatusCode::PARTIAL_CONTENT, rdb.slice(first..=last))
        }
        Method::POST if uri.query().is_some_and(|query| query.starts_with("uploads")) => {
            (StatusCode::OK, Bytes::from_static(begun.as_bytes()))
        }
        Method::POST => (
            StatusCode::OK,
            Bytes::from_static(b"<CompleteMultipartUploadResult></CompleteMultipartUploadResult>"),
        ),
        Method::PUT => (StatusCode::OK, Bytes::new()),
        Method::DELETE => (StatusCode::NO_CONTENT, Bytes::new()),
        _ => (StatusCode::NOT_FOUND, Bytes::new()),
    };
    (status, answered, body)
}

fn with_s3<'c>(command: &'c mut Command, endpoint: &str) -> &'c mut Command {
    command
        .envs([("AWS_ENDPOINT_URL", endpoint), ("AWS_REGION", "us-east-1")])
        .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_in_the_middle_of_writing_leaves_nothing() {
    for (signal, status) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let folder = folder(b"");
        let (sender, mut calls) = unbounded_channel();
        let path = folder.path().to_owned();
        // Once a new file is begun, no byte of the backup is answered.
        let endpoint = serve(rdb(100), sender, move |_| {
            let begun = !left(&path).is_empty();
            async move {
                if begun {
                    std::future::pending::<()>().await;
                }
            }
        })
        .await;
        let mut command = seeder(folder.path(), &["s3://backups/in.rdb", "out.rdb", "--split", "3"]);
        let process = with_s3(&mut command, &endpoint).spawn().unwrap();
        while left(folder.path()).len() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        kill(Pid::from_raw(i32::try_from(process.id()).unwrap()), signal).unwrap();
        let output = spawn_blocking(|| process.wait_with_output()).await.unwrap().unwrap();
        assert_eq!(output.status.code(), Some(status), "{output:?}");
        assert!(left(folder.path()).is_empty(), "{:?}", left(folder.path()));
        assert!(calls.try_recv().is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_there_is_no_file_and_the_next_run_deletes_what_was_left() {
    let folder = folder(&rdb(100));
    let (sender, _calls) = unbounded_channel();
    let path = folder.path().to_owned();
    // Once the new file is begun, no byte of the backup is answered.
    let endpoint = serve(rdb(100), sender, move |_| {
        let begun = !left(&path).is_empty();
        async move {
            if begun {
                std::future::pending::<()>().await;
            }
        }
    })
    .await;
    let mut command = seeder(folder.path(), &["s3://backups/in.rdb", "out.rdb"]);
    let mut process = with_s3(&mut command, &endpoint).spawn().unwrap();
    while left(folder.path()).is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    kill(Pid::from_raw(i32::try_from(process.id()).unwrap()), Signal::SIGKILL).unwrap();
    let status = spawn_blocking(move || process.wait()).await.unwrap().unwrap();
    assert_eq!(status.signal(), Some(9));
    let abandoned = left(folder.path());
    let name = abandoned[0].file_name().unwrap().to_string_lossy().into_owned();
    assert!(abandoned.len() == 1 && name.starts_with(".seeder-"), "{abandoned:?}");
    let output = convert(folder.path(), &["in.rdb", "out.rdb"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(left(folder.path()), [folder.path().join("out.rdb")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_changes_while_it_is_read_is_not_published() {
    let folder = folder(&rdb(100));
    let (sender, mut calls) = unbounded_channel();
    let source = folder.path().join("in.rdb");
    // When writing begins, bytes within a value are changed: nothing but the time of the change shows it.
    let endpoint = serve(Vec::new(), sender, move |call| {
        if call.contains("uploads") {
            let file = OpenOptions::new().write(true).open(&source).unwrap();
            file.write_at(b"other", 600).unwrap();
        }
        async {}
    })
    .await;
    let mut command = seeder(folder.path(), &["in.rdb", "s3://backups/out.rdb"]);
    with_s3(&mut command, &endpoint);
    let output = spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(error(&output).contains("in.rdb was changed: convert a copy"), "{output:?}");
    let mut seen = Vec::new();
    while let Ok(call) = calls.try_recv() {
        seen.push(call);
    }
    assert!(
        seen.last().unwrap().starts_with("DELETE")
            && !seen.iter().any(|call| call.starts_with("POST") && call.contains("uploadId")),
        "{seen:?}"
    );
}
