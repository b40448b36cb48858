//! The gateway.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    call::{Call, Place},
    faults::Faults,
    proxy,
    rate::Rate,
    roles::{Decision, Roles},
    shared::{Forwarder, Services, Shared},
};

/// The settings of a gateway.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the services listen.
    pub services: Services,
    /// The roles of the callers.
    pub roles: Roles,
    /// The account of all resources.
    pub account_id: String,
    /// The region of all resources.
    pub region: String,
    /// Calls of ElastiCache in a second, of all callers together. More are throttled.
    pub elasticache_calls_per_second: Option<u32>,
}

/// Why a gateway could not start.
#[derive(Debug, thiserror::Error)]
#[error("listen on 127.0.0.1: {0}")]
pub struct Error(#[from] std::io::Error);

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    endpoint: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Gateway {
    /// Binds a free port of 127.0.0.1.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared {
            services: RwLock::new(config.services),
            roles: RwLock::new(config.roles),
            place: Place { account_id: config.account_id, region: config.region },
            faults: Faults::default(),
            elasticache_rate: config.elasticache_calls_per_second.map(Rate::new),
            forwarder: Forwarder::default(),
            calls: Mutex::default(),
            decisions: Mutex::default(),
            kill: Mutex::default(),
        });
        let accepting = tokio::spawn(proxy::accept(listener, Arc::clone(&shared)));
        Ok(Self { endpoint, shared, accepting })
    }

    /// The endpoint of every service, as `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Says where Lambda listens, and how a function's processes are killed.
    pub fn connect_lambda(&self, endpoint: &str, kill: impl Fn(&str) + Send + Sync + 'static) {
        self.shared.services.write().unwrap_or_else(PoisonError::into_inner).lambda =
            Some(endpoint.to_owned());
        *self.shared.kill.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(kill));
    }

    /// Replaces the roles.
    pub fn set_roles(&self, roles: Roles) {
        *self.shared.roles.write().unwrap_or_else(PoisonError::into_inner) = roles;
    }

    /// The planned faults.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// All calls since the start, or since this was asked last: each attempt is a call.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.shared.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What roles said to all calls since the start, or since this was asked last. `s3:ListBucket` is among it where an
    /// object was asked for that does not exist: without that permission, S3 says that the caller may not read it.
    pub fn take_decisions(&self) -> Vec<Decision> {
        std::mem::take(&mut self.shared.decisions.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Closes the listener and all connections.
    pub async fn stop(self) {
        self.accepting.abort();
        let _ = self.accepting.await;
    }
}
