//! The step: check first, and delete only a cluster of this execution that never became available. Called again until
//! it is gone.

use std::time::Duration;

use jiff::Timestamp;
use lambda::{Execution, Step, required};
use seeder_aws::{
    Clients, ReportStore,
    cluster::{self, Described},
    sweep::execution_state,
};
use seeding::{
    ClusterPhase, ClusterSpec, ErrorName, Evidence, OnRestoreFailed, Ownership, Seeding, StepError,
    polling::next_deletion_poll,
    steps::{DeleteInput, DeleteOutput, DeletionPhase},
    sweep::{ExecutionState, state_machine_arn},
};

/// The number of times that a clean-up describes an execution before it accepts that it still runs. `DescribeExecution`
/// is eventually consistent, and the event of the end can be earlier. Source: Step Functions API reference,
/// `DescribeExecution`.
const ASKS: u32 = 4;
/// The pause between two calls.
const PAUSE: Duration = Duration::from_secs(5);

/// Needs to delete every kind of cluster, ElastiCache's Describe actions, `states:DescribeExecution`, to read the
/// reports bucket, and to delete the create's journal.
pub(crate) struct DeleteCluster {
    elasticache: aws_sdk_elasticache::Client,
    step_functions: aws_sdk_sfn::Client,
    reports: ReportStore,
    pause: Duration,
}

impl DeleteCluster {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        Ok(Self {
            elasticache: clients.elasticache(),
            step_functions: clients.step_functions(),
            reports: ReportStore::new(clients.s3(), required("REPORTS_BUCKET")?),
            pause: PAUSE,
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
        let seeded = input.clean_up && self.has_succeeded(&execution, &input.running_execution).await?;
        let polls = input.polls;
        let key = execution.files().seeding();
        let Some(seeding) = self.reports.read(&key).await? else {
            tracing::info!("the execution has no record, so no cluster");
            return Ok(output(None, DeletionPhase::Gone, None, polls));
        };
        let spec = &seeding.target.cluster;
        let described = cluster::describe(&self.elasticache, spec.kind, &spec.id).await?;
        let ownership = match &described {
            Some(cluster) => cluster.ownership(spec, &execution.identity, &self.reports).await?,
            None => Ownership::Theirs,
        };
        let Some(described) = described.filter(|_| ownership == Ownership::Ours) else {
            let phase = self.phase_without_cluster(&execution, spec, ownership).await?;
            tracing::info!(cluster = spec.id, ?phase, ?ownership, "no cluster of this execution");
            return Ok(output(Some(&seeding), phase, None, polls));
        };
        // What an execution has seeded is the user's, whatever its status is by now.
        let phase = if seeded { DeletionPhase::Available } else { self.delete(&seeding, &described).await? };
        if spec.exact_id {
            self.keep_evidence(&execution, phase).await?;
        }
        if !matches!(phase, DeletionPhase::Deleting | DeletionPhase::Creating) {
            self.reports.delete(&execution.files().create()).await?;
        }
        tracing::info!(cluster = spec.id, status = described.status, ?phase, "deletion");
        let output = output(Some(&seeding), phase, Some(&described), polls);
        // The keys of a cluster that is in use are no longer those of the backup.
        if seeded || phase != DeletionPhase::Available || !output.verify {
            return Ok(DeleteOutput { verify: output.verify && !seeded, ..output });
        }
        let report = self.reports.read(&execution.files().counts()).await?;
        let counts = report.map(|report| report.counts);
        Ok(DeleteOutput { verification: Some(described.verification(&seeding, counts)), ..output })
    }
}

impl DeleteCluster {
    /// Whether the execution to clean up for has succeeded. Refuses one that still runs, and one of another stack: both
    /// keep their cluster and their grant.
    async fn has_succeeded(&self, execution: &Execution<'_>, clean_up: &str) -> Result<bool, StepError> {
        let refused = |message, hint| Err(StepError::new(ErrorName::CleanUpRefused, message, hint));
        if state_machine_arn(execution.arn) != state_machine_arn(clean_up) {
            return refused(
                format!("{} is not an execution of this stack", execution.arn),
                "use the ARN of an execution of this stack's state machine",
            );
        }
        let mut state = execution_state(&self.step_functions, execution.arn).await;
        for _ in 1..ASKS {
            if state != Ok(ExecutionState::Running) {
                break;
            }
            tokio::time::sleep(self.pause).await;
            state = execution_state(&self.step_functions, execution.arn).await;
        }
        match state {
            Ok(ExecutionState::Running) => refused(
                format!("the execution {} still runs", execution.name),
                "wait until it has ended, or stop it: a clean-up then starts by itself",
            ),
            state => Ok(matches!(state?, ExecutionState::Succeeded { .. })),
        }
    }

