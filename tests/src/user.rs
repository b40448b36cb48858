//! What a user of a stack does: drop files, start executions, wait for them, look at clusters.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use aws_sdk_elasticache::types::ReplicationGroup;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::{operation::describe_execution::DescribeExecutionOutput, types::ExecutionStatus};
use local_stack::Stack;
use serde_json::Value;

/// A seeding on a laptop takes seconds; this is when something hangs.
const PATIENCE: Duration = Duration::from_mins(3);
const PAUSE: Duration = Duration::from_millis(200);

/// How an execution has ended.
#[derive(Debug)]
pub struct Outcome {
    /// Its ARN.
    pub execution: String,
    /// SUCCEEDED, FAILED and so on.
    pub status: ExecutionStatus,
    /// The error's name, for one that failed.
    pub error: Option<String>,
    /// Its output, or the Cause of its failure.
    pub value: Value,
    /// The states that it went through, in order.
    pub states: Vec<String>,
}

impl Outcome {
    /// The codes of its findings.
    pub fn codes(&self) -> Vec<&str> {
        self.value["findings"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|finding| finding["code"].as_str())
            .collect()
    }

    /// The first finding with this code, or an error that shows what there is.
    pub fn finding(&self, code: &str) -> Result<&Value> {
        let findings = self.value["findings"].as_array();
        findings
            .and_then(|findings| findings.iter().find(|finding| finding["code"] == code))
            .with_context(|| format!("no finding {code} in {:?} {:#}", self.error, self.value))
    }

    /// An error that shows everything, unless the cluster was seeded.
    pub fn expect_seeded(&self) -> Result<()> {
        self.expect(None)
    }

    /// An error that shows everything, unless it ended with this error, or well for `None`.
    pub fn expect(&self, error: Option<&str>) -> Result<()> {
        if self.error.as_deref() == error && (error.is_some() || self.status == ExecutionStatus::Succeeded) {
            return Ok(());
        }
        bail!(
            "expected {error:?}, found {} {:?} after {:?}\n{:#}",
            self.status,
            self.error,
            self.states,
            self.value
        )
    }
}

/// Puts a file into a bucket, as any tool does.
pub async fn drop_file(stack: &Stack, bucket: &str, key: &str, file: &Path) -> Result<()> {
    let body = ByteStream::from_path(file).await?;
    stack
        .s3()
        .put_object()
        .bucket(bucket)
        .key(key)
        .body(body)
        .send()
        .await
        .context("failed to put the object")?;
    Ok(())
}

/// Puts text into a bucket.
pub async fn drop_text(stack: &Stack, bucket: &str, key: &str, text: &str) -> Result<()> {
    let body = ByteStream::from(text.as_bytes().to_vec());
    stack
        .s3()
        .put_object()
        .bucket(bucket)
        .key(key)
        .body(body)
        .send()
        .await
        .context("failed to put the object")?;
    Ok(())
}

/// Starts an execution with this input, as from the console, and returns its ARN.
pub async fn start(stack: &Stack, input: &Value) -> Result<String> {
    let start =
        stack.sfn().start_execution().state_machine_arn(stack.state_machine_arn()).input(input.to_string());
    Ok(start.send().await.context("failed to start an execution")?.execution_arn().to_owned())
}

/// Starts an execution and waits for its end.
pub async fn seed(stack: &Stack, input: &Value) -> Result<Outcome> {
    outcome(stack, &start(stack, input).await?).await
}

/// All executions whose input contains this text.
pub async fn executions_about(stack: &Stack, text: &str) -> Result<Vec<String>> {
    let listed = stack.sfn().list_executions().state_machine_arn(stack.state_machine_arn()).send().await?;
    let mut found = Vec::new();
    for execution in listed.executions() {
        let described =
            stack.sfn().describe_execution().execution_arn(execution.execution_arn()).send().await?;
        if described.input().unwrap_or_default().contains(text) {
            found.push(execution.execution_arn().to_owned());
        }
    }
    Ok(found)
}

/// Waits until something has started exactly one execution about this text.
pub async fn started_by(stack: &Stack, text: &str) -> Result<String> {
    let mut waited = Duration::ZERO;
    loop {
        let found = executions_about(stack, text).await?;
        match found.as_slice() {
            [] if waited > Duration::from_secs(20) => {
                bail!("no execution about {text} was started within 20 s")
            }
            [] => {}
            [one] => return Ok(one.clone()),
            several => bail!("{} executions about {text} were started: {several:?}", several.len()),
        }
        tokio::time::sleep(PAUSE).await;
        waited += PAUSE;
    }
}

