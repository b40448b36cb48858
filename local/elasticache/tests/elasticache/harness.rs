//! An in-memory bucket, backups made by a real server, and the endpoint with its clients.

use std::{
    collections::HashMap,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_sdk_elasticache::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    operation::create_replication_group::builders::CreateReplicationGroupFluentBuilder,
    types::{NodeGroupConfiguration, ReplicationGroup},
};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use local_elasticache::{Config, Server, ServerBinaries, ServerBinary};
use tokio::{net::TcpListener, time::sleep};

pub(crate) type Objects = HashMap<&'static str, Vec<u8>>;

/// The endpoint, its client and its work folder.
pub(crate) struct Local {
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) work: tempfile::TempDir,
}

impl Local {
    pub(crate) async fn start(objects: Objects) -> Self {
        Self::start_with(objects, |_| {}).await
    }

    pub(crate) async fn start_with(objects: Objects, change: impl FnOnce(&mut Config)) -> Self {
        let work = tempfile::tempdir().unwrap();
        let servers = servers();
        let mut config = Config::new(bucket(objects).await, work.path(), servers);
        config.create_delay = Duration::from_millis(300);
        config.delete_delay = Duration::from_millis(100);
        change(&mut config);
        let server = Server::start(config).await.unwrap();
        let client = client(server.endpoint());
        Self { server, client, work }
    }

    pub(crate) fn create(&self, id: &str, backups: &[&str]) -> CreateReplicationGroupFluentBuilder {
        let mut create = self.client.create_replication_group().replication_group_id(id);
        create =
            create.replication_group_description("seeded by a test").engine("redis").engine_version("7.1");
        create = create.cache_node_type("cache.local.64mb");
        backups.iter().fold(create, |create, key| create.snapshot_arns(format!("arn:aws:s3:::bucket/{key}")))
    }

    /// A create request with cluster mode enabled and evenly distributed slots.
    pub(crate) fn create_cluster(
        &self,
        id: &str,
        backups: &[&str],
        shards: i32,
        replicas: i32,
    ) -> CreateReplicationGroupFluentBuilder {
        let mut create = self
            .create(id, backups)
            .cache_parameter_group_name("default.redis7.cluster.on")
            .automatic_failover_enabled(true)
            .num_node_groups(shards);
        for shard in 0..shards {
            let slots = format!("{}-{}", shard * 16384 / shards, (shard + 1) * 16384 / shards - 1);
            create = create.node_group_configuration(
                NodeGroupConfiguration::builder().slots(slots).replica_count(replicas).build(),
            );
        }
        create
    }

    pub(crate) async fn group(&self, id: &str) -> Option<ReplicationGroup> {
        let answer = self.client.describe_replication_groups().replication_group_id(id).send().await;
        match answer {
            Ok(answer) => Some(answer.replication_groups()[0].clone()),
            Err(error) => {
                assert!(error.into_service_error().is_replication_group_not_found_fault());
                None
            }
        }
    }

