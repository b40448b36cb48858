//! What a server says of itself before it is asked for its data.

use indicatif::HumanBytes;
use replication::{Address, Announced, Connection, Error, Info};

use crate::term::thousands;

/// What the server says, as far as the user may ask.
#[derive(Debug, Default)]
pub(super) struct Survey {
    info: Info,
    may_ask: bool,
    /// Whether the server writes its data to its disk before it sends it.
    uses_disk: Option<bool>,
    /// The limits of what it keeps for a replica.
    buffer_limits: Option<Limits>,
}

/// `client-output-buffer-limit` of replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    hard_bytes: u64,
    soft_bytes: u64,
    soft_seconds: u64,
}

impl Survey {
    pub(super) fn of(connection: &mut Connection) -> Result<Self, Error> {
        let Some(info) = unless_refused(connection.info())? else { return Ok(Self::default()) };
        let diskless = unless_refused(connection.parameter("repl-diskless-sync"))?.flatten();
        let limits = unless_refused(connection.parameter("client-output-buffer-limit"))?.flatten();
        Ok(Self {
            info,
            may_ask: true,
            uses_disk: diskless.map(|diskless| diskless == "no"),
            buffer_limits: limits.as_deref().and_then(Limits::parse),
        })
    }

    /// The memory that the server's data uses.
    pub(super) fn used_memory(&self) -> Option<u64> {
        self.info.number("used_memory")
    }

    pub(super) fn is_sentinel(&self) -> bool {
        self.info.get("redis_mode") == Some("sentinel")
    }

    /// Prints what the server is.
    pub(super) fn describe(&self, address: &Address) {
        let (databases, keys) = self.info.databases();
        let mut parts: Vec<String> = self.info.server().into_iter().collect();
        parts.extend(self.info.get("role").map(|role| role.replace("slave", "replica")));
        if self.may_ask {
            parts.push(format!("{} keys in {databases} databases", thousands(keys)));
        }
        if let Some(used) = self.used_memory() {
            let used = HumanBytes(used);
            parts.push(format!("{used} of memory, about what the target needs (seeder check is exact)"));
        }
        if !parts.is_empty() {
            eprintln!("{address}: {}", parts.join(", "));
        }
    }

    /// Warns of what can make a backup fail, harm the server, or hinder its use.
    pub(super) fn warn(&self, is_cluster: bool) {
        for warning in self.warnings(is_cluster) {
            eprintln!("warning: {warning}");
        }
    }

    /// Warns of what can end a transfer.
    pub(super) fn warn_of_transfer(&self, announced: Announced) {
        if self.uses_disk == Some(true) {
            eprintln!(
                "warning: the server writes its data to a temporary file on its disk first; CONFIG SET repl-diskless-sync yes avoids that"
            );
        }
        if announced.is_rdb_only {
            return;
        }
        // Writes of the time of the transfer are kept for the replica that this seems to be.
        match self.buffer_limits {
            Some(limits) if limits.is_limited() => eprintln!(
                "warning: the server keeps writes while it sends its data, and breaks off at {}, or at {} for {} s; raise client-output-buffer-limit if there are many",
                HumanBytes(limits.hard_bytes),
                HumanBytes(limits.soft_bytes),
                limits.soft_seconds
            ),
            Some(_) => {}
            None => eprintln!(
                "warning: the server keeps writes while it sends its data; how many, client-output-buffer-limit says, which could not be read"
            ),
        }
    }

