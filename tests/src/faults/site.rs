//! A stack with things of others in it, on which one run follows another.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus;
use local_stack::{FUNCTIONS, Stack, StackOptions};
use serde_json::{Value, json};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, timeout},
};

use super::{
    announced,
    backups::Backups,
    case::Case,
    ending::{self, Ending},
    injection::Injection,
    lease,
    scenario::{BARE_BUCKET, BUCKET, Disturbance, Scenario},
};
use crate::{
    listener::Listener,
    user::{self, Outcome},
};

/// Limit for one run. Who may not check a cluster waits until the deadline, which is a minute at least, and a create
/// whose answer is not in the journal is waited for as long; all others take a fraction of that.
const BOUND: Duration = Duration::from_mins(4);
/// Limit for the removal of what a run has left.
const TIDY: Duration = Duration::from_secs(20);
/// How long functions may take: on a busy machine, a step takes a third of it.
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(6);
/// The state machine's second.
const PAUSE_DIVISOR: u32 = 30;
const PAUSE: Duration = Duration::from_millis(50);
/// Somebody else's cluster, and what identifies it.
const FOREIGN: (&str, &str) = ("foreign", "somebody's own");
/// Somebody else's policy, with spaces as no program writes them.
const POLICY: &str = "{ \"Version\":\"2012-10-17\",\n  \"Statement\": {\"Sid\":\"Own\", \"Effect\":\"Deny\", \"Principal\":\"*\", \
                      \"Action\":\"s3:DeleteBucket\", \"Resource\":\"arn:aws:s3:::backups\"} }";

/// Numbers the runs of a process: no two share a cluster ID or an object.
static RUN: AtomicU32 = AtomicU32::new(1);

/// Something that does not end.
#[derive(Debug, thiserror::Error)]
#[error("stuck: {0}")]
pub(crate) struct Stuck(String);

/// A running stack for runs.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) stack: Stack,
    listener: Listener,
    pub(crate) backups: Arc<Backups>,
    /// The clean-ups of earlier runs.
    clean_ups: Mutex<HashSet<String>>,
}

impl Site {
    /// Starts a stack and puts things of others into it.
    pub(crate) async fn start(backups: Arc<Backups>) -> Result<Self> {
        let mut options = StackOptions {
            backup_buckets: vec![BUCKET.to_owned(), BARE_BUCKET.to_owned()],
            create_delay_ms: 600,
            delete_delay_ms: 100,
            pause_divisor: PAUSE_DIVISOR,
            function_timeouts: FUNCTIONS.map(|name| (name.to_owned(), FUNCTION_TIMEOUT)).into(),
            ..StackOptions::default()
        };
        options.seeding_defaults["cluster"]["nodeType"] = json!("cache.local.64mb");
        let stack = Stack::start(options).await?;
        let listener = Listener::start(&stack).await?;
        let site = Self { stack, listener, backups, clean_ups: Mutex::default() };
        site.put_policy(BUCKET).await?;
        let create = site.stack.elasticache().create_replication_group();
        let create = create.replication_group_id(FOREIGN.0).replication_group_description(FOREIGN.1);
        let create = create.engine("redis").engine_version("7.1").cache_node_type("cache.local.16mb");
        create.num_cache_clusters(1).send().await.context("failed to create somebody else's cluster")?;
        let started = Instant::now();
        while ending::cluster(&site.stack, FOREIGN.0).await?.is_none_or(|found| found.status != "available") {
            if started.elapsed() > TIDY {
                bail!("somebody else's cluster did not become available");
            }
            sleep(PAUSE).await;
        }
        Ok(site)
    }

    /// Runs a scenario, with the fault of a case if there is one, to the end of everything that it started. `Err` with
    /// what does not end, or could not be done.
    pub(crate) async fn run(&self, scenario: &Scenario, case: Option<&Case>) -> Result<Ending> {
        let id = format!("run-{}", RUN.fetch_add(1, Ordering::Relaxed));
        let key = format!("{id}/redis.rdb");
        let body = ByteStream::from(self.backups.file(scenario.content));
        self.stack.s3().put_object().bucket(scenario.bucket).key(&key).body(body).send().await?;
        self.stack.gateway().take_calls();
        self.stack.gateway().take_decisions();
        if let Some(case) = case {
            let (faults, plan) = (self.stack.gateway().faults(), case.plan());
            match &case.function {
                Some(function) => faults.plan_for(plan, &format!(":{function}")),
                None => faults.plan(plan),
            }
        }
        let (s3, reports) = (self.stack.s3().clone(), self.stack.reports_bucket());
        let hastening = tokio::spawn(lease::hasten(s3, reports));
        let ended = self.to_the_end(scenario, case, &id, &key).await;
        hastening.abort();
        let met = self.stack.gateway().faults().clear();
        let (main, clean_up) = ended?;
        let id = scenario.cluster_id(&id, &main.execution);
        Ok(Ending {
            announced: announced::endings(&self.listener, &main.execution).await?,
            stored: user::own_file(&self.stack, &main.execution, "outcome.json").await.ok(),
            main,
            clean_up,
            cluster: ending::cluster(&self.stack, &id).await?,
            good_deleted: ending::good_deleted(&self.stack, &id).await?,
            changed_policy: self.changed_policy(scenario.bucket).await,
            converted: user::left_converted(&self.stack).await?,
            touched: self.touched().await?,
            calls: self.stack.gateway().take_calls(),
            met,
            id,
        })
    }

