//! The step: count the keys on every primary and the memory of its data, and compare the sums with the backups.

mod census;

use lambda::{Handler, Invocation};
use seeder_aws::{Clients, auth_token};
use seeding::{
    StepError,
    report::count_findings,
    steps::{DataMemory, MeasuredMemory, VerifyInput, VerifyOutput},
};

use self::census::{Census, Target};

/// Needs network access to the cluster, and `secretsmanager:GetSecretValue` if the cluster has an AUTH token.
pub(crate) struct VerifyCluster {
    secrets: aws_sdk_secretsmanager::Client,
}

impl VerifyCluster {
    pub(crate) fn from_environment(clients: &Clients) -> Self {
        Self { secrets: clients.secrets() }
    }
}

impl Handler for VerifyCluster {
    type Input = VerifyInput;
    type Output = VerifyOutput;

    async fn handle(&self, input: VerifyInput, _: Invocation) -> Result<VerifyOutput, StepError> {
        let VerifyInput { verification, .. } = input;
        let counts = verification.counts.ok_or_else(|| StepError::internal("the execution has no report"))?;
        let token = match &verification.auth_token_secret_arn {
            Some(arn) => Some(auth_token(&self.secrets, arn).await?),
            None => None,
        };
        let target = Target {
            host: verification.host,
            port: verification.port,
            tls: verification.tls,
            token,
            cluster_mode: verification.cluster_mode,
        };
        let Census { keys, data_bytes } = target.take_census().await?;
        let findings: Vec<_> = count_findings(counts, keys).into_iter().collect();
        let memory = data_bytes.map_or(MeasuredMemory::Unknown {}, |measured_bytes| {
            MeasuredMemory::Known(DataMemory { predicted_bytes: counts.data_bytes, measured_bytes })
        });
        tracing::info!(keys, expected = counts.keys, ?memory, findings = findings.len(), "keys counted");
        Ok(VerifyOutput { keys, expected_keys: counts.keys, memory, findings })
    }
}

#[cfg(test)]
mod tests;
