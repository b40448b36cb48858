//! Shared by the end-to-end tests and the demonstration: source servers with data, digests of datasets, and a stack
//! with the calls that a user makes.
#![forbid(unsafe_code)]

pub mod data;
pub mod digest;
pub mod source;
pub mod user;
