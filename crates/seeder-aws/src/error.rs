//! Turns SDK errors into errors of a step: the one place that interprets AWS's error codes.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use seeding::{ErrorName, StepError};

/// The hint about a call that the caller may not make: a function, or a person with the command.
const CALLER_LACKS: &str = "grant this permission to who calls (the function's role, or you), and check policies for a Deny; a \
     bucket may be another account's";

/// Returns the error of a step for a failed call. `doing` completes "failed to …".
pub fn service_error<E>(doing: &str, error: &SdkError<E, HttpResponse>) -> StepError
where
    E: ProvideErrorMetadata,
{
    let code = error_code(error).unwrap_or_default();
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let (name, hint) = match not_sent(error) {
        Some(hint) => (ErrorName::ServiceBusy, hint),
        None => meaning(code, status),
    };
    // AWS's message, verbatim: it is documented for few operations.
    let said = match (error.message(), code) {
        (Some(message), "") => message.to_owned(),
        (Some(message), code) => format!("{code}: {message}"),
        (None, "") if status == 0 => transport(error).to_owned(),
        (None, "") => format!("HTTP status {status}"),
        (None, code) => code.to_owned(),
    };
    StepError::new(name, format!("failed to {doing}: {said}"), hint)
}

/// The error code that AWS sent, if any.
pub fn error_code<E>(error: &SdkError<E, HttpResponse>) -> Option<&str>
where
    E: ProvideErrorMetadata,
{
    error.code()
}

/// Whether the service refused the request, which then certainly had no effect. After a 5xx status, a timeout or a lost
/// connection, it may have had one.
pub fn is_refusal<E>(error: &SdkError<E, HttpResponse>) -> bool {
    error.raw_response().is_some_and(|response| response.status().is_client_error())
}

fn meaning(code: &str, status: u16) -> (ErrorName, &'static str) {
    match code {
        // The signature has the time.
        "RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture" => (
            ErrorName::AccessDenied,
            "set the clock of this machine: AWS accepts a difference of 5 minutes, S3 one of 15",
        ),
        "ExpiredToken" | "ExpiredTokenException" | "InvalidAccessKeyId" | "UnrecognizedClientException" => {
            (ErrorName::AccessDenied, "log in again, or check AWS_PROFILE and the keys in the environment")
        }
        "AccessDenied"
        | "AccessDeniedException"
        | "AllAccessDisabled"
        | "UnauthorizedOperation"
        | "AuthorizationError" => (ErrorName::AccessDenied, CALLER_LACKS),
        "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "ServiceUnavailable"
        | "TooManyRequestsException"
        | "ExecutionLimitExceeded"
        | "RequestTimeout"
        | "InternalError"
        | "InternalFailure"
        | "ConditionalRequestConflict"
        | "OperationAborted" => (
            ErrorName::ServiceBusy,
            "it is retried automatically; if it persists, check the AWS Health Dashboard",
        ),
        // A member outlives its replication group; the first cluster of an account makes the role.
        "CacheClusterAlreadyExists"
        | "CacheClusterNotFound"
        | "InvalidCacheClusterState"
        | "InvalidServerlessCacheStateFault"
        | "ServiceLinkedRoleNotFoundFault" => (
            ErrorName::ServiceBusy,
            "it is retried automatically; if it persists, look for a cluster of the same name that is not this execution's",
        ),
        "PreconditionFailed" => (
            ErrorName::ChangedDuringSeeding,
            "leave the object alone while it is being seeded, and start again",
        ),
        "NoSuchKey" | "NoSuchVersion" => (ErrorName::BackupGone, "upload the object again and start again"),
        "NoSuchBucket" => (ErrorName::BackupGone, "name a bucket that exists"),
        "InsufficientCacheClusterCapacity" => (
            ErrorName::CapacityUnavailable,
            "choose another node type or other Availability Zones, or start again later",
        ),
        "ClusterQuotaForCustomerExceeded"
        | "NodeQuotaForClusterExceeded"
        | "NodeQuotaForCustomerExceeded"
        | "NodeGroupsPerReplicationGroupQuotaExceeded"
        | "ServerlessCacheQuotaForCustomerExceededFault"
        | "TagQuotaPerResourceExceeded" => {
            (ErrorName::QuotaExceeded, "raise the quota in Service Quotas, or use fewer nodes or caches")
        }
        "InvalidParameterValue"
        | "InvalidParameterCombination"
        | "CacheSubnetGroupNotFoundFault"
        | "CacheParameterGroupNotFound"
        | "CacheSecurityGroupNotFound"
        | "InvalidVPCNetworkStateFault"
        | "InvalidUserGroupState"
        | "UserGroupNotFound"
        | "InvalidKMSKeyFault" => {
            (ErrorName::ParametersRefused, "correct the request's cluster fields as the message says")
        }
        _ if status == 403 => (ErrorName::AccessDenied, CALLER_LACKS),
        _ if status == 412 => (
            ErrorName::ChangedDuringSeeding,
            "leave the object alone while it is being seeded, and start again",
        ),
        _ if status == 0 || status == 429 || status >= 500 => (
            ErrorName::ServiceBusy,
            "it is retried automatically; if it persists, check the AWS Health Dashboard",
        ),
        _ => (ErrorName::Internal, "report this with the execution's history"),
    }
}

/// The hint about a request that was not even signed; none if it was sent.
fn not_sent<E>(error: &SdkError<E, HttpResponse>) -> Option<&'static str> {
    // The reasons have no types that can be seen.
    let why = match error {
        SdkError::DispatchFailure(failure) => format!("{failure:?}"),
        SdkError::ConstructionFailure(failure) => format!("{failure:?}"),
        _ => return None,
    };
    let has = |words: &[&str]| words.iter().any(|word| why.contains(word));
    if has(&["Missing Region", "region must be set", "MissingSigningRegion"]) {
        return Some("set the region: AWS_REGION, or that of the profile");
    }
    has(&["CredentialsNotLoaded", "NoCredentials", "ProviderError", "InvalidConfiguration"]).then_some(
        "there are no AWS credentials: set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in: aws \
         sso login",
    )
}

fn transport<E>(error: &SdkError<E, HttpResponse>) -> &'static str {
    match error {
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(_) => "the connection failed",
        SdkError::ResponseError(_) => "the answer could not be read",
        SdkError::ConstructionFailure(_) => "the request could not be built",
        _ => "no reason given",
    }
}
