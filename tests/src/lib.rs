//! Shared by the end-to-end tests and the demonstration: source servers with data, digests of datasets, and a stack
//! with the calls that a user makes; faults and missing permissions, one at a time.
#![forbid(unsafe_code)]

pub mod data;
pub mod digest;
pub mod faults;
pub mod least_privilege;
pub mod listener;
pub mod process;
pub mod source;
pub mod user;