/// Waits for the end of an execution.
pub async fn outcome(stack: &Stack, execution: &str) -> Result<Outcome> {
    let mut waited = Duration::ZERO;
    loop {
        let described = stack.sfn().describe_execution().execution_arn(execution).send().await?;
        if *described.status() != ExecutionStatus::Running {
            return ended(stack, described).await;
        }
        if waited > PATIENCE {
            bail!("{execution} still runs after {PATIENCE:?}: {:?}", states(stack, execution).await?);
        }
        tokio::time::sleep(PAUSE).await;
        waited += PAUSE;
    }
}

async fn ended(stack: &Stack, described: DescribeExecutionOutput) -> Result<Outcome> {
    let text = described.output().or(described.cause()).unwrap_or("null");
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    let execution = described.execution_arn().to_owned();
    let states = states(stack, &execution).await?;
    let error = described.error().map(str::to_owned);
    Ok(Outcome { execution, status: described.status().clone(), error, value, states })
}

/// The states that an execution has entered so far.
pub async fn states(stack: &Stack, execution: &str) -> Result<Vec<String>> {
    let history = stack.sfn().get_execution_history().execution_arn(execution).send().await?;
    let entered = history.events().iter().filter_map(|event| event.state_entered_event_details());
    Ok(entered.map(|details| details.name().to_owned()).collect())
}

/// Waits until an execution has entered a state.
pub async fn until_state(stack: &Stack, execution: &str, state: &str) -> Result<()> {
    let mut waited = Duration::ZERO;
    while !states(stack, execution).await?.iter().any(|entered| entered == state) {
        if waited > Duration::from_mins(1) {
            bail!("{execution} has not come to {state} within 60 s");
        }
        tokio::time::sleep(PAUSE).await;
        waited += PAUSE;
    }
    Ok(())
}

/// All clusters.
pub async fn clusters(stack: &Stack) -> Result<Vec<ReplicationGroup>> {
    let described = stack.elasticache().describe_replication_groups().send().await?;
    Ok(described.replication_groups.unwrap_or_default())
}

/// The addresses of the primaries of a cluster.
pub async fn primaries(stack: &Stack, id: &str) -> Result<Vec<String>> {
    let described = stack.elasticache().describe_replication_groups().replication_group_id(id).send().await?;
    let group = described.replication_groups().first().context("the cluster is not there")?;
    let address = |endpoint: &aws_sdk_elasticache::types::Endpoint| {
        Some(format!("{}:{}", endpoint.address()?, endpoint.port()?))
    };
    if let Some(endpoint) = group.configuration_endpoint().and_then(address) {
        return cluster_primaries(&endpoint).await;
    }
    let shards = group.node_groups().iter();
    shards
        .map(|shard| shard.primary_endpoint().and_then(address).context("a shard has no primary endpoint"))
        .collect()
}

async fn cluster_primaries(endpoint: &str) -> Result<Vec<String>> {
    let client = redis::Client::open(format!("redis://{endpoint}"))?;
    let mut node = client.get_multiplexed_async_connection().await?;
    let text: String = redis::cmd("CLUSTER").arg("NODES").query_async(&mut node).await?;
    let primaries = text.lines().filter(|line| line.contains("master") && !line.contains("fail"));
    // id host:port@busport[,hostname] flags …
    Ok(primaries.filter_map(|line| Some(line.split(' ').nth(1)?.split('@').next()?.to_owned())).collect())
}

/// What a server says that it is: `valkey-server 8.1.1`.
pub async fn server_of(address: &str) -> Result<String> {
    let client = redis::Client::open(format!("redis://{address}"))?;
    let mut node = client.get_multiplexed_async_connection().await?;
    let text: String = redis::cmd("INFO").arg("server").query_async(&mut node).await?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let version = field("valkey_version").map(|version| format!("valkey-server {}", version.trim()));
    let version = version.or_else(|| Some(format!("redis-server {}", field("redis_version")?.trim())));
    version.context("the server does not tell its version")
}

/// The bucket's policy, or nothing.
pub async fn policy(stack: &Stack, bucket: &str) -> Option<String> {
    stack.s3().get_bucket_policy().bucket(bucket).send().await.ok().and_then(|answer| answer.policy)
}

/// Whatever a seeding should not have left: clusters, policy statements, server processes. Empty when all is clean.
pub async fn left_behind(stack: &Stack, buckets: &[&str]) -> Result<Vec<String>> {
    let mut left: Vec<_> = clusters(stack)
        .await?
        .iter()
        .map(|group| {
            format!(
                "cluster {} ({})",
                group.replication_group_id().unwrap_or("?"),
                group.status().unwrap_or("?")
            )
        })
        .collect();
    for bucket in buckets {
        if let Some(policy) =
            policy(stack, bucket).await.filter(|policy| policy.contains("ElasticacheSeeder"))
        {
            left.push(format!("grant in {bucket}: {policy}"));
        }
    }
    left.extend(stack.running_servers().into_iter().map(|pid| format!("server process {pid}")));
    Ok(left)
}
