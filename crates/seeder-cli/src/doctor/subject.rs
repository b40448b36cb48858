//! The stack that is checked: its description, its resources, and the settings of its functions.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_cloudformation::types::Stack as Described;
use seeder_aws::{Clients, service_error};
use seeding::{Partition, StepError, policy::Roles};

use super::line::Unchecked;
use crate::{
    signed::Signed,
    stack::{Stack, StackError},
};

/// The most pages of resources. A template has at most 500 resources, which are 5 pages.
const MAX_PAGES: usize = 20;

/// A stack, with what most checks need.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) clients: Clients,
    pub(super) signed: Signed,
    pub(super) stack: Described,
    pub(super) partition: Partition,
    /// The resources by their logical IDs.
    resources: Result<BTreeMap<String, Resource>, StepError>,
    /// The environment of prepare-seeding.
    settings: Result<HashMap<String, String>, Unchecked>,
    /// The buckets of the command line.
    pub(super) more_buckets: Vec<String>,
}

/// A resource of the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) kind: String,
    /// Its name or ARN.
    pub(super) id: String,
}

impl Subject {
    /// Describes the stack. Only a stack that cannot be described at all is an error.
    pub(super) async fn of(clients: &Clients, name: &str, buckets: &[String]) -> Result<Self, StackError> {
        let stack = Stack::new(clients, name).describe_in_any_status().await?;
        let partition = partition_of(&stack, &clients.region());
        let resources = resources(clients, name).await;
        let mut subject = Self {
            clients: clients.clone(),
            signed: Signed::new(clients.config()),
            partition,
            resources,
            settings: Ok(HashMap::new()),
            more_buckets: buckets.to_vec(),
            stack,
        };
        subject.settings = subject.read_settings().await;
        Ok(subject)
    }

    /// An output of the stack.
    pub(super) fn output(&self, key: &str) -> Option<&str> {
        let found = self.stack.outputs().iter().find(|one| one.output_key() == Some(key));
        found.and_then(|one| one.output_value()).filter(|value| !value.is_empty())
    }

    /// A parameter of the stack, unless it is empty.
    pub(super) fn parameter(&self, key: &str) -> Option<&str> {
        let found = self.stack.parameters().iter().find(|one| one.parameter_key() == Some(key));
        found.and_then(|one| one.parameter_value()).filter(|value| !value.is_empty())
    }

    /// The items of a parameter that is a list.
    pub(super) fn listed(&self, key: &str) -> Vec<&str> {
        self.parameter(key).map_or_else(Vec::new, |list| list.split(',').map(str::trim).collect())
    }

    /// The name or ARN of a resource.
    pub(super) fn resource(&self, logical: &str) -> Option<&str> {
        Some(self.resources.as_ref().ok()?.get(logical)?.id.as_str())
    }

    /// The resources of a type: logical ID, and name or ARN.
    pub(super) fn of_type(&self, kind: &str) -> Result<Vec<(&str, &str)>, Unchecked> {
        let resources = self.resources.as_ref();
        let resources =
            resources.map_err(|error| Unchecked::new("cloudformation:ListStackResources", error))?;
        let of_type = resources.iter().filter(|(_, one)| one.kind == kind);
        Ok(of_type.map(|(logical, one)| (logical.as_str(), one.id.as_str())).collect())
    }

    /// A setting of prepare-seeding; `None` if it is not set or not known.
    pub(super) fn setting(&self, name: &str) -> Option<&str> {
        self.settings.as_ref().ok()?.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The roles that a Deny of a bucket policy must not match.
    pub(super) fn roles(&self) -> Roles {
        let arns = |name| {
            self.setting(name).map_or_else(Vec::new, |list| list.split(',').map(str::to_owned).collect())
        };
        Roles { readers: arns("READER_ROLE_ARNS"), granters: arns("GRANTER_ROLE_ARNS") }
    }

    async fn read_settings(&self) -> Result<HashMap<String, String>, Unchecked> {
        let Some(name) = self.resource("PrepareSeedingFunction") else { return Ok(HashMap::new()) };
        let asked = self.clients.lambda().get_function_configuration().function_name(name).send().await;
        let answer = asked.map_err(|error| {
            Unchecked::of("lambda:GetFunctionConfiguration", &format!("read the settings of {name}"), &error)
        })?;
        Ok(answer.environment.and_then(|environment| environment.variables).unwrap_or_default())
    }
}

/// Reads the place from the stack's ARN: `arn:aws:cloudformation:REGION:ACCOUNT:stack/…`.
fn partition_of(stack: &Described, region: &str) -> Partition {
    let parts: Vec<_> = stack.stack_id().unwrap_or_default().split(':').collect();
    let part = |place: usize, otherwise: &str| {
        parts.get(place).filter(|part| !part.is_empty()).map_or(otherwise, |part| *part).to_owned()
    };
    Partition { partition: part(1, "aws"), region: part(3, region), account: part(4, "") }
}

async fn resources(clients: &Clients, name: &str) -> Result<BTreeMap<String, Resource>, StepError> {
    let client = aws_sdk_cloudformation::Client::new(clients.config());
    let mut resources = BTreeMap::new();
    let mut token = None;
    for _ in 0..MAX_PAGES {
        let page = client.list_stack_resources().stack_name(name).set_next_token(token).send().await;
        let page = page.map_err(|error| service_error("list the resources of the stack", &error))?;
        for one in page.stack_resource_summaries() {
            if let (Some(logical), Some(kind), Some(id)) =
                (one.logical_resource_id(), one.resource_type(), one.physical_resource_id())
            {
                let resource = Resource { kind: kind.to_owned(), id: id.to_owned() };
                resources.insert(logical.to_owned(), resource);
            }
        }
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    Ok(resources)
}
