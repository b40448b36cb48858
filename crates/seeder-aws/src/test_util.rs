//! Test utilities for the functions: an AWS that follows a script, and a sample seeding.
//!
//! A script lists the requests that a step sends, in order, and the answer to each. Each request is one line with
//! everything in it that matters (see [`Wire`]); a request that differs, is missing or is one too many fails the test.
//! The SDK's retries are off, so a script has each answer once.

mod answer;
mod cache_cluster;
mod groups;
mod logs;
mod rdb;
mod sample;
mod serverless;
mod wire;

pub use self::{
    answer::{Answer, echo, json, json_error, lost, nothing, ok, query, query_error, s3_error, status, xml},
    cache_cluster::{DESCRIBE_CACHE_CLUSTER, DESCRIBE_EXACT, cache_cluster, no_cache_cluster},
    groups::{DESCRIBE_GROUP, DESCRIBE_NODES, OURS, group, member, no_group, nodes, nodes_before},
    logs::Logs,
    rdb::rdb,
    sample::{ACCOUNT, EXECUTION_ARN, EXECUTION_NAME, RECORD, identity, read_record, seeding},
    serverless::{DESCRIBE_CACHE, cache, no_cache},
    wire::{Wire, script},
};
