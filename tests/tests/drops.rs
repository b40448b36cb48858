//! Executions that dropped files start, with the rule of the deployed template.

use anyhow::{Context, Result, ensure};
use local_stack::{Stack, StackOptions};
use system_tests::{data::fill_mixed, source::Source, user};

async fn stack() -> Result<Stack> {
    Stack::start(StackOptions { trigger_prefix: "in/".into(), ..StackOptions::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_starts_a_seeding_whatever_the_case_of_its_name_and_only_under_the_prefix() -> Result<()> {
    let stack = stack().await?;
    let source = Source::start().await?;
    fill_mixed(&source, 200, "k:").await?;
    let backup = source.save().await?;
    for key in ["dump.rdb", "out/dump.RDB", "in/sets/dump.rdb", "in/notes.txt"] {
        user::drop_file(&stack, stack.drop_bucket(), key, &backup).await?;
    }
    for key in ["in/one.rdb", "in/a/TWO.RDB", "in/Three.Rdb"] {
        user::drop_file(&stack, stack.drop_bucket(), key, &backup).await?;
        let outcome = user::outcome(&stack, &user::started_by(&stack, key).await?).await?;
        outcome.expect_seeded().with_context(|| key.to_owned())?;
    }
    for key in ["\"dump.rdb", "out/dump.RDB", "in/sets/dump.rdb", "in/notes.txt"] {
        ensure!(user::executions_about(&stack, key).await?.is_empty(), "{key} started a seeding");
    }
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_taken_for_a_backup_is_rejected_with_the_reason() -> Result<()> {
    let stack = stack().await?;
    let source = Source::start().await?;
    fill_mixed(&source, 50, "k:").await?;
    let rdb = std::fs::read(source.save().await?)?;
    let gzip = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0][..], &rdb].concat();
    let zstd = [&[0x28, 0xb5, 0x2f, 0xfd][..], &rdb].concat();
    let file = source.dir().join("dropped");
    for (key, bytes, code, words) in [
        ("in/a.rdb.gz", &gzip, "compressed-backup", "a.rdb"),
        ("in/b.RDB.Zst", &zstd, "compressed-backup", "b.RDB"),
        ("in/c.aof", &rdb, "not-an-rdb", "BGSAVE"),
        ("in/d.rdb.bak", &rdb, "invalid-request", "d.rdb"),
    ] {
        std::fs::write(&file, bytes)?;
        user::drop_file(&stack, stack.drop_bucket(), key, &file).await?;
        let outcome = user::outcome(&stack, &user::started_by(&stack, key).await?).await?;
        outcome.expect(Some("BackupRejected")).with_context(|| key.to_owned())?;
        let finding = outcome.finding(code)?;
        ensure!(finding["remedy"].as_str().is_some_and(|remedy| remedy.contains(words)), "{finding:#}");
    }
    ensure!(user::clusters(&stack).await?.is_empty(), "a cluster was created");
    stack.stop().await
}
