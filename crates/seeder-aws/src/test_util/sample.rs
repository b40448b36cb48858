//! A sample seeding, and the record that a step reads.

use seeding::{Backup, Engine, Identity, MemoryParameters, NodeTypes, Partition, Seeding, Target, resolve};
use serde_json::Value;

use super::{Answer, json as answer};

/// The account of the seeding.
pub const ACCOUNT: &str = "123456789012";
/// The execution's name.
pub const EXECUTION_NAME: &str = "orders-1";
/// The execution's ARN.
pub const EXECUTION_ARN: &str = "arn:aws:states:us-east-1:123456789012:execution:seed-cluster:orders-1";
/// The request with which a step reads the record of the execution, from the bucket `reports`.
pub const RECORD: &str = "GET reports.s3/executions/orders-1/seeding.json";

/// The execution's identity.
pub fn identity() -> Identity {
    Identity::new(EXECUTION_ARN, EXECUTION_NAME)
}

/// The record of a seeding with this request, as `prepare-seeding` would write it. Each backup has 100 bytes and the
/// ETag `"e1"`.
///
/// # Panics
/// If the request has findings.
#[track_caller]
pub fn seeding(request: &Value) -> Seeding {
    let (resolved, findings) = resolve(&[("request", request)], &identity());
    assert_eq!(findings, [], "the request of a test");
    let resolved = resolved.expect("a request without findings");
    let (partition, execution) = Partition::of_execution(EXECUTION_ARN).expect("an ARN of ours");
    let backup = |location| Backup {
        location,
        size_bytes: 100,
        etag: "\"e1\"".into(),
        kms_key_id: None,
        known_inspection: None,
        converted_from: None,
        header: None,
    };
    Seeding {
        schema: 1,
        execution: execution.to_owned(),
        partition,
        backups: resolved.backups.into_iter().map(backup).collect(),
        target: Target {
            cluster: resolved.cluster,
            options: resolved.options,
            node_types: NodeTypes::documented(Engine::Valkey),
            reserved_memory_percent: 25,
            databases: 16,
            memory: MemoryParameters::default(),
            looked_at_ms: 1_700_000_000_000,
            max_nodes: None,
            prices: None,
        },
    }
}

/// The answer to [`RECORD`].
pub fn read_record(seeding: &Seeding) -> Answer {
    answer(seeding)
}
