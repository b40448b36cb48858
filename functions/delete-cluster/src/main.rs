//! Deletes a cluster that failed or was not finished.

mod handler;

use lambda::serve;
use seeder_aws::Clients;

use crate::handler::DeleteCluster;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let clients = Clients::from_environment().await;
    serve(DeleteCluster::from_environment(&clients)?).await
}
