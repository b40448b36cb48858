//! ElastiCache on loopback: the Query API in front of real Redis and Valkey servers.
//!
//! [`Server`] listens on 127.0.0.1 for the AWS SDKs and the AWS CLI. Each node of a replication group is a real server,
//! in the requested layout; a cache cluster is one server, a serverless cache one with cluster mode on. Backups are
//! read over the S3 API as the service principal. Only the server that loads a backup decides whether it is valid.
//!
//! Differences from AWS:
//! - Nodes listen on free ports, always without TLS. `AuthToken` is their password.
//! - The nearest installed server runs a requested version ([`ServerBinaries::choose`]). If its version differs, an
//!   event names both.
//! - A restore fails if the data of a primary exceeds the `maxmemory` of the node type; the reserve is not subtracted.
//!   The data is `used_memory` less `used_memory_startup`, the buffers of clients, replicas and cluster links, and the
//!   replication backlog.
//! - A serverless cache speaks no TLS, keeps its one shard, and holds as much as its limit of data.
//! - The node types `cache.local.16mb` and `cache.local.64mb` exist.
//!
//! Every server ends with its cluster, with [`Server::stop`], or when this process dies: a small shell kills
//! it by process ID once the pipe from this process closes.

mod api;
mod bystanders;
mod catalog;
mod config;
mod endpoint;
mod error;
mod groups;
mod lifecycle;
mod servers;
mod state;

pub use config::{Config, FailureStatus, Switches, TakenFault};
pub use endpoint::Server;
pub use error::Error;
pub use servers::binaries::{Choice, Nearness, ServerBinaries, ServerBinary};
