//! A step of the state machine as a Lambda function. Only functions use this crate.
//!
//! - A [`Step`] does its work for one [`Execution`], which has its name, where it runs, its record and its files.
//! - [`serve`] runs it: typed input, one log line for each call, errors as named diagnostics.
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
