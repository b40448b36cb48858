//! The life cycle of a cluster: create, restore, delete.

mod creation;
mod layout;
mod memory_check;
mod opening;
mod restore;
mod spread;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    fs,
    time::{Instant, sleep, sleep_until},
};
use uuid::Uuid;

use self::restore::{fetch, restore};
use crate::{
    config::TakenFault,
    error::ApiError,
    groups::{Group, GroupSpec, Member, Status, kind::Kind},
    state::State,
};

/// Starts a creation, unless the name exists or the nodes exceed the quota.
pub(crate) fn begin_create(
    state: &Arc<State>,
    spec: GroupSpec,
    tags: BTreeMap<String, String>,
) -> Result<(), ApiError> {
    let key = spec.key();
    let members = spec.members(&state.config.region);
    let mut groups = state.groups();
    if groups.contains_key(&key) {
        return Err(spec.kind.exists_already(&spec.id));
    }
    if spec.kind.names_clusters() {
        named(&groups, &members)?;
        taken(state, &members)?;
    }
    let simulated = state.config.switches.simulates_nodes;
    let real = groups.values().filter(|group| !group.simulated);
    let nodes: usize = real.map(|group| group.members.len()).sum();
    if !simulated && nodes + members.len() > state.config.node_quota {
        return Err(ApiError::new(
            "NodeQuotaForCustomerExceeded",
            format_args!(
                "{nodes} nodes exist, {} more were asked for, the quota is {}",
                members.len(),
                state.config.node_quota
            ),
        ));
    }
    let dir = state.dir.join(Uuid::new_v4().simple().to_string());
    let creation = tokio::spawn(create(state.clone(), spec.clone(), dir.clone()));
    groups.insert(
        key,
        Group {
            spec,
            members,
            status: Status::Creating,
            created_at: Timestamp::now(),
            tags,
            nodes: Vec::new(),
            simulated,
            dir,
            creation: Some(creation.abort_handle()),
        },
    );
    Ok(())
}

/// Refuses names of cache clusters and members that others have.
fn named(groups: &BTreeMap<String, Group>, members: &[Member]) -> Result<(), ApiError> {
    let mut others = groups.values().filter(|group| group.spec.kind.names_clusters());
    let is_taken = |id: &String| members.iter().any(|member| member.id == *id);
    match others.find_map(|group| group.members.iter().find(|member| is_taken(&member.id))) {
        Some(Member { id, .. }) => Err(Kind::CacheCluster.exists_already(id)),
        None => Ok(()),
    }
}

/// Refuses members whose names are still those of members that are being deleted.
fn taken(state: &State, members: &[Member]) -> Result<(), ApiError> {
    let leavers = state.leavers();
    let mut leaving = leavers.iter().flat_map(|group| &group.members);
    let Some(Member { id, .. }) = leaving.find(|old| members.iter().any(|member| member.id == old.id)) else {
        return Ok(());
    };
    Err(match state.config.switches.taken_fault {
        TakenFault::CacheClusterAlreadyExists => {
            ApiError::new("CacheClusterAlreadyExists", format_args!("Cache cluster {id} already exists."))
        }
        TakenFault::InvalidCacheClusterState => ApiError::new(
            "InvalidCacheClusterState",
            format_args!("Cache cluster {id} is not in a valid state, but deleting."),
        ),
    })
}

/// Starts a deletion, if the status of the group allows it.
pub(crate) fn begin_delete(state: &Arc<State>, kind: Kind, id: &str) -> Result<(), ApiError> {
    let mut groups = state.groups();
    let group = groups.get_mut(&kind.key(id)).ok_or_else(|| kind.not_found(id))?;
    let refused = match group.status {
        Status::Creating => !state.config.switches.deletes_while_creating,
        Status::Deleting => true,
        Status::Available | Status::Failed(_) => false,
    };
    if refused {
        return Err(kind.invalid_state(id, group.status.of_group()));
    }
    if let Some(creation) = group.creation.take() {
        creation.abort();
    }
    group.status = Status::Deleting;
    drop(std::mem::take(&mut group.nodes));
    state.events.of(kind, id, format!("{} is being deleted", kind.in_words()));
    tokio::spawn(delete(state.clone(), kind, id.to_owned(), group.dir.clone()));
    Ok(())
}

async fn create(state: Arc<State>, spec: GroupSpec, dir: PathBuf) {
    let key = spec.key();
    let visible_until = Instant::now() + state.config.create_delay;
    announce(&state, &spec);
    let members = spec.members(&state.config.region);
    let result = if state.config.switches.simulates_nodes {
        // As much as a restore needs access for.
        let read = fetch(&state, &spec, &dir).await;
        remove(&dir).await;
        read.map(|_| Vec::new())
    } else {
        restore(&state, &spec, members.clone(), &dir).await
    };
    if let Err(failure) = &result {
        // Report the failure only after the servers of the failed attempt have ended.
        state.running.none_left(Some(&key)).await;
        remove(&dir).await;
        state.events.of(spec.kind, &spec.id, format!("Restore failed: {failure}"));
        for member in members.iter().filter(|_| spec.kind.has_members()) {
            state.events.of_member(&spec, &member.id, format!("Restore failed: {failure}"));
        }
    }
    sleep_until(visible_until).await;
    let mut groups = state.groups();
    let Some(group) = groups.get_mut(&key).filter(|group| group.dir == dir) else { return };
    group.creation = None;
    match result {
        Ok(nodes) => {
            for member in members.iter().filter(|_| spec.kind.has_members()) {
                state.events.of_member(
                    &spec,
                    &member.id,
                    format!("Added cache node 0001 in availability zone {}", member.zone),
                );
                state.events.of_member(&spec, &member.id, "Cache cluster created");
            }
            state.events.of(spec.kind, &spec.id, format!("{} created", spec.kind.in_words()));
            (group.nodes, group.status) = (nodes, Status::Available);
        }
        Err(_) => group.status = Status::Failed(state.config.switches.failure_status),
    }
}

/// Adds the differences from AWS to the events of the cluster.
fn announce(state: &State, spec: &GroupSpec) {
    let backups = spec.backups.len();
    let log = |message: String| state.events.of(spec.kind, &spec.id, message);
    log(format!("Creating {} shards from {backups} backups", spec.shards.len()));
    if let Some(choice) = state.config.servers.choose(spec.engine.as_str(), spec.version) {
        log(choice.describe(spec.engine, spec.version));
    }
    if spec.transit_encryption {
        log("Encryption in transit is recorded only: the nodes listen on loopback without TLS".to_owned());
    }
}

async fn delete(state: Arc<State>, kind: Kind, id: String, dir: PathBuf) {
    let key = kind.key(&id);
    sleep(state.config.delete_delay).await;
    state.running.none_left(Some(&key)).await;
    remove(&dir).await;
    let outlive = state.config.switches.members_outlive;
    {
        let mut groups = state.groups();
        let group = groups.remove(&key);
        state.leavers().extend(group.filter(|_| kind.names_clusters() && !outlive.is_zero()));
    }
    state.events.of(kind, &id, format!("{} deleted", kind.in_words()));
    if !outlive.is_zero() {
        sleep(outlive).await;
        state.leavers().retain(|group| group.dir != dir);
    }
}

/// Removes a folder. Retries, because a server that is ending may still write to it.
async fn remove(dir: &Path) {
    for _ in 0..10 {
        match fs::remove_dir_all(dir).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                sleep(Duration::from_millis(20)).await;
            }
            _ => return,
        }
    }
    tracing::warn!(dir = %dir.display(), "a group's folder could not be removed");
}
