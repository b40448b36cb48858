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
    let found = shards(&reply, server.address().host());
    found.ok_or_else(|| server.unexpected("CLUSTER SLOTS", b"a range without a server"))
}

/// Parses the ranges of slots: first, last, the master, its replicas.
fn shards(reply: &Reply, asked: Option<&Host>) -> Option<Vec<Shard>> {
    let mut shards: Vec<Shard> = Vec::new();
    for range in reply.list() {
        let [first, last, servers @ ..] = range.list() else { return None };
        let (first, last) = (first.integer()?, last.integer()?);
        let mut servers = servers.iter().map(|server| host(server, asked)).collect::<Option<Vec<_>>>()?;
        if servers.is_empty() {
            return None;
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
    Some(shards)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Reply {
        Reply::Text(text.as_bytes().to_vec())
    }

    fn server(name: Reply, port: i64, other_names: &[&str]) -> Reply {
        let names = other_names.iter().map(|name| text(name)).collect();
        Reply::List(vec![name, Reply::Integer(port), text("id"), Reply::List(names)])
    }

    fn range(first: i64, last: i64, servers: Vec<Reply>) -> Reply {
        Reply::List([vec![Reply::Integer(first), Reply::Integer(last)], servers].concat())
    }

    #[test]
    fn shards_are_found_with_their_replicas_first() {
        let host = |name: &str, port| Host { name: name.to_owned(), port };
        let asked = host("asked", 1);
        let reply = Reply::List(vec![
            range(200, 16_383, vec![server(Reply::Nil, 7, &[])]),
            range(5, 9, vec![server(text("a"), 1, &[]), server(text("?"), 2, &["ip", "10.0.0.1"])]),
            range(0, 4, vec![server(text("a"), 1, &[]), server(text("?"), 2, &["ip", "10.0.0.1"])]),
            range(10, 199, vec![server(text(""), 3, &[])]),
        ]);
        let expected = [
            Shard { slots: vec![(0, 4), (5, 9)], servers: vec![host("10.0.0.1", 2), host("a", 1)] },
            Shard { slots: vec![(10, 199)], servers: vec![host("asked", 3)] },
            Shard { slots: vec![(200, 16_383)], servers: vec![host("asked", 7)] },
        ];
        assert_eq!(shards(&reply, Some(&asked)).unwrap(), expected);
        assert_eq!(shards(&Reply::List(Vec::new()), None).unwrap(), []);
        for wrong in [text("x"), range(0, 1, vec![]), range(0, 1, vec![server(Reply::Nil, 70_000, &[])])] {
            assert_eq!(shards(&Reply::List(vec![wrong]), Some(&asked)), None);
        }
    }
}
