//! What the gateway and its connections share.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

use crate::{
    answers::Body,
    call::{Call, Place, Service},
    faults::Faults,
    rate::Rate,
    roles::{Decision, Roles},
};

/// Where the services listen, as `http://127.0.0.1:PORT`. The one for Lambda may be set later: its functions need the
/// gateway's own endpoint before.
#[derive(Debug, Clone)]
pub struct Services {
    /// S3.
    pub s3: String,
    /// ElastiCache.
    pub elasticache: String,
    /// Step Functions, KMS and Secrets Manager.
    pub step_functions: String,
    /// Lambda.
    pub lambda: Option<String>,
}

pub(crate) type Kill = Arc<dyn Fn(&str) + Send + Sync>;

/// What connections share.
pub(crate) struct Shared {
    pub(crate) services: RwLock<Services>,
    pub(crate) roles: RwLock<Roles>,
    pub(crate) place: Place,
    pub(crate) faults: Faults,
    pub(crate) elasticache_rate: Option<Rate>,
    pub(crate) forwarder: Forwarder,
    pub(crate) calls: Mutex<Vec<Call>>,
    pub(crate) decisions: Mutex<Vec<Decision>>,
    pub(crate) kill: Mutex<Option<Kill>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").field("services", &self.services).finish_non_exhaustive()
    }
}

impl Shared {
    /// The endpoint of a service.
    pub(crate) fn endpoint(&self, service: Service) -> Option<String> {
        let services = self.services.read().unwrap_or_else(PoisonError::into_inner);
        Some(match service {
            Service::S3 => services.s3.clone(),
            Service::ElastiCache => services.elasticache.clone(),
            Service::States | Service::Kms | Service::SecretsManager => services.step_functions.clone(),
            Service::Lambda => services.lambda.clone()?,
        })
    }

    pub(crate) fn record(&self, call: &Call) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call.clone());
    }

    /// Records decisions. The first one that refuses, if there is any.
    pub(crate) fn refused(&self, decisions: Vec<Decision>) -> Option<Decision> {
        let refused = decisions.iter().find(|decision| !decision.allowed).cloned();
        self.decisions.lock().unwrap_or_else(PoisonError::into_inner).extend(decisions);
        refused
    }

    pub(crate) fn kill(&self, caller: &str) {
        let kill = self.kill.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(kill) = kill {
            kill(caller);
        }
    }
}

/// The client of the services.
#[derive(Debug)]
pub(crate) struct Forwarder(pub(crate) Client<HttpConnector, Body>);

impl Default for Forwarder {
    fn default() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }
}
