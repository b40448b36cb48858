//! Reads one range of one backup.

mod handler;

use seeder_aws::{Clients, serve};

use crate::handler::InspectChunk;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let clients = Clients::from_environment().await;
    serve(InspectChunk::from_environment(&clients)?).await
}
