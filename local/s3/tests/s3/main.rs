//! What seeding relies on, through the SDK, against a server on loopback.

mod access;
mod attributes;
mod harness;
mod notifications;
mod objects;
mod settings;
