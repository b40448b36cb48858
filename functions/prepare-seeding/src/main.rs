//! Resolves a request into a record, and rejects what cannot work before any backup is read.

mod handler;

use lambda::serve;
use seeder_aws::Clients;

use crate::handler::PrepareSeeding;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let clients = Clients::from_environment().await;
    serve(PrepareSeeding::from_environment(&clients)?).await
}
