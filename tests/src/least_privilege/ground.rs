//! A stack with everything that the scenarios name, on which one run follows another.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use aws_sdk_s3::{
    primitives::ByteStream,
    types::{
        BucketCannedAcl, ObjectOwnership, OwnershipControls, OwnershipControlsRule, ServerSideEncryption,
    },
};
use aws_sdk_sfn::types::ExecutionStatus;
use local_stack::{ACCOUNT, Decision, FUNCTIONS, Fault, Plan, REGION, Roles, Stack, StackOptions};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::scenario::{ACLS, BACKUPS, DROPS, Disturbance, Entry, OPEN, Scenario, Things};
use crate::{
    faults::Backups,
    user::{self, Outcome},
};

/// Limit for one run.
const BOUND: Duration = Duration::from_mins(3);
/// Limit for an upload to start an execution: without permissions, none starts.
const DROP_BOUND: Duration = Duration::from_secs(6);
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(10);
const PAUSE_DIVISOR: u32 = 30;
const PAUSE: Duration = Duration::from_millis(50);
/// The step that polls the cluster.
const CHECK: &str = "check-cluster";
/// ElastiCache's canonical user. Source: ElastiCache user guide, "Seeding a new cluster with an externally created
/// backup".
const ELASTICACHE: &str = "540804c33a284a299d2547575ce1010f2312ef3da9b3a053c8bc45bf233e4353";

/// Numbers the runs of a process.
static RUN: AtomicU32 = AtomicU32::new(1);

/// A running stack for runs.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) stack: Stack,
    backups: Arc<Backups>,
    things: Things,
}

/// How a run has ended.
#[derive(Debug)]
pub(crate) struct Run {
    /// The ends of its executions, with the codes of their findings.
    pub(crate) end: String,
    /// What roles said to its calls.
    pub(crate) decisions: Vec<Decision>,
}

