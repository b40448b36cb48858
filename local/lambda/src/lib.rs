//! Lambda on loopback: Invoke and the Runtime API around the real function binaries.
//!
//! A [`Server`] is given functions by their binaries. Invoke starts a process where none is idle, hands it the payload
//! through the Runtime API that every Lambda runtime speaks, and returns what it answers. Timeouts, crashes, throttling
//! and asynchronous retries are Lambda's own; [`Faults`] brings some about on purpose.
#![forbid(unsafe_code)]

mod config;
mod faults;
mod function;
mod invoke;
mod runtime_api;
mod server;
mod state;
mod worker;

pub use crate::{
    config::{Config, FunctionConfig},
    faults::Faults,
    server::{Error, Server},
};
