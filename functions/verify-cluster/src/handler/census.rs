//! Counts keys and memory over the Redis protocol.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisError,
    RedisResult, Value, aio::MultiplexedConnection,
};
use seeding::{ErrorName, StepError};

/// The key that ElastiCache adds to every cluster. Source: user guide, "Creating a cluster".
pub(super) const ELASTICACHE_KEY: &str = "ElastiCacheMasterReplicationTimestamp";
/// The timeout of a connection and of an answer. A node in the same network answers in milliseconds; behind a security
/// group that blocks it, never.
const PATIENCE: Duration = Duration::from_secs(5);

/// The address of the cluster, and how to log in.
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
    pub(super) token: Option<String>,
    pub(super) cluster_mode: bool,
}

/// What all primaries hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Census {
    /// Keys, except the one that ElastiCache adds.
    pub(super) keys: u64,
    /// Memory of the data; none if a primary does not say.
    pub(super) data_bytes: Option<u64>,
}

impl Target {
    /// Counts the keys on all primaries, and the memory that they take.
    pub(super) async fn take_census(&self) -> Result<Census, StepError> {
        self.count().await.map_err(|error| {
            StepError::new(
                ErrorName::ServiceBusy,
                format!("failed to count the keys at {}:{}: {error}", self.host, self.port),
                "configure verify-cluster with subnets and a security group that can reach the cluster, or set verify to false",
            )
        })
    }

    async fn count(&self) -> RedisResult<Census> {
        let mut first = self.connect(&self.host, self.port).await?;
        let primaries = if self.cluster_mode {
            primaries(&redis::cmd("CLUSTER").arg("SLOTS").query_async(&mut first).await?, &self.host)
        } else {
            vec![(self.host.clone(), self.port)]
        };
        let mut census = Census { keys: 0, data_bytes: Some(0) };
        for (host, port) in primaries {
            let mut node = self.connect(&host, port).await?;
            let keyspace: String = redis::cmd("INFO").arg("keyspace").query_async(&mut node).await?;
            census.keys += keys_of_keyspace(&keyspace);
            // A node that does not own the key's slot answers with a redirection, so it does not hold the key.
            let theirs: u64 =
                redis::cmd("EXISTS").arg(ELASTICACHE_KEY).query_async(&mut node).await.unwrap_or(0);
            census.keys = census.keys.saturating_sub(theirs);
            let memory: String = redis::cmd("INFO").arg("memory").query_async(&mut node).await?;
            census.data_bytes =
                census.data_bytes.zip(data_of_memory(&memory)).map(|(sum, bytes)| sum + bytes);
        }
        Ok(census)
    }

    async fn connect(&self, host: &str, port: u16) -> RedisResult<MultiplexedConnection> {
        let host = host.to_owned();
        let address = if self.tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        let mut login = RedisConnectionInfo::default();
        if let Some(token) = &self.token {
            login = login.set_password(token);
        }
        let client = Client::open(address.into_connection_info()?.set_redis_settings(login))?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        client.get_multiplexed_async_connection_with_config(&config).await
    }
}

/// Extracts the primaries from an answer to CLUSTER SLOTS, the third item of each entry:
/// `[first, last, [host, port, …], …]`. An empty host means the node that was asked.
fn primaries(slots: &Value, asked: &str) -> Vec<(String, u16)> {
    let mut found = Vec::new();
    let Value::Array(entries) = slots else { return found };
    for entry in entries {
        let Value::Array(entry) = entry else { continue };
        let Some(Value::Array(node)) = entry.get(2) else { continue };
        let (Some(host), Some(Value::Int(port))) = (node.first(), node.get(1)) else { continue };
        let host: Result<String, RedisError> = redis::from_redis_value(host.clone()).map_err(Into::into);
        let host = host.ok().filter(|host| !host.is_empty()).unwrap_or_else(|| asked.to_owned());
        if let Ok(port) = u16::try_from(*port)
            && !found.contains(&(host.clone(), port))
        {
            found.push((host, port));
        }
    }
    found
}

/// Sums up the keys in lines such as `db0:keys=12,expires=3,…`.
pub(super) fn keys_of_keyspace(info: &str) -> u64 {
    info.lines()
        .filter(|line| line.starts_with("db"))
        .filter_map(|line| line.split_once("keys=")?.1.split(',').next()?.parse::<u64>().ok())
        .sum()
}

/// Memory of the data, from the section `memory` of INFO: what is used, less what an empty server, its clients and its
/// replicas take. `used_memory` is what CloudWatch shows as `BytesUsedForCache`.
pub(super) fn data_of_memory(info: &str) -> Option<u64> {
    let value = |name: &str| {
        let mut fields = info.lines().filter_map(|line| line.trim_end().split_once(':'));
        fields.find(|(field, _)| *field == name)?.1.parse::<u64>().ok()
    };
    // From 7.0 on the sum of both: the backlog is what the replicas' buffers share.
    let replication = value("mem_total_replication_buffers").unwrap_or_else(|| {
        value("mem_replication_backlog").unwrap_or(0) + value("mem_clients_slaves").unwrap_or(0)
    });
    let besides = value("used_memory_startup")? + replication + value("mem_clients_normal").unwrap_or(0);
    // The startup's own buffers may have gone since.
    Some(value("used_memory")?.saturating_sub(besides))
}
