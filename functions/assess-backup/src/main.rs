//! Decides, from what was read, whether the cluster can come up and which one it will be.

mod handler;

use lambda::serve;
use seeder_aws::Clients;

use crate::handler::AssessBackup;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let clients = Clients::from_environment().await;
    serve(AssessBackup::from_environment(&clients)?).await
}
