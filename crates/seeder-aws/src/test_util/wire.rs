//! A script of requests and answers in place of the network.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard},
};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Answer;
use crate::Clients;

/// The headers that change the meaning of a request; its line has all of them that it sends.
const HEADERS: [&str; 4] = ["range", "if-match", "if-none-match", "x-amz-expected-bucket-owner"];

/// A service that follows a script, and the requests that it received.
///
/// The line of a request is
/// - for S3, method, bucket, path, query and the headers that matter:
///   `PUT reports.s3/grants/backups/lease.json if-none-match: *`
/// - for ElastiCache and CloudFormation, the service and the decoded form:
///   `elasticache Action=DescribeReplicationGroups&ReplicationGroupId=orders`
/// - for the JSON services, the operation and the body: `AWSStepFunctions.StartExecution {"input":…}`
///
/// A line of the script that ends in `…` matches every request that begins with it.
#[derive(Debug, Clone, Default)]
pub struct Wire {
    steps: Vec<(String, Answer)>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

#[derive(Debug)]
struct Sent {
    line: String,
    body: Vec<u8>,
}

/// Creates an empty script.
pub fn script() -> Wire {
    super::logs::listen();
    Wire::default()
}

impl Wire {
    /// Adds a request and its answer.
    #[must_use]
    pub fn on(mut self, line: impl Into<String>, answer: Answer) -> Self {
        self.steps.push((line.into(), answer));
        self
    }

    /// Creates clients that send their requests here.
    pub fn clients(&self) -> Clients {
        let credentials = Credentials::new("TEST", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .http_client(self.clone())
            .build();
        Clients::from_config(config)
    }

    /// Fails unless every request of the script was sent, and no other.
    ///
    /// # Panics
    /// If the requests differ from the script.
    #[track_caller]
    pub fn done(&self) {
        let sent: Vec<_> = self.sent().iter().map(|sent| sent.line.clone()).collect();
        let expected: Vec<_> = (0..self.steps.len().max(sent.len()))
            .filter_map(|place| {
                let line = &self.steps.get(place)?.0;
                Some(sent.get(place).filter(|sent| meets(sent, line)).unwrap_or(line).clone())
            })
            .collect();
        assert_eq!(sent, expected, "sent (left) is not what the script says (right)");
    }

    /// The body of the only request whose line begins with this.
    ///
    /// # Panics
    /// If there is none or more than one.
    #[track_caller]
    pub fn text(&self, line: &str) -> String {
        let sent = self.sent();
        let bodies: Vec<_> = sent.iter().filter(|sent| sent.line.starts_with(line)).collect();
        assert_eq!(bodies.len(), 1, "requests like {line}");
        String::from_utf8(bodies[0].body.clone()).expect("a body of text")
    }

    /// The same body, parsed as JSON.
    ///
    /// # Panics
    /// If there is none or more than one, or it is not JSON.
    #[track_caller]
    pub fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.text(line)).expect("a body of JSON")
    }

    /// The bodies of all requests whose lines begin with this, parsed as JSON.
    ///
    /// # Panics
    /// If one is not JSON.
    #[track_caller]
    pub fn jsons(&self, line: &str) -> Vec<Value> {
        let sent = self.sent();
        let bodies = sent.iter().filter(|sent| sent.line.starts_with(line)).map(|sent| &sent.body);
        bodies.map(|body| serde_json::from_slice(body).expect("a body of JSON")).collect()
    }

    /// The same body, as the fields of a form.
    ///
    /// # Panics
    /// If there is none or more than one.
    #[track_caller]
    pub fn form(&self, line: &str) -> Vec<String> {
        decoded_form(&self.text(line))
    }

