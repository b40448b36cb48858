//! Engine parameters that affect the memory of a loaded backup.

/// One parameter and its default.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) default: &'static str,
    pub(crate) data_type: &'static str,
    pub(crate) allowed: &'static str,
    pub(crate) modifiable: bool,
    /// Whether the real servers have it too.
    pub(crate) of_server: bool,
}

const fn server(
    name: &'static str,
    default: &'static str,
    data_type: &'static str,
    allowed: &'static str,
) -> Parameter {
    Parameter { name, default, data_type, allowed, modifiable: true, of_server: true }
}

const fn service(
    name: &'static str,
    default: &'static str,
    data_type: &'static str,
    allowed: &'static str,
    modifiable: bool,
) -> Parameter {
    Parameter { name, default, data_type, allowed, modifiable, of_server: false }
}

/// Parameters that every family has under the same name.
const COMMON: &[Parameter] = &[
    server("activedefrag", "no", "string", "yes,no"),
    server("activerehashing", "yes", "string", "yes,no"),
    service("appendonly", "no", "string", "yes,no", false),
    service("close-on-slave-write", "yes", "string", "yes,no", true),
    service("cluster-enabled", "no", "string", "yes,no", true),
    service("databases", "16", "integer", "1-10000", true),
    server("hll-sparse-max-bytes", "3000", "integer", "1-16000"),
    server("latency-tracking", "no", "string", "yes,no"),
    server("lazyfree-lazy-eviction", "no", "string", "yes,no"),
    server("lazyfree-lazy-expire", "no", "string", "yes,no"),
    server("lfu-decay-time", "1", "integer", "0-"),
    server("lfu-log-factor", "10", "integer", "1-"),
    server("list-compress-depth", "0", "integer", "0-"),
    server(
        "maxmemory-policy",
        "volatile-lru",
        "string",
        "volatile-lru,allkeys-lru,volatile-lfu,allkeys-lfu,volatile-random,allkeys-random,volatile-ttl,noeviction",
    ),
    server("maxmemory-samples", "3", "integer", "1-"),
    server("notify-keyspace-events", "", "string", ""),
    service("reserved-memory", "0", "integer", "0-", true),
    service("reserved-memory-percent", "25", "integer", "0-100", true),
    server("set-max-intset-entries", "512", "integer", "0-"),
    server("slowlog-log-slower-than", "10000", "integer", "-"),
    server("slowlog-max-len", "128", "integer", "0-"),
    server("stream-node-max-bytes", "4096", "integer", "0-"),
    server("stream-node-max-entries", "100", "integer", "0-"),
    server("tcp-keepalive", "300", "integer", "0-"),
    server("timeout", "0", "integer", "0,20-"),
];

/// Before version 7, small hashes, lists and sorted sets are ziplists.
const ZIPLISTS: &[Parameter] = &[
    server("hash-max-ziplist-entries", "512", "integer", "0-"),
    server("hash-max-ziplist-value", "64", "integer", "0-"),
    server("list-max-ziplist-size", "-2", "integer", "-5,-4,-3,-2,-1,1-"),
    server("zset-max-ziplist-entries", "128", "integer", "0-"),
    server("zset-max-ziplist-value", "64", "integer", "0-"),
];

const LISTPACKS: &[Parameter] = &[
    server("hash-max-listpack-entries", "512", "integer", "0-"),
    server("hash-max-listpack-value", "64", "integer", "0-"),
    server("list-max-listpack-size", "-2", "integer", "-5,-4,-3,-2,-1,1-"),
    server("zset-max-listpack-entries", "128", "integer", "0-"),
    server("zset-max-listpack-value", "64", "integer", "0-"),
];

/// Small sets are listpacks since Valkey 7.2. A `redis-server` 7.0 that substitutes for Valkey has neither parameter.
const SET_LISTPACKS: &[Parameter] = &[
    server("set-max-listpack-entries", "128", "integer", "0-"),
    server("set-max-listpack-value", "64", "integer", "0-"),
];

const CLUSTER_DATABASES: &[Parameter] = &[server("cluster-databases", "1", "integer", "1-10000")];

/// The parameters of a family, sorted by name.
pub(crate) fn of_family(family: &str) -> Vec<Parameter> {
    let small: &[&[Parameter]] = match family {
        "redis4.0" | "redis5.0" | "redis6.x" => &[ZIPLISTS],
        "redis7" => &[LISTPACKS],
        "valkey9" => &[LISTPACKS, SET_LISTPACKS, CLUSTER_DATABASES],
        _ => &[LISTPACKS, SET_LISTPACKS],
    };
    let mut all: Vec<Parameter> = COMMON.iter().chain(small.iter().copied().flatten()).copied().collect();
    all.sort_by_key(|parameter| parameter.name);
    all
}
