//! Revokes the grants of one execution.

mod handler;

use lambda::serve;
use seeder_aws::Clients;

use crate::handler::RevokeAccess;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let clients = Clients::from_environment().await;
    serve(RevokeAccess::from_environment(&clients)?).await
}