    fn warnings(&self, is_cluster: bool) -> Vec<String> {
        if !self.may_ask {
            return vec![
                "the user may not run INFO, so nothing is known of the server's memory and state".to_owned(),
            ];
        }
        let info = &self.info;
        let mut all = Vec::new();
        let is = |name: &str, value: &str| info.get(name) == Some(value);
        if is("role", "slave") && is("master_link_status", "down") {
            all.push("this replica has no link to its master; its data may be old or incomplete".to_owned());
        }
        if is("role", "master") && info.number("connected_slaves").is_some_and(|replicas| replicas > 0) {
            let commands = info.number("instantaneous_ops_per_sec").unwrap_or(0);
            all.push(format!(
                "this is a master with {commands} commands a second; a replica of it would spare it"
            ));
        }
        all.extend(self.memory_warning());
        if is("rdb_bgsave_in_progress", "1") || is("aof_rewrite_in_progress", "1") {
            all.push("the server saves already; its data comes when that is done".to_owned());
        }
        if is("cluster_enabled", "1") && !is_cluster {
            all.push(
                "this is one node of a cluster, with keys of its slots only; --cluster backs up every shard"
                    .to_owned(),
            );
        }
        // Redis 8 always has the first one, and Valkey 9.1 the second.
        let is_loaded = |name: &&str| !["vectorset", "lua"].contains(name);
        let modules: Vec<_> = info.modules().iter().map(String::as_str).filter(is_loaded).collect();
        if !modules.is_empty() {
            let modules = modules.join(", ");
            all.push(format!(
                "modules are loaded: {modules}; no ElastiCache engine loads their data (seeder convert --modules drop)"
            ));
        }
        all
    }

    /// A page that is written while a child process saves is copied first.
    fn memory_warning(&self) -> Option<String> {
        let (used, total) = (self.used_memory()?, self.info.number("total_system_memory")?);
        let resident = self.info.number("used_memory_rss").unwrap_or(used);
        let free = total.saturating_sub(resident);
        let limit = self.info.number("maxmemory").filter(|limit| *limit > 0);
        let limit = limit.map(|limit| format!(", maxmemory is {}", HumanBytes(limit))).unwrap_or_default();
        (total > 0 && free < used).then(|| {
            format!(
                "memory may run out: each page that is written meanwhile is copied, at worst {}, and the server has {} of {} left{limit}; use a replica, or a time of few writes",
                HumanBytes(used),
                HumanBytes(free),
                HumanBytes(total)
            )
        })
    }
}

/// What the server answered; none if it refused to.
fn unless_refused<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Limits {
    /// `normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60`
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ').skip_while(|word| !["slave", "replica"].contains(word)).skip(1);
        let mut number = || words.next()?.parse().ok();
        Some(Self { hard_bytes: number()?, soft_bytes: number()?, soft_seconds: number()? })
    }

    fn is_limited(self) -> bool {
        self.hard_bytes > 0 || self.soft_bytes > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(info: &str) -> Survey {
        Survey { info: Info::parse(info), may_ask: true, ..Survey::default() }
    }

    fn warns(info: &str, of: &str) -> bool {
        survey(info).warnings(false).iter().any(|warning| warning.contains(of))
    }

    #[test]
    fn what_can_go_wrong_is_found() {
        let memory = "used_memory:60\nused_memory_rss:70\nmaxmemory:80\ntotal_system_memory:";
        assert!(warns(&format!("{memory}100"), "memory may run out"));
        assert!(!warns(&format!("{memory}200"), "memory may run out"));
        assert!(!warns(&format!("{memory}0"), "memory may run out"));
        assert!(warns("role:slave\nmaster_link_status:down", "no link to its master"));
        assert!(!warns("role:slave\nmaster_link_status:up", "no link"));
        assert!(warns("role:master\nconnected_slaves:1\ninstantaneous_ops_per_sec:7", "7 commands"));
        assert!(!warns("role:master\nconnected_slaves:0", "commands"));
        assert!(warns("cluster_enabled:1", "--cluster"));
        assert!(survey("cluster_enabled:1").warnings(true).is_empty());
        assert!(warns("module:name=search,ver=1", "search"));
        assert!(!warns("module:name=vectorset,ver=1\nmodule:name=lua,ver=1", "modules"));
        assert!(warns("aof_rewrite_in_progress:1", "saves already"));
        assert!(Survey::default().warnings(false)[0].contains("may not run INFO"));
        assert!(survey("").warnings(false).is_empty());
    }

    #[test]
    fn limits_of_replicas_are_found_under_both_names() {
        let expected = Limits { hard_bytes: 256, soft_bytes: 64, soft_seconds: 60 };
        for name in ["slave", "replica"] {
            assert_eq!(Limits::parse(&format!("normal 0 0 0 {name} 256 64 60 pubsub 1 2 3")), Some(expected));
        }
        assert_eq!(Limits::parse("normal 0 0 0"), None);
        assert!(!Limits { hard_bytes: 0, soft_bytes: 0, soft_seconds: 0 }.is_limited());
    }
}
