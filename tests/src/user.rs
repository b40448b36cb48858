//! Actions of a user of the stack: drop files, start executions, wait for them, describe clusters.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use aws_sdk_elasticache::types::{CacheCluster, Endpoint, ReplicationGroup, ServerlessCache};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::{operation::describe_execution::DescribeExecutionOutput, types::ExecutionStatus};
use local_stack::Stack;
use serde_json::Value;

/// Limit for a seeding, which takes seconds on a laptop: beyond it, something hangs.
const PATIENCE: Duration = Duration::from_mins(3);
const PAUSE: Duration = Duration::from_millis(200);

/// The outcome of an execution.
#[derive(Debug)]
pub struct Outcome {
    /// Its ARN.
    pub execution: String,
    /// SUCCEEDED, FAILED and so on.
    pub status: ExecutionStatus,
    /// The name of the error, if the execution failed.
    pub error: Option<String>,
    /// The output, or the cause of the failure.
    pub value: Value,
    /// The entered states, in order.
    pub states: Vec<String>,
}

impl Outcome {
    /// The codes of the findings.
    pub fn codes(&self) -> Vec<&str> {
        self.value["findings"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|finding| finding["code"].as_str())
            .collect()
    }

    /// The first finding with this code, or an error that shows all findings.
    pub fn finding(&self, code: &str) -> Result<&Value> {
        let findings = self.value["findings"].as_array();
        findings
            .and_then(|findings| findings.iter().find(|finding| finding["code"] == code))
            .with_context(|| format!("no finding {code} in {:?} {:#}", self.error, self.value))
    }

    /// Fails, showing everything, unless the cluster was seeded.
    pub fn expect_seeded(&self) -> Result<()> {
        self.expect(None)
    }

