//! Records how a seeding ended, for everybody who is told.

mod handler;

use lambda::serve;
use seeder_aws::Clients;

use crate::handler::RecordOutcome;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let clients = Clients::from_environment().await;
    serve(RecordOutcome::from_environment(&clients)?).await
}
