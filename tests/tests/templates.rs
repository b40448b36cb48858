//! A backup of Redis 8.10, whose hashes name their fields by templates, becomes a cluster. Written here: no server
//! that writes such files was at hand.

use anyhow::{Result, ensure};
use local_stack::{Stack, StackOptions};
use serde_json::json;
use system_tests::{digest::digest, source::Source, user};

const KEYS: usize = 20_000;
/// The fields of the hashes, by template.
const FIELDS: [[&str; 3]; 2] = [["name", "mail", "visits"], ["sku", "stock", "price"]];

fn name(number: usize) -> String {
    format!("{}:{number}", ["user", "item"][number % 2])
}

fn values(number: usize) -> [String; 3] {
    [format!("a {number}"), format!("{:0100}", number * 7), number.to_string()]
}

/// Writes a text of less than 16,384 bytes.
fn text(file: &mut Vec<u8>, text: &str) {
    let [high, low] = u16::try_from(text.len()).unwrap_or(0).to_be_bytes();
    file.extend([0x40 | high, low]);
    file.extend(text.bytes());
}

/// The backup. Opcode 242 is a template with its number and its fields, value type 32 a hash with the number of its
/// template and its values.
fn backup() -> Vec<u8> {
    let mut file = b"REDIS0015".to_vec();
    for (template, fields) in (0..).zip(FIELDS) {
        file.extend([242, template, 3]);
        for field in fields {
            text(&mut file, field);
        }
    }
    file.extend([254, 0]);
    for number in 0..KEYS {
        file.push(32);
        text(&mut file, &name(number));
        file.push(u8::from(number % 2 == 1));
        for value in values(number) {
            text(&mut file, &value);
        }
    }
    // No checksum.
    file.extend([255, 0, 0, 0, 0, 0, 0, 0, 0]);
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_with_templates_becomes_a_cluster() -> Result<()> {
    let least = ("prepare-seeding".to_owned(), "LEAST_CHUNK_BYTES".to_owned(), (256 << 10).to_string());
    let stack = Stack::start(StackOptions { function_env: vec![least], ..StackOptions::default() }).await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("templates.rdb");
    std::fs::write(&file, backup())?;
    user::drop_file(&stack, "backups", "templates.rdb", &file).await?;
    let request = json!({
        "backups": ["backups/templates.rdb"],
        "cluster": {"id": "plain", "engine": "valkey", "engineVersion": "8.1", "shards": 2},
    });
    let outcome = user::seed(&stack, &request).await?;
    outcome.expect_seeded()?;
    let evidence = &outcome.finding("converted")?["evidence"];
    ensure!(evidence["from"] == "REDIS0015" && evidence["to"] == "REDIS0011", "{evidence:#}");
    let workers = stack.lambda().invocations("convert-chunk");
    ensure!(workers >= 4, "{workers} workers: the templates did not have to go with the ranges");

    // A server that was given the same hashes by their fields.
    let same = Source::start().await?;
    let mut connection = same.connect().await?;
    let mut all = redis::pipe();
    for number in 0..KEYS {
        let fields = FIELDS[number % 2].into_iter().zip(values(number));
        all.hset_multiple(name(number), &fields.collect::<Vec<_>>()).ignore();
    }
    all.exec_async(&mut connection).await?;
    let expected = digest(&[same.address()], 0).await?;
    let found = digest(&user::primaries(&stack, "plain").await?, 0).await?;
    let differences = system_tests::digest::differences(&expected, &found);
    ensure!(expected.len() == KEYS && differences.is_empty(), "{} keys: {differences:#?}", expected.len());
    ensure!(user::left_converted(&stack).await?.is_empty(), "{:?}", user::left_converted(&stack).await?);
    stack.stop().await
}
