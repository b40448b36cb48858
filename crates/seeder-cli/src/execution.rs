//! Executions of the stack's state machine, as `executions`, `status` and `cancel` show them.

pub(crate) mod find;
pub(crate) mod history;
pub(crate) mod stack;

use aws_sdk_sfn::{
    operation::describe_execution::DescribeExecutionOutput, primitives::DateTime, types::ExecutionStatus,
};
use jiff::Timestamp;
use seeding::{BackupLocation, ClusterRequest, DroppedBackup, Identity, Partition};
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

/// The state in which an execution waits for a person.
pub(crate) const AWAITS_APPROVAL: &str = "AwaitApproval";

/// How an execution has ended, or that it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// The cluster is available.
    Seeded,
    /// The dry run is complete.
    DryRun,
    /// The clean-up of another execution has ended.
    CleanedUp,
    /// A finding forbids the seeding.
    Rejected,
    /// A step failed, or the execution timed out.
    Failed,
    /// It runs.
    Running,
    /// A person or a program stopped it.
    Stopped,
}

impl Outcome {
    /// The name, as in an execution's output.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Seeded => "seeded",
            Self::DryRun => "dry-run",
            Self::CleanedUp => "cleaned-up",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Running => "running",
            Self::Stopped => "stopped",
        }
    }
}

/// An execution as Step Functions describes it.
#[derive(Debug, Clone)]
pub(crate) struct Execution {
    /// The name, which is unique in the stack.
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) outcome: Outcome,
    /// The ARN of the execution that this one cleans up for.
    pub(crate) clean_up_of: Option<String>,
    pub(crate) started_ms: i64,
    pub(crate) ended_ms: Option<i64>,
    /// The state that it is in, if it runs and that was asked for.
    pub(crate) state: Option<String>,
    /// The ID of the cluster, as far as input and output show it.
    pub(crate) cluster: Option<String>,
    /// The name of the error.
    pub(crate) error: Option<String>,
    /// The output, or the Cause of a failure; null for an execution that runs or was stopped.
    pub(crate) result: Value,
}

impl Execution {
    pub(crate) fn of(described: &DescribeExecutionOutput) -> Self {
        let arn = described.execution_arn().to_owned();
        let name = described.name().map(str::to_owned);
        let name = name.unwrap_or_else(|| arn.rsplit(':').next().unwrap_or_default().to_owned());
        let input = parse(described.input());
        let result = match described.status() {
            ExecutionStatus::Succeeded => parse(described.output()),
            ExecutionStatus::Failed => parse(described.cause()),
            _ => Value::Null,
        };
        let clean_up_of = input["cleanUp"].as_str().map(str::to_owned);
        let outcome = match (described.status(), described.error(), result["outcome"].as_str()) {
            (ExecutionStatus::Succeeded, _, Some("dry-run")) => Outcome::DryRun,
            (ExecutionStatus::Succeeded, _, Some("cleaned-up")) => Outcome::CleanedUp,
            (ExecutionStatus::Succeeded, ..) => Outcome::Seeded,
            (ExecutionStatus::Failed, Some("BackupRejected"), _) => Outcome::Rejected,
            (ExecutionStatus::Failed | ExecutionStatus::TimedOut, ..) => Outcome::Failed,
            (ExecutionStatus::Aborted, ..) => Outcome::Stopped,
            // Also a status that is not known yet.
            _ => Outcome::Running,
        };
        let timed_out = *described.status() == ExecutionStatus::TimedOut;
        let error = described.error().map(str::to_owned).or_else(|| timed_out.then(|| "TimedOut".to_owned()));
        let cluster = result["cluster"]["id"].as_str().map(str::to_owned);
        let cluster = cluster.or_else(|| cluster_of(&input, &Identity::new(&arn, &name)));
        Self {
            cluster,
            outcome,
            clean_up_of,
            error,
            result,
            started_ms: millis(Some(described.start_date())).unwrap_or_default(),
            ended_ms: millis(described.stop_date()),
            state: None,
            arn,
            name,
        }
    }

    /// The code of the first finding, or the name of the error.
    pub(crate) fn first_finding(&self) -> Option<&str> {
        self.result["findings"][0]["code"].as_str().or(self.error.as_deref())
    }

    /// The name of the execution that this one cleans up for.
    pub(crate) fn cleans_up_for(&self) -> Option<&str> {
        let arn = self.clean_up_of.as_deref()?;
        Some(Partition::of_execution(arn).map_or(arn, |(_, name)| name))
    }

    /// The time that it took, or takes until now, in milliseconds.
    pub(crate) fn duration_ms(&self, now: Timestamp) -> u64 {
        let end = self.ended_ms.unwrap_or_else(|| now.as_millisecond());
        u64::try_from(end - self.started_ms).unwrap_or(0)
    }
}

