//! The servers of a cluster, and those that a sentinel watches.

use std::collections::BTreeMap;

use crate::{Connection, Error, Host, Reply};

/// The number of slots of a cluster.
pub const SLOTS: i64 = 16_384;

/// A shard of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Ranges of slots, first and last.
    pub slots: Vec<(i64, i64)>,
    /// Its servers: replicas first, the master last.
    pub servers: Vec<Host>,
}

/// Finds the shards of a cluster that have slots, in the order of these, by one of its servers.
pub fn cluster(server: &mut Connection) -> Result<Vec<Shard>, Error> {
    let reply = server.call(&["CLUSTER", "SLOTS"])?;
    let asked = server.address().host().cloned();
    let mut shards: Vec<Shard> = Vec::new();
    for range in reply.list() {
        let [first, last, servers @ ..] = range.list() else { continue };
        let (Some(first), Some(last)) = (first.integer(), last.integer()) else { continue };
        let mut servers: Vec<_> = servers.iter().filter_map(|server| host(server, asked.as_ref())).collect();
        if servers.is_empty() {
            return Err(server.unexpected("CLUSTER SLOTS", b"a range without a server"));
        }
        servers.rotate_left(1);
        match shards.iter_mut().find(|shard| shard.servers.last() == servers.last()) {
            Some(shard) => shard.slots.push((first, last)),
            None => shards.push(Shard { slots: vec![(first, last)], servers }),
        }
    }
    for shard in &mut shards {
        shard.slots.sort_unstable();
    }
    shards.sort_by(|one, other| one.slots.cmp(&other.slots));
    Ok(shards)
}

/// A server in the reply: its preferred address, port, ID, and other addresses.
fn host(server: &Reply, asked: Option<&Host>) -> Option<Host> {
    let [name, port, rest @ ..] = server.list() else { return None };
    let known = |name: String| Some(name).filter(|name| !name.is_empty() && name != "?");
    let others = rest.get(1).map(pairs).unwrap_or_default();
    let name = name.text().and_then(known).or_else(|| others.get("ip").cloned().and_then(known));
    // A server that does not know its own address is where it was asked.
    let name = name.or_else(|| asked.map(|host| host.name.clone()))?;
    Some(Host { name, port: port.integer().and_then(|port| u16::try_from(port).ok())? })
}

/// Finds the servers of a master that a sentinel watches: replicas that it can reach first, the master last. None if it
/// does not know the master.
pub fn watched(sentinel: &mut Connection, master: &str) -> Result<Option<Vec<Host>>, Error> {
    let reply = sentinel.call(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", master])?;
    let [name, port] = reply.list() else { return Ok(None) };
    let address =
        |name: Option<String>, port: Option<String>| Some(Host { name: name?, port: port?.parse().ok()? });
    let Some(master_host) = address(name.text(), port.text()) else { return Ok(None) };
    let replicas = match sentinel.call(&["SENTINEL", "REPLICAS", master]) {
        // Before Redis 5.
        Err(Error::Refused(_)) => sentinel.call(&["SENTINEL", "SLAVES", master])?,
        replicas => replicas?,
    };
    let reachable = replicas.list().iter().map(pairs).filter(|replica| {
        let flags = replica.get("flags").map(String::as_str).unwrap_or_default();
        let is_down = flags.split(',').any(|flag| ["s_down", "o_down", "disconnected"].contains(&flag));
        !is_down && replica.get("master-link-status").is_some_and(|status| status == "ok")
    });
    let hosts =
        reachable.filter_map(|replica| address(replica.get("ip").cloned(), replica.get("port").cloned()));
    Ok(Some(hosts.chain([master_host]).collect()))
}

/// A list of names and values.
fn pairs(reply: &Reply) -> BTreeMap<String, String> {
    let pair = |pair: &[Reply]| Some((pair.first()?.text()?, pair.get(1)?.text()?));
    reply.list().chunks(2).filter_map(pair).collect()
}
