//! The deployed stack: its resources, by the outputs of its CloudFormation stack.

use std::fmt;

use aws_sdk_cloudformation::{Client, types::Stack as Described};
use aws_sdk_s3::config::ProvideCredentials as _;
use seeder_aws::{Clients, error_code, service_error};
use seeding::BackupLocation;

/// Output of the template: the bucket that files are uploaded to.
pub(crate) const DROP_BUCKET: Output = Output { key: "DropBucketName", option: "--bucket" };
/// Parameter of the template: the prefix under which uploads start seedings.
const TRIGGER_PREFIX: Output = Output { key: "TriggerPrefix", option: "--prefix" };
/// Output of the template: the bucket of the product's own files.
pub(crate) const REPORTS_BUCKET: Output = Output { key: "ReportsBucketName", option: "--reports-bucket" };
/// Output of the template: the state machine.
pub(crate) const STATE_MACHINE: Output = Output { key: "StateMachineArn", option: "--state-machine" };

/// The statuses in which a stack works and its outputs are those of its resources. Source: CloudFormation user guide,
/// "Stack status codes".
const USABLE: [&str; 7] = [
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
];

/// An output of the stack, and the option that replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Output {
    key: &'static str,
    option: &'static str,
}

/// Where dropped files start seedings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Drops {
    pub(crate) bucket: String,
    /// The prefix of what starts something.
    pub(crate) prefix: String,
    /// Why nothing is started there, if the stack says so.
    starts_nothing: Option<&'static str>,
}

impl Drops {
    /// What the list of a set does there.
    pub(crate) fn what_starts(&self, list: &BackupLocation) -> String {
        match self.starts_nothing {
            None => format!("s3://{list} starts the seeding: seeder executions"),
            Some(why) => format!("s3://{list} starts nothing: {why}"),
        }
    }
}

/// What a command was given by options or variables: those values, and where to find the others.
#[derive(Debug)]
pub(crate) struct Stack<'a> {
    clients: &'a Clients,
    name: &'a str,
}

impl<'a> Stack<'a> {
    /// The stack of this name, in the region and account of the clients.
    pub(crate) const fn new(clients: &'a Clients, name: &'a str) -> Self {
        Self { clients, name }
    }

    /// Returns the values of outputs: the given ones, and the stack's for the others. If all are given, CloudFormation
    /// is not called.
    pub(crate) async fn resolve<const N: usize>(
        &self,
        wanted: [(Output, Option<&str>); N],
    ) -> Result<[String; N], StackError> {
        let missing: Vec<_> =
            wanted.iter().filter(|(_, given)| given.is_none()).map(|(output, _)| *output).collect();
        let stack = if missing.is_empty() { None } else { Some(self.describe(&missing).await?) };
        let mut values = [const { String::new() }; N];
        for (value, (output, given)) in values.iter_mut().zip(wanted) {
            *value = match (given, &stack) {
                (Some(given), _) => given.to_owned(),
                (None, Some(stack)) => self.output(stack, output)?,
                (None, None) => String::new(),
            };
        }
        Ok(values)
    }

    /// Finds where dropped files start seedings: the given bucket and prefix, and the stack's for the others.
    pub(crate) async fn drops(
        &self,
        bucket: Option<&str>,
        prefix: Option<&str>,
    ) -> Result<Drops, StackError> {
        if let (Some(bucket), Some(prefix)) = (bucket, prefix) {
            return Ok(Drops { bucket: bucket.to_owned(), prefix: prefix.to_owned(), starts_nothing: None });
        }
        let stack = self.describe(&[DROP_BUCKET, TRIGGER_PREFIX]).await?;
        let parameter = |key: &str| {
            let found = stack.parameters().iter().find(|one| one.parameter_key() == Some(key));
            found.and_then(|one| one.parameter_value()).unwrap_or_default()
        };
        let own = self.output(&stack, DROP_BUCKET)?;
        let bucket = bucket.unwrap_or(&own).to_owned();
        let is_watched =
            bucket == own || parameter("TriggerBuckets").split(',').any(|one| one.trim() == bucket);
        let starts_nothing = match parameter("Trigger") {
            "disabled" => Some("the stack's Trigger is disabled"),
            _ if !is_watched => {
                Some("the bucket is neither the stack's drop bucket nor among its TriggerBuckets")
            }
            _ => None,
        };
        let prefix = prefix.unwrap_or_else(|| parameter(TRIGGER_PREFIX.key)).to_owned();
        Ok(Drops { bucket, prefix, starts_nothing })
    }

    /// Describes the stack, whatever its status is.
    pub(crate) async fn describe_in_any_status(&self) -> Result<Described, StackError> {
        Ok(self.find("").await?.0)
    }

