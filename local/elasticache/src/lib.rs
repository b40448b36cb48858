//! ElastiCache on loopback: the Query API in front of real Redis and Valkey servers.
//!
//! [`Server`] listens on 127.0.0.1 for the AWS SDKs and the AWS CLI. Each node of a replication group is a real
//! server, in the requested layout. Backups are read through the S3 protocol as the service principal; only the
//! server that loads a backup decides whether it is valid.
//!
//! Differences from AWS:
//! - Nodes listen on free ports, always without TLS; `AuthToken` is their password.
//! - The nearest installed server runs a version ([`ServerBinaries::choose`]); if that is another version, an event
//!   names both.
//! - A restore fails when the data of a primary exceed the node type's `maxmemory`, without the reserve. The data are
//!   `used_memory` less the memory of the empty server at its start and the buffers of clients, replicas, cluster
//!   links and the replication backlog.
//! - The node types `cache.local.16mb` and `cache.local.64mb` exist.
//!
//! Every server ends with its group, with [`Server::stop`], and also when this process dies: a small shell kills it by
//! process id once the pipe from this process is closed.

mod api;
mod catalog;
mod config;
mod endpoint;
mod error;
mod groups;
mod lifecycle;
mod servers;
mod state;

pub use config::{Config, FailureStatus};
pub use endpoint::Server;
pub use error::Error;
pub use servers::binaries::{Choice, Nearness, ServerBinaries, ServerBinary};
