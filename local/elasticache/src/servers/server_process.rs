//! A running server: start, connections, and loading.

use std::{path::PathBuf, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo,
    aio::MultiplexedConnection,
};
use tokio::{fs, time::sleep};

use crate::{
    error::Failure,
    servers::{
        info::Info,
        launch::Launch,
        server_log,
        watchdog::{GuardedProcess, RunningServers},
    },
};

/// Connection attempts before a server must listen. Loading time does not count.
const START_TRIES: u32 = 3000;
const POLL: Duration = Duration::from_millis(10);

/// A running server.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    pub(crate) port: u16,
    /// See [`crate::servers::binaries::ServerBinary::is_before_7`].
    pub(crate) before_7: bool,
    process: GuardedProcess,
    password: Option<String>,
    log: PathBuf,
}

impl ServerProcess {
    pub(crate) async fn start(
        launch: &Launch,
        owner: &str,
        running: &RunningServers,
    ) -> Result<Self, Failure> {
        let (file, log) = (launch.dir.join("server.conf"), launch.dir.join("server.log"));
        let failed = |error| Failure::local("start a server", error);
        if let Some(cluster) = &launch.cluster {
            fs::write(launch.dir.join("nodes.conf"), &cluster.nodes).await.map_err(failed)?;
        }
        fs::write(&file, launch.configuration()).await.map_err(failed)?;
        let process =
            GuardedProcess::start(&launch.binary, &file, &log, owner, running).await.map_err(failed)?;
        tracing::debug!(owner, pid = process.pid(), port = launch.port, "server started");
        let Launch { port, before_7, password, .. } = launch;
        Ok(Self { port: *port, before_7: *before_7, process, password: password.clone(), log })
    }

    /// Connects to one database. Waits for a server that has just been started.
    pub(crate) async fn connect(&self, database: u32) -> Result<MultiplexedConnection, Failure> {
        let failed = |error| Failure::local("connect to a server", error);
        let mut settings = RedisConnectionInfo::default().set_db(i64::from(database)).set_skip_set_lib_name();
        if let Some(password) = &self.password {
            settings = settings.set_password(password);
        }
        let address = ConnectionAddr::Tcp("127.0.0.1".to_owned(), self.port);
        let info = address.into_connection_info().map_err(failed)?.set_redis_settings(settings);
        let client = Client::open(info).map_err(failed)?;
        // No response timeout: values may have gigabytes, and a server that ends closes the connection.
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_connection_timeout(Some(Duration::from_secs(10)));
        for _ in 0..START_TRIES {
            if self.process.has_exited() {
                break;
            }
            match client.get_multiplexed_async_connection_with_config(&config).await {
                Ok(connection) => return Ok(connection),
                Err(error) if error.is_io_error() => sleep(POLL).await,
                Err(error) => return Err(failed(error)),
            }
        }
        Err(Failure::new(format_args!("the server did not become available: {}", self.last_words().await)))
    }

    /// Waits until the server has loaded its file. Fails with the server's own reason if it ends, and if it uses more
    /// than `most_bytes` of memory.
    pub(crate) async fn loaded(&self, most_bytes: u64) -> Result<Loaded, Failure> {
        // A server that rejects the file ends before or during the request.
        let Ok(mut connection) = self.connect(0).await else { return Err(self.refusal().await) };
        loop {
            let Ok(info) = Info::of(&mut connection, "everything").await else {
                return Err(self.refusal().await);
            };
            let used_bytes = info.number("used_memory");
            if used_bytes > most_bytes {
                return Err(Failure::new(format_args!(
                    "loading was stopped at used_memory {used_bytes}: the most that could fit is {most_bytes}"
                )));
            }
            if info.number("loading") == 0 {
                return Ok(Loaded { version: info.version(), databases: info.databases() });
            }
            sleep(POLL).await;
        }
    }

    async fn refusal(&self) -> Failure {
        Failure::new(format_args!("the server could not load the backup: {}", self.last_words().await))
    }

    /// The last warnings in the server's log.
    pub(crate) async fn last_words(&self) -> String {
        // The server writes its reason before it ends.
        for _ in 0..500 {
            if self.process.has_exited() {
                break;
            }
            sleep(POLL).await;
        }
        server_log::reasons(&self.log).await
    }
}

/// A server that has loaded its file.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) version: String,
    /// The databases that hold keys.
    pub(crate) databases: Vec<u32>,
}
