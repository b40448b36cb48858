//! Runs steps of the state machine as Lambda functions. Only functions use this crate.
//!
//! - A [`Step`] works for one [`Execution`]: its name, partition, record and files.
//! - [`serve`] runs it: typed input, one log line per call, errors as named diagnostics.
//! - [`required`], [`optional`] and [`list`] read the function's environment.

#![forbid(unsafe_code)]

mod environment;
mod execution;
mod serve;
#[cfg(feature = "test-util")]
pub mod test_util;

pub use lambda_runtime::Error;

pub use crate::{
    environment::{list, optional, required},
    execution::{Execution, Step},
    serve::{Handler, Invocation, serve},
};