    /// Fails, showing everything, unless the execution ended with this error, or succeeded for `None`.
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

/// Uploads a file to a bucket, as any tool does.
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

/// Uploads text to a bucket.
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

/// Starts an execution with this input, as from the console. Returns its ARN.
pub async fn start(stack: &Stack, input: &Value) -> Result<String> {
    let start =
        stack.sfn().start_execution().state_machine_arn(stack.state_machine_arn()).input(input.to_string());
    Ok(start.send().await.context("failed to start an execution")?.execution_arn().to_owned())
}

/// Starts an execution and waits until it has ended.
pub async fn seed(stack: &Stack, input: &Value) -> Result<Outcome> {
    outcome(stack, &start(stack, input).await?).await
}

/// The ARNs of all executions with this text in their input.
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

/// Waits until exactly one execution with this text in its input has started. Returns its ARN.
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

/// Waits until an execution has ended.
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

/// The states that an execution has entered so far, in order.
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

/// Describes all replication groups.
pub async fn clusters(stack: &Stack) -> Result<Vec<ReplicationGroup>> {
    let described = stack.elasticache().describe_replication_groups().send().await?;
    Ok(described.replication_groups.unwrap_or_default())
}

/// Describes all serverless caches.
pub async fn serverless_caches(stack: &Stack) -> Result<Vec<ServerlessCache>> {
    let described = stack.elasticache().describe_serverless_caches().send().await?;
    Ok(described.serverless_caches.unwrap_or_default())
}

/// Describes all cache clusters that are no members of replication groups.
pub async fn cache_clusters(stack: &Stack) -> Result<Vec<CacheCluster>> {
    let asked = stack.elasticache().describe_cache_clusters().show_cache_node_info(true);
    let described = asked.show_cache_clusters_not_in_replication_groups(true).send().await?;
    Ok(described.cache_clusters.unwrap_or_default())
}

/// The names and statuses of all clusters, whatever their kind.
pub async fn statuses(stack: &Stack) -> Result<Vec<(String, String)>> {
    let text = |text: Option<&str>| text.unwrap_or("?").to_owned();
    let groups = clusters(stack).await?;
    let groups = groups.iter().map(|group| (text(group.replication_group_id()), text(group.status())));
    let caches = serverless_caches(stack).await?;
    let caches = caches.iter().map(|cache| (text(cache.serverless_cache_name()), text(cache.status())));
    let nodes = cache_clusters(stack).await?;
    let nodes = nodes.iter().map(|node| (text(node.cache_cluster_id()), text(node.cache_cluster_status())));
    Ok(groups.chain(caches).chain(nodes).collect())
}

/// Asks to delete the cluster of this ID, whatever its kind. Not every status allows it.
pub async fn delete(stack: &Stack, id: &str) {
    let _ = stack.elasticache().delete_replication_group().replication_group_id(id).send().await;
    let _ = stack.elasticache().delete_cache_cluster().cache_cluster_id(id).send().await;
    let _ = stack.elasticache().delete_serverless_cache().serverless_cache_name(id).send().await;
}

/// The addresses of the primaries of a cluster.
pub async fn primaries(stack: &Stack, id: &str) -> Result<Vec<String>> {
    let address = |endpoint: &Endpoint| Some(format!("{}:{}", endpoint.address()?, endpoint.port()?));
    let caches = serverless_caches(stack).await?;
    if let Some(cache) = caches.iter().find(|cache| cache.serverless_cache_name() == Some(id)) {
        let address = cache.endpoint().and_then(address).context("the cache has no endpoint")?;
        return Ok(vec![address]);
    }
    let nodes = cache_clusters(stack).await?;
    if let Some(cluster) = nodes.iter().find(|cluster| cluster.cache_cluster_id() == Some(id)) {
        let node = cluster.cache_nodes().first().and_then(|node| node.endpoint());
        return Ok(vec![node.and_then(address).context("the node has no endpoint")?]);
    }
    let described = stack.elasticache().describe_replication_groups().replication_group_id(id).send().await?;
    let group = described.replication_groups().first().context("the cluster is not there")?;
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
    // Format: id host:port@busport[,hostname] flags …
    Ok(primaries.filter_map(|line| Some(line.split(' ').nth(1)?.split('@').next()?.to_owned())).collect())
}

/// Name and version of a server, from INFO: `valkey-server 8.1.1`.
pub async fn server_of(address: &str) -> Result<String> {
    let client = redis::Client::open(format!("redis://{address}"))?;
    let mut node = client.get_multiplexed_async_connection().await?;
    let text: String = redis::cmd("INFO").arg("server").query_async(&mut node).await?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let version = field("valkey_version").map(|version| format!("valkey-server {}", version.trim()));
    let version = version.or_else(|| Some(format!("redis-server {}", field("redis_version")?.trim())));
    version.context("the server does not report its version")
}

/// The policy of a bucket, if it has one.
pub async fn policy(stack: &Stack, bucket: &str) -> Option<String> {
    stack.s3().get_bucket_policy().bucket(bucket).send().await.ok().and_then(|answer| answer.policy)
}

/// One of an execution's own files in the reports bucket.
pub async fn own_file(stack: &Stack, execution: &str, file: &str) -> Result<Value> {
    let name = execution.rsplit(':').next().unwrap_or_default();
    let key = format!("executions/{name}/{file}");
    let object = stack.s3().get_object().bucket(stack.reports_bucket()).key(key).send().await?;
    Ok(serde_json::from_slice(&object.body.collect().await?.into_bytes())?)
}

/// The token with which an execution waits for a person, as soon as it asks.
pub async fn approval_token(stack: &Stack, execution: &str) -> Result<String> {
    for _ in 0..100 {
        if let Ok(file) = own_file(stack, execution, "approval.json").await {
            return Ok(file["token"].as_str().context("no token")?.to_owned());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    anyhow::bail!("no one is asked")
}

/// Waits until nothing of a seeding is left; the backups lie in the bucket `backups`.
pub async fn nothing_is_left(stack: &Stack) -> Result<()> {
    let mut left = Vec::new();
    for _ in 0..150 {
        left = left_behind(stack, &["backups"]).await?;
        if left.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("left behind: {left:#?}")
}

/// Everything that a seeding should not leave behind: clusters, policy statements, converted backups, server processes.
/// Empty if all is clean.
pub async fn left_behind(stack: &Stack, buckets: &[&str]) -> Result<Vec<String>> {
    let mut left: Vec<_> =
        statuses(stack).await?.iter().map(|(id, status)| format!("cluster {id} ({status})")).collect();
    for bucket in buckets {
        if let Some(policy) =
            policy(stack, bucket).await.filter(|policy| policy.contains("ElasticacheSeeder"))
        {
            left.push(format!("grant in {bucket}: {policy}"));
        }
    }
    left.extend(left_converted(stack).await?);
    left.extend(stack.running_servers().into_iter().map(|pid| format!("server process {pid}")));
    Ok(left)
}

/// What a conversion should not leave in its bucket: objects, open uploads, a grant.
pub async fn left_converted(stack: &Stack) -> Result<Vec<String>> {
    let bucket = stack.conversion_bucket();
    let objects = stack.s3().list_objects_v2().bucket(bucket).send().await?;
    let objects =
        objects.contents().iter().filter_map(|object| Some(format!("converted: {}", object.key()?)));
    let uploads = stack.s3().list_multipart_uploads().bucket(bucket).send().await?;
    let uploads =
        uploads.uploads().iter().filter_map(|upload| Some(format!("open upload: {}", upload.key()?)));
    let grant = policy(stack, bucket).await.filter(|policy| policy.contains("ElasticacheSeeder"));
    let grant = grant.map(|policy| format!("grant in {bucket}: {policy}"));
    Ok(objects.chain(uploads).chain(grant).collect())
}

/// Deletes what a conversion has left.
pub async fn empty_conversion_bucket(stack: &Stack) -> Result<()> {
    let (s3, bucket) = (stack.s3(), stack.conversion_bucket());
    for object in s3.list_objects_v2().bucket(bucket).send().await?.contents() {
        s3.delete_object().bucket(bucket).set_key(object.key().map(str::to_owned)).send().await?;
    }
    for upload in s3.list_multipart_uploads().bucket(bucket).send().await?.uploads() {
        let abort = s3.abort_multipart_upload().bucket(bucket).set_key(upload.key().map(str::to_owned));
        abort.set_upload_id(upload.upload_id().map(str::to_owned)).send().await?;
    }
    Ok(())
}
