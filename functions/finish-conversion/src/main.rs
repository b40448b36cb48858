//! Joins the converted ranges of backups.

mod handler;

use lambda::serve;
use seeder_aws::Clients;

use crate::handler::FinishConversion;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let clients = Clients::from_environment().await;
    serve(FinishConversion::from_environment(&clients)?).await
}
