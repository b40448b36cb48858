//! Counts the keys of the new cluster.

mod handler;

use lambda::serve;
use seeder_aws::Clients;

use crate::handler::VerifyCluster;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    // The redis crate leaves the choice of a crypto provider to the process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let clients = Clients::from_environment().await;
    serve(VerifyCluster::from_environment(&clients)).await
}
