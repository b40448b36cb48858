//! The gateway between the functions and the local services.
//!
//! Every call that a function makes to AWS passes through one [`Gateway`]. It reads from the request who calls
//! (the access key), which API action it is and on which resources, and then
//!
//! - evaluates the caller's role, as IAM does: no statement, no call;
//! - injects a planned fault ([`Faults`]): a throttled call, a lost answer, a killed process and so on;
//! - records the call ([`Gateway::take_calls`]) and what the role said ([`Gateway::take_decisions`]);
//! - forwards it to the service, and passes the answer on unchanged.
//!
//! Signatures are not verified.
#![forbid(unsafe_code)]

mod answers;
mod call;
mod faults;
mod gateway;
mod proxy;
mod rate;
mod roles;
mod shared;

pub use crate::{
    call::Call,
    faults::{Fault, Faults, Plan},
    gateway::{Config, Error, Gateway},
    roles::{Decision, Roles},
    shared::Services,
};