impl Ground {
    /// Starts a stack with every optional part of the template.
    pub(crate) async fn start(backups: Arc<Backups>) -> Result<Self> {
        let all = |service: &str, resource: &str| format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}");
        let parameters = [
            ("AllowedSecretArns", all("secretsmanager", "secret:seeder-*")),
            ("KmsKeyArns", all("kms", "key/*")),
            ("VerifySubnetIds", "subnet-0123456789abcdef0".to_owned()),
            ("VerifySecurityGroupIds", "sg-0123456789abcdef0".to_owned()),
            ("MaxSeedingsAtOnce", "100".to_owned()),
        ];
        let stack = Stack::start(StackOptions {
            backup_buckets: [BACKUPS, ACLS, OPEN].map(str::to_owned).into(),
            parameters: parameters.map(|(name, value)| (name.to_owned(), value)).into(),
            create_delay_ms: 500,
            delete_delay_ms: 100,
            pause_divisor: PAUSE_DIVISOR,
            function_timeouts: FUNCTIONS.map(|name| (name.to_owned(), FUNCTION_TIMEOUT)).into(),
            ..StackOptions::default()
        })
        .await?;
        for bucket in [ACLS, OPEN] {
            let rule =
                OwnershipControlsRule::builder().object_ownership(ObjectOwnership::BucketOwnerPreferred);
            let controls = OwnershipControls::builder().rules(rule.build()?).build()?;
            let put = stack.s3().put_bucket_ownership_controls().bucket(bucket);
            put.ownership_controls(controls).send().await?;
            stack.s3().put_bucket_acl().bucket(bucket).acl(BucketCannedAcl::Private).send().await?;
        }
        let secret = stack.secrets().create_secret().name("seeder-token").secret_string("Correct-Horse-42");
        let secret = secret.send().await?.arn().context("a secret without ARN")?.to_owned();
        let key = stack.kms().create_key().send().await?;
        let key = key.key_metadata().and_then(|key| key.arn()).context("a key without ARN")?.to_owned();
        let user_group = "seeders".to_owned();
        let create = stack.elasticache().create_user_group().user_group_id(&user_group);
        create.engine("redis").user_ids("default").send().await?;
        let things = Things { id: String::new(), secret, key, user_group };
        let ground = Self { stack, backups, things };
        ground.let_elasticache_decrypt().await?;
        Ok(ground)
    }

    async fn let_elasticache_decrypt(&self) -> Result<()> {
        let service = format!("{REGION}.elasticache-snapshot.amazonaws.com");
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "kms:*", "Resource": "*"},
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": ["kms:Decrypt", "kms:DescribeKey"], "Resource": "*"},
        ]});
        let put = self.stack.kms().put_key_policy().key_id(&self.things.key).policy_name("default");
        put.policy(policy.to_string()).send().await?;
        Ok(())
    }

    /// Runs a scenario with these roles.
    pub(crate) async fn run(&self, scenario: &Scenario, roles: &Value) -> Result<Run> {
        self.stack.gateway().set_roles(Roles::parse(roles).map_err(anyhow::Error::msg)?);
        // What an earlier run could not give back.
        let lease = format!("grants/{}/lease.json", scenario.bucket);
        self.stack.s3().delete_object().bucket(self.stack.reports_bucket()).key(lease).send().await?;
        self.stack.gateway().take_decisions();
        let id = format!("run-{}", RUN.fetch_add(1, Ordering::Relaxed));
        let things = Things { id: id.clone(), ..self.things.clone() };
        self.prepare(scenario.disturbance);
        let end = self.end(scenario, &things).await;
        self.stack.gateway().faults().clear();
        let decisions = self.stack.gateway().take_decisions();
        self.stack
            .gateway()
            .set_roles(Roles::parse(self.stack.role_documents()).map_err(anyhow::Error::msg)?);
        timeout(BOUND, self.tidy(scenario)).await.context("a cluster could not be deleted")??;
        Ok(Run { end: end?, decisions })
    }

    async fn end(&self, scenario: &Scenario, things: &Things) -> Result<String> {
        let key = format!("{}/redis.rdb", things.id);
        if scenario.entry == Entry::Drop {
            let settings = scenario.request(things, &key)["cluster"].clone();
            let settings = json!({"cluster": settings}).to_string();
            user::drop_text(&self.stack, DROPS, &format!("{}/seed.json", things.id), &settings).await?;
        }
        self.put(scenario, &key).await?;
        let main = match scenario.entry {
            Entry::Start => user::start(&self.stack, &scenario.request(things, &key)).await?,
            Entry::Drop => match self.started_by(&key).await? {
                Some(main) => main,
                None => return Ok("no execution is started".to_owned()),
            },
        };
        self.disturb(scenario.disturbance, things, &main).await?;
        let main = self.ended(&main).await?;
        let mut end = words(&main);
        if main.status != ExecutionStatus::Succeeded {
            match self.started_by(&format!("cleanUp\":\"{}", main.execution)).await? {
                Some(clean_up) => end = format!("{end}; then {}", words(&self.ended(&clean_up).await?)),
                None => end.push_str("; then no clean-up is started"),
            }
        }
        Ok(end)
    }

    /// Keeps the disturbed step from getting on before it has been disturbed.
    fn prepare(&self, disturbance: Disturbance) {
        match disturbance {
            Disturbance::None => {}
            Disturbance::AnswerLost => self.disturb_create("CreateReplicationGroup", Fault::AnswerLost),
            Disturbance::Refused => self.disturb_create("CreateCacheCluster", Fault::Throttled),
            Disturbance::BackupGone(step) | Disturbance::RecordGone(step) => {
                self.stack.lambda().faults().clear();
                let held = if step == CHECK { 5 } else { 2 };
                for _ in 0..held {
                    self.stack.lambda().faults().fail_next(step, "ServiceBusy", "made to wait\nhint: none");
                }
            }
        }
    }

    fn disturb_create(&self, create: &str, fault: Fault) {
        self.stack.gateway().faults().plan(Plan {
            caller: "create-cluster".to_owned(),
            action: format!("elasticache:{create}"),
            after: 0,
            times: 1,
            fault,
        });
    }

    async fn disturb(&self, disturbance: Disturbance, things: &Things, execution: &str) -> Result<()> {
        let (step, bucket, key) = match disturbance {
            Disturbance::BackupGone(step) => (step, BACKUPS, format!("{}/redis.rdb", things.id)),
            Disturbance::RecordGone(step) => {
                let name = execution.rsplit(':').next().unwrap_or(execution);
                (step, self.stack.reports_bucket(), format!("executions/{name}/seeding.json"))
            }
            Disturbance::None | Disturbance::AnswerLost | Disturbance::Refused => return Ok(()),
        };
        let before = self.stack.lambda().invocations(step);
        let started = Instant::now();
        // A step that is not allowed to begin is not waited for.
        while self.stack.lambda().invocations(step) == before && started.elapsed() < DROP_BOUND {
            sleep(PAUSE / 5).await;
        }
        // Not before ElastiCache has read it.
        while disturbance == Disturbance::BackupGone(CHECK)
            && !self.is_available(&things.id).await?
            && started.elapsed() < DROP_BOUND
        {
            sleep(PAUSE).await;
        }
        self.stack.s3().delete_object().bucket(bucket).key(key).send().await?;
        Ok(())
    }

    async fn is_available(&self, id: &str) -> Result<bool> {
        let clusters = user::clusters(&self.stack).await?;
        let found = clusters.iter().find(|group| group.replication_group_id() == Some(id));
        Ok(found.is_some_and(|group| group.status() == Some("available")))
    }

    async fn put(&self, scenario: &Scenario, key: &str) -> Result<()> {
        let mut put = self.stack.s3().put_object().bucket(scenario.bucket).key(key);
        if scenario.encrypted {
            put = put.server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id(&self.things.key);
        }
        if scenario.bucket == OPEN {
            let elasticache = format!("id={ELASTICACHE}");
            put = put.grant_read(&elasticache).grant_read_acp(&elasticache);
        }
        put.body(ByteStream::from(self.backups.file(scenario.content))).send().await?;
        Ok(())
    }

    /// The execution with this text in its input. The newest executions come first.
    async fn started_by(&self, text: &str) -> Result<Option<String>> {
        let started = Instant::now();
        while started.elapsed() < DROP_BOUND {
            let list = self.stack.sfn().list_executions().state_machine_arn(self.stack.state_machine_arn());
            for execution in list.send().await?.executions().iter().take(4) {
                let described =
                    self.stack.sfn().describe_execution().execution_arn(execution.execution_arn());
                if described.send().await?.input().unwrap_or_default().contains(text) {
                    return Ok(Some(execution.execution_arn().to_owned()));
                }
            }
            sleep(PAUSE * 2).await;
        }
        Ok(None)
    }

    async fn ended(&self, execution: &str) -> Result<Outcome> {
        if let Ok(outcome) = timeout(BOUND, user::outcome(&self.stack, execution)).await {
            return outcome;
        }
        bail!("{execution} still ran after {BOUND:?}")
    }

    /// Removes every cluster and policy.
    async fn tidy(&self, scenario: &Scenario) -> Result<()> {
        loop {
            let clusters = user::statuses(&self.stack).await?;
            if clusters.is_empty() {
                break;
            }
            for (id, _) in clusters {
                user::delete(&self.stack, &id).await;
            }
            sleep(PAUSE).await;
        }
        if scenario.bucket != DROPS {
            self.stack.s3().delete_bucket_policy().bucket(scenario.bucket).send().await?;
        }
        Ok(())
    }
}

fn words(outcome: &Outcome) -> String {
    let mut words = vec![outcome.error.as_deref().or(outcome.value["outcome"].as_str()).unwrap_or("ended")];
    words.extend(outcome.codes());
    words.join(" ")
}
