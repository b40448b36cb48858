//! Starts one execution for each backup dropped into a bucket.

mod handler;

use lambda::serve;
use seeder_aws::Clients;

use crate::handler::StartSeeding;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let clients = Clients::from_environment().await;
    serve(StartSeeding::from_environment(clients.step_functions())?).await
}
