//! Connecting to servers.

use std::time::Duration;

use anyhow::{Result, bail};
use replication::{Address, Connection, Credentials, Error, Settings, Tls, TlsFiles};

use super::{failure::Failure, secrets};
use crate::args::ServerArgs;

/// How to connect, and as whom.
pub(super) struct Login {
    settings: Settings,
    credentials: Credentials,
}

impl Login {
    /// What the command line and the environment say.
    pub(super) fn of(args: &ServerArgs, address: &Address, url: Option<Credentials>) -> Result<Self> {
        let files = TlsFiles {
            authorities: args.ca.clone(),
            certificate: args.cert.clone(),
            key: args.key.clone(),
            server_name: args.server_name.clone(),
        };
        let tls = match address {
            Address::Tls(_) => Some(Tls::load(&files)?),
            _ if files.authorities.is_some()
                || files.certificate.is_some()
                || files.server_name.is_some() =>
            {
                bail!(
                    "--ca, --cert, --key and --server-name are for TLS; write rediss:// instead of redis://"
                )
            }
            _ => None,
        };
        let credentials = secrets::credentials(args.password_file.as_deref(), url)?;
        let limit = Duration::from_secs(args.timeout_seconds.into());
        Ok(Self { settings: Settings { limit, tls }, credentials })
    }

    /// Connects for the first time, and asks a person for the password if it is missing.
    pub(super) fn first(&mut self, address: &Address) -> Result<Connection, Failure> {
        if self.credentials.lacks_password() && secrets::can_ask() {
            self.credentials.password = Some(secrets::ask(&address.to_string())?);
        }
        if self.credentials.password.is_none() {
            match self.open(address) {
                Err(Error::Refused(refusal)) if refusal.asks_for_password() && secrets::can_ask() => {
                    self.credentials.password = Some(secrets::ask(&address.to_string())?);
                }
                opened => return Ok(opened?.0),
            }
        }
        let (connection, is_asked_for) = self.open(address)?;
        if !is_asked_for {
            eprintln!("warning: {address} has no password, and needed none");
        }
        Ok(connection)
    }

    /// Connects.
    pub(super) fn connect(&self, address: &Address) -> Result<Connection, Error> {
        Ok(self.open(address)?.0)
    }

    fn open(&self, address: &Address) -> Result<(Connection, bool), Error> {
        let mut connection = Connection::open(address, &self.settings)?;
        let is_asked_for = connection.log_in(&self.credentials)?;
        Ok((connection, is_asked_for))
    }
}
