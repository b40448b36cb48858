//! A `seeder backup` that cannot end well says why, and leaves nothing.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

mod backing_up;
#[path = "../../rdb-scan/tests/common/server.rs"]
mod server;

use std::{fs, io::Read, net::TcpListener, process::Command, sync::mpsc::channel, thread, time::Duration};

use backing_up::{
    an_engine, backup, expect, fill_with_noise, free_port, names, printed, relay, scripted, seeder, url,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use server::Server;

const DISKLESS: [&str; 4] = ["--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"];
const BY_DISK: [&str; 2] = ["--repl-diskless-sync", "no"];
const NOTHING: [&str; 0] = [];

#[test]
fn a_source_that_dies_in_the_middle_leaves_no_file() {
    let Some(engine) = an_engine() else { return };
    for (arguments, percent) in [(&DISKLESS[..], 50), (&BY_DISK, 99)] {
        let mut server = Server::start(&engine, arguments);
        fill_with_noise(&mut server, 15);
        let first_bytes = server.save().len() as u64 * percent / 100;
        let (port, reached, cut) = relay(&server, first_bytes);
        let folder = tempfile::tempdir().unwrap();
        let process =
            seeder(folder.path(), &[&format!("redis://127.0.0.1:{port}"), "new.rdb"]).spawn().unwrap();
        reached.recv_timeout(Duration::from_mins(1)).unwrap();
        assert_eq!(names(folder.path()).len(), 1, "the unfinished file");
        drop(server);
        drop(cut);
        let output = process.wait_with_output().unwrap();
        expect(&output, 3, "closed the connection after");
        assert!(
            printed(&output).contains("bytes of data\nhint: the server's log says why"),
            "{}",
            printed(&output)
        );
        assert_eq!(names(folder.path()), NOTHING);
    }
}

#[test]
fn a_source_that_falls_silent_is_left() {
    let Some(engine) = an_engine() else { return };
    let mut server = Server::start(&engine, &BY_DISK);
    fill_with_noise(&mut server, 2);
    let (port, _reached, _cut) = relay(&server, 1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let source = format!("redis://127.0.0.1:{port}");
    let output = backup(folder.path(), &[&source, "new.rdb", "--timeout-seconds", "1"]);
    expect(&output, 3, "sent nothing for 1 s after");
    assert_eq!(names(folder.path()), NOTHING);
}

#[test]
fn signals_leave_no_file() {
    let Some(engine) = an_engine() else { return };
    let mut server = Server::start(&engine, &BY_DISK);
    fill_with_noise(&mut server, 2);
    for (signal, status) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let (port, reached, _cut) = relay(&server, 1_000_000);
        let folder = tempfile::tempdir().unwrap();
        let process =
            seeder(folder.path(), &[&format!("redis://127.0.0.1:{port}"), "new.rdb"]).spawn().unwrap();
        reached.recv_timeout(Duration::from_mins(1)).unwrap();
        assert_eq!(names(folder.path()).len(), 1, "the unfinished file");
        kill(Pid::from_raw(i32::try_from(process.id()).unwrap()), signal).unwrap();
        expect(&process.wait_with_output().unwrap(), status, "interrupted; no new file is left");
        assert_eq!(names(folder.path()), NOTHING);
    }
}

#[test]
fn a_file_that_may_not_grow_is_deleted() {
    let Some(engine) = an_engine() else { return };
    let mut server = Server::start(&engine, &DISKLESS);
    fill_with_noise(&mut server, 2);
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 100; exec \"$0\" backup \"$1\" new.rdb"])
        .args([env!("CARGO_BIN_EXE_seeder"), &url(&server)])
        .current_dir(folder.path())
        .output()
        .unwrap();
    expect(&output, 3, "new.rdb: failed to write: File too large");
    assert_eq!(names(folder.path()), NOTHING);
    expect(&backup(folder.path(), &[&url(&server), "none/new.rdb"]), 3, "failed to write none/new.rdb");
    expect(&backup(folder.path(), &[&url(&server), "."]), 2, "is a folder");
}

