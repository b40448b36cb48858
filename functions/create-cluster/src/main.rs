//! Creates the cluster, once.

mod handler;

use lambda::serve;
use seeder_aws::Clients;

use crate::handler::CreateCluster;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let clients = Clients::from_environment().await;
    serve(CreateCluster::from_environment(&clients)?).await
}
