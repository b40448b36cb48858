//! A live server as the command line names it.

use anyhow::{Result, anyhow};
use replication::Address;
use tokio::task::spawn_blocking;

use super::{
    failure::Failure,
    login::Login,
    servers::{Found, find},
};
use crate::args::{ServerArgs, SourceText};

/// The schemes of URLs of servers.
const SCHEMES: [&str; 3] = ["redis", "rediss", "unix"];

/// A server and how to connect to it. Nothing of it that can be formatted has a password.
pub(crate) struct Source {
    pub(crate) address: Address,
    login: Login,
    sentinel: Option<String>,
    is_cluster: bool,
}

impl Source {
    /// Whether a text is the URL of a server, sound or not.
    pub(crate) fn is_named_by(text: &SourceText) -> bool {
        let scheme = text.text().split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        scheme.is_some_and(|scheme| SCHEMES.contains(&scheme.as_str()))
    }

    /// What the command line and the environment say.
    pub(crate) fn of(text: &SourceText, args: &ServerArgs) -> Result<Self> {
        let (address, credentials) =
            Address::parse(text.text()).map_err(|error| anyhow!("SOURCE: {error}"))?;
        let login = Login::of(args, &address, credentials)?;
        Ok(Self { address, login, sentinel: args.sentinel.clone(), is_cluster: args.cluster })
    }

    /// Connects, and finds the servers that are to be backed up.
    pub(crate) async fn find(self) -> Result<Result<Found, Failure>> {
        let Self { address, login, sentinel, is_cluster } = self;
        Ok(spawn_blocking(move || find(&address, login, sentinel.as_deref(), is_cluster)).await?)
    }
}
