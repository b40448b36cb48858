//! The settings for the start of a server.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

/// A `maxmemory` that no backup reaches: nothing is evicted while it loads, and the memory check decides whether it
/// fits. With a limit and an LRU policy, servers use no shared integer objects, as on ElastiCache.
const UNREACHED_BYTES: u64 = 1 << 40;

/// The name of the file that a server loads at its start.
pub(crate) const BACKUP_FILE: &str = "dump.rdb";

/// The settings of one server.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) binary: PathBuf,
    /// See [`crate::servers::binaries::ServerBinary::is_before_7`].
    pub(crate) before_7: bool,
    /// The server's own folder, which exists. The server loads [`BACKUP_FILE`] from it if the file exists.
    pub(crate) dir: PathBuf,
    pub(crate) port: u16,
    pub(crate) password: Option<String>,
    pub(crate) databases: u32,
    /// Parameters that differ from the engine's defaults.
    pub(crate) parameters: Vec<(String, String)>,
    /// Set with cluster mode enabled.
    pub(crate) cluster: Option<ClusterFile>,
    pub(crate) replica_of: Option<u16>,
}

/// The cluster as a node knows it from its start, so that no CLUSTER MEET is needed.
#[derive(Debug, Clone)]
pub(crate) struct ClusterFile {
    pub(crate) bus_port: u16,
    /// Content of `nodes.conf`.
    pub(crate) nodes: String,
}

impl Launch {
    /// The content of the server's configuration file.
    pub(crate) fn configuration(&self) -> String {
        let Launch { dir, port, databases, .. } = self;
        let dir = Path::display(dir);
        let mut lines = format!(
            "bind 127.0.0.1\nport {port}\nprotected-mode no\ndaemonize no\ndir \"{dir}\"\ndbfilename {BACKUP_FILE}\n\
             databases {databases}\nappendonly no\nsave \"\"\nstop-writes-on-bgsave-error no\n\
             maxmemory {UNREACHED_BYTES}\nmaxmemory-policy volatile-lru\n\
             rdbcompression no\nsanitize-dump-payload no\nproto-max-bulk-len 8gb\nclient-query-buffer-limit 8gb\n\
             crash-memcheck-enabled no\nhz 50\nrepl-diskless-sync yes\nrepl-diskless-sync-delay 0\n\
             repl-timeout 600\nclient-output-buffer-limit replica 0 0 0\n",
        );
        // Writing to a String cannot fail.
        if let Some(password) = &self.password {
            let _ = writeln!(lines, "requirepass \"{password}\"\nmasterauth \"{password}\"");
        }
        if let Some(master) = self.replica_of {
            let _ = writeln!(lines, "replicaof 127.0.0.1 {master}");
        }
        if let Some(cluster) = &self.cluster {
            if !self.before_7 {
                let _ = writeln!(lines, "cluster-port {}", cluster.bus_port);
            }
            let _ = writeln!(
                lines,
                "cluster-enabled yes\ncluster-config-file nodes.conf\n\
                 cluster-announce-ip 127.0.0.1\ncluster-allow-reads-when-down yes\ncluster-allow-replica-migration no"
            );
        }
        for (name, value) in &self.parameters {
            let _ = writeln!(lines, "{name} \"{value}\"");
        }
        lines
    }
}
