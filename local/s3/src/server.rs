//! The server: a listener on loopback and the connections that it accepts.

use std::{path::PathBuf, sync::Arc};

use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

use crate::{
    config::{Config, Notify},
    operations::Protocol,
    request,
    service::Service,
};

/// An error that prevents a server from starting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder of object files could not be created.
    #[error("create object folder {path}: {source}")]
    Root {
        /// The folder.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// No port of 127.0.0.1 could be bound.
    #[error("listen on 127.0.0.1: {0}")]
    Listen(#[source] std::io::Error),
    /// The client that delivers events could not be created.
    #[error("make the client for notifications: {0}")]
    Client(#[source] reqwest::Error),
}

/// A running S3 endpoint.
#[derive(Debug)]
pub struct Server {
    endpoint: String,
    service: Arc<Service>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Binds a free port of 127.0.0.1 and starts serving.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let objects = config.root.join("objects");
        tokio::fs::create_dir_all(&objects)
            .await
            .map_err(|source| Error::Root { path: objects.clone(), source })?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(Error::Listen)?;
        let address = listener.local_addr().map_err(Error::Listen)?;

        let service = Arc::new(Service::new(&config, objects).map_err(Error::Client)?);
        let protocol = S3ServiceBuilder::new(Protocol(Arc::clone(&service))).build();
        let accepting = tokio::spawn(accept(listener, protocol));
        Ok(Self { endpoint: format!("http://{address}"), service, accepting })
    }

    /// The endpoint's URL, such as `http://127.0.0.1:PORT`. Requests use path style.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Replaces the targets of upload events. Earlier events are not kept.
    pub fn set_notify(&self, notify: Notify) {
        self.service.notifier.set(Some(notify));
    }

    /// Closes the listener and open connections, and aborts deliveries in flight. The last reader of an object file
    /// removes it.
    pub async fn stop(self) {
        self.accepting.abort();
        // The error of an aborted task says only that it was aborted.
        let _ = self.accepting.await;
        self.service.notifier.stop();
    }
}

async fn accept(listener: TcpListener, protocol: S3Service) {
    // Dropping this set with the task also closes the connections.
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "set TCP_NODELAY");
        }
        let protocol = protocol.clone();
        connections.spawn(async move {
            let handler = service_fn(move |request| {
                let protocol = protocol.clone();
                async move { request::handle(&protocol, request).await }
            });
            let builder = auto::Builder::new(TokioExecutor::new());
            if let Err(error) = builder.serve_connection(TokioIo::new(stream), handler).await {
                tracing::debug!(%error, "connection ended");
            }
        });
    }
}
