//! A call: who calls which action on what.

mod elasticache;
mod json;
mod lambda;
mod s3;

use bytes::Bytes;
use http::{Uri, header::AUTHORIZATION, request::Parts};

/// The longest body that is read to learn what a call is. S3 bodies are never read.
pub(crate) const MAX_BODY_BYTES: usize = 6 << 20;

/// A service, by the name in the credential scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    S3,
    ElastiCache,
    Lambda,
    States,
    Kms,
    SecretsManager,
}

impl Service {
    fn of(scope: &str) -> Option<Self> {
        Some(match scope {
            "s3" => Self::S3,
            "elasticache" => Self::ElastiCache,
            "lambda" => Self::Lambda,
            "states" => Self::States,
            "kms" => Self::Kms,
            "secretsmanager" => Self::SecretsManager,
            _ => return None,
        })
    }
}

/// A call as IAM sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The caller: a function, `seed-cluster` for the state machine, `clean-up` for the rule.
    pub caller: String,
    /// The action, such as `s3:PutBucketPolicy`.
    pub action: String,
    /// The ARNs of its resources, or `*`. The caller needs the action on each.
    pub resources: Vec<String>,
    /// Further actions that AWS requires for this call, with their resources. Source: Service Authorization Reference,
    /// "Dependent actions".
    pub dependent: Vec<(String, String)>,
    /// Condition keys in lower case, and their values.
    pub context: Vec<(String, String)>,
    /// Whether the service may answer with success before it is done, so that an error is in the body.
    pub may_fail_in_success: bool,
}

/// The account and the region of all resources.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) account_id: String,
    pub(crate) region: String,
}

impl Place {
    fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.account_id)
    }
}

/// The access key and the service in the credential scope of a request.
pub(crate) fn signed_for(parts: &Parts) -> Option<(String, Service)> {
    let value = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (_, scope) = value.split_once("Credential=")?;
    // KEY/DATE/REGION/SERVICE/aws4_request
    let mut names = scope.split(',').next()?.trim().split('/');
    let key = names.next()?.to_owned();
    Some((key, Service::of(names.nth(2)?)?))
}

/// Reads the call. `None` if it is none that this gateway knows.
pub(crate) fn read(
    caller: &str,
    service: Service,
    parts: &Parts,
    body: &Bytes,
    place: &Place,
) -> Option<Call> {
    let (action, resources) = match service {
        Service::S3 => s3::read(parts)?,
        Service::ElastiCache => return elasticache::read(caller, body, place),
        Service::Lambda => lambda::read(parts, place)?,
        Service::States => json::read("states", parts, body, place)?,
        Service::Kms => json::read("kms", parts, body, place)?,
        Service::SecretsManager => json::read("secretsmanager", parts, body, place)?,
    };
    let may_fail_in_success = service == Service::S3 && s3::may_fail_in_success(parts);
    // Source: Service Authorization Reference, "Amazon S3", condition keys of ListBucket.
    let context = match action.as_str() {
        "s3:ListBucket" => query(&parts.uri)
            .into_iter()
            .filter(|(name, _)| name == "prefix")
            .map(|(_, prefix)| ("s3:prefix".to_owned(), prefix))
            .collect(),
        _ => Vec::new(),
    };
    Some(Call {
        caller: caller.to_owned(),
        action,
        resources,
        dependent: Vec::new(),
        context,
        may_fail_in_success,
    })
}

/// The parameters of a query, decoded.
fn query(uri: &Uri) -> Vec<(String, String)> {
    form(uri.query().unwrap_or_default())
}

/// The fields of a form, decoded.
fn form(text: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}
