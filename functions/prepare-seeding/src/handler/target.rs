//! Checks of the target: whether the requested cluster can be created at all.

use std::{collections::BTreeMap, str::FromStr};

use aws_sdk_elasticache::types::{CacheNodeTypeSpecificParameter, Parameter};
use seeder_aws::{cluster, error_code, look_at_auth_token, service_error};
use seeding::{
    ClusterKind, ClusterSpec, Code, Finding, Mark, MemoryParameters, NodeTypes, OpenClusterMode, StepError,
    UserGroupView, user_group_finding,
};

use super::{PrepareSeeding, is_unknown_version, unless_forbidden};

/// What the checks found out about the target.
pub(super) struct Target {
    pub(super) node_types: NodeTypes,
    pub(super) reserved_memory_percent: u32,
    pub(super) databases: u64,
    pub(super) memory: MemoryParameters,
}

impl Target {
    /// A serverless cache: neither node types nor parameters of its own, and database 0 only.
    fn of_serverless(memory: MemoryParameters) -> Self {
        Self { node_types: NodeTypes::default(), reserved_memory_percent: 0, databases: 1, memory }
    }
}

/// The most pages of parameters. AWS's parameter groups have about 100 parameters, which is far fewer pages.
const MAX_PAGES: usize = 50;

#[derive(Default)]
struct Parameters {
    values: BTreeMap<String, String>,
    maxmemory_bytes: BTreeMap<String, u64>,
}

impl PrepareSeeding {
    pub(super) async fn look_at_target(
        &self,
        spec: &mut ClusterSpec,
        open: OpenClusterMode,
    ) -> Result<(Target, Vec<Finding>), StepError> {
        let mut findings = Vec::new();
        findings.extend(self.id_is_free(spec).await?);
        findings.extend(self.subnet_group_is_there(spec).await?);
        findings.extend(self.auth_token_is_usable(spec).await?);
        let version = self.version_is_offered(spec).await?;
        let offered = version.as_ref().is_none_or(|finding| !is_unknown_version(finding));
        findings.extend(version);
        findings.extend(self.user_group_is_usable(spec, offered).await?);
        // A version that does not exist has no parameters.
        let parameters =
            if offered { self.parameters(spec, open, &mut findings).await? } else { Parameters::default() };
        if spec.kind == ClusterKind::Serverless {
            let memory = MemoryParameters::of(&parameters.values);
            return Ok((Target::of_serverless(memory), findings));
        }
        let described: NodeTypes = parameters.maxmemory_bytes.clone().into_iter().collect();
        let mut node_types =
            if described.is_empty() { NodeTypes::documented(spec.engine) } else { described };
        if offered {
            findings.extend(node_type_is_offered(spec, &node_types));
            findings.extend(self.look_at_region(spec, &mut node_types).await?);
        }
        let target = Target {
            node_types,
            reserved_memory_percent: parameters.number("reserved-memory-percent").unwrap_or(25),
            databases: parameters.databases(spec),
            memory: MemoryParameters::of(&parameters.values),
        };
        Ok((target, findings))
    }

    async fn id_is_free(&self, spec: &ClusterSpec) -> Result<Option<Finding>, StepError> {
        if spec.check_id().is_err() {
            return Ok(None);
        }
        let found = cluster::describe(&self.elasticache, spec.kind, &spec.id).await;
        let cluster = match unless_forbidden(found)? {
            Some(Some(cluster)) => cluster,
            Some(None) => return Ok(None),
            None => return Ok(Some(not_checked("whether the cluster ID is free"))),
        };
        let remedy = "choose another cluster.id; this cluster is not changed";
        let finding = Finding::new(Code::IdTaken, remedy);
        let finding = finding.with("id", spec.id.clone()).with("status", cluster.status.clone());
        Ok(Some(match cluster.mark {
            Mark::Description(text) => finding.with("description", text),
            Mark::MemberOf(group) => finding.with("memberOf", group),
            Mark::Id => finding,
        }))
    }

    async fn version_is_offered(&self, spec: &ClusterSpec) -> Result<Option<Finding>, StepError> {
        let Some(mut offered) = unless_forbidden(self.versions(spec).await)? else {
            return Ok(Some(not_checked("the engine versions")));
        };
        if offered.is_empty() {
            offered = spec.engine.known_versions().iter().map(ToString::to_string).collect();
        }
        let wanted = spec.engine_version.to_string();
        // AWS lists patch levels (7.1.0). Requests name major and minor versions, except where a patch level is part of
        // the name.
        let whole = spec.engine.takes_patch_level(spec.engine_version);
        let is_wanted =
            |version: &String| *version == wanted || (!whole && version.starts_with(&format!("{wanted}.")));
        if offered.iter().any(is_wanted) {
            return Ok(None);
        }
        let remedy = format!("use one of the versions that ElastiCache offers for {}", spec.engine);
        Ok(Some(
            Finding::new(Code::EngineVersionUnknown, remedy).with("found", wanted).with("offered", offered),
        ))
    }

