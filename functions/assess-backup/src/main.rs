//! Decides from the inspected chunks whether to create a cluster, and which one.

mod handler;

use lambda::serve;
use seeder_aws::Clients;

use crate::handler::AssessBackup;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let clients = Clients::from_environment().await;
    serve(AssessBackup::from_environment(&clients)?).await
}
