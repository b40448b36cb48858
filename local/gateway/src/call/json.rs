//! Calls of Step Functions, KMS and Secrets Manager: the operation is in a header, the resource in the body.

use bytes::Bytes;
use http::request::Parts;
use serde_json::Value;

use super::Place;

pub(super) fn read(
    service: &str,
    parts: &Parts,
    body: &Bytes,
    place: &Place,
) -> Option<(String, Vec<String>)> {
    let target = parts.headers.get("x-amz-target")?.to_str().ok()?;
    let operation = target.rsplit('.').next()?;
    let body: Value = serde_json::from_slice(body).ok()?;
    // The token says whose task it is.
    let machine = place.arn("states", "stateMachine:seed-cluster");
    let of_token = || body["taskToken"].is_string().then_some(machine.as_str());
    let resource = ["stateMachineArn", "executionArn", "KeyId", "SecretId"]
        .iter()
        .find_map(|name| body[name].as_str())
        .or_else(of_token)?;
    let resource = match service {
        "kms" if !resource.starts_with("arn:") => place.arn("kms", &format!("key/{resource}")),
        _ => resource.to_owned(),
    };
    Some((format!("{service}:{operation}"), vec![resource]))
}