    /// The phase if the execution has no cluster, or none for certain. One may still appear if a create is unanswered,
    /// because the execution was stopped while it was in flight; a doubt may still be resolved. Otherwise the create's
    /// journal is deleted. A journal that a function writes at this moment stays, so that a sweep finds it.
    async fn phase_without_cluster(
        &self,
        execution: &Execution<'_>,
        spec: &ClusterSpec,
        ownership: Ownership,
    ) -> Result<DeletionPhase, StepError> {
        let key = execution.files().create();
        let journal = self.reports.read(&key).await?;
        if journal.is_some_and(|journal| journal.is_pending(Timestamp::now().as_millisecond())) {
            return Ok(DeletionPhase::Creating);
        }
        let is_doubtful = ownership == Ownership::Doubtful;
        let phase = if is_doubtful { DeletionPhase::InDoubt } else { DeletionPhase::Gone };
        if spec.exact_id {
            self.keep_evidence(execution, phase).await?;
        }
        if journal.is_some() {
            self.reports.delete(&key).await?;
        }
        Ok(phase)
    }

    /// Notes what the evidence of a create is worth from here on. A doubt stays, for every later clean-up.
    async fn keep_evidence(&self, execution: &Execution<'_>, phase: DeletionPhase) -> Result<(), StepError> {
        let key = execution.files().evidence();
        match phase {
            DeletionPhase::Deleting => self.reports.write(&key, &Evidence::Deleting).await.map(drop),
            DeletionPhase::Gone => self.reports.delete(&key).await,
            _ => Ok(()),
        }
    }

    async fn delete(&self, seeding: &Seeding, described: &Described) -> Result<DeletionPhase, StepError> {
        let spec = &seeding.target.cluster;
        let view = cluster::view(&self.elasticache, described).await?;
        let failed =
            matches!(view.phase(spec.nodes()), ClusterPhase::RestoreFailed | ClusterPhase::CreateFailed);
        if view.was_available() {
            return Ok(DeletionPhase::Available);
        }
        if failed && seeding.target.options.on_restore_failed == OnRestoreFailed::Keep {
            return Ok(DeletionPhase::Kept);
        }
        if view.is_deleting() {
            return Ok(DeletionPhase::Deleting);
        }
        // A cluster that is being created may become available at any moment, and a delete has no condition. It is only
        // sent once the cluster has failed, which is for good.
        if !failed {
            return Ok(DeletionPhase::Creating);
        }
        cluster::delete(&self.elasticache, spec.kind, &spec.id).await
    }
}

fn output(
    seeding: Option<&Seeding>,
    phase: DeletionPhase,
    described: Option<&Described>,
    polls: u32,
) -> DeleteOutput {
    // Without a record there is nothing to wait for.
    let poll_seconds = seeding.map_or(0, |seeding| seeding.target.options.poll_seconds);
    let next = match phase {
        DeletionPhase::Deleting => next_deletion_poll(poll_seconds, polls, false),
        DeletionPhase::Creating => next_deletion_poll(poll_seconds, polls, true),
        _ => Some(0),
    };
    DeleteOutput {
        phase: if next.is_some() { phase } else { DeletionPhase::LeftBehind },
        cluster_id: seeding.map_or_else(String::new, |seeding| seeding.target.cluster.id.clone()),
        cluster: described.filter(|_| phase == DeletionPhase::Available).map(|cluster| cluster.info.clone()),
        wait_seconds: next.unwrap_or(0),
        verify: seeding.is_some_and(|seeding| seeding.target.options.verify),
        verification: None,
    }
}

#[cfg(test)]
mod tests;
