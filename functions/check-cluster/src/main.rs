//! Polls the cluster that is being created.

mod handler;

use lambda::serve;
use seeder_aws::Clients;

use crate::handler::CheckCluster;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let clients = Clients::from_environment().await;
    serve(CheckCluster::from_environment(&clients)?).await
}
