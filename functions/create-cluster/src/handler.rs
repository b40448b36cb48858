//! The step: create the cluster from the backups' ARNs, or find that it exists already.

use aws_sdk_elasticache::{
    operation::create_replication_group::{
        CreateReplicationGroupError, builders::CreateReplicationGroupFluentBuilder as Create,
    },
    types::{ClusterMode, NodeGroupConfiguration, ReplicationGroup, Tag},
};
use jiff::Timestamp;
use lambda::{Execution, Step, required};
use seeder_aws::{
    Clients, ReportStore, auth_token, cluster, is_refusal, objects::look_at_object, service_error,
};
use seeding::{
    Access, EXECUTION_TAG, ErrorName, Identity, Seeding, StepError,
    objects::ObjectLook,
    steps::{CreateInput, CreateJournal, CreateOutput},
};

/// Needs `elasticache:CreateReplicationGroup` and the permissions that AWS requires with it, and to read the reports
/// and backup buckets.
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
        let id = seeding.target.cluster.id.clone();
        let journal = execution.files().create();
        if self.reports.read(&journal).await?.is_none() {
            self.id_is_free(&id).await?;
        }
        let token = match &seeding.target.cluster.auth_token_secret_arn {
            Some(arn) => Some(auth_token(&self.secrets, arn).await?),
            None => None,
        };
        let create = self.elasticache.create_replication_group();
        let request = request(create, &execution.identity, &seeding, &input)?.set_auth_token(token);
        let mut create = CreateJournal { asked_at_ms: Timestamp::now().as_millisecond(), answered: false };
        self.reports.write(&journal, &create).await?;
        let answer = request.send().await;
        create.answered = answer.as_ref().err().is_none_or(is_refusal);
        if create.answered
            && let Err(error) = self.reports.write(&journal, &create).await
        {
            // A clean-up then only waits longer.
            tracing::warn!(message = error.message, "the answer is not in the journal");
        }
        let status = match answer {
            Ok(answer) => {
                let status = answer
                    .replication_group()
                    .and_then(|group| group.status())
                    .unwrap_or_default()
                    .to_owned();
                tracing::info!(cluster = id, node_type = input.node_type, status, "create asked for");
                status
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(CreateReplicationGroupError::is_replication_group_already_exists_fault) =>
            {
                self.existing(&id, &execution.identity).await?
            }
            Err(error) => return Err(service_error(&format!("create the replication group {id}"), &error)),
        };
        Ok(CreateOutput { cluster_id: id, created_at_ms: Timestamp::now().as_millisecond(), status })
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

    /// Checks that the ID is free before the first create. A group that exists by then is not this execution's,
    /// whatever its description: execution names can be reused after 90 days.
    async fn id_is_free(&self, id: &str) -> Result<(), StepError> {
        cluster::describe(&self.elasticache, id).await?.map_or(Ok(()), |group| Err(taken(id, &group)))
    }

    /// Handles an ID that exists already. `CreateReplicationGroup` has no idempotency token, so if this execution has
    /// called it before, the description decides whether the group is its own.
    async fn existing(&self, id: &str, execution: &Identity) -> Result<String, StepError> {
        match cluster::describe(&self.elasticache, id).await? {
            Some(group) if cluster::is_ours(&group, execution) => {
                tracing::info!(cluster = id, "was created before by this execution");
                Ok(group.status().unwrap_or_default().to_owned())
            }
            Some(group) => Err(taken(id, &group)),
            // It existed a moment ago.
            None => Err(StepError::new(
                ErrorName::ServiceBusy,
                format!("the cluster {id} is being deleted"),
                "it is retried automatically",
            )),
        }
    }
}

fn taken(id: &str, group: &ReplicationGroup) -> StepError {
    StepError::new(
        ErrorName::IdTaken,
        format!("the cluster {id} exists with the description `{}`", group.description().unwrap_or_default()),
        "choose another cluster.id; this cluster is not changed",
    )
}

fn request(
    create: Create,
    execution: &Identity,
    seeding: &Seeding,
    input: &CreateInput,
) -> Result<Create, StepError> {
    let spec = &seeding.target.cluster;
    let count = |number: u32| i32::try_from(number).map_err(StepError::internal);
    let partition = &seeding.partition.partition;
    let mut create = create
        .replication_group_id(&spec.id)
        .replication_group_description(execution.owner_text())
        .engine(spec.engine.as_str())
        .engine_version(spec.engine_version.to_string())
        .cache_node_type(&input.node_type)
        .cache_parameter_group_name(spec.parameter_group_name())
        .port(i32::from(spec.port))
        .transit_encryption_enabled(spec.transit_encryption)
        .at_rest_encryption_enabled(spec.at_rest_encryption)
        .snapshot_retention_limit(count(spec.snapshot_retention_days)?)
        .set_cache_subnet_group_name(spec.subnet_group.clone())
        .set_kms_key_id(spec.kms_key_id.clone())
        .set_security_group_ids(Some(spec.security_group_ids.clone()).filter(|ids| !ids.is_empty()))
        .set_user_group_ids(spec.user_group_id.clone().map(|id| vec![id]))
        .set_snapshot_arns(Some(
            seeding.backups.iter().map(|backup| backup.location.arn(partition)).collect(),
        ))
        .tags(Tag::builder().key(EXECUTION_TAG).value(execution.owner_text()).build());
    for (key, value) in &spec.tags {
        create = create.tags(Tag::builder().key(key).value(value).build());
    }
    // Automatic failover is required with cluster mode on; otherwise it needs a replica to fail over to.
    let failover = spec.cluster_mode || spec.replicas_per_shard > 0;
    create = create.automatic_failover_enabled(failover).multi_az_enabled(spec.multi_az);
    if !spec.cluster_mode {
        return Ok(create
            .cluster_mode(ClusterMode::Disabled)
            .num_cache_clusters(count(1 + spec.replicas_per_shard)?));
    }
    create = create.cluster_mode(ClusterMode::Enabled).num_node_groups(count(spec.shards)?);
    for (number, shard) in (1..).zip(&input.plan.shards) {
        create = create.node_group_configuration(
            NodeGroupConfiguration::builder()
                .node_group_id(format!("{number:04}"))
                .slots(shard.slots.to_string())
                .replica_count(count(spec.replicas_per_shard)?)
                .build(),
        );
    }
    Ok(create)
}

#[cfg(test)]
mod tests;
