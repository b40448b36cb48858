//! A group comes up: backups are fetched, loaded by a real server, spread over the shards asked for, and weighed.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use redis::aio::MultiplexedConnection;
use tokio::{fs, time::sleep};
use uuid::Uuid;

use crate::{
    error::Failure,
    groups::backup,
    groups::slots,
    groups::{GroupSpec, Member},
    lifecycle::layout::{self, Place},
    lifecycle::spread,
    servers::binaries::ServerBinary,
    servers::info::Info,
    servers::server_process::{BACKUP_FILE, Engine, Launch, Loaded},
    state::State,
};

/// The key that real clusters hold beside the user's.
const TIMESTAMP_KEY: &str = "ElastiCacheMasterReplicationTimestamp";
/// While a backup is loaded it may take more than what is left in the end; beyond this it cannot fit.
const LOADING_ALLOWANCE_BYTES: u64 = 64 << 20;
const POLL: Duration = Duration::from_millis(20);
/// A minute of polls: for nodes that only have to find each other.
const MEETING_POLLS: u32 = 3_000;
/// How long replicas may take for their copy, in polls: an hour.
const COPY_POLLS: u32 = 180_000;
/// Tables that are being resized take twice their memory for a moment.
const SETTLING_POLLS: u32 = 50;

/// A member and its server.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) member: Member,
    pub(crate) engine: Engine,
}

/// Brings up the group's nodes, in the members' order. When it fails, its servers end.
pub(crate) async fn restore(
    state: &State,
    spec: &GroupSpec,
    members: Vec<Member>,
    dir: &Path,
) -> Result<Vec<Node>, Failure> {
    let choice = state.config.servers.choose(spec.engine.as_str(), spec.version);
    let choice = choice.ok_or_else(|| {
        Failure::new(format_args!("there is no server for {} {}", spec.engine, spec.version))
    })?;
    let server = choice.server;
    let places = layout::places(members, server.is_before_7())?;
    let creation = Creation { state, spec, dir, server, places };
    let backups = creation.fetch().await?;
    let primaries = creation.seed(backups).await?;
    creation.weigh(&primaries).await?;
    creation.open(&primaries).await?;
    creation.add_replicas(primaries).await
}

struct Creation<'a> {
    state: &'a State,
    spec: &'a GroupSpec,
    dir: &'a Path,
    /// The server that plays the engine and version asked for.
    server: &'a ServerBinary,
    places: Vec<Place>,
}

