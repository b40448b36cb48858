//! The last steps of a creation: the memory limit of the primaries, and the replicas.

use redis::aio::MultiplexedConnection;
use tokio::time::sleep;

use crate::{
    error::Failure,
    groups::{Node, slots},
    lifecycle::creation::{Creation, POLL, asking},
    servers::{info::Info, server_process::ServerProcess},
};

/// A key of ElastiCache itself, which clusters on AWS hold.
const TIMESTAMP_KEY: &str = "ElastiCacheMasterReplicationTimestamp";
/// Limit for the full sync of a replica, in polls: one hour.
const COPY_POLLS: u32 = 180_000;

impl Creation<'_> {
    /// Sets the memory limit of the primaries, and ElastiCache's own key.
    pub(crate) async fn open(&self, primaries: &[Node]) -> Result<(), Failure> {
        let timestamp = jiff::Timestamp::now().as_millisecond();
        let owner = if self.spec.cluster_mode {
            self.owners()?[usize::from(slots::slot(TIMESTAMP_KEY.as_bytes()))]
        } else {
            0
        };
        for primary in primaries {
            let mut connection = primary.server.connect(0).await?;
            self.cluster_is_ok(primary).await?;
            if self.state.config.timestamp_key && primary.member.shard == owner {
                let mut set = redis::cmd("SET");
                set.arg(TIMESTAMP_KEY)
                    .arg(timestamp)
                    .query_async::<()>(&mut connection)
                    .await
                    .map_err(asking)?;
            }
            self.limit(&mut connection).await?;
        }
        Ok(())
    }

    async fn limit(&self, connection: &mut MultiplexedConnection) -> Result<(), Failure> {
        // One parameter per CONFIG SET: servers before Redis 7.0 accept no more.
        let maxmemory = self.spec.maxmemory.to_string();
        for (name, value) in [("maxmemory-policy", "volatile-lru"), ("maxmemory", &maxmemory)] {
            let mut set = redis::cmd("CONFIG");
            set.arg("SET").arg(name).arg(value).query_async::<()>(connection).await.map_err(asking)?;
        }
        Ok(())
    }

    /// Starts the replicas last, so that each one syncs once.
    pub(crate) async fn add_replicas(&self, primaries: Vec<Node>) -> Result<Vec<Node>, Failure> {
        let mut replicas = Vec::new();
        for (index, place) in self.places.iter().enumerate().filter(|(_, place)| !place.member.primary) {
            let primary = primaries.iter().find(|primary| primary.member.shard == place.member.shard);
            let port = primary.filter(|_| !self.spec.cluster_mode).map(|primary| primary.server.port);
            let launch = self.launch(index, None, port).await?;
            let server = ServerProcess::start(&launch, &self.spec.key(), &self.state.running).await?;
            replicas.push(Node { member: place.member.clone(), server });
        }
        for replica in &replicas {
            self.copied(replica).await?;
        }
        let mut nodes: Vec<Node> = primaries.into_iter().chain(replicas).collect();
        nodes.sort_by_key(|node| self.places.iter().position(|place| place.member.id == node.member.id));
        Ok(nodes)
    }

    async fn copied(&self, replica: &Node) -> Result<(), Failure> {
        let mut connection = replica.server.connect(0).await?;
        for _ in 0..COPY_POLLS {
            let info = Info::of(&mut connection, "replication").await.map_err(asking)?;
            if info.text("role") == "slave" && info.text("master_link_status") == "up" {
                self.cluster_is_ok(replica).await?;
                return self.limit(&mut connection).await;
            }
            sleep(POLL).await;
        }
        Err(Failure::new(format_args!("the replica {} did not get its copy", replica.member.id)))
    }
}
