//! The local stack put together: what `sam deploy` makes on AWS, on loopback.
//!
//! [`Stack::start`] brings up S3, Lambda with the ten real function binaries, ElastiCache around real servers, and
//! Step Functions with the project's own state machine file; then the buckets and the template's rules of
//! EventBridge, for uploads and for executions that ended badly. What a tool needs to talk to it is in [`Stack::env`].
#![forbid(unsafe_code)]

mod account;
mod clients;
mod event_bridge;
mod functions;
mod options;
mod ports;
mod stack;
mod step_functions;

pub use local_elasticache::{Nearness, ServerBinaries, ServerBinary};

pub use crate::{
    account::{ACCOUNT, REGION},
    options::{FUNCTIONS, StackOptions},
    ports::free_port,
    stack::Stack,
};
