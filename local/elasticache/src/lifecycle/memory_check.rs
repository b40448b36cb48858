//! The memory check of a restore: the data of each shard against the `maxmemory` of the node type.

use redis::aio::MultiplexedConnection;
use tokio::time::sleep;

use crate::{
    error::Failure,
    groups::Node,
    lifecycle::creation::{Creation, POLL, asking},
    servers::info::Info,
};

/// Limit for the memory to settle, in polls. While a hash table is resized, it takes twice its memory.
const SETTLING_POLLS: u32 = 50;

impl Creation<'_> {
    /// Compares the data of each primary with the limit of the node type.
    pub(crate) async fn weigh(&self, primaries: &[Node]) -> Result<(), Failure> {
        if self.spec.backups.is_empty() {
            return Ok(());
        }
        let limit = self.spec.maxmemory;
        for primary in primaries {
            let mut connection = primary.server.connect(0).await?;
            let (used_memory, bytes) = settled_bytes(&mut connection).await?;
            let shard = &self.spec.shards[primary.member.shard];
            if bytes > limit {
                return Err(Failure::new(format_args!(
                    "shard {} (slots {}) does not fit into {}: its data take {bytes} bytes (used_memory \
                     {used_memory}), maxmemory is {limit}",
                    shard.id, shard.slots, self.spec.node_type
                )));
            }
            self.state.events.of_member(
                self.spec,
                &primary.member.id,
                format!(
                    "Restored: the data take {bytes} bytes, maxmemory of {} is {limit}",
                    self.spec.node_type
                ),
            );
        }
        Ok(())
    }
}

/// Returns `used_memory` and the bytes of the data, once two successive readings agree.
async fn settled_bytes(connection: &mut MultiplexedConnection) -> Result<(u64, u64), Failure> {
    let mut before = u64::MAX;
    for _ in 0..SETTLING_POLLS {
        let info = Info::of(connection, "memory").await.map_err(asking)?;
        let bytes = info.data_bytes();
        if before.abs_diff(bytes) < 4096 {
            break;
        }
        before = bytes;
        sleep(POLL).await;
    }
    let info = Info::of(connection, "memory").await.map_err(asking)?;
    Ok((info.number("used_memory"), info.data_bytes()))
}