    async fn describe(&self, missing: &[Output]) -> Result<Described, StackError> {
        let options = missing.iter().map(|output| output.option).collect::<Vec<_>>().join(" and ");
        let (stack, place) = self.find(&options).await?;
        let status = stack.stack_status().map_or("", |status| status.as_str());
        if USABLE.contains(&status) {
            return Ok(stack);
        }
        let hint = if status.ends_with("_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS" {
            "wait until it is complete"
        } else {
            "deploy it again (docs/DEPLOY.md)"
        };
        Err(StackError {
            kind: Kind::Usage,
            message: format!("the CloudFormation stack {} is {status} in {place}", self.name),
            hint: format!("{hint}, name another stack with --stack, or give {options}"),
        })
    }

    /// Finds the stack, and its place. `options` could replace it; empty if nothing could.
    async fn find(&self, options: &str) -> Result<(Described, String), StackError> {
        let or_give = if options.is_empty() { String::new() } else { format!(", or give {options}") };
        let error = |kind, message: String, hint: String| StackError { kind, message, hint };
        let name = self.name;
        let account = self.account(&or_give).await?;
        let place = match account {
            Some(account) => format!("region {}, account {account}", self.clients.region()),
            None => format!("region {}", self.clients.region()),
        };
        let client = Client::new(self.clients.config());
        let answer = match client.describe_stacks().stack_name(name).send().await {
            Ok(answer) => answer,
            // CloudFormation has no separate code for this.
            Err(failed)
                if error_code(&failed) == Some("ValidationError")
                    && failed.as_service_error().is_some_and(|error| {
                        error.meta().message().is_some_and(|text| text.contains("does not exist"))
                    }) =>
            {
                let hint = "name the stack with --stack or SEEDER_STACK, check AWS_REGION and AWS_PROFILE";
                return Err(error(
                    Kind::Usage,
                    format!("no CloudFormation stack {name} in {place}"),
                    format!("{hint}{or_give}"),
                ));
            }
            Err(failed) => {
                let denied = matches!(error_code(&failed), Some("AccessDenied" | "AccessDeniedException"));
                let hint = if denied {
                    format!("allow cloudformation:DescribeStacks on the stack {name}{or_give}")
                } else {
                    format!("check credentials, region and network{or_give}")
                };
                let failed = service_error(&format!("describe the CloudFormation stack {name}"), &failed);
                return Err(error(Kind::Service, format!("{} ({place})", failed.message), hint));
            }
        };
        let stack = answer.stacks.and_then(|stacks| stacks.into_iter().next());
        stack.map(|stack| (stack, place.clone())).ok_or_else(|| {
            error(
                Kind::Service,
                format!("CloudFormation returned no stack {name} in {place}"),
                format!("try again{or_give}"),
            )
        })
    }

    fn output(&self, stack: &Described, output: Output) -> Result<String, StackError> {
        let Output { key, option } = output;
        let found = stack.outputs().iter().find(|one| one.output_key() == Some(key));
        let value = found.and_then(|one| one.output_value()).filter(|value| !value.is_empty());
        value.map(str::to_owned).ok_or_else(|| StackError {
            kind: Kind::Usage,
            message: format!("the CloudFormation stack {} has no output {key}", self.name),
            hint: format!(
                "it may be of an older template or another product: deploy this version, name another stack with \
                 --stack, or give {option}"
            ),
        })
    }

    /// The account, if the credentials name it.
    async fn account(&self, or_give: &str) -> Result<Option<String>, StackError> {
        if self.clients.region().is_empty() {
            return Err(StackError {
                kind: Kind::Service,
                message: format!("no region in which to find the CloudFormation stack {}", self.name),
                hint: format!("set AWS_REGION or the profile's region{or_give}"),
            });
        }
        let no_credentials = |reason: String| StackError {
            kind: Kind::Service,
            message: format!("no AWS credentials to find the CloudFormation stack {}: {reason}", self.name),
            hint: "set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in: aws sso login"
                .into(),
        };
        let Some(provider) = self.clients.config().credentials_provider() else {
            return Err(no_credentials("none are configured".into()));
        };
        match provider.provide_credentials().await {
            Ok(credentials) => Ok(credentials.account_id().map(|id| id.as_str().to_owned())),
            Err(error) => Err(no_credentials(error.to_string())),
        }
    }
}

/// The reason why the stack's outputs could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StackError {
    kind: Kind,
    message: String,
    hint: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Another name or option helps.
    Usage,
    /// A call to AWS failed.
    Service,
}

impl StackError {
    /// Whether the command line is wrong, as opposed to a failed call to AWS.
    pub(crate) fn is_usage(&self) -> bool {
        self.kind == Kind::Usage
    }
}

impl fmt::Display for StackError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\nhint: {}", self.message, self.hint)
    }
}

impl std::error::Error for StackError {}

#[cfg(test)]
mod tests;
