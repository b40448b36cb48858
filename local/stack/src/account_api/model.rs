//! The stack and its account, as far as AWS describes them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The stack and its account. A test may change everything.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// The status of the CloudFormation stack.
    pub stack_status: String,
    /// The outputs of the stack.
    pub outputs: BTreeMap<String, String>,
    /// The parameters of the stack.
    pub parameters: BTreeMap<String, String>,
    /// The resources of the stack by their logical IDs: type, and name or ARN.
    pub resources: BTreeMap<String, (String, String)>,
    /// The rules by their names.
    pub rules: BTreeMap<String, Rule>,
    /// The names of the log groups.
    pub log_groups: BTreeSet<String>,
    /// The roles by their names: those of the stack, and those of services.
    pub roles: BTreeMap<String, Role>,
    /// The documents of managed policies by their ARNs.
    pub policies: BTreeMap<String, Value>,
    /// The service control policy, if the account belongs to an organization.
    pub organization: Option<Value>,
    /// The alarms by their names.
    pub alarms: BTreeMap<String, Alarm>,
    /// The quotas that differ from the default, by their codes.
    pub quotas: BTreeMap<String, u32>,
    /// The messages in queues that are not empty, by the queues' URLs.
    pub messages: BTreeMap<String, u32>,
    /// The free addresses of subnets that differ from the others.
    pub free_addresses: BTreeMap<String, u32>,
    /// The actions that are denied, such as `iam:GetRole`.
    pub denied: BTreeSet<String>,
    /// The calls of an action, such as `iam:GetRole`, that are throttled before others are answered.
    pub throttled: BTreeMap<String, u32>,
}

/// A rule of EventBridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Whether it is enabled.
    pub enabled: bool,
    /// The ARNs of its targets.
    pub targets: Vec<String>,
}

/// A role of IAM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// Its own policies by their names.
    pub inline: BTreeMap<String, Value>,
    /// The ARNs of the managed policies that it shares.
    pub attached: Vec<String>,
    /// The ARN of the managed policy that is its permissions boundary.
    pub boundary: Option<String>,
}

/// An alarm of CloudWatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// What it means.
    pub description: String,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
}
