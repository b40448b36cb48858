//! The state that all operations share.

use std::{collections::HashMap, path::PathBuf};

use s3s::dto::Owner;
use sha2::{Digest, Sha256};

use crate::{
    config::{Config, Switches},
    notifications::delivery::Notifier,
    store::Store,
};

/// The state that all operations share.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) store: Store,
    /// Folder of object files.
    pub(crate) objects: PathBuf,
    pub(crate) region: String,
    pub(crate) account_id: String,
    /// The canonical user ID of the account: 64 hexadecimal digits derived from its number.
    pub(crate) owner_id: String,
    pub(crate) notifier: Notifier,
    /// The ARNs of roles by access key.
    pub(crate) roles: HashMap<String, String>,
    pub(crate) switches: Switches,
}

impl Service {
    /// Creates a service with an empty store.
    pub(crate) fn new(config: &Config, objects: PathBuf) -> Result<Self, reqwest::Error> {
        Ok(Self {
            store: Store::new(),
            objects,
            region: config.region.clone(),
            account_id: config.account_id.clone(),
            owner_id: hex::encode(Sha256::digest(config.account_id.as_bytes())),
            notifier: Notifier::new(config.notify.clone(), config.switches.delivers_twice)?,
            roles: config.roles.clone(),
            switches: config.switches,
        })
    }

    /// The owner of all buckets and objects, in the protocol's type.
    pub(crate) fn owner(&self) -> Owner {
        Owner { display_name: None, id: Some(self.owner_id.clone()) }
    }
}