    /// Waits until the group is no longer being created.
    pub(crate) async fn settled(&self, id: &str) -> ReplicationGroup {
        loop {
            let group = self.group(id).await.unwrap();
            if group.status() != Some("creating") {
                return group;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn available(&self, id: &str) -> ReplicationGroup {
        let group = self.settled(id).await;
        assert_eq!(group.status(), Some("available"), "{:?}", self.events(id).await);
        group
    }

    pub(crate) async fn events(&self, id: &str) -> Vec<String> {
        let ask = self.client.describe_events().source_type("replication-group".into()).source_identifier(id);
        let answer = ask.duration(60).send().await.unwrap();
        answer.events().iter().map(|event| event.message().unwrap().to_owned()).collect()
    }

    /// ID, status and port of all members.
    pub(crate) async fn members(&self, id: &str) -> Vec<(String, String, Option<u16>)> {
        let answer = self.client.describe_cache_clusters().show_cache_node_info(true).send().await.unwrap();
        let own = answer.cache_clusters().iter().filter(|cluster| cluster.replication_group_id() == Some(id));
        own.map(|cluster| {
            let endpoint = cluster.cache_nodes()[0].endpoint();
            let port = endpoint.map(|endpoint| u16::try_from(endpoint.port().unwrap()).unwrap());
            (
                cluster.cache_cluster_id().unwrap().to_owned(),
                cluster.cache_cluster_status().unwrap().to_owned(),
                port,
            )
        })
        .collect()
    }

    pub(crate) async fn delete(&self, id: &str) {
        self.client.delete_replication_group().replication_group_id(id).send().await.unwrap();
        while let Some(group) = self.group(id).await {
            assert_eq!(group.status(), Some("deleting"));
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops the endpoint, and checks that nothing is left over.
    pub(crate) async fn stop(self) {
        let pids = self.server.running_servers();
        self.server.stop().await;
        for pid in pids {
            assert!(!runs(pid), "server {pid} still runs");
        }
        assert_eq!(std::fs::read_dir(self.work.path()).unwrap().count(), 0);
    }
}

/// Whether the process runs and is no zombie.
pub(crate) fn runs(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !status.is_empty() && !status.contains(") Z ")
}

pub(crate) fn client(endpoint: &str) -> Client {
    let config = aws_sdk_elasticache::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}

/// How often `late.rdb` cannot be read before it can.
pub(crate) const LATE_REFUSALS: usize = 2;

/// A bucket that only the service principal may read. No one may read `denied.rdb`, and `late.rdb` only later.
async fn bucket(objects: Objects) -> String {
    async fn object(
        State((objects, refusals)): State<(HashMap<String, Bytes>, Arc<AtomicUsize>)>,
        Path((_, key)): Path<(String, String)>,
        headers: HeaderMap,
    ) -> (StatusCode, Bytes) {
        let error = |status, code: &str, message: &str| {
            (status, Bytes::from(format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>")))
        };
        let signature =
            headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let late = key == "late.rdb" && refusals.fetch_add(1, Ordering::Relaxed) < LATE_REFUSALS;
        if late || key == "denied.rdb" || !signature.contains("Credential=ELASTICACHESNAPSHOT/") {
            return error(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied");
        }
        match objects.get(&key) {
            Some(bytes) => (StatusCode::OK, bytes.clone()),
            None => error(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist."),
        }
    }
    let objects: HashMap<String, Bytes> =
        objects.into_iter().map(|(key, bytes)| (key.to_owned(), Bytes::from(bytes))).collect();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/{bucket}/{*key}", get(object)).with_state((objects, Arc::default()));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}")
}

/// The servers of `make servers` that exist, and those of the system.
pub(crate) fn servers() -> ServerBinaries {
    let list = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/servers/list");
    ServerBinaries::find(Some(&list)).unwrap()
}

/// A backup that Redis 7.0 writes after `commands`, one command a line.
pub(crate) fn backup(commands: &str) -> Vec<u8> {
    backup_by(servers().choose("redis", "7.0").unwrap().server, commands)
}

/// A backup that a real server writes after `commands`, one command a line.
pub(crate) fn backup_by(server: &ServerBinary, commands: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let mut server = Command::new(server.path())
        .args(["--port", "0", "--save", "", "--unixsocket"])
        .arg(&socket)
        .arg("--dir")
        .arg(dir.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !socket.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let file: PathBuf = dir.path().join("commands");
    std::fs::write(&file, format!("{commands}\nSAVE\n")).unwrap();
    let output = Command::new("redis-cli")
        .arg("-s")
        .arg(&socket)
        .stdin(std::fs::File::open(&file).unwrap())
        .output()
        .unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.contains("ERR"), "{output}");
    std::fs::read(dir.path().join("dump.rdb")).unwrap()
}

/// A command that sets `n` small keys with a common prefix.
pub(crate) fn keys(prefix: &str, n: u32) -> String {
    format!("EVAL \"for i=1,{n} do redis.call('SET','{prefix}:'..i,'value of '..i) end\" 0")
}

pub(crate) async fn connect(port: u16) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}/")).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

/// Number of keys of one node.
pub(crate) async fn size(port: u16) -> u64 {
    redis::cmd("DBSIZE").query_async(&mut connect(port).await).await.unwrap()
}
