//! Turns a request into a settled seeding, and refuses what cannot work before anything is read.

mod handler;

use seeder_aws::{Clients, serve};

use crate::handler::PrepareSeeding;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let clients = Clients::from_environment().await;
    serve(PrepareSeeding::from_environment(&clients)?).await
}
