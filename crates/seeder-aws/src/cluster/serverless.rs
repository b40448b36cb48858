//! Serverless caches.

use aws_sdk_elasticache::{
    Client,
    types::{Endpoint, ServerlessCache},
};
use seeding::{
    ClusterKind, Mark, SERVERLESS, StepError,
    steps::{ClusterInfo, DeletionPhase},
};

use super::Described;
use crate::{error_code, service_error};

pub(super) async fn describe(elasticache: &Client, id: &str) -> Result<Option<Described>, StepError> {
    match elasticache.describe_serverless_caches().serverless_cache_name(id).send().await {
        Ok(answer) => Ok(answer.serverless_caches().first().map(described)),
        Err(error) if error_code(&error) == Some("ServerlessCacheNotFoundFault") => Ok(None),
        Err(error) => Err(service_error(&format!("describe the serverless cache {id}"), &error)),
    }
}

fn described(cache: &ServerlessCache) -> Described {
    let endpoint = cache.endpoint();
    Described {
        info: ClusterInfo {
            kind: ClusterKind::Serverless,
            id: cache.serverless_cache_name().unwrap_or_default().to_owned(),
            arn: cache.arn().unwrap_or_default().to_owned(),
            endpoint: endpoint.and_then(|endpoint| endpoint.address()).unwrap_or_default().to_owned(),
            port: endpoint.and_then(Endpoint::port).and_then(|port| u16::try_from(port).ok()).unwrap_or(0),
            node_type: SERVERLESS.to_owned(),
            shards: 1,
        },
        status: cache.status().unwrap_or_default().to_owned(),
        mark: Mark::Description(cache.description().unwrap_or_default().to_owned()),
        // It speaks nothing else.
        tls: true,
        members: Vec::new(),
    }
}

pub(super) async fn delete(elasticache: &Client, id: &str) -> Result<DeletionPhase, StepError> {
    match elasticache.delete_serverless_cache().serverless_cache_name(id).send().await {
        Ok(_) => Ok(DeletionPhase::Deleting),
        Err(error) => match error_code(&error) {
            Some("ServerlessCacheNotFoundFault") => Ok(DeletionPhase::Gone),
            Some("InvalidServerlessCacheStateFault") => Ok(DeletionPhase::Creating),
            _ => Err(service_error(&format!("delete the serverless cache {id}"), &error)),
        },
    }
}