#[test]
fn a_pipe_that_closes_is_an_error() {
    let Some(engine) = an_engine() else { return };
    let mut server = Server::start(&engine, &DISKLESS);
    fill_with_noise(&mut server, 2);
    let folder = tempfile::tempdir().unwrap();
    let mut process = seeder(folder.path(), &[&url(&server), "-"]).spawn().unwrap();
    process.stdout.take().unwrap().read_exact(&mut [0; 10]).unwrap();
    expect(&process.wait_with_output().unwrap(), 3, "-: failed to write: Broken pipe");
}

/// A user who may do everything but what a replica does, and one who may do only that.
#[test]
fn permissions_are_named() {
    let Some(engine) = an_engine() else { return };
    let mut server = Server::start(&engine, &DISKLESS);
    server.run(&["ACL", "SETUSER", "most", "on", ">most", "~*", "+@all", "-psync", "-sync"]);
    server.run(&["ACL", "SETUSER", "least", "on", ">least", "+psync", "+replconf"]);
    server.run(&["SET", "key", "value"]);
    let folder = tempfile::tempdir().unwrap();
    let run = |user: &str, password: &str| {
        let mut command = seeder(folder.path(), &[&url(&server), "new.rdb", "--force"]);
        command.env("SEEDER_USERNAME", user).env("SEEDER_PASSWORD", password).output().unwrap()
    };
    let refused = run("most", "most");
    expect(&refused, 1, "refused PSYNC: NOPERM");
    assert!(printed(&refused).contains("hint: allow the user what a replica needs: ACL SETUSER NAME +ping"));
    expect(&run("most", "wrong"), 1, "WRONGPASS");
    assert_eq!(names(folder.path()), NOTHING);
    let done = run("least", "least");
    expect(&done, 0, "1 keys");
    assert!(printed(&done).contains("warning: the user may not run INFO"), "{}", printed(&done));
}

