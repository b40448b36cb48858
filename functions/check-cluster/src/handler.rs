//! The step: poll the cluster and its members, and decide the phase.

use std::fmt::Write as _;

use jiff::Timestamp;
use lambda::{Execution, Step, required};
use seeder_aws::{Clients, ReportStore, cluster, objects::look_at_object};
use seeding::{
    Access, ClusterPhase, Code, FailureReason, Finding, Ownership, Seeding, StepError,
    objects::ObjectLook,
    polling::next_poll_seconds,
    steps::{CheckInput, CheckOutput},
};

/// Needs ElastiCache's Describe actions, to read the reports bucket and the backups' metadata, and to delete the
/// create's journal.
pub(crate) struct CheckCluster {
    s3: aws_sdk_s3::Client,
    elasticache: aws_sdk_elasticache::Client,
    reports: ReportStore,
}

impl CheckCluster {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        Ok(Self {
            s3: clients.s3(),
            elasticache: clients.elasticache(),
            reports: ReportStore::new(clients.s3(), required("REPORTS_BUCKET")?),
        })
    }
}

impl Step for CheckCluster {
    type Input = CheckInput;
    type Output = CheckOutput;

    fn reports(&self) -> &ReportStore {
        &self.reports
    }

    async fn run(&self, input: CheckInput, execution: Execution<'_>) -> Result<CheckOutput, StepError> {
        let seeding = execution.seeding().await?;
        let age_ms = Timestamp::now().as_millisecond() - input.created_at_ms;
        let options = &seeding.target.options;
        let deadline_passed = age_ms > i64::from(options.deadline_minutes) * 60_000;
        let wait_seconds = next_poll_seconds(options.poll_seconds, age_ms);
        let spec = &seeding.target.cluster;
        let described = cluster::describe(&self.elasticache, spec.kind, &spec.id).await?;
        let is_ours = match &described {
            Some(cluster) => {
                cluster.ownership(spec, &execution.identity, &self.reports).await? == Ownership::Ours
            }
            None => false,
        };
        let Some(described) = described.filter(|_| is_ours) else {
            let (phase, status) = (ClusterPhase::Gone, "not found".to_owned());
            return Ok(CheckOutput {
                phase,
                status,
                deadline_passed,
                wait_seconds,
                events: Vec::new(),
                hint: hint(phase, &[]),
                cluster: None,
                verification: None,
                findings: Vec::new(),
            });
        };
        let view = cluster::view(&self.elasticache, &described).await?;
        let phase = view.phase(spec.nodes());
        tracing::info!(cluster = spec.id, ?phase, status = view.status, members = ?view.members, "checked");
        let available = phase == ClusterPhase::Available;
        // Events explain the outcome. Until then nothing needs them.
        let ends = phase != ClusterPhase::Creating || deadline_passed;
        let events = if ends { cluster::events(&self.elasticache, &described).await } else { Vec::new() };
        if available {
            // From here on nothing deletes the cluster any more.
            self.reports.delete(&execution.files().create()).await?;
        }
        let verification = if available && options.verify {
            let report = self.reports.read(&execution.files().counts()).await?;
            Some(described.verification(&seeding, report.map(|report| report.counts)))
        } else {
            None
        };
        Ok(CheckOutput {
            phase,
            status: status_text(&view),
            deadline_passed,
            wait_seconds,
            hint: hint(phase, &events),
            events,
            verification,
            cluster: available.then_some(described.info),
            findings: if available { self.changed_backups(&seeding).await? } else { Vec::new() },
        })
    }
}

impl CheckCluster {
    /// Warns about backups that were overwritten while ElastiCache read them: the cluster may hold either version.
    async fn changed_backups(&self, seeding: &Seeding) -> Result<Vec<Finding>, StepError> {
        let owner =
            (seeding.target.options.access != Access::Existing).then_some(seeding.partition.account.as_str());
        let mut findings = Vec::new();
        for backup in &seeding.backups {
            let now = match look_at_object(&self.s3, &backup.location, owner).await? {
                ObjectLook::Found(view) if view.etag == backup.etag => continue,
                ObjectLook::Found(view) => view.etag,
                // Without access, no change is known.
                ObjectLook::Forbidden => continue,
                ObjectLook::Missing | ObjectLook::CustomerKey => "not there".to_owned(),
            };
            let remedy = "compare the cluster with the source: it may hold the data of either upload";
            findings.push(
                Finding::new(Code::ChangedDuringSeeding, remedy)
                    .about(&backup.location)
                    .with("inspected", backup.etag.clone())
                    .with("found", now),
            );
        }
        Ok(findings)
    }
}

/// The hint for a failed cluster; empty for any other.
fn hint(phase: ClusterPhase, events: &[String]) -> String {
    let reason = FailureReason::of(events);
    let hint = match phase {
        ClusterPhase::RestoreFailed => reason.restore_hint(),
        ClusterPhase::CreateFailed | ClusterPhase::Deleting | ClusterPhase::Gone => reason.create_hint(),
        ClusterPhase::Creating | ClusterPhase::Available => "",
    };
    hint.to_owned()
}

/// Formats the group's status, and each member's that differs from it.
fn status_text(view: &seeding::ClusterView) -> String {
    let mut text = view.status.clone();
    for member in view.members.iter().filter(|member| member.status != view.status) {
        let _ = write!(text, ", {} {}", member.id, member.status);
    }
    text
}

#[cfg(test)]
mod tests;
