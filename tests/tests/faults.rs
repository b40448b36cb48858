//! A sample of `make faults`: calls of seedings meet faults, and whatever the fault, the end is clean and true.

use anyhow::{Result, ensure};
use system_tests::faults::{self, Options};

/// Of the many hundred cases.
const SAMPLE: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn faults_leave_no_orphan_no_grant_and_no_untrue_end() -> Result<()> {
    let options = Options { sample: Some(SAMPLE), stacks: 4, ..Options::default() };
    let result = faults::run(&options, &|_| ()).await?;
    let violations = &result.violations;
    ensure!(violations.is_empty(), "`make faults FAULTS_ARGS='--only CASE'` repeats one: {violations:#?}");
    let all = result.faults + result.not_met;
    ensure!(all == SAMPLE && result.faults > SAMPLE / 2, "expected {SAMPLE} faults, found {result:?}");
    Ok(())
}
