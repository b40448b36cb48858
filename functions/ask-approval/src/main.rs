//! Keeps the token with which a person approves a seeding.

mod handler;

use lambda::serve;
use seeder_aws::Clients;

use crate::handler::AskApproval;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let clients = Clients::from_environment().await;
    serve(AskApproval::from_environment(&clients)?).await
}
