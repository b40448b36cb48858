//! The nodes of a replication group in creation: folders, settings, start.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{fs, time::sleep};
use uuid::Uuid;

use crate::{
    error::Failure,
    groups::{GroupSpec, Node, slots},
    lifecycle::layout::{self, Place},
    servers::{
        binaries::ServerBinary,
        launch::{BACKUP_FILE, Launch},
        server_process::{Loaded, ServerProcess},
    },
    state::State,
};

/// Memory in bytes by which a backup may exceed the limit while it loads. A backup that needs more cannot fit.
const LOADING_ALLOWANCE_BYTES: u64 = 64 << 20;
pub(crate) const POLL: Duration = Duration::from_millis(20);
/// Limit for the nodes to connect to each other, in polls: one minute.
const MEETING_POLLS: u32 = 3_000;

/// A replication group in creation.
pub(crate) struct Creation<'a> {
    pub(crate) state: &'a State,
    pub(crate) spec: &'a GroupSpec,
    pub(crate) dir: &'a Path,
    /// The server chosen for the requested engine and version.
    pub(crate) server: &'a ServerBinary,
    pub(crate) places: Vec<Place>,
}

impl Creation<'_> {
    pub(crate) async fn permit(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Failure> {
        self.state.loads.acquire().await.map_err(|error| Failure::local("wait for a turn", error))
    }

    pub(crate) fn owners(&self) -> Result<Arc<[usize]>, Failure> {
        slots::owners(self.spec.shards.iter().map(|shard| &shard.slots)).map(Into::into).map_err(Failure)
    }

    pub(crate) async fn start_primaries(&self, backup: Option<&PathBuf>) -> Result<Vec<Node>, Failure> {
        let mut primaries = Vec::new();
        for (index, place) in self.places.iter().enumerate().filter(|(_, place)| place.member.primary) {
            let launch = self.launch(index, backup, None).await?;
            let server = ServerProcess::start(&launch, &self.spec.key(), &self.state.running).await?;
            primaries.push(Node { member: place.member.clone(), server });
        }
        Ok(primaries)
    }

    /// Returns the settings of one node, and creates its folder, into which the backup is moved.
    pub(crate) async fn launch(
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

    /// Starts a server only to load a backup, with cluster mode disabled: a cluster node answers only once it owns all
    /// slots, and cannot list the databases of a backup.
    pub(crate) async fn start_loader(&self, backup: &PathBuf) -> Result<ServerProcess, Failure> {
        let dir = self.folder(&format!("loader-{}", Uuid::new_v4().simple()), Some(backup)).await?;
        let password = Some(Uuid::new_v4().simple().to_string());
        let launch = Launch { password, ..self.bare_launch(dir, layout::free_port()?) };
        ServerProcess::start(&launch, &self.spec.key(), &self.state.running).await
    }

    pub(crate) fn bare_launch(&self, dir: PathBuf, port: u16) -> Launch {
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

    pub(crate) async fn folder(&self, name: &str, backup: Option<&PathBuf>) -> Result<PathBuf, Failure> {
        let failed = |error| Failure::local("make a server's folder", error);
        let dir = self.dir.join(name);
        fs::create_dir_all(&dir).await.map_err(failed)?;
        if let Some(backup) = backup {
            fs::rename(backup, dir.join(BACKUP_FILE)).await.map_err(failed)?;
        }
        Ok(dir)
    }

    pub(crate) async fn loaded(&self, server: &ServerProcess, limit_bytes: u64) -> Result<Loaded, Failure> {
        let most_bytes = limit_bytes.saturating_add(limit_bytes / 4).saturating_add(LOADING_ALLOWANCE_BYTES);
        let loaded = server.loaded(most_bytes).await?;
        self.log(format!("{} loaded the backup", loaded.version));
        Ok(loaded)
    }

    pub(crate) async fn cluster_is_ok(&self, node: &Node) -> Result<(), Failure> {
        if !self.spec.cluster_mode {
            return Ok(());
        }
        for poll in 1..=MEETING_POLLS {
            match self.cluster_info(node).await {
                Ok(info) if info.contains("cluster_state:ok") => return Ok(()),
                // A server that is busy with its cluster may drop a connection.
                Err(failure) if poll == MEETING_POLLS => return Err(failure),
                Ok(_) | Err(_) => sleep(POLL).await,
            }
        }
        Err(Failure::new(format_args!("the node {} did not find its cluster", node.member.id)))
    }

    async fn cluster_info(&self, node: &Node) -> Result<String, Failure> {
        let mut connection = node.server.connect(0).await?;
        redis::cmd("CLUSTER").arg("INFO").query_async(&mut connection).await.map_err(asking)
    }

    pub(crate) fn log(&self, message: String) {
        self.state.events.of(self.spec.kind, &self.spec.id, message);
    }
}

/// The failure of a command sent to a server.
pub(crate) fn asking(error: redis::RedisError) -> Failure {
    Failure::local("ask a server", error)
}
