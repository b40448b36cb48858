//! Grants ElastiCache access to the backups of one execution.

mod handler;

use lambda::serve;
use seeder_aws::Clients;

use crate::handler::GrantAccess;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let clients = Clients::from_environment().await;
    serve(GrantAccess::from_environment(&clients)?).await
}
