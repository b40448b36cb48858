//! The state that all requests share.

pub(crate) mod event_log;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

use tokio::sync::Semaphore;

use self::event_log::EventLog;
use crate::{
    bystanders,
    catalog::Catalog,
    config::Config,
    groups::{Group, backup},
    servers::watchdog::RunningServers,
};

/// The replication groups, the catalog, and the clients that serve them.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) events: EventLog,
    pub(crate) running: RunningServers,
    pub(crate) loads: Semaphore,
    pub(crate) s3: aws_sdk_s3::Client,
    /// Whether the account has no service-linked role yet.
    pub(crate) lacks_role: AtomicBool,
    groups: Mutex<BTreeMap<String, Group>>,
    /// Groups that are gone, but not their members. Locked after `groups`.
    leavers: Mutex<Vec<Group>>,
    catalog: Mutex<Catalog>,
    pub(crate) dir: PathBuf,
}

impl State {
    pub(crate) fn new(config: Config, dir: PathBuf) -> Self {
        Self {
            events: EventLog::default(),
            running: RunningServers::default(),
            loads: Semaphore::new(config.concurrent_loads.max(1)),
            s3: backup::client(&config),
            lacks_role: AtomicBool::new(config.switches.lacks_service_linked_role),
            groups: Mutex::new(bystanders::groups(&config)),
            leavers: Mutex::default(),
            catalog: Mutex::default(),
            dir,
            config,
        }
    }

    pub(crate) fn groups(&self) -> MutexGuard<'_, BTreeMap<String, Group>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn leavers(&self) -> MutexGuard<'_, Vec<Group>> {
        self.leavers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn catalog(&self) -> MutexGuard<'_, Catalog> {
        self.catalog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ARN of a resource of this account and Region.
    pub(crate) fn arn(&self, kind: &str, id: &str) -> String {
        format!("arn:aws:elasticache:{}:{}:{kind}:{id}", self.config.region, self.config.account_id)
    }

    /// Aborts all creations and ends all servers.
    pub(crate) async fn end(&self) {
        let ended = std::mem::take(&mut *self.groups());
        for group in ended.values() {
            if let Some(creation) = &group.creation {
                creation.abort();
            }
        }
        drop(ended);
        self.running.none_left(None).await;
    }
}
