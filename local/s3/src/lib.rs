//! S3 on loopback: objects on disk, with the access rules that seeding relies on.
//!
//! `s3s` implements the protocol. This crate implements the object store: object files that are never read whole,
//! conditional writes, versions, multipart uploads, encryption attributes, bucket policies and ACLs that control
//! access, and upload notifications to Lambda and EventBridge. Metadata is in memory and lost with the [`Server`].
//!
//! - [`Server`] binds a free port of 127.0.0.1 and serves until stopped.
//! - Signatures are parsed, not verified. The access key ID names the caller, the credential scope the Region; any
//!   secret is accepted. The access key ID `ELASTICACHESNAPSHOT` is the ElastiCache service principal. Any other is the
//!   account that owns every bucket: a role of it, or its root user. A request without a signature is anonymous.
//!
//! ```no_run
//! # async fn example() -> Result<(), local_s3::Error> {
//! let server = local_s3::Server::start(local_s3::Config::new("/tmp/buckets")).await?;
//! println!("AWS_ENDPOINT_URL_S3={}", server.endpoint());
//! server.stop().await;
//! # Ok(())
//! # }
//! ```

#![allow(clippy::needless_pass_by_value, reason = "an operation owns its request")]

mod access;
mod config;
mod errors;
mod notifications;
mod operations;
mod request;
mod server;
mod service;
mod store;

pub use config::{Config, Notify, Rule, SERVICE_ACCESS_KEY, SERVICE_CANONICAL_ID, Switches};
pub use server::{Error, Server};
