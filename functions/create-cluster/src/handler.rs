//! The step: create the cluster from the backups' ARNs, or find that it exists already.

mod answer;
mod cache_cluster;
mod evidence;
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
    Access, ClusterKind, ClusterSpec, EXECUTION_TAG, ErrorName, Evidence, Identity, Ownership, Seeding,
    StepError,
    objects::ObjectLook,
    steps::{CreateInput, CreateJournal, CreateOutput},
};

use self::{
    answer::{Answer, Created},
    evidence::Keeper,
};

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
        let was_called = self.reports.read(&journal).await?.is_some();
        if !was_called {
            self.id_is_free(spec).await?;
        }
        let keeper = Keeper::of(&self.reports, &execution.files(), spec, was_called).await?;
        let token = match &spec.auth_token_secret_arn {
            Some(arn) => Some(auth_token(&self.secrets, arn).await?),
            None => None,
        };
        let create = Create { execution: &execution.identity, seeding: &seeding, input: &input, token };
        let mut asked = CreateJournal { asked_at_ms: Timestamp::now().as_millisecond(), answered: false };
        self.reports.write(&journal, &asked).await?;
        if let Some(keeper) = &keeper {
            keeper.before().await?;
        }
        let answer = create.send(&self.elasticache).await?;
        if let Some(keeper) = &keeper {
            keeper.after(&answer).await?;
        }
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
            Created::Before => {
                let evidence = keeper.and_then(|keeper| keeper.earlier());
                self.existing(spec, &execution.identity, evidence).await?
            }
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
            ClusterKind::CacheCluster => cache_cluster::send(&self, elasticache).await,
            ClusterKind::Serverless => serverless::send(&self, elasticache).await,
        }
    }

    /// The ARNs of the backups.
    fn snapshot_arns(&self) -> Vec<String> {
        let partition = &self.seeding.partition.partition;
        self.seeding.backups.iter().map(|backup| backup.location.arn(partition)).collect()
    }

    /// The tags of the request, after the one that names the execution.
    fn tags(&self) -> Vec<Tag> {
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let own = tag(EXECUTION_TAG, &self.execution.owner_text());
        let tags = self.seeding.target.cluster.tags.iter().map(|(key, value)| tag(key, value));
        std::iter::once(own).chain(tags).collect()
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
    /// the description decides whether the cluster is its own, or its ID; of an exact ID what earlier calls have left.
    async fn existing(
        &self,
        spec: &ClusterSpec,
        execution: &Identity,
        evidence: Option<Evidence>,
    ) -> Result<String, StepError> {
        let ClusterSpec { kind, id, .. } = spec;
        let found = cluster::describe(&self.elasticache, *kind, id).await?;
        let found = found.map(|cluster| {
            (Ownership::of(&cluster.mark, &cluster.status, spec, execution, evidence), cluster)
        });
        match found {
            Some((Ownership::Ours, cluster)) => {
                tracing::info!(cluster = id, "was created before by this execution");
                Ok(cluster.status)
            }
            Some((Ownership::Doubtful, _)) => Err(in_doubt(id)),
            Some((Ownership::Theirs, cluster)) => Err(taken(&cluster)),
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
    let description = cluster.description().map(|text| format!(" with the description `{text}`"));
    StepError::new(
        ErrorName::IdTaken,
        format!("the cluster {} exists{}", cluster.info.id, description.unwrap_or_default()),
        "choose another cluster.id; this cluster is not changed",
    )
}

fn in_doubt(id: &str) -> StepError {
    StepError::new(
        ErrorName::IdTaken,
        format!("the cluster {id} exists, and the answer to an earlier create of it was lost"),
        "once it is available, its tags say whether this execution created it; it is not deleted; without exactId its ID \
         would say so",
    )
}

#[cfg(test)]
mod tests;
