//! Real servers, each started for one purpose and ended with it, and their memory at rest.

use std::{
    fs::{
        File, {self},
    },
    io::{
        BufRead as _, BufReader, BufWriter, Read as _, Write, {self},
    },
    net::{Ipv4Addr, TcpListener},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rdb_footprint::{Generation, Quantum};

const START: Duration = Duration::from_secs(30);
/// How often to start a server in cluster mode: its ports may be taken before it binds them.
const ATTEMPTS: usize = 5;

const SETTLING: Duration = Duration::from_secs(30);
const READING_EVERY: Duration = Duration::from_millis(50);

/// The maximum: the server does its periodic work 50 times as often as by default, so that its memory is final sooner.
/// The result is the same.
const TIDYING_HZ: &str = "500";

/// How long readings have to agree. A server continues to move its tables of keys in each period, so a few periods show
/// whether it is done.
const STILL: Duration = Duration::from_millis(400);

/// As [`STILL`], if each slot has its own tables. A period handles 16 of them, so all take 2.05 s.
const STILL_SLOTS: Duration = Duration::from_millis(2300);

/// The amount by which the reply buffer of the test's own connection shrinks and grows.
const AGREEMENT_BYTES: u64 = 1024;

/// An engine that ElastiCache offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    pub name: String,
    pub generation: Generation,
    pub server: PathBuf,
}

/// The system's `redis-server`, and what `make servers` has installed.
pub fn engines() -> Vec<Engine> {
    let mut engines: Vec<_> = system_redis().into_iter().collect();
    engines.extend(listed("list"));
    if engines.is_empty() {
        println!(
            "skipped: there is no redis-server that ElastiCache has, neither the system's nor of `make servers`"
        );
    }
    engines
}

/// The engines with an 8-byte quantum that `make servers` has installed.
pub fn engines_of_quantum_8() -> Vec<Engine> {
    let engines = listed("list-quantum-8");
    if engines.is_empty() {
        println!(
            "skipped: there are no servers with an allocator of 8-byte quantum; make servers brings them"
        );
    }
    engines
}

fn listed(list: &str) -> Vec<Engine> {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/servers").join(list);
    let list = fs::read_to_string(list).unwrap_or_default();
    let engines = list.lines().filter_map(|line| {
        let [name, family, version, server, ..] = line.split(' ').collect::<Vec<_>>()[..] else {
            return None;
        };
        engine(name, family, version, Path::new(server))
    });
    engines.collect()
}

/// `Redis server v=7.0.15 sha=...`
fn system_redis() -> Option<Engine> {
    let told = Command::new("redis-server").arg("--version").output().ok()?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let version = told.split(' ').find_map(|word| word.strip_prefix("v="))?;
    engine("system", "redis", version, Path::new("redis-server"))
}

/// Returns `None` for an engine that ElastiCache does not offer: Redis from 7.2 on.
fn engine(name: &str, family: &str, version: &str, server: &Path) -> Option<Engine> {
    let mut numbers = version.split('.').map_while(|number| number.parse().ok());
    let (major, minor) = (numbers.next()?, numbers.next()?);
    let generation = Generation::of(family, major, minor)?;
    let is_offered = (family, (major, minor) < (7, 2)) != ("redis", false);
    is_offered.then(|| Engine { name: name.to_owned(), generation, server: server.to_owned() })
}

impl Engine {
    /// Whether each slot of a cluster has its own table.
    fn has_slot_tables(&self) -> bool {
        self.generation >= Generation::Valkey8
    }

    /// Whether a cluster may have more than one database.
    pub fn has_cluster_databases(&self) -> bool {
        self.generation >= Generation::Valkey9
    }
}

/// A server that listens on a socket in a folder of its own, and in cluster mode on loopback. Ends when dropped.
pub struct Server {
    _process: Process,
    connection: BufReader<UnixStream>,
    folder: tempfile::TempDir,
    still: Duration,
}

impl Server {
    /// A server to be filled, with these parameters in addition to the defaults.
    pub fn writer(engine: &Engine, arguments: &[&str]) -> Self {
        Self::start(engine, None, arguments, STILL).unwrap_or_else(|said| panic!("{}: {said}", engine.name))
    }

