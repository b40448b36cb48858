//! The local stack: everything that `sam deploy` creates on AWS, on loopback.
//!
//! [`Stack::start`] starts S3, Lambda with the real function binaries, ElastiCache with real servers, and Step
//! Functions with the project's state machine file. It then creates the buckets and the template's EventBridge rules
//! for uploads and for failed executions. [`Stack::env`] returns the environment for AWS tools.
#![forbid(unsafe_code)]

mod account;
mod account_api;
mod clients;
mod event_bridge;
mod functions;
mod options;
mod ports;
mod resources;
mod stack;
mod step_functions;
mod template;

pub use local_elasticache::{
    FailureStatus, Nearness, ServerBinaries, ServerBinary, Switches as ElastiCacheSwitches, TakenFault,
};
pub use local_gateway::{Call, Decision, Fault, Faults, Gateway, Plan, Roles};
pub use local_lambda::{NotReady, NotReadyError, Switches as LambdaSwitches};
pub use local_s3::Switches as S3Switches;

pub use crate::{
    account::{ACCOUNT, REGION},
    account_api::{Account, Alarm, Role, Rule},
    options::{FUNCTIONS, StackOptions},
    ports::free_port,
    stack::Stack,
};