#[test]
fn passwords_are_asked_for_only_on_a_terminal() {
    let Some(engine) = an_engine() else { return };
    let server = Server::start(&engine, &DISKLESS);
    let mut server = server;
    server.run(&["CONFIG", "SET", "requirepass", "secret"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let output = backup(path, &[&url(&server), "new.rdb"]);
    expect(&output, 1, "NOAUTH");
    assert!(printed(&output).contains("hint: set SEEDER_PASSWORD"));
    for variable in ["SEEDER_PASSWORD", "REDISCLI_AUTH"] {
        let done =
            seeder(path, &[&url(&server), "new.rdb", "--force"]).env(variable, "secret").output().unwrap();
        expect(&done, 0, "complete and sound");
    }
    fs::write(path.join("file"), "secret\r\nsomething else\n").unwrap();
    let from_file = [&url(&server), "new.rdb", "--force", "--password-file", "file"];
    // The file was named, and the variable is there for all commands.
    expect(&seeder(path, &from_file).env("SEEDER_PASSWORD", "wrong").output().unwrap(), 0, "complete");
    fs::write(path.join("file"), "\nsecret").unwrap();
    expect(&backup(path, &from_file), 2, "the first line of the password file file is empty");
    expect(
        &backup(path, &[&url(&server), "x", "--password-file", "none"]),
        2,
        "failed to read the password file none",
    );
}

#[test]
fn a_password_that_is_not_needed_does_no_harm() {
    let Some(engine) = an_engine() else { return };
    let server = Server::start(&engine, &DISKLESS);
    let folder = tempfile::tempdir().unwrap();
    let done = seeder(folder.path(), &[&url(&server)]).env("REDISCLI_AUTH", "other").output().unwrap();
    expect(&done, 0, "has no password, and needed none");
}

#[test]
fn states_in_which_a_server_passes_nothing_on_are_named() {
    let Some(engine) = an_engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    // Nothing listens on the port of its master.
    let replica = Server::start(&engine, &["--replicaof", "127.0.0.1 1"]);
    let output = backup(folder.path(), &[&url(&replica), "new.rdb"]);
    expect(&output, 1, "refused PSYNC: NOMASTERLINK");
    assert!(
        printed(&output).contains("warning: this replica has no link to its master"),
        "{}",
        printed(&output)
    );
    // It refuses everything else too.
    let mut stale = replica;
    stale.run(&["CONFIG", "SET", "replica-serve-stale-data", "no"]);
    expect(&backup(folder.path(), &[&url(&stale), "new.rdb"]), 1, "name the master");
    let loading = scripted(|_| b"-LOADING Redis is loading the dataset in memory\r\n".to_vec());
    expect(
        &backup(folder.path(), &[&format!("redis://127.0.0.1:{loading}"), "x"]),
        1,
        "the server loads its data set",
    );
    assert_eq!(names(folder.path()), NOTHING);
}

#[test]
fn a_server_that_loads_its_data_is_named() {
    let Some(engine) = an_engine() else { return };
    // One key in a millisecond, with a look at connections every kilobyte.
    let slowly = ["--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"];
    let mut server = Server::start(&engine, &slowly);
    server.run(&["EVAL", "for n = 1, 20000 do redis.call('SET', n, n) end", "0"]);
    server.save();
    let (folder, source) = (tempfile::tempdir().unwrap(), url(&server));
    thread::scope(|scope| {
        let reload = scope.spawn(|| server.run(&["DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE"]));
        let is_named =
            || printed(&backup(folder.path(), &[&source, "-"])).contains("the server loads its data set");
        let mut was_named = false;
        while !was_named && !reload.is_finished() {
            was_named = is_named();
        }
        assert!(was_named);
    });
}

#[test]
fn protected_mode_is_named() {
    let answer = "-DENIED Redis is running in protected mode because protected mode is enabled\r\n";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // It answers at once and closes, as servers do.
    thread::spawn(move || {
        for client in listener.incoming() {
            std::io::Write::write_all(&mut client.unwrap(), answer.as_bytes()).unwrap();
        }
    });
    let folder = tempfile::tempdir().unwrap();
    for password in ["", "some"] {
        let mut command = seeder(folder.path(), &[&format!("redis://127.0.0.1:{port}"), "new.rdb"]);
        expect(
            &command.env("SEEDER_PASSWORD", password).output().unwrap(),
            1,
            "hint: the server is in protected mode",
        );
    }
}

#[test]
fn services_that_forbid_replication_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for (refuses, answer) in [
        ("", "-ERR unknown command 'PSYNC', with args beginning with: '?' '-1' \r\n"),
        ("", "-ERR Unknown command\r\n"),
        ("", "-ERR command is not allowed\r\n"),
        ("INFO", "-ERR unknown command 'PSYNC'\r\n"),
    ] {
        let answer = answer.to_owned();
        let port = scripted(move |words| match words[0].as_str() {
            "PSYNC" | "SYNC" => answer.clone().into_bytes(),
            word if word == refuses => b"-ERR unknown command 'INFO'\r\n".to_vec(),
            "INFO" => b"$17\r\nredis_version:7.1\r\n".to_vec(),
            "CONFIG" | "REPLCONF" => format!("-ERR unknown command '{}'\r\n", words[0]).into_bytes(),
            _ => b"+OK\r\n".to_vec(),
        });
        let output = backup(folder.path(), &[&format!("redis://127.0.0.1:{port}"), "new.rdb"]);
        expect(&output, 1, "hint: this service or proxy does not let clients replicate");
        assert!(printed(&output).contains("copy-snapshot"), "{}", printed(&output));
        // It knows no replica that keeps no writes either.
        assert!(printed(&output).contains("client-output-buffer-limit"), "{}", printed(&output));
    }
    // Some close, without a word.
    let closes = scripted(|words| match words[0].as_str() {
        "PSYNC" => Vec::new(),
        _ => b"+OK\r\n".to_vec(),
    });
    let output = backup(folder.path(), &[&format!("redis://127.0.0.1:{closes}"), "new.rdb"]);
    expect(&output, 3, "hint: a server that cannot fork or save closes without a reason");
    assert_eq!(names(folder.path()), NOTHING);
}

#[test]
fn what_is_no_server_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let closed = format!("redis://127.0.0.1:{}", free_port());
    expect(&backup(folder.path(), &[&closed, "new.rdb"]), 3, "failed to connect to redis://127.0.0.1:");
    expect(
        &backup(folder.path(), &["unix:///none/socket", "new.rdb"]),
        3,
        "failed to connect to unix:///none/socket",
    );
    expect(&backup(folder.path(), &["redis://none.invalid", "new.rdb"]), 3, "failed to connect");
    let web = scripted(|_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec());
    expect(
        &backup(folder.path(), &[&format!("redis://127.0.0.1:{web}"), "x"]),
        3,
        "not like Redis or Valkey",
    );
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("redis://{}", silent.local_addr().unwrap());
    expect(
        &backup(folder.path(), &[&silent, "x", "--timeout-seconds", "1"]),
        3,
        "sent nothing for 1 s after PING",
    );
    assert_eq!(names(folder.path()), NOTHING);
}