impl Creation<'_> {
    async fn fetch(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut files = Vec::new();
        fs::create_dir_all(self.dir).await.map_err(|error| Failure::local("make a folder", error))?;
        for (number, location) in self.spec.backups.iter().enumerate() {
            let file = self.dir.join(format!("backup-{number}.rdb"));
            let bytes = backup::fetch(&self.state.s3, location, &file).await?;
            self.tell(format!("Read the backup {}/{}: {bytes} bytes", location.bucket, location.key));
            files.push(file);
        }
        Ok(files)
    }

    /// Starts the primaries and gives them the backups' keys.
    async fn seed(&self, backups: Vec<PathBuf>) -> Result<Vec<Node>, Failure> {
        let primaries = match (backups.as_slice(), self.spec.shards.as_slice()) {
            ([backup], [_]) => self.load(backup).await?,
            _ => self.load_and_spread(&backups).await?,
        };
        for primary in &primaries {
            self.cluster_is_ok(primary).await?;
        }
        Ok(primaries)
    }

    /// There is nothing to spread: the node is the server that loads the file.
    async fn load(&self, backup: &PathBuf) -> Result<Vec<Node>, Failure> {
        let _permit = self.permit().await?;
        let primaries = self.start_primaries(Some(backup)).await?;
        for primary in &primaries {
            if let Err(failure) = self.loaded(&primary.engine, self.spec.maxmemory).await {
                return Err(self.plainer(failure, primary).await);
            }
        }
        Ok(primaries)
    }

    /// One backup after the other, so that only one is in memory twice.
    async fn load_and_spread(&self, backups: &[PathBuf]) -> Result<Vec<Node>, Failure> {
        // They find each other while a backup is loaded.
        let primaries = self.start_primaries(None).await?;
        let _permit = self.permit().await?;
        let engines: Vec<&Engine> = primaries.iter().map(|primary| &primary.engine).collect();
        let all_shards = self.spec.maxmemory.saturating_mul(engines.len() as u64);
        let owners = self.owners()?;
        for backup in backups {
            let loader = self.start_loader(backup).await?;
            let databases = self.loaded(&loader, all_shards).await?.databases;
            self.only_possible(&databases)?;
            for primary in &primaries {
                self.cluster_is_ok(primary).await?;
            }
            for database in databases {
                spread::spread(&loader, database, &engines, &owners).await?;
            }
            spread::copy_functions(&loader, &engines).await?;
            self.tell(format!("Spread the backup over {} shards", engines.len()));
        }
        Ok(primaries)
    }

    async fn permit(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Failure> {
        self.state.loads.acquire().await.map_err(|error| Failure::local("wait for a turn", error))
    }

    fn owners(&self) -> Result<Arc<[usize]>, Failure> {
        slots::owners(self.spec.shards.iter().map(|shard| &shard.slots)).map(Into::into).map_err(Failure)
    }

    async fn start_primaries(&self, backup: Option<&PathBuf>) -> Result<Vec<Node>, Failure> {
        let mut primaries = Vec::new();
        for (index, place) in self.places.iter().enumerate().filter(|(_, place)| place.member.primary) {
            let launch = self.launch(index, backup, None).await?;
            let engine = Engine::start(&launch, &self.spec.id, &self.state.running).await?;
            primaries.push(Node { member: place.member.clone(), engine });
        }
        Ok(primaries)
    }

    /// One node's folder and settings; the backup is moved into the folder.
    async fn launch(
        &self,
        index: usize,
        backup: Option<&PathBuf>,
        replica_of: Option<u16>,
    ) -> Result<Launch, Failure> {
        let place = &self.places[index];
        let dir = self.folder(&place.member.id, backup).await?;
        let cluster = self.spec.cluster_mode.then(|| layout::cluster_file(self.spec, &self.places, index));
        let password = self.spec.auth_token.clone();
        Ok(Launch { password, cluster, replica_of, ..self.bare_launch(dir, place.port) })
    }

    /// A server of its own, which is asked for its keys. It is none of a cluster, or it would answer only once it
    /// has found that it owns all slots, and could not say which databases a backup holds.
    async fn start_loader(&self, backup: &PathBuf) -> Result<Engine, Failure> {
        let dir = self.folder(&format!("loader-{}", Uuid::new_v4().simple()), Some(backup)).await?;
        let password = Some(Uuid::new_v4().simple().to_string());
        let launch = Launch { password, ..self.bare_launch(dir, layout::free_port()?) };
        Engine::start(&launch, &self.spec.id, &self.state.running).await
    }

    /// With cluster mode there is database 0, and more only where the parameter group says so.
    fn only_possible(&self, databases: &[u32]) -> Result<(), Failure> {
        let most = self.spec.server_parameters.iter().find(|(name, _)| name == "cluster-databases");
        let most = most.and_then(|(_, value)| value.parse().ok()).unwrap_or(1);
        if !self.spec.cluster_mode || databases.iter().all(|&database| database < most) {
            return Ok(());
        }
        Err(Failure::new(format_args!(
            "the backup holds keys in databases {databases:?}: cluster mode has only {most}"
        )))
    }

    /// A node of a cluster may crash at a key of another database than 0, and then does not say why: a server without
    /// cluster mode can.
    async fn plainer(&self, failure: Failure, node: &Node) -> Failure {
        if !self.spec.cluster_mode {
            return failure;
        }
        let Ok(loader) = self.start_loader(&self.dir.join(&node.member.id).join(BACKUP_FILE)).await else {
            return failure;
        };
        let databases = self.loaded(&loader, self.spec.maxmemory).await.map(|loaded| loaded.databases);
        databases.and_then(|databases| self.only_possible(&databases)).err().unwrap_or(failure)
    }

    fn bare_launch(&self, dir: PathBuf, port: u16) -> Launch {
        Launch {
            binary: self.server.path().to_owned(),
            before_7: self.server.is_before_7(),
            dir,
            port,
            password: None,
            databases: self.spec.databases,
            parameters: self.spec.server_parameters.clone(),
            cluster: None,
            replica_of: None,
        }
    }

    async fn folder(&self, name: &str, backup: Option<&PathBuf>) -> Result<PathBuf, Failure> {
        let failed = |error| Failure::local("make a server's folder", error);
        let dir = self.dir.join(name);
        fs::create_dir_all(&dir).await.map_err(failed)?;
        if let Some(backup) = backup {
            fs::rename(backup, dir.join(BACKUP_FILE)).await.map_err(failed)?;
        }
        Ok(dir)
    }

    async fn loaded(&self, server: &Engine, limit_bytes: u64) -> Result<Loaded, Failure> {
        let most_bytes = limit_bytes.saturating_add(limit_bytes / 4).saturating_add(LOADING_ALLOWANCE_BYTES);
        let loaded = server.loaded(most_bytes).await?;
        self.tell(format!("{} loaded the backup", loaded.version));
        Ok(loaded)
    }

    async fn cluster_is_ok(&self, node: &Node) -> Result<(), Failure> {
        if !self.spec.cluster_mode {
            return Ok(());
        }
        let mut connection = node.engine.connect(0).await?;
        for _ in 0..MEETING_POLLS {
            let info: String =
                redis::cmd("CLUSTER").arg("INFO").query_async(&mut connection).await.map_err(asking)?;
            if info.contains("cluster_state:ok") {
                return Ok(());
            }
            sleep(POLL).await;
        }
        Err(Failure::new(format_args!("the node {} did not find its cluster", node.member.id)))
    }

    /// Compares what each primary's data take with what the node type offers.
    async fn weigh(&self, primaries: &[Node]) -> Result<(), Failure> {
        if self.spec.backups.is_empty() {
            return Ok(());
        }
        let limit = self.spec.maxmemory;
        for primary in primaries {
            let mut connection = primary.engine.connect(0).await?;
            let (used_memory, bytes) = settled_bytes(&mut connection).await?;
            let shard = &self.spec.shards[primary.member.shard];
            if bytes > limit {
                return Err(Failure::new(format_args!(
                    "shard {} (slots {}) does not fit into {}: its data take {bytes} bytes (used_memory \
                     {used_memory}), maxmemory is {limit}",
                    shard.id, shard.slots, self.spec.node_type
                )));
            }
            self.state.events.member(
                &primary.member.id,
                format!(
                    "Restored: the data take {bytes} bytes, maxmemory of {} is {limit}",
                    self.spec.node_type
                ),
            );
        }
        Ok(())
    }

    /// Makes the primaries what users find: with their limit, and with the service's own key.
    async fn open(&self, primaries: &[Node]) -> Result<(), Failure> {
        let timestamp = jiff::Timestamp::now().as_millisecond();
        let owner = if self.spec.cluster_mode {
            self.owners()?[usize::from(slots::slot(TIMESTAMP_KEY.as_bytes()))]
        } else {
            0
        };
        for primary in primaries {
            let mut connection = primary.engine.connect(0).await?;
            self.cluster_is_ok(primary).await?;
            if self.state.config.timestamp_key && primary.member.shard == owner {
                let mut set = redis::cmd("SET");
                set.arg(TIMESTAMP_KEY)
                    .arg(timestamp)
                    .query_async::<()>(&mut connection)
                    .await
                    .map_err(asking)?;
            }
            self.limit(&mut connection).await?;
        }
        Ok(())
    }

    async fn limit(&self, connection: &mut MultiplexedConnection) -> Result<(), Failure> {
        // One after the other: servers before Redis 7.0 take one at a time.
        let maxmemory = self.spec.maxmemory.to_string();
        for (name, value) in [("maxmemory-policy", "volatile-lru"), ("maxmemory", &maxmemory)] {
            let mut set = redis::cmd("CONFIG");
            set.arg("SET").arg(name).arg(value).query_async::<()>(connection).await.map_err(asking)?;
        }
        Ok(())
    }

    /// Replicas start last: they copy what is there in one go.
    async fn add_replicas(&self, primaries: Vec<Node>) -> Result<Vec<Node>, Failure> {
        let mut replicas = Vec::new();
        for (index, place) in self.places.iter().enumerate().filter(|(_, place)| !place.member.primary) {
            let primary = primaries.iter().find(|primary| primary.member.shard == place.member.shard);
            let port = primary.filter(|_| !self.spec.cluster_mode).map(|primary| primary.engine.port);
            let launch = self.launch(index, None, port).await?;
            let engine = Engine::start(&launch, &self.spec.id, &self.state.running).await?;
            replicas.push(Node { member: place.member.clone(), engine });
        }
        for replica in &replicas {
            self.copied(replica).await?;
        }
        let mut nodes: Vec<Node> = primaries.into_iter().chain(replicas).collect();
        nodes.sort_by_key(|node| self.places.iter().position(|place| place.member.id == node.member.id));
        Ok(nodes)
    }

    async fn copied(&self, replica: &Node) -> Result<(), Failure> {
        let mut connection = replica.engine.connect(0).await?;
        for _ in 0..COPY_POLLS {
            let info = Info::of(&mut connection, "replication").await.map_err(asking)?;
            if info.text("role") == "slave" && info.text("master_link_status") == "up" {
                self.cluster_is_ok(replica).await?;
                return self.limit(&mut connection).await;
            }
            sleep(POLL).await;
        }
        Err(Failure::new(format_args!("the replica {} did not get its copy", replica.member.id)))
    }

    fn tell(&self, message: String) {
        self.state.events.group(&self.spec.id, message);
    }
}

/// `used_memory`, and what of it the data take, once two readings agree.
async fn settled_bytes(connection: &mut MultiplexedConnection) -> Result<(u64, u64), Failure> {
    let mut before = u64::MAX;
    for _ in 0..SETTLING_POLLS {
        let info = Info::of(connection, "memory").await.map_err(asking)?;
        let bytes = info.data_bytes();
        if before.abs_diff(bytes) < 4096 {
            break;
        }
        before = bytes;
        sleep(POLL).await;
    }
    let info = Info::of(connection, "memory").await.map_err(asking)?;
    Ok((info.number("used_memory"), info.data_bytes()))
}

fn asking(error: redis::RedisError) -> Failure {
    Failure::local("ask a server", error)
}
