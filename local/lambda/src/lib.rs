//! Lambda on loopback: Invoke and the Runtime API around the real function binaries.
//!
//! A [`Server`] runs functions from their binaries. Invoke starts a process if none is idle, passes it the payload
//! through the Runtime API, and returns its response. Timeouts, crashes, throttling and asynchronous retries follow
//! Lambda. [`Faults`] injects faults.
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
    config::{Config, FunctionConfig, NotReady, NotReadyError, Switches},
    faults::Faults,
    server::{Error, Killer, Server},
};
