//! A queue behind a rule and a topic: who listens to outcomes as any subscriber does.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use local_stack::Stack;
use serde_json::{Value, json};

/// The topic that a stack tells in words.
pub const TOPIC_ARN: &str = "arn:aws:sns:us-east-1:123456789012:outcomes";

/// The events that come before an ending.
const BEFORE_THE_END: [&str; 2] = ["Seeding Started", "Seeding Awaiting Approval"];

/// A queue that gets every event of the product and every message of the topic.
#[derive(Debug)]
pub struct Listener {
    client: reqwest::Client,
    endpoint: String,
    queue: String,
}

/// What arrived in the queue.
#[derive(Debug, Clone)]
pub enum Heard {
    /// An event: its type and detail.
    Event(String, Value),
    /// A message of the topic: its subject and text.
    Words(String, String),
}

impl Heard {
    /// The type and detail of an event about the end of an execution, by its name, or about what is left of it.
    pub fn ending_of(&self, execution: &str) -> Option<(&str, &Value)> {
        match self {
            Self::Event(kind, detail) if detail["execution"] == execution => {
                (!BEFORE_THE_END.contains(&kind.as_str())).then_some((kind.as_str(), detail))
            }
            _ => None,
        }
    }
}

impl Listener {
    /// Makes a queue, a rule that leads to it, and a topic that it subscribes to.
    pub async fn start(stack: &Stack) -> Result<Self> {
        let endpoint = stack.telling_endpoint().to_owned();
        let mut listener = Self { client: reqwest::Client::new(), endpoint, queue: String::new() };
        let queue = listener.json("sqs", "AmazonSQS.CreateQueue", &json!({"QueueName": "heard"})).await?;
        listener.queue = queue["QueueUrl"].as_str().context("no queue")?.to_owned();
        let arn = "arn:aws:sqs:us-east-1:123456789012:heard";
        let pattern = json!({"source": ["elasticache-seeder"]}).to_string();
        listener
            .json("events", "AWSEvents.PutRule", &json!({"Name": "heard", "EventPattern": pattern}))
            .await?;
        let targets = json!({"Rule": "heard", "Targets": [{"Id": "queue", "Arn": arn}]});
        listener.json("events", "AWSEvents.PutTargets", &targets).await?;
        listener.query("Action=CreateTopic&Name=outcomes").await?;
        listener.query(&format!("Action=Subscribe&TopicArn={TOPIC_ARN}&Protocol=sqs&Endpoint={arn}")).await?;
        Ok(listener)
    }

    /// Whatever has arrived until nothing more does.
    pub async fn hear(&self) -> Result<Vec<Heard>> {
        let mut heard = Vec::new();
        loop {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let more = self.heard().await?;
            if more.is_empty() {
                return Ok(heard);
            }
            heard.extend(more);
        }
    }

    /// Whatever has arrived. What an execution has sent has arrived when it ends.
    pub async fn heard(&self) -> Result<Vec<Heard>> {
        let mut heard = Vec::new();
        loop {
            let receive = json!({"QueueUrl": self.queue, "MaxNumberOfMessages": 10});
            let received = self.json("sqs", "AmazonSQS.ReceiveMessage", &receive).await?;
            let messages = received["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                return Ok(heard);
            }
            for message in messages {
                let delete = json!({"QueueUrl": self.queue, "ReceiptHandle": message["ReceiptHandle"]});
                self.json("sqs", "AmazonSQS.DeleteMessage", &delete).await?;
                let body: Value = serde_json::from_str(message["Body"].as_str().context("no body")?)?;
                let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
                heard.push(match body["detail-type"].as_str() {
                    Some(kind) => Heard::Event(kind.to_owned(), body["detail"].clone()),
                    None => Heard::Words(text("Subject"), text("Message")),
                });
            }
        }
    }

    async fn json(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let request = self.client.post(&self.endpoint).header("X-Amz-Target", target);
        let request = request.header(
            "Content-Type",
            if service == "sqs" { "application/x-amz-json-1.0" } else { "application/x-amz-json-1.1" },
        );
        let answer =
            request.header("Authorization", authorization(service)).body(body.to_string()).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{target}: {status} {text}");
        Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
    }

    async fn query(&self, body: &str) -> Result<()> {
        let request = self.client.post(&self.endpoint).header("Authorization", authorization("sns"));
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        let answer = request.body(format!("{body}&Version=2010-03-31")).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{body}: {status} {text}");
        Ok(())
    }
}

/// The header by which the endpoint tells services apart. It checks no signature.
fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}
