//! The behavior that seeding relies on, through the SDK, against a server on loopback.

#![allow(clippy::unwrap_used, reason = "these are tests, their helpers included")]

mod access;
mod attributes;
mod harness;
mod notifications;
mod objects;
mod settings;
mod switches;
