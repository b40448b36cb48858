//! Runs `seeder backup` against servers, real ones and some of this file.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{
        atomic::{AtomicU16, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
};

use crate::server::{Engine, Server, engines};

/// `seeder backup` in a folder, without credentials of the environment.
pub fn seeder(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seeder"));
    command.arg("backup").args(words).current_dir(folder);
    for variable in ["SEEDER_PASSWORD", "SEEDER_USERNAME", "REDISCLI_AUTH"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub fn backup(folder: &Path, words: &[&str]) -> Output {
    seeder(folder, words).output().unwrap()
}

/// Everything that was printed.
pub fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The status, and what was printed: one text for a failing test.
#[track_caller]
pub fn expect(output: &Output, status: i32, text: &str) {
    let printed = printed(output);
    assert_eq!(output.status.code(), Some(status), "{printed}");
    assert!(printed.contains(text), "expected {text:?}, found {printed}");
}

/// The names in a folder, also of what is unfinished.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The newest engine that is at hand.
pub fn an_engine() -> Option<Engine> {
    engines().into_iter().rfind(|engine| engine.is_7)
}

pub fn socket(server: &Server) -> PathBuf {
    server.folder.path().join("socket")
}

pub fn url(server: &Server) -> String {
    format!("unix://{}", socket(server).display())
}

/// A port that is free now, and so is the one of a cluster's bus.
pub fn free_port() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let first = 21_000 + (std::process::id() % 9000) as u16;
    loop {
        let port = first + TRIED.fetch_add(1, Ordering::Relaxed);
        if free(port) && free(port + 10_000) {
            return port;
        }
    }
}

/// Fills a server with strings that do not compress.
pub fn fill_with_noise(server: &mut Server, megabytes: u32) {
    let script = "local s = ARGV[1] for n = 1, 16 do s = redis.sha1hex(s) .. s end
        local noise = {} for n = 1, 1000 do s = redis.sha1hex(s .. n) noise[n] = s end
        noise = string.rep(table.concat(noise), 2)
        for n = 1, 13 do redis.call('SET', ARGV[1] .. ':' .. n, string.sub(noise, n * 99) .. n) end";
    // Without compression, since the noise repeats.
    server.run(&["CONFIG", "SET", "rdbcompression", "no"]);
    for number in 0..megabytes {
        server.run(&["EVAL", script, "0", &number.to_string()]);
    }
}

/// Passes a connection on to a server, and of what the server sends only the first bytes. Then it says so, and waits
/// until the other end of `cut` is dropped.
pub fn relay(server: &Server, first_bytes: u64) -> (u16, Receiver<()>, std::sync::mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let socket = socket(server);
    let (reached, is_reached) = channel();
    let (cut, is_cut) = channel::<()>();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client: TcpStream = client.unwrap();
            let mut server = UnixStream::connect(&socket).unwrap();
            let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut from_client, &mut to_server);
                let _ = to_server.shutdown(Shutdown::Both);
            });
            let passed =
                std::io::copy(&mut Read::by_ref(&mut server).take(first_bytes), &mut client).unwrap_or(0);
            if passed == first_bytes {
                let _ = reached.send(());
                let _ = is_cut.recv();
            }
            let _ = client.shutdown(Shutdown::Both);
        }
    });
    (port, is_reached, cut)
}

/// A server that answers each command by its words, and closes after an answer that is empty.
pub fn scripted(answer: impl Fn(&[String]) -> Vec<u8> + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = BufReader::new(client.unwrap());
            while let Some(words) = command(&mut client) {
                let answer = answer(&words);
                if answer.is_empty() || client.get_mut().write_all(&answer).is_err() {
                    break;
                }
            }
        }
    });
    port
}

fn command(client: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let mut line = || {
        let mut line = String::new();
        client.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim_end().to_owned())
    };
    let words = line()?.strip_prefix('*')?.parse().ok()?;
    (0..words)
        .map(|_| {
            line()?;
            line()
        })
        .collect()
}
