//! The endpoint through the SDK, with real servers as nodes.

#![allow(clippy::unwrap_used, reason = "these are tests, their helpers included")]

mod api;
mod cache_clusters;
mod failures;
mod harness;
mod layouts;
mod seeding;
mod serverless;
mod switches;
mod versions;
mod watchdog;
