//! Converts one range of one backup.

mod handler;

use lambda::serve;
use seeder_aws::Clients;

use crate::handler::ConvertChunk;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let clients = Clients::from_environment().await;
    serve(ConvertChunk::from_environment(&clients)?).await
}
