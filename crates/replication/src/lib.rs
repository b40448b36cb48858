//! What a replica of Redis or Valkey asks of its source: the data set as an RDB file, as a stream of bytes.
//!
//! - [`Address`] is where a server listens. It never has credentials: [`Address::parse`] separates them from a URL.
//! - [`Connection::open`] connects, over TCP, TLS or a Unix socket, and [`Connection::log_in`] uses [`Credentials`].
//! - [`Connection::call`] runs a command.
//! - [`Connection::announce`] says what the connection can do, as a replica does, and [`Connection::replicate`]
//!   requests the data set: a [`Payload`], which is a [`std::io::Read`] of the bytes of one RDB file. Reading it ends
//!   without an error only if it is complete.
//! - [`topology`] finds the servers of a cluster and those that a sentinel watches.
//!
//! Reading and writing block; every wait has a limit. The crate does not know the RDB format.

#![forbid(unsafe_code)]

mod address;
mod connection;
mod credentials;
mod error;
mod handshake;
mod info;
mod payload;
mod reply;
mod stream;
mod tls;
pub mod topology;

pub use crate::{
    address::{Address, AddressError, Host},
    connection::{Connection, Settings},
    credentials::{Credentials, Secret},
    error::{Doing, Error, Refusal},
    handshake::Announced,
    info::Info,
    payload::Payload,
    reply::Reply,
    tls::{Tls, TlsFiles},
};
