//! The step: resolve the request, check backups and target, and return the chunks to read.

mod backups;
mod known;
mod prices;
mod refused;
mod region;
mod request;
mod target;
mod turn;
mod verify;
mod workers;

use std::{fmt::Display, str::FromStr};

use jiff::Timestamp;
use lambda::{Execution, Step, list, optional, required};
use seeder_aws::{Clients, ReportStore};
use seeding::{
    Approval, Code, ErrorName, Seeding, Severity, StepError, Target, Verdict,
    chunks::{LEAST_CHUNK_BYTES, chunks},
    policy::Roles,
    steps::{Preparation, PrepareInput, PrepareOutput},
    too_many_nodes,
};
use serde_json::Value;

/// Needs `s3:GetObject` on the backup buckets, the kept inspections and the prices, `s3:GetBucketPolicy` and
/// `s3:GetObjectAcl`, `s3:PutObject` on the reports bucket, ElastiCache's Describe actions, and to read the KMS keys
/// and secrets that requests may name. `MaxSeedingsAtOnce` also requires `states:ListExecutions`.
pub(crate) struct PrepareSeeding {
    s3: aws_sdk_s3::Client,
    elasticache: aws_sdk_elasticache::Client,
    kms: aws_sdk_kms::Client,
    lambda: aws_sdk_lambda::Client,
    step_functions: aws_sdk_sfn::Client,
    secrets: aws_sdk_secretsmanager::Client,
    reports: ReportStore,
    backup_buckets: Vec<String>,
    roles: Roles,
    defaults: Value,
    least_chunk_bytes: u64,
    max_nodes: Option<u32>,
    max_seedings: Option<u32>,
    verify_in_vpc: bool,
}

impl PrepareSeeding {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        let defaults = match optional("SEEDING_DEFAULTS") {
            None => Value::Object(serde_json::Map::new()),
            Some(text) => serde_json::from_str(&text)
                .map_err(|error| StepError::internal(format!("SEEDING_DEFAULTS is not JSON: {error}")))?,
        };
        Ok(Self {
            reports: ReportStore::new(clients.s3(), required("REPORTS_BUCKET")?),
            s3: clients.s3(),
            elasticache: clients.elasticache(),
            kms: clients.kms(),
            lambda: clients.lambda(),
            step_functions: clients.step_functions(),
            secrets: clients.secrets(),
            backup_buckets: list("BACKUP_BUCKETS"),
            roles: Roles { readers: list("READER_ROLE_ARNS"), granters: list("GRANTER_ROLE_ARNS") },
            defaults,
            least_chunk_bytes: number("LEAST_CHUNK_BYTES")?.unwrap_or(LEAST_CHUNK_BYTES),
            max_nodes: limit("MAX_NODES")?,
            max_seedings: limit("MAX_SEEDINGS_AT_ONCE")?,
            verify_in_vpc: optional("VERIFY_IN_VPC").as_deref() == Some("true"),
        })
    }
}

impl Step for PrepareSeeding {
    type Input = PrepareInput;
    type Output = PrepareOutput;

    fn reports(&self) -> &ReportStore {
        &self.reports
    }

    async fn run(&self, input: PrepareInput, execution: Execution<'_>) -> Result<PrepareOutput, StepError> {
        self.is_its_turn(&execution).await?;
        let (resolved, mut findings) = self.resolve(&input.request, &execution.identity).await?;
        let Some(mut resolved) = resolved else {
            return Ok(PrepareOutput::rejected(findings));
        };
        let (backups, found) = self.look_at_backups(&resolved, &execution.partition).await?;
        findings.extend(found);
        let open = resolved.open_cluster_mode;
        let (target, found) = self.look_at_target(&mut resolved.cluster, open).await?;
        if found.iter().any(is_unknown_version) {
            // A version that does not exist loads nothing, which needs no finding of its own.
            findings.retain(|finding| finding.code != Code::RdbNewerThanEngine);
        }
        findings.extend(found);
        if Verdict::of(&findings, &resolved.options.allow) == Verdict::Reject {
            return Ok(PrepareOutput::rejected(findings));
        }
        let bytes = backups.iter().map(|backup| backup.size_bytes).sum();
        findings.extend(resolved.options.settle_deadline(bytes));
        findings.extend(self.settle_verify(&mut resolved));
        let looked_at_ms = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
        let mut seeding = Seeding {
            schema: 1,
            execution: execution.name.to_owned(),
            partition: execution.partition.clone(),
            backups,
            target: Target {
                cluster: resolved.cluster,
                options: resolved.options,
                node_types: target.node_types,
                reserved_memory_percent: target.reserved_memory_percent,
                databases: target.databases,
                memory: target.memory,
                looked_at_ms,
                max_nodes: self.max_nodes,
                prices: None,
            },
        };
        // The plan may choose more shards than these, but not fewer.
        if let Some(finding) = too_many_nodes(&seeding.target, seeding.target.cluster.nodes().into()) {
            return Ok(PrepareOutput::rejected([vec![finding], findings].concat()));
        }
        self.recognise(&mut seeding).await;
        let region = &execution.partition.region;
        seeding.target.prices = self.prices(&seeding.target.cluster, region).await;
        self.reports.write(&execution.files().seeding(), &seeding).await?;
        let workers = self.workers().await?;
        Ok(PrepareOutput::Prepared(self.preparation(&seeding, findings, workers)))
    }
}

impl PrepareSeeding {
    fn preparation(&self, seeding: &Seeding, findings: Vec<seeding::Finding>, workers: u32) -> Preparation {
        let options = &seeding.target.options;
        Preparation {
            verdict: Verdict::of(&findings, &options.allow),
            findings,
            chunks: chunks(&seeding.backups, self.least_chunk_bytes),
            cluster_id: seeding.target.cluster.id.clone(),
            poll_seconds: options.poll_seconds,
            dry_run: options.dry_run,
            verify: options.verify,
            on_restore_failed: options.on_restore_failed,
            max_start_overs: options.max_start_overs,
            deadline_minutes: options.deadline_minutes,
            workers,
            approval: options.approval == Approval::Required,
            approval_hours: options.approval_hours,
        }
    }
}

/// Whether the finding says that ElastiCache does not offer the version. (A note of this code concerns the patch
/// level.)
fn is_unknown_version(finding: &seeding::Finding) -> bool {
    finding.code == Code::EngineVersionUnknown && finding.severity == Severity::Fail
}

/// Reads a number from the environment.
fn number<N: FromStr<Err: Display>>(name: &str) -> Result<Option<N>, StepError> {
    let Some(text) = optional(name) else { return Ok(None) };
    let number = text.parse().map_err(|error| StepError::internal(format!("{name} is {text}: {error}")))?;
    Ok(Some(number))
}

/// Reads a limit from the environment; 0 is none.
fn limit(name: &str) -> Result<Option<u32>, StepError> {
    Ok(number(name)?.filter(|limit| *limit > 0))
}

/// Turns a denied call into `None`: what it would have returned stays unknown, which is a finding, not an error.
fn unless_forbidden<T>(result: Result<T, StepError>) -> Result<Option<T>, StepError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.name == ErrorName::AccessDenied => {
            tracing::warn!(message = error.message, "access denied; not checked");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
