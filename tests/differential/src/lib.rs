//! Is our verdict the engine's? [`mutation`]s of [`file`]s from the [`corpus`] are loaded by real [`server`]s and
//! judged by us ([`judge`]); [`run`] compares the two, and [`table`] shows how often each pair of outcomes came.
#![forbid(unsafe_code)]

pub mod corpus;
pub mod file;
pub mod judge;
pub mod mutation;
pub mod packed;
pub mod random;
pub mod run;
pub mod server;
pub mod table;
