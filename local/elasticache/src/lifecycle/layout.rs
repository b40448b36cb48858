//! The ports of the nodes, and each node's view of the cluster.

use std::{
    fmt::Write as _,
    net::TcpListener,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use uuid::Uuid;

use crate::{
    error::Failure,
    groups::{GroupSpec, Member},
    servers::launch::ClusterFile,
};

/// Ports below the ephemeral range, so that no outgoing connection takes one by chance.
const PORTS: std::ops::Range<u16> = 18_000..32_000;
const PORT_TRIES: u32 = 1000;

/// The place of a node: its ports and its ID in the cluster.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) member: Member,
    pub(crate) port: u16,
    bus_port: u16,
    /// Node ID in the cluster: 40 hexadecimal digits.
    node_id: String,
}

/// Fixed offset of the cluster bus port from the port, before Redis 7.0.
const OLD_BUS_OFFSET: u16 = 10_000;

/// Assigns each member a port and a cluster bus port.
pub(crate) fn places(members: Vec<Member>, before_7: bool) -> Result<Vec<Place>, Failure> {
    let place = |member| {
        let (port, bus_port) = if before_7 { ports_of_old_server()? } else { (free_port()?, free_port()?) };
        Ok(Place { member, port, bus_port, node_id: node_id() })
    };
    members.into_iter().map(place).collect()
}

fn ports_of_old_server() -> Result<(u16, u16), Failure> {
    for _ in 0..PORT_TRIES {
        let port = free_port()?;
        let bus_port = port + OLD_BUS_OFFSET;
        if TcpListener::bind(("127.0.0.1", bus_port)).is_ok() {
            return Ok((port, bus_port));
        }
    }
    Err(Failure::new(format_args!(
        "no port was found that is free together with the one {OLD_BUS_OFFSET} above it"
    )))
}

/// The number of the next port, counted around the range. It wraps only after four billion ports.
static LAST_PORT: LazyLock<AtomicU32> = LazyLock::new(|| {
    // Processes that search at the same time start at different ports.
    let [first, second, ..] = *Uuid::new_v4().as_bytes();
    AtomicU32::new(u32::from(u16::from_be_bytes([first, second])))
});

/// Returns a port that is free now. Tries all other ports of the range before it returns the same one again, so that no
/// other server of this process gets the port before its own server binds it.
pub(crate) fn free_port() -> Result<u16, Failure> {
    for _ in 0..PORT_TRIES {
        let port = port_at(LAST_PORT.fetch_add(1, Ordering::Relaxed));
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Failure::new(format_args!("no free port was found between {} and {}", PORTS.start, PORTS.end)))
}

fn port_at(number: u32) -> u16 {
    let offset = number % u32::from(PORTS.end - PORTS.start);
    PORTS.start + offset as u16
}

/// The cluster as the node at `index` knows it at its start. With a file instead of CLUSTER MEET and CLUSTER REPLICATE,
/// the nodes connect to each other as after a restart, without rounds of gossip.
pub(crate) fn cluster_file(spec: &GroupSpec, places: &[Place], index: usize) -> ClusterFile {
    let mut nodes = String::new();
    for (number, place) in places.iter().enumerate() {
        let Place { member, port, bus_port, node_id } = place;
        let myself = if number == index { "myself," } else { "" };
        let epoch = member.shard + 1;
        let primary = places.iter().find(|other| other.member.primary && other.member.shard == member.shard);
        let (role, slots) = match primary {
            Some(primary) if !member.primary => (format!("slave {}", primary.node_id), String::new()),
            _ => ("master -".to_owned(), format!(" {}", spec.shards[member.shard].slots.spaced())),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            nodes,
            "{node_id} 127.0.0.1:{port}@{bus_port} {myself}{role} 0 0 {epoch} connected{slots}"
        );
    }
    let _ = writeln!(nodes, "vars currentEpoch {} lastVoteEpoch 0", spec.shards.len());
    ClusterFile { bus_port: places[index].bus_port, nodes }
}

fn node_id() -> String {
    let mut id = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    id.truncate(40);
    id
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_port_comes_again_before_all_others() {
        let size = u32::from(PORTS.end - PORTS.start);
        // Where a number of 16 bits starts over.
        for first in [0, 65_536 - size / 2, 5 * size + 1] {
            let ports: HashSet<u16> = (first..first + size).map(port_at).collect();
            assert_eq!(ports.len(), size as usize);
            assert!(ports.iter().all(|port| PORTS.contains(port)));
            assert_eq!(port_at(first), port_at(first + size));
        }
    }
}