    fn sent(&self) -> MutexGuard<'_, Vec<Sent>> {
        self.sent.lock().expect("no test panics while it holds this")
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let line = line(&request);
        let mut sent = self.sent();
        let answer = self.steps.get(sent.len()).filter(|(expected, _)| meets(&line, expected));
        let answer = match answer {
            Some((_, answer)) => {
                let before = sent.last().map(|sent| sent.body.as_slice()).unwrap_or_default();
                answer.clone().response(before)
            }
            None => Err(ConnectorError::other(format!("not in the script: {line}").into(), None)),
        };
        sent.push(Sent { line, body: request.body().bytes().unwrap_or_default().to_vec() });
        HttpConnectorFuture::ready(answer)
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn meets(sent: &str, expected: &str) -> bool {
    expected.strip_suffix('…').map_or(sent == expected, |start| sent.starts_with(start))
}

fn line(request: &HttpRequest) -> String {
    let url = request.uri().trim_start_matches("https://");
    let (host, path) = url.split_at(url.find('/').unwrap_or(url.len()));
    let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default());
    match host.strip_suffix(".us-east-1.amazonaws.com").unwrap_or(host) {
        service @ ("elasticache" | "cloudformation") => {
            format!("{service} {}", decoded_form(&body).join("&"))
        }
        "states" | "secretsmanager" | "kms" => {
            format!("{} {body}", request.headers().get("x-amz-target").unwrap_or_default())
        }
        host => {
            let mut line = format!("{} {host}{}", request.method(), without_operation(path));
            for name in HEADERS {
                if let Some(value) = request.headers().get(name) {
                    let _ = write!(line, " {name}: {value}");
                }
            }
            line
        }
    }
}

/// Strips `x-id`, with which the SDK names the operation for the service's logs.
fn without_operation(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let kept: Vec<_> =
        query.split('&').filter(|part| !part.is_empty() && !part.starts_with("x-id=")).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

/// Decodes the fields of a form, in order, without the API version.
fn decoded_form(body: &str) -> Vec<String> {
    body.split('&')
        .filter(|field| !field.starts_with("Version="))
        .map(|field| percent_decode_str(&field.replace('+', " ")).decode_utf8_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use seeding::FileKey;

    use super::{
        super::{json, nothing, ok},
        *,
    };

    /// Reads two files from the reports bucket.
    async fn read_two(wire: &Wire) {
        let reports = crate::ReportStore::new(wire.clients().s3(), "reports".into());
        for key in ["a b+ü.json", "two.json"] {
            let _ = reports.read::<Value>(&FileKey::from(key)).await;
        }
    }

    #[tokio::test]
    async fn a_script_that_is_followed_is_done() {
        let wire = script().on("GET reports.s3/a%20b%2B%C3%BC.json", json(1)).on("GET reports.s3/…", json(2));
        read_two(&wire).await;
        wire.done();
    }

    #[tokio::test]
    #[should_panic(expected = "is not what the script says")]
    async fn another_request_fails_the_test() {
        let wire = script().on("GET reports.s3/…", json(1)).on("GET reports.s3/three.json", json(2));
        read_two(&wire).await;
        wire.done();
    }

    #[tokio::test]
    #[should_panic(expected = "is not what the script says")]
    async fn one_request_too_many_fails_the_test() {
        let wire = script().on("GET reports.s3/…", json(1));
        read_two(&wire).await;
        wire.done();
    }

    #[tokio::test]
    #[should_panic(expected = "is not what the script says")]
    async fn a_missing_request_fails_the_test() {
        let wire = script()
            .on("GET reports.s3/…", json(1))
            .on("GET reports.s3/…", json(2))
            .on("GET reports.s3/…", ok());
        read_two(&wire).await;
        wire.done();
    }

    #[tokio::test]
    #[should_panic(expected = "is not what the script says")]
    async fn a_condition_that_the_script_does_not_name_fails_the_test() {
        let wire = script().on("PUT reports.s3/lease.json", nothing());
        let reports = crate::ReportStore::new(wire.clients().s3(), "reports".into());
        let _ = reports.create(&FileKey::from("lease.json"), &1).await;
        wire.done();
    }
}
