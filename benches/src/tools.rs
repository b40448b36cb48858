//! The compared programs.
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use crate::engines::{Engine, listed};

/// The role of a program in the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Reads the file and verifies the checksum, and nothing else.
    Floor,
    /// `seeder check` on one thread, as installed: it also predicts the memory in one engine.
    Ours,
    /// `seeder check` on two threads.
    OursOnTwo,
    /// rdb-scan alone, on one thread, without a prediction.
    OursReading,
    /// `seeder` in another build, on one thread, to compare with the installed one.
    OtherBuild,
    /// `seeder convert`, which checks, plans and writes.
    Converting,
    /// The RDB checker of the system's Redis.
    Reference,
    /// Another reader, on one thread.
    Peer {
        /// Whether it verifies the checksum.
        checks_crc: bool,
    },
}

/// A program and how to call it.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Its name on the command line.
    pub id: &'static str,
    /// Its title in the table.
    pub title: String,
    /// Its role in the comparison.
    pub role: Role,
    /// Its path; `None` if it is missing.
    pub program: Option<PathBuf>,
    /// Arguments before the file.
    pub arguments: &'static [&'static str],
    /// Arguments after the file.
    pub output: &'static [&'static str],
}

impl Tool {
    /// The command that reads a file; `None` if the program is missing.
    pub fn command(&self, file: &Path) -> Option<Vec<OsString>> {
        let program = self.program.as_ref()?;
        let mut command: Vec<OsString> = vec![program.into()];
        command.extend(self.arguments.iter().map(Into::into));
        command.push(file.into());
        command.extend(self.output.iter().map(Into::into));
        Some(command)
    }
}

/// The paths of the programs. A missing program gets a column of dashes.
#[derive(Debug)]
pub struct Places {
    /// The program `floor`.
    pub floor: PathBuf,
    /// The program `seeder`, as installed.
    pub ours: PathBuf,
    /// The reader alone: the example `inspect` of rdb-scan.
    pub reading: PathBuf,
    /// `seeder` in another build.
    pub other_build: Option<PathBuf>,
    /// Folder of the programs with other libraries.
    pub peers: PathBuf,
    /// List of servers that `make servers` writes.
    pub servers: PathBuf,
}

/// The usual command.
const CHECK: &[&str] = &["check", "--json", "--threads", "1"];
/// Records are copied: Valkey 8.1 reads what Redis 7.0 writes.
const COPY: &[&str] = &["convert", "--force", "--to", "valkey-8.1", "--threads", "1"];
const COPY_ON_TWO: &[&str] = &["convert", "--force", "--to", "valkey-8.1", "--threads", "2"];
/// Values are rewritten: Redis 6.2 has no listpacks.
const REWRITE: &[&str] =
    &["convert", "--force", "--to", "redis-6.2", "--functions", "drop", "--threads", "1"];
/// Where they are written, in memory.
const CONVERTED: &[&str] = &["/dev/shm/seeder-bench-converted.rdb"];
const CHECK_ON_TWO: &[&str] = &["check", "--json", "--threads", "2"];

/// Returns all programs, in the order of the table.
pub fn all(places: &Places) -> Vec<Tool> {
    let servers = std::fs::read_to_string(&places.servers).unwrap_or_default();
    let ours = there(&places.ours);
    let floor = there(&places.floor);
    let other = places.other_build.as_ref().map(|program| Tool {
        arguments: CHECK,
        ..tool("seeder-other-build", "seeder, other build", Role::OtherBuild, there(program))
    });
    let first = vec![
        tool("floor", "floor", Role::Floor, floor),
        Tool { arguments: CHECK, ..tool("seeder", "seeder", Role::Ours, ours.clone()) },
        Tool {
            arguments: CHECK_ON_TWO,
            ..tool("seeder-2", "seeder, 2 threads", Role::OursOnTwo, ours.clone())
        },
        tool("rdb-scan", "rdb-scan alone", Role::OursReading, there(&places.reading)),
    ];
    let converting = [
        ("seeder-convert", "convert, copied", COPY),
        ("seeder-convert-2", "convert, copied, 2 threads", COPY_ON_TWO),
        ("seeder-convert-rewrite", "convert, rewritten", REWRITE),
    ];
    let converting = converting.map(|(id, title, arguments)| Tool {
        arguments,
        output: CONVERTED,
        ..tool(id, title, Role::Converting, ours.clone())
    });
    let others = [
        system_check(),
        newest_check("redis-check-rdb-new", "redis", &servers),
        newest_check("valkey-check-rdb", "valkey", &servers),
        peer("librdb", "librdb 0.2", true, &places.peers.join("librdb-keys")),
        peer("rdb", "rdb 0.4, no CRC", false, &places.peers.join("rdb-nil")),
    ];
    first.into_iter().chain(converting).chain(other).chain(others).collect()
}

fn tool(id: &'static str, title: impl Into<String>, role: Role, program: Option<PathBuf>) -> Tool {
    Tool { id, title: title.into(), role, program, arguments: &[], output: &[] }
}

fn peer(id: &'static str, title: &str, checks_crc: bool, program: &Path) -> Tool {
    tool(id, title, Role::Peer { checks_crc }, there(program))
}

fn there(program: &Path) -> Option<PathBuf> {
    program.is_file().then(|| program.to_owned())
}

fn system_check() -> Tool {
    const NAME: &str = "redis-check-rdb";
    let output = Command::new(NAME).arg("--version").output().ok().filter(|output| output.status.success());
    let title = output.as_ref().and_then(|output| std::str::from_utf8(&output.stdout).ok()).unwrap_or(NAME);
    tool(NAME, title.trim(), Role::Reference, output.is_some().then(|| NAME.into()))
}

fn newest_check(id: &'static str, engine: &str, servers: &str) -> Tool {
    let found = newest(engine, servers);
    let version = found.as_ref().map_or("", |(version, _)| version);
    let title = format!("{engine}-check-rdb {version}");
    tool(id, title.trim(), Role::Peer { checks_crc: true }, found.and_then(|(_, program)| there(&program)))
}

/// Returns the newest version of an engine in the list of `make servers`.
fn newest(engine: &str, servers: &str) -> Option<(String, PathBuf)> {
    let found = listed(servers).filter(|listed| listed.engine == engine);
    found.max_by_key(Engine::numbers).map(|newest| (newest.version, newest.check))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_an_engine_is_found_by_numbers_not_by_letters() {
        let list = "redis-8.0 redis 8.0.10 /t s/redis-server /t s/redis-check-rdb\n\
                    redis-8.0.6 redis 8.0.6 /u/redis-server /u/redis-check-rdb\n\
                    valkey-9.1 valkey 9.1.2 /v/valkey-server /v/valkey-check-rdb\n\
                    broken\n";
        assert_eq!(newest("redis", list), Some(("8.0.10".to_owned(), "/t s/redis-check-rdb".into())));
        assert_eq!(newest("valkey", list), Some(("9.1.2".to_owned(), "/v/valkey-check-rdb".into())));
        assert_eq!(newest("keydb", list), None);
    }

    #[test]
    fn what_is_missing_keeps_its_column_and_has_no_command() {
        let nowhere = PathBuf::from("/nowhere");
        let places = Places {
            floor: nowhere.clone(),
            ours: nowhere.clone(),
            reading: "/no/such".into(),
            other_build: None,
            peers: nowhere.clone(),
            servers: nowhere,
        };
        let tools = all(&places);
        let missing = tools.iter().filter(|tool| tool.command(Path::new("f")).is_none());
        assert!(missing.count() >= 10);
        assert_eq!(tools.len(), 12);
    }
}
