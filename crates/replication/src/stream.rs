//! The three ways to a server.

use std::{
    io::{
        ErrorKind, Read, Write, {self},
    },
    net::{TcpStream, ToSocketAddrs},
    os::unix::net::UnixStream,
    time::Duration,
};

use rustls::{ClientConnection, StreamOwned};

use crate::{Address, Error, Host, Tls};

/// An open connection.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    Unix(UnixStream),
}

impl Stream {
    /// Connects, and waits at most this long for each answer.
    pub(crate) fn open(address: &Address, limit: Duration, tls: Option<&Tls>) -> Result<Self, Error> {
        let unreachable = |error| Error::Unreachable { address: address.clone(), error };
        let stream = match (address, tls) {
            (Address::Tcp(host), _) => Self::Tcp(connect(host, limit).map_err(unreachable)?),
            (Address::Tls(host), Some(tls)) => {
                let socket = connect(host, limit).map_err(unreachable)?;
                set_limit(&socket, Some(limit)).map_err(unreachable)?;
                let silent =
                    || io::Error::new(ErrorKind::TimedOut, format!("no answer for {} s", limit.as_secs()));
                let failed = |error: io::Error| {
                    let is_silent = [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind());
                    Error::Tls { address: address.clone(), error: if is_silent { silent() } else { error } }
                };
                Self::Tls(Box::new(tls.agree(host, socket).map_err(failed)?))
            }
            (Address::Tls(_), None) => return Err(Error::TlsFiles("there are none".to_owned())),
            (Address::Unix(path), _) => Self::Unix(UnixStream::connect(path).map_err(unreachable)?),
        };
        stream.set_limit(Some(limit)).map_err(unreachable)?;
        Ok(stream)
    }

    /// Limits the time to wait for an answer.
    pub(crate) fn set_limit(&self, limit: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => set_limit(socket, limit),
            Self::Tls(tls) => set_limit(&tls.sock, limit),
            Self::Unix(socket) => {
                socket.set_read_timeout(limit)?;
                socket.set_write_timeout(limit)
            }
        }
    }
}

fn set_limit(socket: &TcpStream, limit: Option<Duration>) -> io::Result<()> {
    socket.set_read_timeout(limit)?;
    socket.set_write_timeout(limit)
}

/// Tries each address of a host.
fn connect(host: &Host, limit: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in (host.name.as_str(), host.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, limit) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
            Self::Unix(socket) => socket.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
            Self::Unix(socket) => socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.flush(),
            Self::Tls(tls) => tls.flush(),
            Self::Unix(socket) => socket.flush(),
        }
    }
}
