//! TLS.

use std::{
    fmt::Display,
    io,
    net::TcpStream,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};

use crate::{Error, Host};

/// What the user names for TLS.
#[derive(Debug, Clone, Default)]
pub struct TlsFiles {
    /// Certificates of the authorities to trust, as PEM; none for those of the system.
    pub authorities: Option<PathBuf>,
    /// The client's own certificate chain, as PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, as PEM.
    pub key: Option<PathBuf>,
    /// The name in the server's certificate, if it is not the host.
    pub server_name: Option<String>,
}

/// How to agree on TLS.
#[derive(Debug, Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    server_name: Option<String>,
}

impl Tls {
    /// Loads the files.
    pub fn load(files: &TlsFiles) -> Result<Self, Error> {
        let config = ClientConfig::builder_with_provider(ring::default_provider().into());
        let config = config.with_safe_default_protocol_versions().map_err(|error| unusable(&error))?;
        let config = config.with_root_certificates(roots(files.authorities.as_deref())?);
        let config = match (&files.certificate, &files.key) {
            (Some(certificate), Some(key)) => {
                let chain = certificates(certificate)?;
                let key = PrivateKeyDer::from_pem_file(key)
                    .map_err(|error| unusable(&format!("{}: {error}", key.display())))?;
                config.with_client_auth_cert(chain, key).map_err(|error| unusable(&error))?
            }
            (None, None) => config.with_no_client_auth(),
            _ => return Err(unusable(&"a certificate and its key belong together")),
        };
        Ok(Self { config: Arc::new(config), server_name: files.server_name.clone() })
    }

    /// Agrees with a server, whose certificate must be that of the host.
    pub(crate) fn agree(
        &self,
        host: &Host,
        mut socket: TcpStream,
    ) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let name = self.server_name.as_ref().unwrap_or(&host.name);
        let name = ServerName::try_from(name.as_str()).map_err(io::Error::other)?.to_owned();
        let config = Arc::clone(&self.config);
        let mut connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        Ok(StreamOwned::new(connection, socket))
    }
}

fn roots(authorities: Option<&Path>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = authorities {
        for certificate in certificates(path)? {
            let added = roots.add(certificate);
            added.map_err(|error| unusable(&format!("{}: {error}", path.display())))?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(unusable(&"this system trusts no certificate authority; name one by --ca"));
        }
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let failed = |error: &dyn Display| unusable(&format!("{}: {error}", path.display()));
    let read = CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))?;
    let all = read.collect::<Result<Vec<_>, _>>().map_err(|error| failed(&error))?;
    if all.is_empty() {
        return Err(failed(&"there is no certificate in it; expected PEM"));
    }
    Ok(all)
}

fn unusable(reason: &dyn Display) -> Error {
    Error::TlsFiles(reason.to_string())
}