    /// A server with a file, or empty, under ElastiCache's default eviction policy, so that integers are not shared.
    pub fn loader(engine: &Engine, file: Option<&Path>, cluster_mode: bool, arguments: &[&str]) -> Self {
        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            let mut all =
                vec!["--maxmemory", "100gb", "--maxmemory-policy", "volatile-lru", "--hz", TIDYING_HZ];
            all.extend(arguments);
            let mut still = STILL;
            // Held until both ports are known, so that they differ.
            let listeners = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
            let [port, bus] = listeners.each_ref().map(|one| one.local_addr().unwrap().port().to_string());
            drop(listeners);
            if cluster_mode {
                all.extend(["--port", &port, "--cluster-port", &bus, "--cluster-enabled", "yes"]);
                if engine.has_cluster_databases() {
                    all.extend(["--cluster-databases", "16"]);
                }
                if engine.has_slot_tables() {
                    still = STILL_SLOTS;
                }
            }
            match Self::start(engine, file, &all, still) {
                Ok(server) => return server,
                // Another process may have taken the port.
                Err(said) if cluster_mode => last = said,
                Err(said) => panic!("{}: {said}", engine.name),
            }
        }
        panic!("{} did not start, {ATTEMPTS} times: {last}", engine.name)
    }

    fn start(
        engine: &Engine,
        file: Option<&Path>,
        arguments: &[&str],
        still: Duration,
    ) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("footprint-").tempdir().unwrap();
        if let Some(file) = file {
            let place = folder.path().join("dump.rdb");
            // The server never writes into it.
            fs::hard_link(file, &place).or_else(|_| fs::copy(file, &place).map(|_| ())).unwrap();
        }
        let (socket, log) = (folder.path().join("socket"), folder.path().join("log"));
        // Parameters have other names before Redis 7.0.
        let is_old = engine.generation == Generation::Redis6;
        let named =
            |text: &&str| if is_old { text.replace("-listpack-", "-ziplist-") } else { (*text).to_owned() };
        let process = tied_to_us(&engine.server)
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                "0",
                "--save",
                "",
                "--appendonly",
                "no",
                "--daemonize",
                "no",
            ])
            .args(["--databases", "16", "--dbfilename", "dump.rdb"])
            .args([Path::new("--unixsocket"), &socket, Path::new("--dir"), folder.path()])
            .args(arguments.iter().map(named))
            // Newer versions of jemalloc return whole pages instead of size classes from 16 KiB on. The engines' own
            // does not.
            .env("MALLOC_CONF", "disable_large_size_classes:false")
            .stdin(Stdio::null())
            .stdout(File::create(&log).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut process = Process(process);
        let deadline = Instant::now() + START;
        loop {
            // A server that is loading answers only INFO.
            let mut connection = UnixStream::connect(&socket).ok().map(|connection| {
                connection.set_read_timeout(Some(START)).unwrap();
                BufReader::new(connection)
            });
            let info =
                connection.as_mut().and_then(|connection| ask(connection, &["INFO", "persistence"]).ok());
            // That connection is closed: the requests during the load may have enlarged its buffers.
            if info.is_some_and(|info| info.contains("\r\nloading:0\r\n")) {
                let connection = UnixStream::connect(&socket).map_err(|error| error.to_string())?;
                connection.set_read_timeout(Some(START)).unwrap();
                return Ok(Self { _process: process, connection: BufReader::new(connection), folder, still });
            }
            let ended = process.0.try_wait().unwrap();
            if ended.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(&log).unwrap_or_default();
                return Err(format!("it did not start within {START:?} ({ended:?}): {log}"));
            }
            sleep(Duration::from_millis(10));
        }
    }

    /// Runs a command. Returns the first line of its reply, or the whole bulk string.
    pub fn ask(&mut self, words: &[&str]) -> String {
        ask(&mut self.connection, words).unwrap()
    }

    /// Sends what `write` writes. Panics if a command is refused.
    pub fn pour(&mut self, write: impl FnOnce(&mut dyn Write)) {
        let mut out = BufWriter::with_capacity(1 << 18, self.connection.get_ref().try_clone().unwrap());
        write_command(&mut out, &[b"CLIENT", b"REPLY", b"OFF"]);
        write(&mut out);
        write_command(&mut out, &[b"CLIENT", b"REPLY", b"ON"]);
        out.flush().unwrap();
        assert_eq!(reply(&mut self.connection).unwrap(), "+OK");
        let refused = self.info("stats", "total_error_replies");
        assert_eq!(refused, 0, "refused by the writer: {}", self.ask(&["INFO", "errorstats"]));
    }

    /// Makes the server write its file, and moves the file to `file`.
    pub fn save(mut self, file: &Path) {
        assert_eq!(self.ask(&["SAVE"]), "+OK");
        fs::rename(self.folder.path().join("dump.rdb"), file).unwrap();
    }

    /// `used_memory` once it no longer changes: the lowest of the last readings.
    pub fn used_memory_at_rest(&mut self) -> u64 {
        let begun = Instant::now();
        let mut readings = Vec::new();
        loop {
            readings.push((Instant::now(), self.info("memory", "used_memory")));
            let recent = readings.iter().rev().take_while(|(time, _)| time.elapsed() < self.still);
            let recent: Vec<_> = recent.map(|(_, bytes)| *bytes).collect();
            let (lowest, highest) = (*recent.iter().min().unwrap(), *recent.iter().max().unwrap());
            if begun.elapsed() > self.still && highest - lowest <= AGREEMENT_BYTES {
                return lowest;
            }
            assert!(begun.elapsed() < SETTLING, "the memory does not come to rest: {recent:?}");
            sleep(READING_EVERY);
        }
    }

    /// The quantum of the server's allocator.
    pub fn quantum(&mut self) -> Quantum {
        let stats = self.ask(&["MEMORY", "MALLOC-STATS"]);
        let told = stats.lines().find_map(|line| line.strip_prefix("Quantum size:")?.trim().parse().ok());
        told.and_then(Quantum::of).unwrap_or_else(|| panic!("no jemalloc of a known quantum: {stats:.200}"))
    }

    fn info(&mut self, section: &str, name: &str) -> u64 {
        let info = self.ask(&["INFO", section]);
        let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.unwrap_or_else(|| panic!("no {name} in {info}")).trim().parse().unwrap()
    }
}

