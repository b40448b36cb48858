//! Compares verdicts with those of engines: [`mutation`]s of [`file`]s from the [`corpus`] are loaded by real
//! [`server`]s and judged ([`judge`]); [`run`] compares the two, and [`table`] shows how often each pair of outcomes
//! came.
#![forbid(unsafe_code)]
#![allow(
    clippy::cast_possible_wrap,
    reason = "mutants have some thousand bytes, and their numbers are wrong on purpose"
)]

pub mod corpus;
pub mod file;
pub mod judge;
pub mod mutation;
pub mod packed;
pub mod random;
pub mod run;
pub mod server;
pub mod table;
