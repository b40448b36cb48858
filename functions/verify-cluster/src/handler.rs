//! The step: count the keys on every primary, and compare the sum with the backups.

mod keys;

use lambda::{Handler, Invocation};
use seeder_aws::{Clients, auth_token};
use seeding::{
    StepError,
    report::count_findings,
    steps::{VerifyInput, VerifyOutput},
};

use self::keys::Target;

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
        let keys = target.count_keys().await?;
        let findings: Vec<_> = count_findings(counts, keys).into_iter().collect();
        tracing::info!(keys, expected = counts.keys, findings = findings.len(), "keys counted");
        Ok(VerifyOutput { keys, expected_keys: counts.keys, findings })
    }
}

#[cfg(test)]
mod tests;
