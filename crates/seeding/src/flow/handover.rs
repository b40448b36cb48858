//! A seeded cluster for Terraform: a block that imports it, and the resource as it is.

mod syntax;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use self::syntax::{Value, attributes, quoted};
use super::steps::ClusterInfo;
use crate::{
    facts::identity::Identity,
    record::seeding::Seeding,
    request::{cluster::ClusterSpec, tags::EXECUTION_TAG},
};

/// The type of the resource.
const RESOURCE: &str = "aws_elasticache_replication_group";

/// What everybody has to know who applies the file.
const WARNINGS: &str = "\
# terraform plan has to say: 1 to import, 0 to add, 0 to change, 0 to destroy. Version 5 of the provider changes
# auth_token_update_strategy, a default of its own. If the cluster must be replaced, do not apply the plan.
#
# Never add snapshot_arns or snapshot_name, here or in a module: Terraform does not read them back from AWS. A
# configuration that names them replaces the cluster, data and all.
#
# auth_token is not here either, as AWS does not return it: the cluster keeps the one it has.
#
# CloudFormation cannot import a replication group. A stack that has one as a resource creates another cluster.
";

/// The content of `handover.tf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver(String);

impl HandOver {
    /// Describes a cluster that became available. `identity`: that of the execution that created it.
    pub fn of(seeding: &Seeding, identity: &Identity, cluster: &ClusterInfo) -> Self {
        let spec = &seeding.target.cluster;
        let (region, account) = (&seeding.partition.region, &seeding.partition.account);
        let name = &cluster.id;
        let mut text = format!(
            "# The cluster {name} in {region}, account {account}, for Terraform 1.5 or later with the provider hashicorp/aws.\n\
             # elasticache-seeder created it, in the execution {}.\n#\n{WARNINGS}\n",
            identity.name(),
        );
        let import = [("id", Value::from(name))];
        let _ = write!(text, "import {{\n  to = {RESOURCE}.{name}\n{}}}\n\n", attributes(&import));
        let _ = writeln!(text, "resource \"{RESOURCE}\" {} {{", quoted(name));
        text += &attributes(&described(spec, identity, cluster));
        text += &tags(spec, identity);
        text += &lifecycle(spec);
        text += "}\n";
        Self(text)
    }

    /// The file as text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// What Terraform reads back from AWS exactly as it was asked for. Whatever the request left to AWS is left out, which
/// means: as it is.
fn described(spec: &ClusterSpec, identity: &Identity, cluster: &ClusterInfo) -> Vec<(&'static str, Value)> {
    let mut members = vec![
        ("replication_group_id", Value::from(&cluster.id)),
        ("description", Value::from(&identity.owner_text())),
        ("engine", Value::from(spec.engine.as_str())),
        ("engine_version", Value::from(&spec.engine_version.to_string())),
        ("node_type", Value::from(&cluster.node_type)),
    ];
    if spec.cluster_mode {
        members.push(("num_node_groups", Value::Number(cluster.shards.into())));
        members.push(("replicas_per_node_group", Value::Number(spec.replicas_per_shard.into())));
    } else {
        members.push(("num_cache_clusters", Value::Number(u64::from(spec.replicas_per_shard) + 1)));
    }
    // As create-cluster asks for it.
    let failover = spec.cluster_mode || spec.replicas_per_shard > 0;
    members.extend([
        ("automatic_failover_enabled", Value::Bool(failover)),
        ("multi_az_enabled", Value::Bool(spec.multi_az)),
        ("port", Value::Number(cluster.port.into())),
        ("at_rest_encryption_enabled", Value::Bool(spec.at_rest_encryption)),
        ("transit_encryption_enabled", Value::Bool(spec.transit_encryption)),
        ("snapshot_retention_limit", Value::Number(spec.snapshot_retention_days.into())),
    ]);
    let texts = [
        ("kms_key_id", spec.kms_key_id.as_ref().filter(|key| is_key_arn(key))),
        ("parameter_group_name", spec.parameter_group.as_ref()),
        ("subnet_group_name", spec.subnet_group.as_ref()),
    ];
    members.extend(texts.into_iter().filter_map(|(name, text)| Some((name, Value::from(text?)))));
    let lists = [
        ("security_group_ids", &spec.security_group_ids[..]),
        ("user_group_ids", spec.user_group_id.as_slice()),
    ];
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
    members.extend(lists.map(|(name, list)| (name, Value::List(list.to_vec()))));
    members
}

/// Whether a KMS key is named as AWS returns it. Another name of the same key is a difference to Terraform, and a
/// difference here replaces the cluster.
fn is_key_arn(key: &str) -> bool {
    key.starts_with("arn:") && key.contains(":key/")
}

fn tags(spec: &ClusterSpec, identity: &Identity) -> String {
    let own = (EXECUTION_TAG.to_owned(), identity.owner_text());
    let tags = std::iter::once(own).chain(spec.tags.clone());
    let tags: Vec<_> = tags.map(|(key, value)| (quoted(&key), quoted(&value))).collect();
    let width = tags.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
    let lines: String = tags.iter().map(|(key, value)| format!("    {key:width$} = {value}\n")).collect();
    format!("\n  tags = {{\n{lines}  }}\n")
}

fn lifecycle(spec: &ClusterSpec) -> String {
    let mut text = "\n  lifecycle {\n    # Until you remove it, no plan that deletes or replaces the cluster is applied.\n    \
                    prevent_destroy = true\n"
        .to_owned();
    if spec.kms_key_id.as_ref().is_some_and(|key| !is_key_arn(key)) {
        text += "    # The request named the key otherwise than AWS returns it.\n    ignore_changes = [kms_key_id]\n";
    }
    text + "  }\n"
}
