//! `seeder upload`: whole objects with the bytes of the files or none, and what has arrived is not sent again.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

mod local_objects;

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use local_objects::LocalS3;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::spawn_blocking;

const PART: u64 = 16 << 20;

/// A sound backup of one string for each letter, of about a megabyte each.
fn backup(values: &[u8]) -> Vec<u8> {
    let mut bytes = b"REDIS0011\xfe\x00".to_vec();
    for (number, value) in values.iter().enumerate() {
        bytes.extend([0, 4]);
        bytes.extend(format!("{number:04}").as_bytes());
        bytes.extend([0x80, 0, 0x10, 0, 0]);
        bytes.extend(vec![*value; 1 << 20]);
    }
    // Without a checksum of its own.
    bytes.extend([0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// An S3 with an empty bucket, and a folder of files.
struct Place {
    local: LocalS3,
    folder: TempDir,
}

impl Place {
    async fn new() -> Self {
        Self { local: LocalS3::start().await, folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn spawn(&self, endpoint: &str, words: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_seeder"))
            .arg("upload")
            .args(words)
            .args(["--bucket", "backups", "--prefix", ""])
            .current_dir(self.folder.path())
            .envs([("AWS_ENDPOINT_URL", endpoint), ("AWS_REGION", "us-east-1")])
            .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs it to its end. Returns what it printed.
    async fn upload(&self, status: i32, words: &[&str]) -> String {
        let process = self.spawn(&self.local.endpoint, words);
        expect(process, status).await
    }

    async fn keys(&self) -> Vec<String> {
        let objects = self.local.s3.list_objects_v2().bucket("backups").send().await.unwrap();
        objects.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
    }

    async fn open_uploads(&self) -> usize {
        self.local.s3.list_multipart_uploads().bucket("backups").send().await.unwrap().uploads().len()
    }

    async fn object(&self, key: &str) -> Vec<u8> {
        let got = self.local.s3.get_object().bucket("backups").key(key).send().await.unwrap();
        got.body.collect().await.unwrap().to_vec()
    }

    /// Uploads until this many bytes have been sent, and ends the process by a signal.
    async fn interrupted(&self, sent_bytes: u64, signal: Signal, words: &[&str]) -> Output {
        let (endpoint, reached) = stalling(&self.local.endpoint, sent_bytes);
        let process = self.spawn(&endpoint, words);
        spawn_blocking(move || reached.recv_timeout(Duration::from_mins(1)).unwrap()).await.unwrap();
        kill(Pid::from_raw(i32::try_from(process.id()).unwrap()), signal).unwrap();
        spawn_blocking(|| process.wait_with_output().unwrap()).await.unwrap()
    }
}

async fn expect(process: Child, status: i32) -> String {
    let output = spawn_blocking(|| process.wait_with_output().unwrap()).await.unwrap();
    let printed =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{printed}");
    printed
}

/// Passes connections on to an endpoint. After this many bytes of clients, on all connections, it passes no more, and
/// says so.
fn stalling(endpoint: &str, most_bytes: u64) -> (String, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = endpoint.strip_prefix("http://").unwrap().to_owned();
    let (passed, (reached, is_reached)) = (Arc::new(AtomicU64::new(0)), channel());
    thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
            let (mut answers, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut answers, &mut to_client);
                let _ = to_client.shutdown(Shutdown::Both);
            });
            let (passed, reached) = (Arc::clone(&passed), reached.clone());
            thread::spawn(move || {
                let mut buffer = vec![0; 64 << 10];
                while let Ok(read @ 1..) = client.read(&mut buffer) {
                    if passed.fetch_add(read as u64, Ordering::Relaxed) > most_bytes {
                        let _ = reached.send(());
                        return thread::sleep(Duration::from_mins(5));
                    }
                    if server.write_all(&buffer[..read]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, is_reached)
}

/// At most four parts are on their way, so that of 85 MB at least one has arrived.
const SOME: u64 = 85_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_was_killed_goes_on_where_it_stopped() {
    let place = Place::new().await;
    let values: Vec<u8> = (b'a'..=b'z').cycle().take(100).collect();
    place.write("orders-0001.rdb", &backup(&values));
    place.interrupted(SOME, Signal::SIGKILL, &["orders-0001.rdb", "--no-start"]).await;
    assert_eq!((place.keys().await.len(), place.open_uploads().await), (0, 1));
    let printed = place.upload(0, &["orders-0001.rdb", "--no-start"]).await;
    let there = printed.split(" bytes of it were there from before").next().unwrap();
    let there: u64 = there.rsplit('\n').next().unwrap().replace(',', "").parse().unwrap();
    assert!(there >= PART, "{there}");
    assert_eq!(
        (place.keys().await, place.open_uploads().await),
        (vec!["sets/orders/orders-0001.rdb".to_owned()], 0)
    );
    assert!(place.object("sets/orders/orders-0001.rdb").await == backup(&values));
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_the_file_no_longer_has_are_sent_again() {
    let place = Place::new().await;
    let mut values = vec![b'a'; 100];
    place.write("orders.rdb", &backup(&values));
    let output = place.interrupted(SOME, Signal::SIGTERM, &["orders.rdb", "--no-start"]).await;
    assert_eq!(output.status.code(), Some(143));
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(printed.contains("the same command continues where this one stopped"), "{printed}");
    // Of the same length, in every part.
    values.fill(b'b');
    place.write("orders.rdb", &backup(&values));
    let printed = place.upload(0, &["orders.rdb", "--no-start"]).await;
    assert!(!printed.contains("from before"), "{printed}");
    assert!(place.object("sets/orders/orders.rdb").await == backup(&values));
    // Shorter than what was sent.
    place.interrupted(SOME, Signal::SIGINT, &["orders.rdb", "--no-start", "--set", "other"]).await;
    place.write("orders.rdb", &backup(&values[..2]));
    place.upload(0, &["orders.rdb", "--no-start", "--set", "other"]).await;
    assert!(place.object("sets/other/orders.rdb").await == backup(&values[..2]));
    assert_eq!(place.open_uploads().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_a_set_comes_last_and_names_all() {
    let place = Place::new().await;
    for (number, folder) in ["one", "two"].iter().enumerate() {
        place.write(&format!("{folder}/dump.rdb"), &backup(&[b'0' + u8::try_from(number).unwrap()]));
    }
    let files = ["one/dump.rdb", "two/dump.rdb", "--set", "orders"];
    let cluster = ["--id", "orders", "--shards", "5", "--allow", "big-key"];
    let printed = place.upload(0, &[&files[..], &cluster].concat()).await;
    assert!(printed.contains("s3://backups/sets/orders.seed.json starts the seeding"), "{printed}");
    let expected = ["sets/orders.seed.json", "sets/orders/0001-dump.rdb", "sets/orders/0002-dump.rdb"];
    assert_eq!(place.keys().await, expected);
    let list: Value = serde_json::from_slice(&place.object("sets/orders.seed.json").await).unwrap();
    let backups = ["s3://backups/sets/orders/0001-dump.rdb", "s3://backups/sets/orders/0002-dump.rdb"];
    assert_eq!((&list["backups"], &list["allow"]), (&backups.into(), &vec!["big-key"].into()));
    assert_eq!(list["cluster"], serde_json::json!({"id": "orders", "shards": 5}));
    // It was started: not once more by accident.
    let printed = place.upload(2, &files).await;
    assert!(printed.contains("sets/orders.seed.json exists") && printed.contains("hint: "), "{printed}");
    let printed = place.upload(0, &[&files[..], &["--force"]].concat()).await;
    assert_eq!(printed.matches("there with the same checksum").count(), 2, "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_with_other_contents_are_replaced_only_if_asked_for() {
    let place = Place::new().await;
    place.write("a.rdb", &backup(b"a"));
    place.upload(0, &["a.rdb", "--no-start"]).await;
    place.write("a.rdb", &backup(b"b"));
    let printed = place.upload(2, &["a.rdb", "--no-start"]).await;
    assert!(printed.contains("s3://backups/sets/a/a.rdb exists, with other contents"), "{printed}");
    assert!(place.object("sets/a/a.rdb").await == backup(b"a"));
    place.upload(0, &["a.rdb", "--no-start", "--force"]).await;
    assert!(place.object("sets/a/a.rdb").await == backup(b"b"));
    assert_eq!(place.open_uploads().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_one_unsound_file_none_becomes_an_object() {
    let place = Place::new().await;
    place.write("a.rdb", &backup(b"a"));
    let mut broken = backup(b"b");
    broken.truncate(1000);
    place.write("b.rdb", &broken);
    let printed = place.upload(1, &["a.rdb", "b.rdb"]).await;
    assert!(printed.contains("backup-truncated") && printed.contains("b.rdb is not sound"), "{printed}");
    assert!(place.keys().await.is_empty());
    // That of the sound file goes on when the other one is mended.
    assert_eq!(place.open_uploads().await, 1);
    place.write("b.rdb", &backup(b"b"));
    let printed = place.upload(0, &["a.rdb", "b.rdb"]).await;
    assert!(printed.contains("of them were there from before"), "{printed}");
    assert_eq!((place.keys().await.len(), place.open_uploads().await), (3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_uploaded_is_named() {
    let place = Place::new().await;
    place.write("a.rdb", &backup(b"a"));
    place.write("folder/b.rdb", b"");
    for (words, expected) in [
        (&["none.rdb"][..], "failed to inspect none.rdb"),
        (&["folder"], "folder is not a file"),
        (&["a.rdb", "a.rdb"], "a file is named twice"),
        (&["a.rdb", "--set", "x/y"], "`x/y` is no name of a set\nhint: "),
        (&["a.rdb", "--shards", "x"], "--shards"),
        (&["a.rdb", "--allow", "nonsense", "--request", "none.json"], "failed to read none.json"),
    ] {
        let printed = place.upload(2, words).await;
        assert!(printed.contains(expected), "{words:?}: {printed}");
    }
}
