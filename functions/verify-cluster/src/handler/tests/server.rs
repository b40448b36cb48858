//! Real servers on loopback, for the duration of a test.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use redis::{Client, RedisResult, Value, aio::MultiplexedConnection};
use tempfile::TempDir;

const PROGRAM: &str = "/usr/bin/redis-server";
/// The attempts to reach a state that takes a server a fraction of a second.
const ATTEMPTS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(50);

/// A server that stops when this is dropped.
pub(super) struct Server {
    pub(super) port: u16,
    process: Child,
    password: Option<String>,
    /// The server's working folder.
    _folder: TempDir,
}

impl Server {
    /// Starts a server with these options; `None` if the program is not installed.
    pub(super) async fn start(options: &[&str]) -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            println!("skipped: {PROGRAM} is not there");
            return None;
        }
        for _ in 0..5 {
            if let Some(server) = Self::try_start(options).await {
                return Some(server);
            }
        }
        panic!("{PROGRAM} does not start with {options:?}");
    }

    /// Tries to start a server; `None` if it exits at once, as it does if another process has taken the port meanwhile.
    async fn try_start(options: &[&str]) -> Option<Self> {
        let (folder, port) = (TempDir::new().unwrap(), free_port());
        let process = Command::new(PROGRAM)
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                &port.to_string(),
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
            ])
            .arg(folder.path())
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let place = options.iter().position(|option| *option == "--requirepass");
        let password = place.map(|place| options[place + 1].to_owned());
        let mut server = Self { port, process, password, _folder: folder };
        for _ in 0..ATTEMPTS {
            if server.process.try_wait().unwrap().is_some() {
                return None;
            }
            if server.answers().await {
                return Some(server);
            }
            tokio::time::sleep(PAUSE).await;
        }
        None
    }

    /// Whether this process is the one that answers on the port.
    async fn answers(&self) -> bool {
        let Ok(mut connection) = self.connect().await else { return false };
        let info =
            redis::cmd("INFO").arg("server").query_async::<String>(&mut connection).await.unwrap_or_default();
        info.contains(&format!("process_id:{}\r", self.process.id()))
    }

    /// Sends two commands over one connection; returns the answer to the second.
    pub(super) async fn command(&self, first: &[&str], second: &[&str]) -> Value {
        let mut connection = self.connect().await.unwrap();
        let _: Value = command(first).query_async(&mut connection).await.unwrap();
        command(second).query_async(&mut connection).await.unwrap()
    }

    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let login = self.password.as_ref().map(|password| format!(":{password}@")).unwrap_or_default();
        Client::open(format!("redis://{login}127.0.0.1:{}", self.port))?
            .get_multiplexed_async_connection()
            .await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A cluster of two primaries, the first with slots 0 to 8191.
pub(super) async fn two_shards() -> Option<(Server, Server)> {
    let mut servers = Vec::new();
    let mut buses = Vec::new();
    for slots in [["0", "8191"], ["8192", "16383"]] {
        let bus = free_port().to_string();
        let server = Server::start(&["--cluster-enabled", "yes", "--cluster-port", &bus]).await?;
        server.command(&["PING"], &["CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1]]).await;
        servers.push(server);
        buses.push(bus);
    }
    let (other, one) = (servers.pop()?, servers.pop()?);
    one.command(&["PING"], &["CLUSTER", "MEET", "127.0.0.1", &other.port.to_string(), &buses[1]]).await;
    for server in [&one, &other] {
        wait_until_whole(server).await;
    }
    Some((one, other))
}

async fn wait_until_whole(server: &Server) {
    for _ in 0..ATTEMPTS {
        let info = text(server.command(&["PING"], &["CLUSTER", "INFO"]).await);
        if info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384") {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("the two shards do not come together");
}

/// The slot of a key.
pub(super) async fn slot(key: &str, server: &Server) -> i64 {
    redis::from_redis_value(server.command(&["PING"], &["CLUSTER", "KEYSLOT", key]).await).unwrap()
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn command(words: &[&str]) -> redis::Cmd {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command
}

fn text(value: Value) -> String {
    redis::from_redis_value(value).unwrap()
}
