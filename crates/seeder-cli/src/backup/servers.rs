//! The servers that are backed up.

use std::num::TryFromIntError;

use replication::{
    Address, Host,
    topology::{SLOTS, Shard, cluster, watched},
};

use super::{failure::Failure, login::Login};

/// The servers, and how to connect to them.
pub(crate) struct Found {
    pub(super) login: Login,
    /// For each shard its servers, in the order in which they are tried.
    pub(super) shards: Vec<Vec<Address>>,
    /// The cluster, if it is one, and the server that described it.
    pub(super) cluster: Option<(Address, Vec<Shard>)>,
}

/// Connects to the source, and finds the servers that it names.
pub(super) fn find(
    source: &Address,
    mut login: Login,
    sentinel: Option<&str>,
    is_cluster: bool,
) -> Result<Found, Failure> {
    let mut first = login.first(source)?;
    let addresses =
        |hosts: &[Host]| hosts.iter().map(|host| source.with_host(host.clone())).collect::<Vec<_>>();
    if let Some(master) = sentinel {
        let hosts = watched(&mut first, master)?.ok_or_else(|| {
            let unknown = format!("{source} watches no master {}", master.escape_default());
            Failure::refused(unknown, "SENTINEL MASTERS lists the names that it knows")
        })?;
        return Ok(Found { login, shards: vec![addresses(&hosts)], cluster: None });
    }
    if is_cluster {
        let shards = cluster(&mut first)?;
        let slots: i64 =
            shards.iter().flat_map(|shard| &shard.slots).map(|(first, last)| last - first + 1).sum();
        if shards.is_empty() {
            let empty = format!("no shard of the cluster of {source} has slots");
            return Err(Failure::refused(empty, "name a node of a cluster that is set up"));
        }
        if slots < SLOTS {
            eprintln!(
                "warning: {} of {SLOTS} slots have no server; keys in them are not backed up",
                SLOTS - slots
            );
        }
        let servers = shards.iter().map(|shard| addresses(&shard.servers)).collect();
        return Ok(Found { login, shards: servers, cluster: Some((source.clone(), shards)) });
    }
    Ok(Found { login, shards: vec![vec![source.clone()]], cluster: None })
}

impl Found {
    /// The number of files that a cluster becomes; none if it is no cluster.
    pub(crate) fn files(&self) -> Result<Option<u16>, TryFromIntError> {
        self.cluster.as_ref().map(|_| u16::try_from(self.shards.len())).transpose()
    }

    /// Finds out whether slots have moved: keys of these may be missing, or in two backups.
    pub(super) fn expect_same_slots(&self) -> Result<(), Failure> {
        let Some((source, before)) = &self.cluster else { return Ok(()) };
        let now = cluster(&mut self.login.connect(source)?)?;
        if before.iter().map(|shard| &shard.slots).eq(now.iter().map(|shard| &shard.slots)) {
            return Ok(());
        }
        let moved = format!("slots of the cluster of {source} were moved meanwhile");
        Err(Failure::refused(
            moved,
            "keys may be missing, or in two backups; try again when the cluster is at rest",
        ))
    }
}
