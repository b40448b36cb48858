//! The reply of a server to INFO.

use std::collections::HashMap;

use redis::{RedisResult, aio::MultiplexedConnection};

/// A reply to INFO.
#[derive(Debug)]
pub(crate) struct Info(HashMap<String, String>);

impl Info {
    pub(crate) async fn of(connection: &mut MultiplexedConnection, section: &str) -> RedisResult<Self> {
        let text: String = redis::cmd("INFO").arg(section).query_async(connection).await?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let field =
            |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        Self(text.lines().filter_map(field).collect())
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A number of the reply, or 0 if it is missing.
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }

    /// Name and version of the server: `redis-server 7.0.15`, `valkey-server 8.1.1`.
    pub(crate) fn version(&self) -> String {
        match self.text("valkey_version") {
            "" => format!("redis-server {}", self.text("redis_version")),
            version => format!("valkey-server {version}"),
        }
    }

    /// The databases that hold keys, in ascending order.
    pub(crate) fn databases(&self) -> Vec<u32> {
        let mut databases: Vec<u32> = self
            .0
            .keys()
            .filter_map(|name| name.strip_prefix("db"))
            .filter_map(|number| number.parse().ok())
            .collect();
        databases.sort_unstable();
        databases
    }

    /// Bytes of the data: `used_memory` less the memory of the empty server at its start, the buffers of clients,
    /// replicas and cluster links, and the replication backlog. Keys, values, their tables and functions remain, which
    /// have to fit into the `maxmemory` of the node type.
    pub(crate) fn data_bytes(&self) -> u64 {
        let beside = [
            "used_memory_startup",
            "mem_clients_normal",
            "mem_clients_slaves",
            "mem_cluster_links",
            "mem_replication_backlog",
        ];
        let beside: u64 = beside.iter().map(|name| self.number(name)).sum();
        self.number("used_memory").saturating_sub(beside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_data_count() {
        let info = Info::parse(
            "# Memory\r\nused_memory:5000\r\nused_memory_startup:1000\r\nmem_clients_normal:500\r\n\
             # Keyspace\r\ndb10:keys=1,expires=0\r\ndb2:keys=7,expires=0\r\n",
        );
        assert_eq!(info.data_bytes(), 3500);
        assert_eq!(info.databases(), [2, 10]);
    }
}
