//! Where a server listens.

use std::{
    fmt::{
        Display, {self},
    },
    path::PathBuf,
};

use percent_encoding::percent_decode_str;

use crate::{Credentials, Secret};

const DEFAULT_PORT: u16 = 6379;

/// The address of a server, without any credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A host and a port.
    Tcp(Host),
    /// A host and a port, over TLS.
    Tls(Host),
    /// A Unix socket.
    Unix(PathBuf),
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// A name or an IP address, without brackets.
    pub name: String,
    /// The port.
    pub port: u16,
}

/// A URL that is no address. No variant has any of its text, which may be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The scheme is another one, or there is none.
    #[error("expected redis://HOST:PORT, rediss://HOST:PORT (TLS) or unix:///PATH")]
    Scheme,
    /// There is no host, or it has characters that no host has.
    #[error("the URL has no valid host; in a password, write / ? # and @ as %2F %3F %23 and %40")]
    Host,
    /// The port is no number of 1 to 65535.
    #[error(
        "the port of the URL is not a number of 1 to 65535; in a password, write / ? # and @ as %2F %3F %23 and %40"
    )]
    Port,
    /// Something follows the host and the port.
    #[error("the URL has something after host and port; a backup has all databases, so name none")]
    Path,
    /// There is no path of a socket.
    #[error("the URL has no path of a socket; expected unix:///PATH")]
    NoSocket,
}

impl Address {
    /// Parses a URL, and separates the credentials in it from the address.
    pub fn parse(url: &str) -> Result<(Self, Option<Credentials>), AddressError> {
        let (scheme, rest) = url.split_once("://").ok_or(AddressError::Scheme)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let address = match scheme.to_ascii_lowercase().as_str() {
            "redis" => Self::Tcp(Host::parse(host, path)?),
            "rediss" => Self::Tls(Host::parse(host, path)?),
            "unix" if host.is_empty() && path.len() > 1 && path.starts_with('/') => {
                Self::Unix(percent_decode_str(path).decode_utf8_lossy().into_owned().into())
            }
            "unix" => return Err(AddressError::NoSocket),
            _ => return Err(AddressError::Scheme),
        };
        Ok((address, user.and_then(credentials)))
    }

    /// The host and the port; none for a Unix socket.
    pub fn host(&self) -> Option<&Host> {
        match self {
            Self::Tcp(host) | Self::Tls(host) => Some(host),
            Self::Unix(_) => None,
        }
    }

    /// Another server that is reached in the same way.
    #[must_use]
    pub fn with_host(&self, host: Host) -> Self {
        match self {
            Self::Tls(_) => Self::Tls(host),
            Self::Tcp(_) | Self::Unix(_) => Self::Tcp(host),
        }
    }

    /// A name for a file: the host and the port, or the name of the socket.
    pub fn file_stem(&self) -> String {
        let name = match self {
            Self::Tcp(host) | Self::Tls(host) => format!("{}-{}", host.name, host.port),
            Self::Unix(path) => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        };
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let name: String = name.chars().map(|letter| if allowed(letter) { letter } else { '-' }).collect();
        // A name that begins so would be hidden, or an option.
        name.trim_start_matches(['.', '-']).to_owned()
    }
}

impl Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host) => write!(f, "redis://{host}"),
            Self::Tls(host) => write!(f, "rediss://{host}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

impl Host {
    fn parse(host: &str, path: &str) -> Result<Self, AddressError> {
        let (name, port) = match host.strip_prefix('[') {
            Some(rest) => {
                let (name, port) = rest.split_once(']').ok_or(AddressError::Host)?;
                let port = if port.is_empty() {
                    None
                } else {
                    Some(port.strip_prefix(':').ok_or(AddressError::Port)?)
                };
                (name, port)
            }
            None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
        };
        // The zone of an IPv6 address follows a percent sign.
        let marks = if host.starts_with('[') { "-_.:%" } else { "-_." };
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || marks.contains(letter);
        if name.is_empty() || !name.chars().all(allowed) {
            return Err(AddressError::Host);
        }
        let port = port.map_or(Ok(DEFAULT_PORT), str::parse).map_err(|_| AddressError::Port)?;
        if port == 0 {
            return Err(AddressError::Port);
        }
        if !["", "/", "/0"].contains(&path) {
            return Err(AddressError::Path);
        }
        Ok(Self { name: name.to_owned(), port })
    }
}

impl Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, port } = self;
        if name.contains(':') { write!(f, "[{name}]:{port}") } else { write!(f, "{name}:{port}") }
    }
}

/// `USER:PASSWORD`, `:PASSWORD` or `USER`.
fn credentials(user: &str) -> Option<Credentials> {
    let (username, password) = user.split_once(':').unwrap_or((user, ""));
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<_>>();
    let username = String::from_utf8_lossy(&decoded(username)).into_owned();
    let credentials = Credentials {
        username: Some(username).filter(|name| !name.is_empty()),
        password: Some(Secret::new(decoded(password))).filter(|secret| !secret.is_empty()),
    };
    Some(credentials).filter(|found| found.username.is_some() || found.password.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, port: u16) -> Host {
        Host { name: name.to_owned(), port }
    }

    #[test]
    fn addresses_are_separated_from_credentials() {
        for (url, expected, username, password) in [
            ("redis://h", Address::Tcp(host("h", 6379)), None, None),
            ("redis://h:1/", Address::Tcp(host("h", 1)), None, None),
            ("rediss://:p%40%2f@h:1/0", Address::Tls(host("h", 1)), None, Some("p@/")),
            ("redis://u:p@p@h:1", Address::Tcp(host("h", 1)), Some("u"), Some("p@p")),
            ("redis://u@[::1]:2", Address::Tcp(host("::1", 2)), Some("u"), None),
            ("REDIS://@h", Address::Tcp(host("h", 6379)), None, None),
            ("unix:///a/b.sock", Address::Unix("/a/b.sock".into()), None, None),
            ("unix://u:pw@/a", Address::Unix("/a".into()), Some("u"), Some("pw")),
        ] {
            let (address, credentials) = Address::parse(url).unwrap();
            assert_eq!(address, expected, "{url}");
            let found = credentials.unwrap_or_default();
            assert_eq!(found.username.as_deref(), username, "{url}");
            assert_eq!(found.password.as_ref().map(Secret::bytes), password.map(str::as_bytes), "{url}");
            let shown = format!("{address} {address:?} {found:?}");
            assert!(password.is_none_or(|password| !shown.contains(password)), "{shown}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_text() {
        for url in [
            "secret",
            "secret://h",
            "secret:secret@h:1",
            "redis://:sec/secret@h:1",
            "redis://user:12/secret@h:1",
            "redis://user:12?secret@h",
            "redis://:secret@",
            "redis://:secret@h:70000",
            "redis://:secret@h:secret",
            "redis://:secret@h:1/secret",
            "redis://:secret@h h:1",
            "redis://[secret",
            "redis://secret%40",
            "unix://secret",
            "unix://:secret@secret/path",
        ] {
            let error = Address::parse(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}: {error}");
        }
    }

    #[test]
    fn files_are_named_after_host_and_port() {
        for (url, expected) in [
            ("redis://:secret@cache.example:6380", "cache.example-6380"),
            ("rediss://[::1]", "1-6379"),
            ("unix:///run/redis/redis.sock", "redis"),
        ] {
            assert_eq!(Address::parse(url).unwrap().0.file_stem(), expected);
        }
    }
}
