//! Compares the product's verdicts with the behavior of engines. Real [`server`]s load [`mutation`]s of [`file`]s from
//! the [`corpus`], and [`judge`] gives the verdict on each. [`run`] compares both, and [`table`] counts each pair of
//! outcomes.
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
