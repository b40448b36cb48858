//! The installed servers, and how one is chosen for a requested version.

use std::{
    cmp::Reverse,
    env, fmt, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::catalog::versions::Engine;

/// Limit for the lines of a list, so that a wrong file is not read to its end.
const MAX_LISTED: usize = 1_000;

/// The installed servers: those of `make servers` and those of the system.
#[derive(Debug, Clone)]
pub struct ServerBinaries {
    /// At least one. Those of the list come first, so that they precede equal ones of the system.
    servers: Vec<ServerBinary>,
}

/// A server binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerBinary {
    engine: Engine,
    version: Version,
    path: PathBuf,
}

/// Major, minor and patch version. A requested version may have no patch version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    major: u32,
    minor: u32,
    patch: Option<u32>,
}

/// The server chosen for a requested version.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// The server.
    pub server: &'a ServerBinary,
    /// How close it is to the requested version.
    pub nearness: Nearness,
}

/// How close a server is to the requested version, the closest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// Engine, major and minor version match.
    Same,
    /// Another version of the requested engine.
    OtherVersion,
    /// Another engine, because the requested one is not installed.
    OtherEngine,
}

impl ServerBinaries {
    /// Finds the servers of a list and those on the `PATH`. `make servers` writes the list, with one server a line:
    /// `NAME ENGINE VERSION SERVER-PATH …`. Servers that do not exist are skipped; a missing list counts as empty.
    ///
    /// # Errors
    /// When there is no server.
    pub fn find(list: Option<&Path>) -> io::Result<Self> {
        let mut servers = list.map(listed).unwrap_or_default();
        let path = env::var_os("PATH").unwrap_or_default();
        for name in ["redis-server", "valkey-server"] {
            let found = env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
            servers.extend(found.and_then(asked));
        }
        if servers.is_empty() {
            let message = "no redis-server or valkey-server is on the PATH: make setup installs one";
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
        Ok(Self { servers })
    }

    /// Chooses the server for an engine (`redis`, `valkey`) and a version. In this order: the same major and minor
    /// version; the nearest minor version of that major version; the nearest later major version; the nearest earlier
    /// one; the newest server of another engine. `None` only if engine or version cannot be parsed.
    pub fn choose(&self, engine: &str, version: &str) -> Option<Choice<'_>> {
        let (engine, version) = (Engine::parse(engine)?, Version::parse(version)?);
        let server = self.servers.iter().min_by_key(|server| distance(server, engine, version))?;
        let nearness = if server.engine != engine {
            Nearness::OtherEngine
        } else if (server.version.major, server.version.minor) == (version.major, version.minor) {
            Nearness::Same
        } else {
            Nearness::OtherVersion
        };
        Some(Choice { server, nearness })
    }
}

impl ServerBinary {
    /// The path of the binary.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this is a Redis before 7.0, which has neither functions nor PEXPIRETIME, and a cluster bus port that is
    /// always 10000 above its port.
    pub(crate) fn is_before_7(&self) -> bool {
        self.engine == Engine::Redis && self.version.major < 7
    }
}

impl fmt::Display for ServerBinary {
    /// `valkey-server 8.1.1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-server {}", self.engine, self.version)
    }
}

impl Choice<'_> {
    /// The message of the event that names the server.
    pub(crate) fn describe(&self, engine: Engine, version: &str) -> String {
        let server = self.server;
        match self.nearness {
            Nearness::Same => format!("The nodes run {server} for {engine} {version}"),
            Nearness::OtherVersion => {
                format!("{server} stands in for {engine} {version}: there is no server of that version here")
            }
            Nearness::OtherEngine => format!(
                "{server}, another engine, stands in for {engine} {version}: there is no {engine}-server here"
            ),
        }
    }
}

/// The distance of a server from the requested version, the most significant part first.
fn distance(
    server: &ServerBinary,
    engine: Engine,
    asked: Version,
) -> (u8, u32, u32, u8, Reverse<Option<u32>>) {
    let Version { major, minor, patch } = server.version;
    // Among servers of the same major and minor version: the requested patch version, else the newest.
    let other_patch = u8::from(asked.patch.is_some() && asked.patch != patch);
    let (kind, majors, minors) = if server.engine != engine {
        (4, u32::MAX - major, u32::MAX - minor)
    } else if (major, minor) == (asked.major, asked.minor) {
        (0, 0, 0)
    } else if major == asked.major {
        (1, 0, minor.abs_diff(asked.minor))
    } else if major > asked.major {
        (2, major - asked.major, minor)
    } else {
        (3, asked.major - major, u32::MAX - minor)
    };
    (kind, majors, minors, other_patch, Reverse(patch))
}

impl Version {
    /// Parses `8.1` or `8.1.2`, and ignores anything after the third number.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| part.parse::<u32>().ok());
        let (major, minor) = (parts.next()??, parts.next()??);
        Some(Self { major, minor, patch: parts.next().flatten() })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        self.patch.map_or(Ok(()), |patch| write!(f, ".{patch}"))
    }
}

