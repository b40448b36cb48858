//! The step: check first, and delete only a cluster of this execution that never became available. Called again until
//! it is gone.

use aws_sdk_elasticache::types::ReplicationGroup;
use jiff::Timestamp;
use lambda::{Execution, Step, required};
use seeder_aws::{Clients, ReportStore, cluster, error_code, service_error};
use seeding::{
    ClusterPhase, OnRestoreFailed, Seeding, StepError,
    steps::{DeleteOutput, DeletionPhase, NoInput, max_deletion_polls},
};

/// Needs `elasticache:DeleteReplicationGroup`, the Describe actions, and to read the reports bucket.
pub(crate) struct DeleteCluster {
    elasticache: aws_sdk_elasticache::Client,
    reports: ReportStore,
}

impl DeleteCluster {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        Ok(Self {
            elasticache: clients.elasticache(),
            reports: ReportStore::new(clients.s3(), required("REPORTS_BUCKET")?),
        })
    }
}

impl Step for DeleteCluster {
    type Input = NoInput;
    type Output = DeleteOutput;

    fn reports(&self) -> &ReportStore {
        &self.reports
    }

    async fn run(&self, NoInput {}: NoInput, execution: Execution<'_>) -> Result<DeleteOutput, StepError> {
        let key = execution.files().seeding();
        let Some(seeding) = self.reports.read(&key).await? else {
            tracing::info!("the execution has no record, so no cluster");
            return Ok(output(None, DeletionPhase::Gone, None));
        };
        let group = cluster::describe(&self.elasticache, &seeding.target.cluster.id).await?;
        let Some(group) = group.filter(|group| cluster::is_ours(group, execution.name)) else {
            let phase = if self.may_still_appear(&execution).await? {
                DeletionPhase::Deleting
            } else {
                DeletionPhase::Gone
            };
            tracing::info!(cluster = seeding.target.cluster.id, ?phase, "no cluster of this execution");
            return Ok(output(Some(&seeding), phase, None));
        };
        let phase = self.delete(&seeding, &group).await?;
        tracing::info!(cluster = seeding.target.cluster.id, status = group.status(), ?phase, "deletion");
        Ok(output(Some(&seeding), phase, Some(&group)))
    }
}

impl DeleteCluster {
    /// Whether a create is unanswered, so that its cluster may still appear: the execution was stopped while it was in
    /// flight.
    async fn may_still_appear(&self, execution: &Execution<'_>) -> Result<bool, StepError> {
        let journal = self.reports.read(&execution.files().create()).await?;
        Ok(journal.is_some_and(|journal| journal.is_pending(Timestamp::now().as_millisecond())))
    }

    async fn delete(&self, seeding: &Seeding, group: &ReplicationGroup) -> Result<DeletionPhase, StepError> {
        let view = cluster::view(&self.elasticache, group).await?;
        let failed = matches!(
            view.phase(seeding.target.cluster.nodes()),
            ClusterPhase::RestoreFailed | ClusterPhase::CreateFailed
        );
        if view.was_available() {
            return Ok(DeletionPhase::Available);
        }
        if failed && seeding.target.options.on_restore_failed == OnRestoreFailed::Keep {
            return Ok(DeletionPhase::Kept);
        }
        if group.status() == Some("deleting") {
            return Ok(DeletionPhase::Deleting);
        }
        let id = &seeding.target.cluster.id;
        match self.elasticache.delete_replication_group().replication_group_id(id).send().await {
            Ok(_) => Ok(DeletionPhase::Deleting),
            Err(error) => match error_code(&error) {
                Some("ReplicationGroupNotFoundFault") => Ok(DeletionPhase::Gone),
                // It cannot be deleted in this state, such as creating. It will be deleted later, or become available
                // and be kept.
                Some("InvalidReplicationGroupState" | "InvalidReplicationGroupStateFault") => {
                    Ok(DeletionPhase::Deleting)
                }
                _ => Err(service_error(&format!("delete the replication group {id}"), &error)),
            },
        }
    }
}

fn output(seeding: Option<&Seeding>, phase: DeletionPhase, group: Option<&ReplicationGroup>) -> DeleteOutput {
    let poll_seconds = seeding.map_or(30, |seeding| seeding.target.options.poll_seconds);
    DeleteOutput {
        phase,
        cluster_id: seeding.map_or_else(String::new, |seeding| seeding.target.cluster.id.clone()),
        cluster: group.filter(|_| phase == DeletionPhase::Available).map(cluster::info),
        poll_seconds,
        max_deletion_polls: max_deletion_polls(poll_seconds),
        verify: seeding.is_some_and(|seeding| seeding.target.options.verify),
    }
}

#[cfg(test)]
mod tests;