    async fn to_the_end(
        &self,
        scenario: &Scenario,
        case: Option<&Case>,
        id: &str,
        key: &str,
    ) -> Result<(Outcome, Option<Outcome>)> {
        let main = user::start(&self.stack, &scenario.request(id, key)).await?;
        match scenario.disturbance {
            Disturbance::Stopped => {
                self.until_waiting(&main).await?;
                self.stack.sfn().stop_execution().execution_arn(&main).send().await?;
            }
            Disturbance::Late => self.let_deadline_pass(&main).await?,
            Disturbance::Approved => self.approve(&main).await?,
            Disturbance::None => {}
        }
        let main = self.ended(&main).await?;
        let never =
            case.is_some_and(|case| case.caller == "clean-up" && case.injection == Injection::DeniedForGood);
        if main.status == ExecutionStatus::Succeeded || never {
            return Ok((main, None));
        }
        let clean_up = self.clean_up_of(&main.execution).await?;
        Ok((main, Some(self.ended(&clean_up).await?)))
    }

    /// Waits until an execution waits for its cluster, or has ended.
    async fn until_waiting(&self, execution: &str) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < BOUND {
            // The interpreter cannot always answer while it writes the history.
            let states = user::states(&self.stack, execution).await.unwrap_or_default();
            if states.iter().any(|state| state == "WaitForCluster") {
                return Ok(());
            }
            let described = self.stack.sfn().describe_execution().execution_arn(execution).send().await?;
            if *described.status() != ExecutionStatus::Running {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
        Err(Stuck(format!("it does not wait for its cluster after {BOUND:?}")).into())
    }

    /// Approves an execution once it asks, with the token of the last attempt to ask. Returns when it continues, or has
    /// ended.
    async fn approve(&self, execution: &str) -> Result<()> {
        let (started, mut sent) = (Instant::now(), None);
        while started.elapsed() < BOUND {
            let described = self.stack.sfn().describe_execution().execution_arn(execution).send().await?;
            let states = user::states(&self.stack, execution).await.unwrap_or_default();
            let continues = states.iter().any(|state| state == "Approved");
            if continues || *described.status() != ExecutionStatus::Running {
                return Ok(());
            }
            let asked = user::own_file(&self.stack, execution, "approval.json").await.unwrap_or_default();
            let token = asked["token"].as_str().map(str::to_owned);
            if token.is_some() && token != sent {
                let answer = self.stack.sfn().send_task_success().set_task_token(token.clone()).output("{}");
                // An attempt that is over has no use for an answer.
                let _ = answer.send().await;
                sent = token;
            }
            sleep(PAUSE).await;
        }
        Err(Stuck(format!("it does not ask for approval after {BOUND:?}")).into())
    }

    async fn ended(&self, execution: &str) -> Result<Outcome> {
        let patient = async {
            loop {
                // The interpreter cannot always answer while it writes the history.
                if let Ok(outcome) = user::outcome(&self.stack, execution).await {
                    return outcome;
                }
                sleep(PAUSE).await;
            }
        };
        if let Ok(outcome) = timeout(BOUND, patient).await {
            return Ok(outcome);
        }
        let states = user::states(&self.stack, execution).await?;
        let last = states.iter().rev().take(4).rev().cloned().collect::<Vec<_>>();
        self.stack.sfn().stop_execution().execution_arn(execution).send().await?;
        Err(Stuck(format!("it still ran after {BOUND:?}; its last states: {last:?}")).into())
    }

    /// The execution that the rule starts once another one has failed.
    async fn clean_up_of(&self, main: &str) -> Result<String> {
        let started = Instant::now();
        let mut known = self.clean_ups.lock().await;
        while started.elapsed() < BOUND {
            let list = self.stack.sfn().list_executions().state_machine_arn(self.stack.state_machine_arn());
            for execution in list.send().await?.executions() {
                let arn = execution.execution_arn();
                if !execution.name().starts_with("clean-up-") || known.contains(arn) {
                    continue;
                }
                known.insert(arn.to_owned());
                let described = self.stack.sfn().describe_execution().execution_arn(arn).send().await?;
                if described.input().unwrap_or_default().contains(main) {
                    return Ok(arn.to_owned());
                }
            }
            sleep(PAUSE * 2).await;
        }
        Err(Stuck(format!("no clean-up was started within {BOUND:?}")).into())
    }

    /// Changes the deadline in the record of an execution, once it has been settled, to one that has passed.
    async fn let_deadline_pass(&self, execution: &str) -> Result<()> {
        let (s3, bucket) = (self.stack.s3(), self.stack.reports_bucket());
        let name = execution.rsplit(':').next().unwrap_or(execution);
        let started = Instant::now();
        loop {
            let listed =
                s3.list_objects_v2().bucket(bucket).prefix(format!("executions/{name}")).send().await?;
            let keys: Vec<_> = listed.contents().iter().filter_map(|object| object.key()).collect();
            let of = |file: &str| keys.iter().find(|key| key.ends_with(file));
            if let (Some(_), Some(record)) = (of("/report.json"), of("/seeding.json")) {
                let object = s3.get_object().bucket(bucket).key(*record).send().await?;
                let mut value: Value = serde_json::from_slice(&object.body.collect().await?.into_bytes())?;
                let deadline = member(&mut value, "deadlineMinutes").context("the record has no deadline")?;
                *deadline = 0.into();
                let body = ByteStream::from(value.to_string().into_bytes());
                s3.put_object().bucket(bucket).key(*record).body(body).send().await?;
                return Ok(());
            }
            if started.elapsed() > BOUND {
                return Err(Stuck(format!("there is no report after {BOUND:?}")).into());
            }
            sleep(PAUSE / 2).await;
        }
    }

    async fn put_policy(&self, bucket: &str) -> Result<()> {
        let s3 = self.stack.s3();
        if bucket == BUCKET {
            s3.put_bucket_policy().bucket(bucket).policy(POLICY).send().await?;
        } else {
            s3.delete_bucket_policy().bucket(bucket).send().await?;
        }
        Ok(())
    }

    async fn changed_policy(&self, bucket: &str) -> Option<String> {
        let found = user::policy(&self.stack, bucket).await;
        let before = (bucket == BUCKET).then_some(POLICY);
        (found.as_deref() != before).then(|| found.unwrap_or_else(|| "no policy".to_owned()))
    }

    /// What is wrong with things of others, and what no execution may leave.
    async fn touched(&self) -> Result<Vec<String>> {
        let mut touched = Vec::new();
        let clusters = user::clusters(&self.stack).await?;
        let foreign = clusters.iter().find(|group| group.replication_group_id() == Some(FOREIGN.0));
        let is_well = foreign.is_some_and(|group| {
            group.status() == Some("available") && group.description() == Some(FOREIGN.1)
        });
        if !is_well {
            touched.push(format!("somebody else's cluster is {foreign:?}"));
        }
        for bucket in [BUCKET, BARE_BUCKET, self.stack.reports_bucket()] {
            let listed = self.stack.s3().list_multipart_uploads().bucket(bucket).send().await?;
            touched.extend(
                listed.uploads().iter().map(|upload| format!("an open upload of {:?}", upload.key())),
            );
        }
        Ok(touched)
    }

    /// Removes what a run has left, whether it should have or not. `Err` if the stack cannot be used any more.
    pub(crate) async fn tidy(&self, ending: &Ending, injection: Option<Injection>) -> Result<()> {
        if ending.cluster.is_some() {
            timeout(TIDY, self.delete(&ending.id)).await.context("a cluster could not be deleted")??;
        }
        if !ending.converted.is_empty() {
            user::empty_conversion_bucket(&self.stack).await?;
        }
        for bucket in [BUCKET, BARE_BUCKET] {
            if self.changed_policy(bucket).await.is_some() {
                self.put_policy(bucket).await?;
            }
        }
        // Processes that live on have spent their budget of retries.
        if injection.is_some_and(Injection::exhausts) {
            self.stack.lambda().end_idle().await;
        }
        Ok(())
    }

    async fn delete(&self, id: &str) -> Result<()> {
        while ending::cluster(&self.stack, id).await?.is_some() {
            // Not while it is being created.
            user::delete(&self.stack, id).await;
            sleep(PAUSE).await;
        }
        Ok(())
    }
}

/// The first member of this name, at any depth.
fn member<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    match value {
        Value::Object(members) => {
            if members.contains_key(name) {
                return members.get_mut(name);
            }
            members.values_mut().find_map(|value| member(value, name))
        }
        Value::Array(items) => items.iter_mut().find_map(|value| member(value, name)),
        _ => None,
    }
}