    async fn versions(&self, spec: &ClusterSpec) -> Result<Vec<String>, StepError> {
        let listing = self.elasticache.describe_cache_engine_versions().engine(spec.engine.as_str());
        let mut pages = listing.into_paginator().send();
        let mut versions = Vec::new();
        for _ in 0..MAX_PAGES {
            let Some(page) = pages.next().await else { break };
            let page = page.map_err(|error| service_error("list the engine versions", &error))?;
            let found = page.cache_engine_versions().iter().filter_map(|one| one.engine_version());
            versions.extend(found.map(str::to_owned));
        }
        Ok(versions)
    }

    async fn subnet_group_is_there(&self, spec: &ClusterSpec) -> Result<Option<Finding>, StepError> {
        let Some(name) = &spec.subnet_group else { return Ok(None) };
        match self.elasticache.describe_cache_subnet_groups().cache_subnet_group_name(name).send().await {
            Ok(_) => Ok(None),
            Err(error) if error_code(&error) == Some("CacheSubnetGroupNotFoundFault") => {
                let remedy = "create the subnet group, or name one that exists";
                Ok(Some(Finding::new(Code::SubnetGroupMissing, remedy).with("subnetGroup", name.clone())))
            }
            Err(error) => {
                let error = service_error("describe the subnet group", &error);
                Ok(unless_forbidden(Err::<(), _>(error))?.is_none().then(|| not_checked("the subnet group")))
            }
        }
    }

    /// Checks the AUTH token, which goes no further than this check.
    async fn auth_token_is_usable(&self, spec: &ClusterSpec) -> Result<Option<Finding>, StepError> {
        let Some(arn) = &spec.auth_token_secret_arn else { return Ok(None) };
        let look = look_at_auth_token(&self.secrets, arn).await?;
        Ok(look.err().map(|error| error.finding(arn)))
    }

    /// Checks the user group, but only for a version that exists: its engine has to match.
    async fn user_group_is_usable(
        &self,
        spec: &ClusterSpec,
        offered: bool,
    ) -> Result<Option<Finding>, StepError> {
        let Some(id) = spec.user_group_id.as_deref().filter(|_| offered) else { return Ok(None) };
        let view = match self.elasticache.describe_user_groups().user_group_id(id).send().await {
            Ok(answer) => answer.user_groups().first().map(|group| UserGroupView {
                status: group.status().unwrap_or_default().to_owned(),
                engine: group.engine().unwrap_or_default().to_owned(),
                minimum_engine_version: group.minimum_engine_version().map(str::to_owned),
            }),
            Err(error) if error_code(&error) == Some("UserGroupNotFound") => None,
            Err(error) => {
                let error = service_error("describe the user group", &error);
                return Ok(unless_forbidden(Err::<(), _>(error))?
                    .is_none()
                    .then(|| not_checked("the user group")));
            }
        };
        Ok(user_group_finding(spec, id, view.as_ref()))
    }