/// What comes is complete, but damaged.
#[test]
fn a_damaged_backup_is_an_error_and_leaves_no_file() {
    let good = b"REDIS0011\xfe\x00\x00\x01a\x01b\xff\0\0\0\0\0\0\0\0".to_vec();
    let mut wrong_checksum = good.clone();
    *wrong_checksum.last_mut().unwrap() = 1;
    let folder = tempfile::tempdir().unwrap();
    let run = |data: Vec<u8>, to: &str| {
        let port = scripted(move |words| match words[0].as_str() {
            // It also says that it prepares the data, as servers do, and accepts only the oldest command.
            "PSYNC" => b"\n-ERR unknown command 'PSYNC'\r\n".to_vec(),
            "SYNC" => [format!("\n\n${}\r\n", data.len()).as_bytes(), &data].concat(),
            _ => b"+OK\r\n".to_vec(),
        });
        backup(folder.path(), &[&format!("redis://127.0.0.1:{port}"), to])
    };
    for (data, expected) in
        [(wrong_checksum, "checksum"), (good[..15].to_vec(), "ends"), (Vec::new(), "damaged")]
    {
        let output = run(data, "new.rdb");
        expect(&output, 1, "is damaged");
        assert!(printed(&output).contains(expected), "{}", printed(&output));
        assert_eq!(names(folder.path()), NOTHING);
    }
    let piped = run(good[..15].to_vec(), "-");
    expect(&piped, 1, "what was written to standard output is no backup");
    let tail = run([&good[..], b"tail"].concat(), "tail.rdb");
    expect(&tail, 0, "warning: trailing-bytes (1): seeder check describes it");
    expect(&run(good.clone(), "new.rdb"), 0, "1 keys");
    assert_eq!(fs::read(folder.path().join("new.rdb")).unwrap(), good);
}

/// Ctrl-C before anything was asked for needs no cleaning up.
#[test]
fn a_wait_for_a_server_can_be_interrupted() {
    let (asked, is_asked) = channel();
    let port = scripted(move |_| {
        let _ = asked.send(());
        thread::sleep(Duration::from_mins(10));
        Vec::new()
    });
    let folder = tempfile::tempdir().unwrap();
    let mut process = seeder(folder.path(), &[&format!("redis://127.0.0.1:{port}"), "x"]).spawn().unwrap();
    is_asked.recv_timeout(Duration::from_mins(1)).unwrap();
    kill(Pid::from_raw(i32::try_from(process.id()).unwrap()), Signal::SIGINT).unwrap();
    assert!(!process.wait().unwrap().success());
    assert_eq!(names(folder.path()), NOTHING);
}