fn listed(list: &Path) -> Vec<ServerBinary> {
    let Ok(text) = std::fs::read_to_string(list) else {
        tracing::info!(list = %list.display(), "there is no list of servers: only those on the PATH are used");
        return Vec::new();
    };
    text.lines().take(MAX_LISTED).filter_map(of_line).filter(|server| server.path.is_file()).collect()
}

/// Parses `NAME ENGINE VERSION SERVER-PATH CHECK-RDB-PATH`.
fn of_line(line: &str) -> Option<ServerBinary> {
    let mut words = line.split_whitespace().skip(1);
    let (engine, version, path) = (words.next()?, words.next()?, words.next()?);
    Some(ServerBinary {
        engine: Engine::parse(engine)?,
        version: Version::parse(version)?,
        path: path.into(),
    })
}

/// Runs `--version`: on some systems, `redis-server` is Valkey.
fn asked(path: PathBuf) -> Option<ServerBinary> {
    let output = Command::new(&path).arg("--version").output().ok()?;
    let (engine, version) = said(&String::from_utf8_lossy(&output.stdout))?;
    Some(ServerBinary { engine, version, path })
}

/// Parses `Redis server v=7.0.15 sha=…`.
fn said(text: &str) -> Option<(Engine, Version)> {
    let engine = Engine::parse(text.split_whitespace().next()?)?;
    let version = text.split_whitespace().find_map(|word| word.strip_prefix("v="))?;
    Some((engine, Version::parse(version)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(lines: &[&str]) -> ServerBinaries {
        let servers = lines.iter().map(|line| of_line(&format!("name {line} /server")).unwrap()).collect();
        ServerBinaries { servers }
    }

    fn chosen(servers: &ServerBinaries, engine: &str, version: &str) -> (String, Nearness) {
        let choice = servers.choose(engine, version).unwrap();
        (choice.server.to_string(), choice.nearness)
    }

    #[test]
    fn the_requested_version_is_chosen_or_else_the_nearest_of_its_engine() {
        use Nearness::*;
        let all = servers(&[
            "redis 8.0.6",
            "valkey 8.0.1",
            "redis 7.0.15",
            "valkey 8.1.1",
            "redis 8.0.2",
            "valkey 9.1.2",
            "redis 7.0.11",
        ]);
        for (engine, version, server, nearness) in [
            ("valkey", "8.1", "valkey-server 8.1.1", Same),
            ("valkey", "8.0", "valkey-server 8.0.1", Same),
            ("valkey", "8.2", "valkey-server 8.1.1", OtherVersion),
            ("valkey", "7.2", "valkey-server 8.0.1", OtherVersion),
            ("valkey", "9.0", "valkey-server 9.1.2", OtherVersion),
            ("valkey", "10.0", "valkey-server 9.1.2", OtherVersion),
            ("redis", "7.0", "redis-server 7.0.15", Same),
            ("redis", "7.0.11", "redis-server 7.0.11", Same),
            ("redis", "7.1", "redis-server 7.0.15", OtherVersion),
            ("redis", "6.2", "redis-server 7.0.15", OtherVersion),
            ("redis", "4.0.10", "redis-server 7.0.15", OtherVersion),
            ("redis", "8.0", "redis-server 8.0.6", Same),
        ] {
            assert_eq!(chosen(&all, engine, version), (server.to_owned(), nearness), "{engine} {version}");
        }
        let more = servers(&["redis 7.0.15", "redis 6.2.5", "redis 6.0.16"]);
        assert_eq!(chosen(&more, "redis", "6.2").0, "redis-server 6.2.5");
    }

    #[test]
    fn another_engine_is_chosen_only_where_there_is_no_other_and_the_event_says_so() {
        let only = servers(&["redis 7.0.15", "redis 6.2.5"]);
        let choice = only.choose("valkey", "8.1").unwrap();
        assert_eq!(choice.nearness, Nearness::OtherEngine);
        assert_eq!(
            choice.describe(Engine::Valkey, "8.1"),
            "redis-server 7.0.15, another engine, stands in for valkey 8.1: there is no valkey-server here"
        );
        let one = servers(&["redis 7.0.15", "valkey 9.1.2"]);
        let choice = one.choose("valkey", "7.2").unwrap();
        assert_eq!(
            choice.describe(Engine::Valkey, "7.2"),
            "valkey-server 9.1.2 stands in for valkey 7.2: there is no server of that version here"
        );
    }

    #[test]
    fn version_output_is_parsed_and_invalid_lines_are_skipped() {
        let valkey =
            said("Valkey server v=8.1.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1").unwrap();
        assert_eq!(valkey, (Engine::Valkey, Version { major: 8, minor: 1, patch: Some(1) }));
        assert!(said("Redis server v=unstable").is_none() && said("").is_none());
        for line in ["", "redis-7.0", "x keydb 6.3.4 /bin/keydb", "redis-7.0 redis seven /bin/redis"] {
            assert!(of_line(line).is_none(), "{line}");
        }
        let missing = Path::new("/nowhere/at/all");
        assert!(listed(missing).is_empty());
    }
}
