//! The restore: downloads the backups, loads them with a real server, and spreads them over the shards.

use std::path::{Path, PathBuf};

use tokio::fs;

use crate::{
    error::Failure,
    groups::{
        GroupSpec, Member, Node,
        backup::{self, BackupLocation},
    },
    lifecycle::{creation::Creation, layout, spread},
    servers::{launch::BACKUP_FILE, server_process::ServerProcess},
    state::State,
};

/// Restores the nodes of a replication group, in the order of `members`. On failure, its servers end.
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
    let backups = fetch(state, spec, dir).await?;
    let primaries = creation.seed(backups).await?;
    creation.weigh(&primaries).await?;
    creation.open(&primaries).await?;
    creation.add_replicas(primaries).await
}

/// Downloads the backups into a folder.
pub(crate) async fn fetch(state: &State, spec: &GroupSpec, dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    fs::create_dir_all(dir).await.map_err(|error| Failure::local("make a folder", error))?;
    for (number, location) in spec.backups.iter().enumerate() {
        let file = dir.join(format!("backup-{number}.rdb"));
        let bytes = backup::fetch(&state.s3, location, &file).await?;
        let BackupLocation { bucket, key } = location;
        state.events.of(spec.kind, &spec.id, format!("Read the backup {bucket}/{key}: {bytes} bytes"));
        files.push(file);
    }
    Ok(files)
}

impl Creation<'_> {
    /// Starts the primaries and loads the keys of the backups into them.
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

    /// Loads one backup into one shard: the node itself loads the file.
    async fn load(&self, backup: &PathBuf) -> Result<Vec<Node>, Failure> {
        let _permit = self.permit().await?;
        let primaries = self.start_primaries(Some(backup)).await?;
        for primary in &primaries {
            if let Err(failure) = self.loaded(&primary.server, self.spec.maxmemory).await {
                return Err(self.plainer(failure, primary).await);
            }
        }
        Ok(primaries)
    }

    /// Loads one backup after the other, so that only one is in memory twice.
    async fn load_and_spread(&self, backups: &[PathBuf]) -> Result<Vec<Node>, Failure> {
        // The primaries connect to each other while a backup loads.
        let primaries = self.start_primaries(None).await?;
        let _permit = self.permit().await?;
        let shards: Vec<&ServerProcess> = primaries.iter().map(|primary| &primary.server).collect();
        let all_shards = self.spec.maxmemory.saturating_mul(shards.len() as u64);
        let owners = self.owners()?;
        for backup in backups {
            let loader = self.start_loader(backup).await?;
            let databases = self.loaded(&loader, all_shards).await?.databases;
            self.only_possible(&databases)?;
            for primary in &primaries {
                self.cluster_is_ok(primary).await?;
            }
            for database in databases {
                spread::spread(&loader, database, &shards, &owners).await?;
            }
            spread::copy_functions(&loader, &shards).await?;
            self.log(format!("Spread the backup over {} shards", shards.len()));
        }
        Ok(primaries)
    }

    /// Checks the databases of a backup: with cluster mode, only database 0 exists, unless the parameter group allows
    /// more.
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

    /// Returns a clearer reason for a failure. A cluster node may crash without a message on a key outside database 0.
    /// A server with cluster mode disabled loads such a key.
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
}
