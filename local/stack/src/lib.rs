//! The local stack put together: what `sam deploy` makes on AWS, on loopback.
//!
//! [`Stack::start`] brings up S3, Lambda with the ten real function binaries, ElastiCache around real servers, and
//! Step Functions with the project's own state machine file; then the buckets and the template's rules of
//! EventBridge, for uploads and for executions that ended badly. What a tool needs to talk to it is in [`Stack::env`].
#![forbid(unsafe_code)]

mod clean_up;
mod clients;
mod functions;
mod options;
mod ports;
mod rules;
mod stack;
mod state_machine;
mod step_functions;

pub use local_elasticache::{Nearness, ServerBinaries, ServerBinary};

pub use crate::{
    options::{FUNCTIONS, StackOptions},
    ports::free_port,
    stack::Stack,
};

/// The region that everything is in.
pub const REGION: &str = "us-east-1";
/// The account that everything belongs to.
pub const ACCOUNT: &str = "123456789012";