    /// Reads the parameters that the cluster will have: those of its group, or the engine's defaults. The group also
    /// decides about cluster mode if the request leaves it open.
    async fn parameters(
        &self,
        spec: &mut ClusterSpec,
        open: OpenClusterMode,
        findings: &mut Vec<Finding>,
    ) -> Result<Parameters, StepError> {
        let family = spec.engine.family(spec.engine_version);
        let Some(group) = &spec.parameter_group.clone() else {
            let defaults = unless_forbidden(self.engine_defaults(&family).await)?;
            if defaults.is_none() {
                findings.push(not_checked("the engine's parameters and node types"));
            }
            return Ok(defaults.unwrap_or_default());
        };
        let described =
            self.elasticache.describe_cache_parameter_groups().cache_parameter_group_name(group).send().await;
        let answer = match described {
            Ok(answer) => answer,
            Err(error) if error_code(&error) == Some("CacheParameterGroupNotFound") => {
                let remedy = "create the parameter group, or leave it out to use the default";
                findings.push(
                    Finding::new(Code::ParameterGroupUnusable, remedy).with("parameterGroup", group.clone()),
                );
                return Ok(Parameters::default());
            }
            Err(error) => {
                let error = service_error("describe the parameter group", &error);
                unless_forbidden(Err::<(), _>(error))?;
                findings.push(not_checked("the parameter group"));
                return Ok(Parameters::default());
            }
        };
        let found =
            answer.cache_parameter_groups().first().and_then(|one| one.cache_parameter_group_family());
        if let Some(found) = found.filter(|found| *found != family) {
            let remedy = format!("use a parameter group of the family {family}");
            findings.push(
                Finding::new(Code::ParameterGroupUnusable, remedy)
                    .with("parameterGroup", group.clone())
                    .with("found", found)
                    .with("expected", family.clone()),
            );
        }
        let Some(parameters) = unless_forbidden(self.group_parameters(group).await)? else {
            findings.push(not_checked("the parameters of the group and the node types"));
            return Ok(Parameters::default());
        };
        let cluster_mode = parameters.values.get("cluster-enabled").map(|value| value == "yes");
        spec.follow_parameter_group(open, cluster_mode == Some(true));
        if cluster_mode.is_some_and(|on| on != spec.cluster_mode) {
            let wanted = if spec.cluster_mode { "yes" } else { "no" };
            let remedy = format!("use a parameter group with cluster-enabled {wanted}");
            findings.push(
                Finding::new(Code::ParameterGroupUnusable, remedy)
                    .with("parameterGroup", group.clone())
                    .with("expected", wanted),
            );
        }
        Ok(parameters)
    }

    /// Reads the engine's defaults page by page: the SDK's paginators collect only one of the two lists on each page.
    async fn engine_defaults(&self, family: &str) -> Result<Parameters, StepError> {
        let mut parameters = Parameters::default();
        let mut marker = None;
        for _ in 0..MAX_PAGES {
            let page =
                self.elasticache.describe_engine_default_parameters().cache_parameter_group_family(family);
            let page = page.set_marker(marker).send().await;
            let page =
                page.map_err(|error| service_error(&format!("read the defaults of {family}"), &error))?;
            let Some(defaults) = page.engine_defaults() else { break };
            parameters.add(defaults.parameters(), defaults.cache_node_type_specific_parameters());
            marker = defaults.marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
        Ok(parameters)
    }

    async fn group_parameters(&self, group: &str) -> Result<Parameters, StepError> {
        let mut parameters = Parameters::default();
        let mut marker = None;
        for _ in 0..MAX_PAGES {
            let page = self.elasticache.describe_cache_parameters().cache_parameter_group_name(group);
            let page = page.set_marker(marker).send().await;
            let page =
                page.map_err(|error| service_error(&format!("read the parameters of {group}"), &error))?;
            parameters.add(page.parameters(), page.cache_node_type_specific_parameters());
            marker = page.marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
        Ok(parameters)
    }
}

impl Parameters {
    fn number<N: FromStr>(&self, name: &str) -> Option<N> {
        self.values.get(name)?.parse().ok()
    }

    /// The number of databases of the cluster. With cluster mode on, they have a parameter of their own since Valkey 9;
    /// before, there is one.
    fn databases(&self, spec: &ClusterSpec) -> u64 {
        if spec.cluster_mode {
            self.number("cluster-databases").unwrap_or(1)
        } else {
            self.number("databases").unwrap_or(16)
        }
    }

    fn add(&mut self, parameters: &[Parameter], by_node_type: &[CacheNodeTypeSpecificParameter]) {
        for parameter in parameters {
            if let (Some(name), Some(value)) = (parameter.parameter_name(), parameter.parameter_value()) {
                self.values.insert(name.to_owned(), value.to_owned());
            }
        }
        for parameter in
            by_node_type.iter().filter(|parameter| parameter.parameter_name() == Some("maxmemory"))
        {
            for value in parameter.cache_node_type_specific_values() {
                let bytes = value.value().and_then(|text| text.parse().ok());
                if let (Some(node_type), Some(bytes)) = (value.cache_node_type(), bytes) {
                    self.maxmemory_bytes.insert(node_type.to_owned(), bytes);
                }
            }
        }
    }
}

fn node_type_is_offered(spec: &ClusterSpec, node_types: &NodeTypes) -> Option<Finding> {
    let wanted = &spec.node_type;
    if wanted == "auto" || !wanted.starts_with("cache.") || node_types.maxmemory_bytes(wanted).is_some() {
        return None;
    }
    Some(seeding::unknown_node_type(node_types, wanted))
}

pub(super) fn not_checked(what: &str) -> Finding {
    Finding::new(
        Code::TargetNotChecked,
        "allow prepare-seeding's role to describe it, so that problems show before the create",
    )
    .with("what", what)
}
