//! How a run has ended, and what it has left.

use anyhow::{Context, Result};
use aws_sdk_elasticache::types::SourceType;
use aws_sdk_sfn::types::ExecutionStatus;
use local_stack::{Call, Stack};
use serde_json::Value;

use crate::user::{self, Outcome};

/// The key that ElastiCache stores on every primary.
const ELASTICACHE_KEY: &str = "ElastiCacheMasterReplicationTimestamp";

/// A run that has come to its end.
#[derive(Debug)]
pub(crate) struct Ending {
    /// The ID of its cluster.
    pub(crate) id: String,
    pub(crate) main: Outcome,
    /// The clean-up that the rule has started.
    pub(crate) clean_up: Option<Outcome>,
    pub(crate) cluster: Option<Cluster>,
    /// Whether its cluster was deleted after it had become available.
    pub(crate) good_deleted: bool,
    /// The policy of the backup's bucket, if it is another one than before.
    pub(crate) changed_policy: Option<String>,
    /// What is left in the conversion bucket.
    pub(crate) converted: Vec<String>,
    /// The types of the events about its end, and the last one's detail.
    pub(crate) announced: (Vec<String>, Value),
    /// Its `outcome.json`.
    pub(crate) stored: Option<Value>,
    /// What is wrong with things of others.
    pub(crate) touched: Vec<String>,
    /// All calls, in order.
    pub(crate) calls: Vec<Call>,
    /// How many calls have met the fault.
    pub(crate) met: usize,
}

/// The cluster of a run, while it exists.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) status: String,
    /// The number of keys, of a cluster that is available.
    pub(crate) keys: Option<usize>,
}

impl Ending {
    /// The ends of the executions, in a few words: `FAILED SeedingFailed restore-failed, then SUCCEEDED cleaned-up`.
    pub(crate) fn summary(&self) -> String {
        let mut text = summary(&self.main);
        if let Some(clean_up) = &self.clean_up {
            text.push_str(", then ");
            text.push_str(&summary(clean_up));
        }
        text
    }

    /// The execution that had the last word.
    pub(crate) fn last(&self) -> &Outcome {
        self.clean_up.as_ref().unwrap_or(&self.main)
    }
}

fn summary(outcome: &Outcome) -> String {
    let mut words = vec![outcome.status.as_str()];
    words.extend(outcome.error.as_deref());
    if outcome.status == ExecutionStatus::Succeeded {
        words.extend(outcome.value["outcome"].as_str());
    } else {
        words.extend(outcome.codes().first().copied());
    }
    words.join(" ")
}

/// What an execution says that it has left.
pub(crate) fn left_behind(outcome: &Outcome) -> Vec<&str> {
    outcome.value["leftBehind"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The cluster, if it exists.
pub(crate) async fn cluster(stack: &Stack, id: &str) -> Result<Option<Cluster>> {
    let found = user::statuses(stack).await?.into_iter().find(|(name, _)| name == id);
    let Some((_, status)) = found else { return Ok(None) };
    let keys = if status == "available" { Some(keys(stack, id).await?) } else { None };
    Ok(Some(Cluster { status, keys }))
}

async fn keys(stack: &Stack, id: &str) -> Result<usize> {
    let mut sum = 0;
    for address in user::primaries(stack, id).await? {
        let client = redis::Client::open(format!("redis://{address}"))?;
        let mut node = client.get_multiplexed_async_connection().await.context("the node does not answer")?;
        let keys: usize = redis::cmd("DBSIZE").query_async(&mut node).await?;
        // Of the primaries of a cluster, those that do not own its slot refuse the question.
        let own: usize = redis::cmd("EXISTS").arg(ELASTICACHE_KEY).query_async(&mut node).await.unwrap_or(0);
        sum += keys - own;
    }
    Ok(sum)
}

/// Whether the events of a cluster say that it was deleted after it had become available.
pub(crate) async fn good_deleted(stack: &Stack, id: &str) -> Result<bool> {
    let mut events = Vec::new();
    for kind in [SourceType::ReplicationGroup, SourceType::CacheCluster, SourceType::ServerlessCache] {
        let asked = stack.elasticache().describe_events().source_type(kind).source_identifier(id);
        let described = asked.send().await?;
        let told = described.events().iter();
        events.extend(
            told.map(|event| (event.date().copied(), event.message().unwrap_or_default().to_owned())),
        );
    }
    events.sort();
    let mut up = false;
    for (_, message) in events {
        up = match message.as_str() {
            "Replication group created" | "Cache cluster created" | "Serverless cache created" => true,
            "Replication group is being deleted"
            | "Cache cluster is being deleted"
            | "Serverless cache is being deleted"
                if up =>
            {
                return Ok(true);
            }
            _ => up,
        };
    }
    Ok(false)
}
