//! ElastiCache on loopback: the Query API in front of real Redis and Valkey servers.
//!
//! [`Server`] listens on 127.0.0.1 and speaks to the AWS SDKs and the AWS CLI. A replication group is as many real
//! servers as it has nodes, in the layout asked for; its backups are read through the S3 protocol as the service
//! principal, and judged by nobody but the server that loads them.
//!
//! What is other than on AWS:
//! - Nodes listen on free ports, without TLS whatever was asked for; `AuthToken` is their password.
//! - A version is played by the nearest real server that is there ([`ServerBinaries::choose`]); where it is another than
//!   the one asked for, an event names both.
//! - A restore fails when the data of a primary take more than the node type's `maxmemory`, without the reserve.
//!   Counted is `used_memory` without what the empty server took at its start and without buffers of clients,
//!   replicas, cluster links and the replication backlog.
//! - The node types `cache.local.16mb` and `cache.local.64mb` exist.
//!
//! Every server ends with its group, with [`Server::stop`], and also when this process dies: each hangs on a small
//! shell that kills it by process id once a pipe from here is closed.

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
