//! No password of `seeder backup` is ever shown.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

mod backing_up;
#[path = "../../rdb-scan/tests/common/server.rs"]
mod server;

use std::{path::Path, process::Output};

use backing_up::{an_engine, expect, free_port, names, printed, scripted, seeder};
use server::Server;

const SECRET: &str = "p@ss/w%rd?:";
const ENCODED: &str = "p%40ss%2Fw%25rd%3F%3A";
/// Parts of it that would show it.
const TRACES: [&str; 6] = [SECRET, ENCODED, "p@ss", "ss/w", "w%rd", "ss%2F"];

/// Runs it, and expects no trace of the secret in what it prints or writes.
fn run(folder: &Path, words: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = seeder(folder, words);
    command.env("RUST_BACKTRACE", "1").envs(variables.iter().copied());
    let output = command.output().unwrap();
    let shown = format!("{}{:?}", printed(&output), names(folder));
    for trace in TRACES {
        assert!(!shown.contains(trace), "{words:?} shows {trace}: {shown}");
    }
    output
}

#[test]
fn a_password_is_used_and_not_shown() {
    let Some(engine) = an_engine() else { return };
    let port = free_port();
    let mut server = Server::start(&engine, &["--port", &port.to_string()]);
    server.run(&["CONFIG", "SET", "repl-diskless-sync-delay", "0"]);
    server.run(&["ACL", "SETUSER", "ann", "on", &format!(">{SECRET}"), "~*", "+@all"]);
    server.run(&["CONFIG", "SET", "requirepass", SECRET]);
    let folder = tempfile::tempdir().unwrap();
    let (host, path) = (format!("127.0.0.1:{port}"), folder.path());
    let warning = "warning: a password in SOURCE is visible";
    for user in ["", "ann"] {
        let source = format!("redis://{user}:{ENCODED}@{host}");
        for words in [&[&*source][..], &[&source, "--json"], &[&source, "-", "--quiet"]] {
            expect(&run(path, &[words, &["--force"]].concat(), &[]), 0, warning);
        }
        expect(&run(path, &[&source, "--bgsave"], &[]), 0, warning);
        expect(&run(path, &[&source], &[]), 2, "exists; --force");
        expect(&run(path, &[&source, "x", "--cluster"], &[]), 1, "hint: the server is no node of a cluster");
        expect(&run(path, &[&source, "x", "--sentinel", "m"], &[]), 1, "hint: the server is no sentinel");
        expect(&run(path, &[&source, "x", "--ca", "x"], &[]), 2, "write rediss://");
    }
    assert_eq!(names(path), [format!("127.0.0.1-{port}.rdb")]);
    let variables = [("SEEDER_PASSWORD", SECRET), ("SEEDER_USERNAME", "ann")];
    let done = run(path, &[&format!("redis://{host}"), "--force"], &variables);
    expect(&done, 0, "complete and sound");
    assert!(!printed(&done).contains(warning));
    let wrong = [("SEEDER_PASSWORD", SECRET), ("SEEDER_USERNAME", "bob")];
    expect(&run(path, &[&format!("redis://{host}"), "--force"], &wrong), 1, "WRONGPASS");
    expect(&run(path, &[&format!("redis://bob@{host}"), "--force"], &wrong[..1]), 1, "WRONGPASS");
}

#[test]
fn messages_about_the_command_line_do_not_show_it() {
    let folder = tempfile::tempdir().unwrap();
    // As people write it, with everything that a URL would have to hide.
    for secret in [SECRET, ENCODED] {
        for source in [
            format!("redis://:{secret}@127.0.0.1:1"),
            format!("redis://user:{secret}@127.0.0.1:none"),
            format!("http://:{secret}@127.0.0.1:1"),
            format!("redis:/:{secret}@127.0.0.1:1"),
            format!(":{secret}@127.0.0.1:1"),
            format!("{secret}@127.0.0.1"),
            format!("redis://:{secret}@127.0.0.1:1/{secret}"),
            format!("redis://{secret}"),
        ] {
            for words in [
                &[&*source][..],
                &[&source, "to", &source],
                &[&source, "--ca"],
                &[&source, "--no-such-option"],
                &[&source, "--timeout-seconds", &source],
                &[&source, &format!("--timeout-seconds={source}")],
            ] {
                let output = run(folder.path(), words, &[]);
                assert!([2, 3].contains(&output.status.code().unwrap()), "{words:?}: {}", printed(&output));
            }
        }
    }
}

/// Servers and proxies that do not know a command quote it.
#[test]
fn what_a_server_quotes_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    for answer in ["-ERR unknown command 'AUTH', with args beginning with:", "-ERR syntax error near"] {
        let answer = answer.to_owned();
        let port = scripted(move |words| match words[0].as_str() {
            "AUTH" => format!("{answer} '{}' '{}'\r\n", words[1], words.last().unwrap()).into_bytes(),
            _ => b"+OK\r\n".to_vec(),
        });
        for user in ["", "ann"] {
            let source = format!("redis://{user}:{ENCODED}@127.0.0.1:{port}");
            expect(&run(folder.path(), &[&source, "new.rdb"], &[]), 1, "refused AUTH");
        }
    }
}
