//! Engine versions, subnet groups and user groups.

use std::sync::Arc;

use super::page::page;
use crate::{
    api::{query::Params, xml::Xml},
    catalog::{self, SubnetGroup, UserGroup, node_types, versions},
    error::ApiError,
    state::State,
};

pub(super) fn describe_engine_versions(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let same = |name: &str, value: &str| params.text(name).is_none_or(|asked| asked == value);
    let only_default = params.flag("DefaultOnly")?.unwrap_or(false);
    let chosen = versions::VERSIONS.iter().filter(|(engine, version, family)| {
        let newest = versions::version(*engine, None).is_some_and(|(newest, _)| newest == *version);
        same("Engine", &engine.to_string())
            && same("EngineVersion", version)
            && same("CacheParameterGroupFamily", family)
            && (newest || !only_default)
    });
    let page = page(state, params, chosen)?;
    let mut xml = Xml::default();
    xml.optional("Marker", page.marker);
    xml.list("CacheEngineVersions", "CacheEngineVersion", page.items, |xml, (engine, version, family)| {
        xml.text("Engine", engine)
            .text("EngineVersion", version)
            .text("CacheParameterGroupFamily", family)
            .text("CacheEngineDescription", engine)
            .text("CacheEngineVersionDescription", format_args!("{engine} version {version}"));
    });
    Ok(xml)
}

/// The node types that the region sells reservations of, in one of AWS's three ways of payment.
pub(super) fn describe_offerings(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let engine = params.text("ProductDescription").unwrap_or("redis").to_owned();
    let asked = params.text("CacheNodeType");
    let lacks = state.config.switches.lacks_family;
    let chosen = node_types::of_family(&engine).map(|(name, _)| name).filter(|name| {
        asked.is_none_or(|asked| asked == name)
            && lacks.is_none_or(|family| !name.starts_with(&format!("cache.{family}.")))
    });
    let page = page(state, params, chosen)?;
    let mut xml = Xml::default();
    xml.optional("Marker", page.marker);
    xml.list("ReservedCacheNodesOfferings", "ReservedCacheNodesOffering", page.items, |xml, node_type| {
        xml.text("ReservedCacheNodesOfferingId", format_args!("offering-{node_type}"))
            .text("CacheNodeType", node_type)
            .text("Duration", 31_536_000)
            .text("ProductDescription", &engine)
            .text("OfferingType", "No Upfront");
    });
    Ok(xml)
}

pub(super) fn describe_subnet_groups(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let catalog = state.catalog();
    let asked = params.text("CacheSubnetGroupName");
    if let Some(name) = asked {
        catalog.subnet_group(name)?;
    }
    let chosen = catalog.subnets.iter().filter(|(name, _)| asked.is_none_or(|asked| asked == *name));
    let page = page(state, params, chosen)?;
    let mut xml = Xml::default();
    xml.optional("Marker", page.marker);
    xml.list("CacheSubnetGroups", "CacheSubnetGroup", page.items, |xml, (name, group)| {
        write_subnet_group(xml, state, name, group);
    });
    Ok(xml)
}

pub(super) fn create_subnet_group(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let name = params.required("CacheSubnetGroupName")?.to_ascii_lowercase();
    let description = params.required("CacheSubnetGroupDescription")?.to_owned();
    let subnets = params.texts("SubnetIds");
    if subnets.is_empty() {
        return Err(ApiError::value("SubnetIds must not be empty"));
    }
    let group = SubnetGroup { description, subnets };
    let mut xml = Xml::default();
    xml.element("CacheSubnetGroup", |xml| write_subnet_group(xml, state, &name, &group));
    let groups = &mut state.catalog().subnets;
    catalog::add(groups, &name, group, "CacheSubnetGroupAlreadyExists", "CacheSubnetGroupQuotaExceeded")?;
    Ok(xml)
}

fn write_subnet_group(xml: &mut Xml, state: &State, name: &str, group: &SubnetGroup) {
    let zones = ["a", "b", "c"].iter().cycle();
    xml.text("CacheSubnetGroupName", name)
        .text("CacheSubnetGroupDescription", &group.description)
        .text("VpcId", "vpc-0a0a0a0a")
        .list("Subnets", "Subnet", group.subnets.iter().zip(zones), |xml, (subnet, zone)| {
            xml.text("SubnetIdentifier", subnet).element("SubnetAvailabilityZone", |xml| {
                xml.text("Name", format_args!("{}{zone}", state.config.region));
            });
        })
        .text("ARN", state.arn("subnetgroup", name))
        .texts("SupportedNetworkTypes", "member", ["ipv4"]);
}

pub(super) fn describe_user_groups(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let catalog = state.catalog();
    let asked = params.text("UserGroupId");
    if let Some(id) = asked {
        catalog.user_group(id)?;
    }
    let chosen = catalog.users.iter().filter(|(id, _)| asked.is_none_or(|asked| asked == *id));
    let page = page(state, params, chosen)?;
    let mut xml = Xml::default();
    xml.list("UserGroups", "member", page.items, |xml, (id, group)| write_user_group(xml, state, id, group));
    xml.optional("Marker", page.marker);
    Ok(xml)
}

pub(super) fn create_user_group(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let id = params.required("UserGroupId")?.to_ascii_lowercase();
    let engine = params.required("Engine")?.to_ascii_lowercase();
    if versions::Engine::parse(&engine).is_none() {
        return Err(ApiError::value(format_args!("Invalid engine {engine}")));
    }
    let group = UserGroup { engine, users: params.texts("UserIds") };
    let mut xml = Xml::default();
    write_user_group(&mut xml, state, &id, &group);
    let groups = &mut state.catalog().users;
    catalog::add(groups, &id, group, "UserGroupAlreadyExists", "UserGroupQuotaExceeded")?;
    Ok(xml)
}

fn write_user_group(xml: &mut Xml, state: &State, id: &str, group: &UserGroup) {
    xml.text("UserGroupId", id)
        .text("Status", "active")
        .text("Engine", &group.engine)
        .texts("UserIds", "member", &group.users)
        .text("MinimumEngineVersion", "6.0")
        .text("ARN", state.arn("usergroup", id));
}
