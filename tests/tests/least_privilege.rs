//! A sample of `make least-privilege`: what a role is allowed is needed.

use anyhow::{Result, ensure};
use system_tests::least_privilege::{Options, audit};

/// Of those that a plain seeding needs.
const SAMPLE: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn something_fails_without_a_permission() -> Result<()> {
    let rows = audit(Options { sample: Some(SAMPLE), stacks: 1 }, &|_, _| ()).await?;
    ensure!(rows.len() == SAMPLE, "{rows:#?}");
    let unexplained: Vec<_> = rows.iter().filter(|row| row.is_unexplained).collect();
    ensure!(unexplained.is_empty(), "{unexplained:#?}");
    Ok(())
}
