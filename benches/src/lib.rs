//! What `make corpora` and `make bench` are made of.
//!
//! [`corpora`] says what is in each file and writes it through a [`server`] of its own, over a [`connection`] that
//! waits for no reply; [`random`] makes the contents the same every time. The comparison is of [`tools`], each [`run`]
//! as a process of its own, and ends in a [`table`].

pub mod connection;
pub mod corpora;
pub mod random;
pub mod server;
