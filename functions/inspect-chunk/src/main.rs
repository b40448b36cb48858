//! Reads one chunk of one backup.

mod handler;

use lambda::serve;
use seeder_aws::Clients;

use crate::handler::InspectChunk;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let clients = Clients::from_environment().await;
    serve(InspectChunk::from_environment(&clients)?).await
}
