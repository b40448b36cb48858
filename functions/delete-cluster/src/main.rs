//! Deletes what is left of a cluster that did not come up.

mod handler;

use seeder_aws::{Clients, serve};

use crate::handler::DeleteCluster;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let clients = Clients::from_environment().await;
    serve(DeleteCluster::from_environment(&clients)?).await
}
