//! The step: create the cluster from the backups' ARNs, or find that it exists already.

mod answer;
mod replication_group;
mod serverless;

use aws_sdk_elasticache::types::Tag;
use jiff::Timestamp;
use lambda::{Execution, Step, required};
use seeder_aws::{
    Clients, ReportStore, auth_token,
    cluster::{self, Described},
    objects::look_at_object,
};
use seeding::{
    Access, ClusterKind, ClusterSpec, EXECUTION_TAG, ErrorName, Identity, Seeding, StepError,
    objects::ObjectLook,
    steps::{CreateInput, CreateJournal, CreateOutput},
};

use self::answer::{Answer, Created};

/// Needs to create every kind of cluster, the permissions that AWS requires for that, and to read the reports and
/// backup buckets.
pub(crate) struct CreateCluster {
    s3: aws_sdk_s3::Client,
    elasticache: aws_sdk_elasticache::Client,
    secrets: aws_sdk_secretsmanager::Client,
    reports: ReportStore,
}

impl CreateCluster {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        Ok(Self {
            s3: clients.s3(),
            elasticache: clients.elasticache(),
            secrets: clients.secrets(),
            reports: ReportStore::new(clients.s3(), required("REPORTS_BUCKET")?),
        })
    }
}

impl Step for CreateCluster {
    type Input = CreateInput;
    type Output = CreateOutput;

    fn reports(&self) -> &ReportStore {
        &self.reports
    }

    async fn run(&self, input: CreateInput, execution: Execution<'_>) -> Result<CreateOutput, StepError> {
        let seeding = execution.seeding().await?;
        self.backups_are_unchanged(&seeding).await?;
        let spec = &seeding.target.cluster;
        let journal = execution.files().create();
        if self.reports.read(&journal).await?.is_none() {
            self.id_is_free(spec).await?;
        }
        let token = match &spec.auth_token_secret_arn {
            Some(arn) => Some(auth_token(&self.secrets, arn).await?),
            None => None,
        };
        let create = Create { execution: &execution.identity, seeding: &seeding, input: &input, token };
        let mut asked = CreateJournal { asked_at_ms: Timestamp::now().as_millisecond(), answered: false };
        self.reports.write(&journal, &asked).await?;
        let answer = create.send(&self.elasticache).await?;
        asked.answered = answer.is_final;
        if asked.answered
            && let Err(error) = self.reports.write(&journal, &asked).await
        {
            // A clean-up then only waits longer.
            tracing::warn!(message = error.message, "the answer is not in the journal");
        }
        let status = match answer.created? {
            Created::Now { status } => {
                tracing::info!(cluster = spec.id, node_type = input.node_type, status, "create asked for");
                status
            }
            Created::Before => self.existing(spec, &execution.identity).await?,
        };
        let created_at_ms = Timestamp::now().as_millisecond();
        Ok(CreateOutput { cluster_id: spec.id.clone(), created_at_ms, status })
    }
}

/// A cluster to create.
struct Create<'a> {
    execution: &'a Identity,
    seeding: &'a Seeding,
    input: &'a CreateInput,
    token: Option<String>,
}

impl Create<'_> {
    /// Calls ElastiCache once. `Err` if nothing was sent.
    async fn send(self, elasticache: &aws_sdk_elasticache::Client) -> Result<Answer, StepError> {
        match self.seeding.target.cluster.kind {
            ClusterKind::ReplicationGroup => replication_group::send(self, elasticache).await,
            ClusterKind::Serverless => serverless::send(&self, elasticache).await,
        }
    }

    /// The ARNs of the backups.
    fn snapshot_arns(&self) -> Option<Vec<String>> {
        let partition = &self.seeding.partition.partition;
        Some(self.seeding.backups.iter().map(|backup| backup.location.arn(partition)).collect())
    }

    /// The tags of the request, after the one that names the execution.
    fn tags(&self) -> Option<Vec<Tag>> {
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let own = tag(EXECUTION_TAG, &self.execution.owner_text());
        let tags = self.seeding.target.cluster.tags.iter().map(|(key, value)| tag(key, value));
        Some(std::iter::once(own).chain(tags).collect())
    }

    fn security_group_ids(&self) -> Option<Vec<String>> {
        Some(self.seeding.target.cluster.security_group_ids.clone()).filter(|ids| !ids.is_empty())
    }
}

impl CreateCluster {
    /// Checks that no backup has changed since its inspection. ElastiCache cannot be given the version of an object to
    /// read, so this happens right before the create.
    async fn backups_are_unchanged(&self, seeding: &Seeding) -> Result<(), StepError> {
        let owner =
            (seeding.target.options.access != Access::Existing).then_some(seeding.partition.account.as_str());
        for backup in &seeding.backups {
            match look_at_object(&self.s3, &backup.location, owner).await? {
                ObjectLook::Found(view) if view.etag == backup.etag => {}
                ObjectLook::Found(view) => {
                    return Err(StepError::new(
                        ErrorName::ChangedDuringSeeding,
                        format!(
                            "{} was overwritten: ETag {} was inspected, {} is there now",
                            backup.location, backup.etag, view.etag
                        ),
                        "leave the object alone while it is being seeded, and start again",
                    ));
                }
                ObjectLook::Missing => {
                    return Err(StepError::new(
                        ErrorName::BackupGone,
                        format!("{} was deleted after its inspection", backup.location),
                        "upload the object again and start again",
                    ));
                }
                ObjectLook::Forbidden | ObjectLook::CustomerKey => {
                    return Err(StepError::new(
                        ErrorName::AccessDenied,
                        format!("{} cannot be read any more", backup.location),
                        "grant the function's role this permission, and check policies for a Deny",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Checks that the ID is free before the first create. A cluster that exists by then is not this execution's,
    /// whatever its description: execution names can be reused after 90 days.
    async fn id_is_free(&self, spec: &ClusterSpec) -> Result<(), StepError> {
        let found = cluster::describe(&self.elasticache, spec.kind, &spec.id).await?;
        found.map_or(Ok(()), |cluster| Err(taken(&cluster)))
    }

    /// Handles an ID that exists already. A create has no idempotency token, so if this execution has called it before,
    /// the description decides whether the cluster is its own.
    async fn existing(&self, spec: &ClusterSpec, execution: &Identity) -> Result<String, StepError> {
        let ClusterSpec { kind, id, .. } = spec;
        match cluster::describe(&self.elasticache, *kind, id).await? {
            Some(cluster) if cluster.is_of(execution) => {
                tracing::info!(cluster = id, "was created before by this execution");
                Ok(cluster.status)
            }
            Some(cluster) => Err(taken(&cluster)),
            // It existed a moment ago.
            None => Err(StepError::new(
                ErrorName::ServiceBusy,
                format!("the cluster {id} is being deleted"),
                "it is retried automatically",
            )),
        }
    }
}

fn taken(cluster: &Described) -> StepError {
    StepError::new(
        ErrorName::IdTaken,
        format!("the cluster {} exists with the description `{}`", cluster.info.id, cluster.description),
        "choose another cluster.id; this cluster is not changed",
    )
}

#[cfg(test)]
mod tests;