/// A process that is killed when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ask(connection: &mut BufReader<UnixStream>, words: &[&str]) -> io::Result<String> {
    let words: Vec<_> = words.iter().map(|word| word.as_bytes()).collect();
    // In one write: for a command that arrives in parts, Valkey keeps a buffer of 20 KB per connection.
    let mut command = Vec::new();
    write_command(&mut command, &words);
    connection.get_mut().write_all(&command)?;
    reply(connection)
}

fn reply(connection: &mut BufReader<UnixStream>) -> io::Result<String> {
    let mut line = String::new();
    if connection.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let line = line.trim_end();
    let Some(length) = line.strip_prefix('$') else { return Ok(line.to_owned()) };
    let mut text = vec![0; length.parse::<usize>().unwrap() + 2];
    connection.read_exact(&mut text)?;
    Ok(String::from_utf8(text).unwrap())
}

/// Writes a command in the form of the protocol.
pub fn write_command(out: &mut (impl Write + ?Sized), words: &[&[u8]]) {
    write!(out, "*{}\r\n", words.len()).unwrap();
    for word in words {
        write!(out, "${}\r\n", word.len()).unwrap();
        out.write_all(word).unwrap();
        out.write_all(b"\r\n").unwrap();
    }
}

/// A command for a program that ends with the thread that started it, if the system supports this.
fn tied_to_us(program: &Path) -> Command {
    const TIE: &str = "setpriv";
    let can_tie = Command::new(TIE).args(["--pdeathsig", "KILL", "true"]).stderr(Stdio::null()).status();
    if !can_tie.is_ok_and(|status| status.success()) {
        return Command::new(program);
    }
    let mut command = Command::new(TIE);
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}
