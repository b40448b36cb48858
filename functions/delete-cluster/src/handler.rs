//! The step: look first, and delete only what is this execution's own and never came up. Called until it is gone.

use aws_sdk_elasticache::types::ReplicationGroup;
use jiff::Timestamp;
use lambda::{Execution, Step, required};
use seeder_aws::{Clients, ReportStore, cluster, error_code, service_error};
use seeding::{
    ClusterPhase, OnRestoreFailed, Seeding, StepError,
    polling::next_deletion_poll,
    steps::{DeleteInput, DeleteOutput, DeletionPhase},
};

/// Needs `elasticache:DeleteReplicationGroup`, the Describe operations, and to read the reports.
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
    type Input = DeleteInput;
    type Output = DeleteOutput;

    fn reports(&self) -> &ReportStore {
        &self.reports
    }

    async fn run(&self, input: DeleteInput, execution: Execution<'_>) -> Result<DeleteOutput, StepError> {
        let key = execution.files().seeding();
        let Some(seeding) = self.reports.read(&key).await? else {
            tracing::info!("the execution never got to a cluster");
            return Ok(output(None, DeletionPhase::Gone, None, input));
        };
        let group = cluster::describe(&self.elasticache, &seeding.target.cluster.id).await?;
        let Some(group) = group.filter(|group| cluster::is_ours(group, &execution.identity)) else {
            let phase = if self.may_still_appear(&execution).await? {
                DeletionPhase::Creating
            } else {
                DeletionPhase::Gone
            };
            tracing::info!(cluster = seeding.target.cluster.id, ?phase, "no cluster of this execution");
            return Ok(output(Some(&seeding), phase, None, input));
        };
        let phase = self.delete(&seeding, &group).await?;
        tracing::info!(cluster = seeding.target.cluster.id, status = group.status(), ?phase, "deletion");
        Ok(output(Some(&seeding), phase, Some(&group), input))
    }
}

impl DeleteCluster {
    /// Whether a create was asked for that has not been answered: its execution was stopped in that very moment.
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
                // A group in `creating` cannot be deleted. It ends in a state in which it can be, or it becomes
                // available and is kept.
                Some("InvalidReplicationGroupState" | "InvalidReplicationGroupStateFault") => {
                    Ok(DeletionPhase::Creating)
                }
                _ => Err(service_error(&format!("delete the replication group {id}"), &error)),
            },
        }
    }
}

fn output(
    seeding: Option<&Seeding>,
    phase: DeletionPhase,
    group: Option<&ReplicationGroup>,
    input: DeleteInput,
) -> DeleteOutput {
    let poll_seconds = seeding.map_or(30, |seeding| seeding.target.options.poll_seconds);
    let next = match phase {
        DeletionPhase::Deleting => next_deletion_poll(poll_seconds, input.polls, false),
        DeletionPhase::Creating => next_deletion_poll(poll_seconds, input.polls, true),
        _ => Some(0),
    };
    DeleteOutput {
        phase: if next.is_some() { phase } else { DeletionPhase::LeftBehind },
        cluster_id: seeding.map_or_else(String::new, |seeding| seeding.target.cluster.id.clone()),
        cluster: group.filter(|_| phase == DeletionPhase::Available).map(cluster::info),
        wait_seconds: next.unwrap_or(0),
        verify: seeding.is_some_and(|seeding| seeding.target.options.verify),
    }
}

#[cfg(test)]
mod tests;
