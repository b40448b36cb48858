//! The dead letter queues.

use futures::future::try_join_all;
use serde_json::json;

use super::{
    Checked,
    line::{Line, Unchecked},
    subject::Subject,
};
use crate::signed::Service;

/// The outputs with the queues' URLs, and what a message in each one means.
const QUEUES: [(&str, &str); 3] = [
    ("UndeliveredDropsQueueUrl", "uploads that started nothing"),
    ("FailedStartsQueueUrl", "uploads for which start-seeding failed"),
    ("UndeliveredCleanUpsQueueUrl", "executions without their clean-up, and sweeps that failed"),
];

/// Checks that no message waits for a person.
pub(super) async fn check(subject: &Subject) -> Checked {
    let queues = QUEUES.iter().filter_map(|(output, what)| Some((subject.output(output)?, *what)));
    let counted = try_join_all(queues.map(async |(url, what)| {
        let body = json!({"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages"]});
        let answer = subject.signed.json(Service::Sqs, "AmazonSQS.GetQueueAttributes", &body).await;
        let answer = answer.map_err(|error| Unchecked::of_call("sqs:GetQueueAttributes", &error))?;
        let number = answer["Attributes"]["ApproximateNumberOfMessages"].as_str();
        let number: u64 = number.and_then(|text| text.parse().ok()).unwrap_or(0);
        Ok((url, what, number))
    }));
    let counted = counted.await?;
    let lines: Vec<_> = counted
        .iter()
        .filter(|(.., number)| *number > 0)
        .map(|(url, what, number)| {
            let name = url.rsplit('/').next().unwrap_or(url);
            let remedy =
                "handle each message and delete it (docs/OPERATING.md, \"Messages in a dead letter queue\")";
            Line::warning(format!("{number} messages in {name}: {what}"), remedy)
        })
        .collect();
    if lines.is_empty() {
        return Ok(vec![Line::ok(format!("{} dead letter queues without messages", counted.len()))]);
    }
    Ok(lines)
}
