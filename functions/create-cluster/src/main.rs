//! Creates the cluster, once.

mod handler;

use seeder_aws::{Clients, serve};

use crate::handler::CreateCluster;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let clients = Clients::from_environment().await;
    serve(CreateCluster::from_environment(&clients)?).await
}
