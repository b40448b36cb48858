//! Starts the clean-ups that no event has started.

mod handler;

use lambda::serve;
use seeder_aws::Clients;

use crate::handler::SweepHandler;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let clients = Clients::from_environment().await;
    serve(SweepHandler::from_environment(&clients)?).await
}
