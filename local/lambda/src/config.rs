//! The configuration of the endpoint and its functions.

use std::{path::PathBuf, time::Duration};

/// The settings of the endpoint.
#[derive(Debug, Clone)]
pub struct Config {
    /// The functions.
    pub functions: Vec<FunctionConfig>,
    /// The Region of the functions.
    pub region: String,
    /// The account ID of the functions.
    pub account_id: String,
    /// Folder of the logs: one file per function, `NAME.log`.
    pub log_dir: PathBuf,
    /// Limit for concurrent invocations of one function. Further invocations wait.
    pub concurrency: usize,
    /// The account's quota: limit for concurrent synchronous invocations of all functions. Further invocations are
    /// throttled.
    pub account_concurrency: usize,
    /// Unkindness of AWS.
    pub switches: Switches,
}

/// How Lambda behaves on bad days. By default, it does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Switches {
    /// Functions that are not ready at first. Several of one function follow each other.
    pub not_ready: Vec<NotReady>,
}

/// A function that is not ready at first: its first synchronous invocations are refused with status 502.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotReady {
    /// The function's name.
    pub function: String,
    /// Number of refused invocations.
    pub times: u32,
    /// The error.
    pub error: NotReadyError,
}

/// Why a function is not ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotReadyError {
    /// `ResourceNotReadyException`: the function was inactive for weeks, so that its network interface was taken away.
    ResourceNotReady,
    /// `ENINotReadyException`: the new network interface is not ready yet.
    EniNotReady,
}

impl NotReadyError {
    /// The name of the error.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ResourceNotReady => "ResourceNotReadyException",
            Self::EniNotReady => "ENINotReadyException",
        }
    }

    /// The meaning of the error. Source: Lambda API reference, "Invoke".
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::ResourceNotReady => {
                "The function is inactive and its VPC connection is no longer available. Wait for the VPC connection to \
                 reestablish and try again."
            }
            Self::EniNotReady => {
                "Lambda couldn't invoke the Lambda function because the elastic network interface (ENI) configured for \
                 its VPC connection isn't ready yet. Wait a few moments and try the request again."
            }
        }
    }
}

/// The settings of a function.
#[derive(Debug, Clone)]
pub struct FunctionConfig {
    /// The function's name, as in its ARN.
    pub name: String,
    /// The executable that is deployed as `bootstrap`.
    pub binary: PathBuf,
    /// Environment variables in addition to those that Lambda sets.
    pub env: Vec<(String, String)>,
    /// Timeout after which the process is killed.
    pub timeout: Duration,
    /// Memory size as reported to the function in MB; not enforced here.
    pub memory_mb: u32,
}