/// The ID in a request, or the one that the first backup gives it. The settings beside a dropped file may have another.
fn cluster_of(input: &Value, identity: &Identity) -> Option<String> {
    let asked = &input["cluster"];
    let cluster = ClusterRequest {
        kind: serde_json::from_value(asked["kind"].clone()).ok(),
        id: asked["id"].as_str().map(str::to_owned),
        exact_id: asked["exactId"].as_bool(),
        ..ClusterRequest::default()
    };
    if cluster.id.is_some() {
        return Some(cluster.id_for("", identity));
    }
    let dropped = DroppedBackup::deserialize(input).ok().map(|drop| drop.dropped);
    let named = || {
        let backups = &input["backups"];
        BackupLocation::parse(backups[0].as_str().or(backups.as_str())?.split(',').next()?).ok()
    };
    dropped.or_else(named).map(|backup| cluster.id_for(backup.stem(), identity))
}

/// Reads JSON; any other text is a string.
pub(crate) fn parse(text: Option<&str>) -> Value {
    let text = text.unwrap_or_default();
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// Milliseconds since 1970.
pub(crate) fn millis(time: Option<&DateTime>) -> Option<i64> {
    time?.to_millis().ok()
}

/// A time as `2026-11-28T03:27:57Z`.
pub(crate) fn clock(ms: i64) -> String {
    let second = Timestamp::from_second(ms.div_euclid(1000));
    second.map_or_else(|_| String::new(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:states:us-east-1:123456789012:execution:seed-cluster:orders-1";

    fn described(status: &ExecutionStatus, input: &Value, end: (Option<&str>, &Value)) -> Execution {
        let text = end.1.to_string();
        let execution = DescribeExecutionOutput::builder()
            .execution_arn(ARN)
            .state_machine_arn("arn:aws:states:us-east-1:123456789012:stateMachine:seed-cluster")
            .name("orders-1")
            .start_date(DateTime::from_millis(1_000))
            .status(status.clone())
            .input(input.to_string())
            .set_error(end.0.map(str::to_owned));
        let execution = match status {
            ExecutionStatus::Failed => execution.cause(text),
            _ => execution.output(text),
        };
        Execution::of(&execution.build().unwrap())
    }

    #[test]
    fn every_way_to_end_has_a_name() {
        let request = json!({"backups": ["backups/orders.rdb"], "cluster": {"id": "orders"}});
        let rejected = json!({"findings": [{"code": "does-not-fit"}, {"code": "big-key"}]});
        for (status, error, result, outcome, first) in [
            (ExecutionStatus::Succeeded, None, json!({"outcome": "seeded"}), Outcome::Seeded, None),
            (ExecutionStatus::Succeeded, None, json!({"outcome": "dry-run"}), Outcome::DryRun, None),
            (ExecutionStatus::Succeeded, None, json!({"outcome": "cleaned-up"}), Outcome::CleanedUp, None),
            (
                ExecutionStatus::Failed,
                Some("BackupRejected"),
                rejected,
                Outcome::Rejected,
                Some("does-not-fit"),
            ),
            (
                ExecutionStatus::Failed,
                Some("SeedingFailed"),
                json!("?"),
                Outcome::Failed,
                Some("SeedingFailed"),
            ),
            (ExecutionStatus::TimedOut, None, Value::Null, Outcome::Failed, Some("TimedOut")),
            (ExecutionStatus::Aborted, None, Value::Null, Outcome::Stopped, None),
            (ExecutionStatus::Running, None, Value::Null, Outcome::Running, None),
        ] {
            let execution = described(&status, &request, (error, &result));
            assert_eq!((execution.outcome, execution.first_finding()), (outcome, first));
            assert_eq!(execution.cluster.as_deref(), Some("orders"));
        }
    }

    #[test]
    fn the_cluster_of_a_drop_is_named_after_it_and_a_clean_up_has_none() {
        let drop = json!({"dropped": {"bucket": "drops", "key": "in/orders.rdb"}});
        let of = |input: &Value| described(&ExecutionStatus::Running, input, (None, &Value::Null));
        let identity = Identity::new(ARN, "orders-1");
        let expected = ClusterRequest::default().id_for("orders", &identity);
        for input in [drop, json!({"backups": "drops/orders.rdb,drops/b.rdb"})] {
            assert_eq!(of(&input).cluster.as_deref(), Some(expected.as_str()));
        }
        let cache = |more: Value| {
            let mut cluster = json!({"kind": "cacheCluster", "id": "orders"});
            cluster["exactId"] = more;
            of(&json!({"backups": "drops/orders.rdb", "cluster": cluster})).cluster
        };
        assert_eq!(cache(Value::Null), Some(format!("orders-{}", identity.hash())));
        assert_eq!(cache(json!(true)).as_deref(), Some("orders"));
        let clean_up = of(&json!({"cleanUp": ARN}));
        assert_eq!((clean_up.cluster.as_deref(), clean_up.cleans_up_for()), (None, Some("orders-1")));
    }

    #[test]
    fn times_are_to_the_second() {
        assert_eq!(clock(1_795_836_477_999), "2026-11-28T03:27:57Z");
    }
}
