//! Parameter groups, subnet groups and user groups, which a create request refers to by name.

pub(crate) mod node_types;
pub(crate) mod parameters;
pub(crate) mod versions;

use std::collections::BTreeMap;

use crate::error::ApiError;

/// Quota of an account for each kind.
const QUOTA: usize = 300;

/// A parameter group.
#[derive(Debug, Clone)]
pub(crate) struct ParameterGroup {
    pub(crate) family: String,
    pub(crate) description: String,
    /// Values that differ from the family's defaults.
    pub(crate) changed: BTreeMap<String, String>,
}

impl ParameterGroup {
    /// The effective value of a parameter: the changed value, or the family's default.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let default =
            || parameters::of_family(&self.family).into_iter().find(|parameter| parameter.name == name);
        self.changed.get(name).cloned().or_else(|| default().map(|parameter| parameter.default.to_owned()))
    }

    pub(crate) fn cluster_enabled(&self) -> bool {
        self.value("cluster-enabled").as_deref() == Some("yes")
    }

    /// Changed parameters that the real servers have too.
    pub(crate) fn for_servers(&self) -> Vec<(String, String)> {
        let own = parameters::of_family(&self.family);
        let known = |name: &str| own.iter().any(|parameter| parameter.of_server && parameter.name == name);
        self.changed
            .iter()
            .filter(|(name, _)| known(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

/// A subnet group. Its subnets are only names.
#[derive(Debug, Clone)]
pub(crate) struct SubnetGroup {
    pub(crate) description: String,
    pub(crate) subnets: Vec<String>,
}

/// A user group. Its users are only names.
#[derive(Debug, Clone)]
pub(crate) struct UserGroup {
    pub(crate) engine: String,
    pub(crate) users: Vec<String>,
}

/// All named resources except clusters.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) parameters: BTreeMap<String, ParameterGroup>,
    pub(crate) subnets: BTreeMap<String, SubnetGroup>,
    pub(crate) users: BTreeMap<String, UserGroup>,
}

impl Default for Catalog {
    /// The defaults of every account: two parameter groups per family, and the subnet group `default`.
    fn default() -> Self {
        let mut parameters = BTreeMap::new();
        for family in versions::families() {
            let group = |cluster: bool| ParameterGroup {
                family: family.to_owned(),
                description: format!(
                    "Default parameter group for {family}{}",
                    if cluster { " with cluster mode enabled" } else { "" }
                ),
                changed: cluster
                    .then(|| ("cluster-enabled".to_owned(), "yes".to_owned()))
                    .into_iter()
                    .collect(),
            };
            parameters.insert(format!("default.{family}"), group(false));
            parameters.insert(format!("default.{family}.cluster.on"), group(true));
        }
        let subnet_group = SubnetGroup {
            description: "Default CacheSubnetGroup".to_owned(),
            subnets: vec!["subnet-0a0a0a0a".to_owned(), "subnet-0b0b0b0b".to_owned()],
        };
        Self {
            parameters,
            subnets: BTreeMap::from([("default".to_owned(), subnet_group)]),
            users: BTreeMap::new(),
        }
    }
}

impl Catalog {
    pub(crate) fn parameter_group(&self, name: &str) -> Result<&ParameterGroup, ApiError> {
        self.parameters.get(name).ok_or_else(|| {
            ApiError::not_found(
                "CacheParameterGroupNotFound",
                format_args!("CacheParameterGroup {name} not found."),
            )
        })
    }

    pub(crate) fn subnet_group(&self, name: &str) -> Result<&SubnetGroup, ApiError> {
        self.subnets.get(name).ok_or_else(|| {
            ApiError::new(
                "CacheSubnetGroupNotFoundFault",
                format_args!("Cache Subnet Group {name} does not exist."),
            )
        })
    }

    pub(crate) fn user_group(&self, id: &str) -> Result<&UserGroup, ApiError> {
        self.users.get(id).ok_or_else(|| {
            ApiError::not_found("UserGroupNotFound", format_args!("User group {id} not found."))
        })
    }
}

/// Adds a named resource, unless the name exists or the quota is reached.
pub(crate) fn add<T>(
    things: &mut BTreeMap<String, T>,
    name: &str,
    thing: T,
    exists: &'static str,
    quota: &'static str,
) -> Result<(), ApiError> {
    if things.contains_key(name) {
        return Err(ApiError::new(exists, format_args!("{name} already exists.")));
    }
    if things.len() >= QUOTA {
        return Err(ApiError::new(quota, format_args!("there are {QUOTA} already")));
    }
    things.insert(name.to_owned(), thing);
    Ok(())
}
