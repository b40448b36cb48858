//! The step: count the keys on every primary, and compare the sum with the backups.

mod keys;

use lambda::{Execution, Step, required};
use seeder_aws::{Clients, ReportStore, auth_token, cluster};
use seeding::{
    ErrorName, StepError,
    report::{ReportCounts, count_findings},
    steps::{NoInput, VerifyOutput},
};

use self::keys::Target;

/// Needs network access to the cluster, `elasticache:DescribeReplicationGroups`, and to read the reports bucket.
pub(crate) struct VerifyCluster {
    elasticache: aws_sdk_elasticache::Client,
    secrets: aws_sdk_secretsmanager::Client,
    reports: ReportStore,
}

impl VerifyCluster {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        Ok(Self {
            elasticache: clients.elasticache(),
            secrets: clients.secrets(),
            reports: ReportStore::new(clients.s3(), required("REPORTS_BUCKET")?),
        })
    }
}

impl Step for VerifyCluster {
    type Input = NoInput;
    type Output = VerifyOutput;

    fn reports(&self) -> &ReportStore {
        &self.reports
    }

    async fn run(&self, NoInput {}: NoInput, execution: Execution<'_>) -> Result<VerifyOutput, StepError> {
        let seeding = execution.seeding().await?;
        let report: Option<ReportCounts> = self.reports.read(&execution.files().counts()).await?;
        let counts = report.ok_or_else(|| StepError::internal("the execution has no report"))?.counts;
        let id = &seeding.target.cluster.id;
        let group = cluster::describe(&self.elasticache, id).await?.ok_or_else(|| {
            StepError::new(
                ErrorName::Internal,
                format!("the cluster {id} does not exist"),
                "check its events",
            )
        })?;
        let token = match &seeding.target.cluster.auth_token_secret_arn {
            Some(arn) => Some(auth_token(&self.secrets, arn).await?),
            None => None,
        };
        let info = cluster::info(&group);
        let target = Target {
            host: info.endpoint,
            port: info.port,
            tls: group.transit_encryption_enabled().unwrap_or(false),
            token,
            cluster_mode: seeding.target.cluster.cluster_mode,
        };
        let keys = target.count_keys().await?;
        let findings: Vec<_> = count_findings(counts, keys).into_iter().collect();
        tracing::info!(keys, expected = counts.keys, findings = findings.len(), "keys counted");
        Ok(VerifyOutput { keys, expected_keys: counts.keys, findings })
    }
}

#[cfg(test)]
mod tests;
