//! For the tests of the functions: an AWS that follows a script, and a seeding to try things with.
//!
//! A script says which requests a step sends, in their order, and what each is answered. Each request is written as one
//! line that holds everything of it that matters (see [`Wire`]); a request that differs, is missing or is one too many
//! fails the test. Retries of the SDK are off, so that a test says each answer once.

mod answer;
mod groups;
mod logs;
mod rdb;
mod sample;
mod wire;

pub use self::{
    answer::{Answer, echo, json, json_error, lost, nothing, ok, query, query_error, s3_error, status, xml},
    groups::{DESCRIBE_GROUP, DESCRIBE_NODES, OURS, group, member, no_group, nodes, nodes_before},
    logs::Logs,
    rdb::rdb,
    sample::{ACCOUNT, EXECUTION_ARN, EXECUTION_NAME, RECORD, identity, read_record, seeding},
    wire::{Wire, script},
};
