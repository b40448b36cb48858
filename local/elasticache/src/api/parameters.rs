//! Parameters and parameter groups.

use std::{collections::BTreeMap, sync::Arc};

use super::page::page;
use crate::{
    api::{query::Params, xml::Xml},
    catalog::{
        self, ParameterGroup, node_types,
        parameters::{self, Parameter},
        versions,
    },
    error::ApiError,
    state::State,
};

/// A record of a parameter listing. Pages list the common parameters first, then those that differ by node type.
enum Record {
    Same(Parameter, String, &'static str),
    MaxmemoryByNodeType,
}

pub(super) fn describe_defaults(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let family = params.required("CacheParameterGroupFamily")?;
    if !versions::families().contains(&family) {
        return Err(ApiError::value(format_args!(
            "CacheParameterGroupFamily {family} is not a valid parameter group family."
        )));
    }
    let group =
        ParameterGroup { family: family.to_owned(), description: String::new(), changed: BTreeMap::new() };
    let page = page(state, params, records(&group, None))?;
    let mut xml = Xml::default();
    xml.element("EngineDefaults", |xml| {
        xml.text("CacheParameterGroupFamily", family).optional("Marker", page.marker);
        write(xml, family, page.items);
    });
    Ok(xml)
}

pub(super) fn describe(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let catalog = state.catalog();
    let group = catalog.parameter_group(params.required("CacheParameterGroupName")?)?;
    let page = page(state, params, records(group, params.text("Source")))?;
    let mut xml = Xml::default();
    xml.optional("Marker", page.marker);
    write(&mut xml, &group.family, page.items);
    Ok(xml)
}

fn records(group: &ParameterGroup, source: Option<&str>) -> Vec<Record> {
    let same = parameters::of_family(&group.family).into_iter().map(|parameter| {
        match group.changed.get(parameter.name) {
            Some(value) => Record::Same(parameter, value.clone(), "user"),
            None => Record::Same(parameter, parameter.default.to_owned(), "system"),
        }
    });
    let all = same.chain([Record::MaxmemoryByNodeType]);
    all.filter(|record| {
        let of = if let Record::Same(_, _, of) = record { *of } else { "system" };
        source.is_none_or(|source| source == of)
    })
    .collect()
}

fn write(xml: &mut Xml, family: &str, records: Vec<Record>) {
    let maxmemory = records.iter().any(|record| matches!(record, Record::MaxmemoryByNodeType));
    xml.element("Parameters", |xml| {
        for record in records {
            if let Record::Same(parameter, value, source) = record {
                xml.element("Parameter", |xml| write_parameter(xml, parameter, &value, source));
            }
        }
    });
    let by_node_type = maxmemory.then_some(());
    xml.list("CacheNodeTypeSpecificParameters", "CacheNodeTypeSpecificParameter", by_node_type, |xml, ()| {
        xml.text("ParameterName", "maxmemory")
            .text("Description", "The maximum number of bytes available for data storage on the node.")
            .text("Source", "system")
            .text("DataType", "integer")
            .text("AllowedValues", "0-")
            .text("IsModifiable", false)
            .text("MinimumEngineVersion", "2.8.6");
        let values = node_types::of_family(family);
        xml.list(
            "CacheNodeTypeSpecificValues",
            "CacheNodeTypeSpecificValue",
            values,
            |xml, (node_type, bytes)| {
                xml.text("CacheNodeType", node_type).text("Value", bytes);
            },
        );
        xml.text("ChangeType", "immediate");
    });
}

fn write_parameter(xml: &mut Xml, parameter: Parameter, value: &str, source: &str) {
    xml.text("ParameterName", parameter.name)
        .text("ParameterValue", value)
        .text("Description", parameter.name)
        .text("Source", source)
        .text("DataType", parameter.data_type)
        .text("AllowedValues", parameter.allowed)
        .text("IsModifiable", parameter.modifiable)
        .text("MinimumEngineVersion", "2.8.6")
        .text("ChangeType", if parameter.of_server { "immediate" } else { "requires-reboot" });
}

pub(super) fn describe_groups(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let catalog = state.catalog();
    let asked = params.text("CacheParameterGroupName");
    if let Some(name) = asked {
        catalog.parameter_group(name)?;
    }
    let chosen = catalog.parameters.iter().filter(|(name, _)| asked.is_none_or(|asked| asked == *name));
    let page = page(state, params, chosen)?;
    let mut xml = Xml::default();
    xml.optional("Marker", page.marker);
    xml.list("CacheParameterGroups", "CacheParameterGroup", page.items, |xml, (name, group)| {
        write_group(xml, state, name, group);
    });
    Ok(xml)
}

pub(super) fn create_group(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let name = params.required("CacheParameterGroupName")?.to_ascii_lowercase();
    let family = params.required("CacheParameterGroupFamily")?.to_owned();
    let description = params.required("Description")?.to_owned();
    if !versions::families().contains(&family.as_str()) {
        return Err(ApiError::value(format_args!(
            "CacheParameterGroupFamily {family} is not a valid parameter group family."
        )));
    }
    let group = ParameterGroup { family, description, changed: BTreeMap::new() };
    let mut xml = Xml::default();
    xml.element("CacheParameterGroup", |xml| write_group(xml, state, &name, &group));
    let groups = &mut state.catalog().parameters;
    catalog::add(
        groups,
        &name,
        group,
        "CacheParameterGroupAlreadyExists",
        "CacheParameterGroupQuotaExceeded",
    )?;
    Ok(xml)
}

pub(super) fn modify_group(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let name = params.required("CacheParameterGroupName")?;
    let mut catalog = state.catalog();
    let family = catalog.parameter_group(name)?.family.clone();
    if name.starts_with("default.") {
        let message = format_args!("{name} is a default parameter group and cannot be modified");
        return Err(ApiError::new("InvalidCacheParameterGroupState", message));
    }
    let known = parameters::of_family(&family);
    let mut changes = Vec::new();
    for change in params.list("ParameterNameValues") {
        let (parameter, value) =
            (change.required("ParameterName")?, change.text("ParameterValue").unwrap_or_default());
        if !known.iter().any(|known| known.modifiable && known.name == parameter) {
            return Err(ApiError::value(format_args!(
                "{parameter} is not a modifiable parameter of {family}"
            )));
        }
        // Values become lines of a server's configuration file.
        if value.len() > 256 || value.contains(['"', '\\']) || value.chars().any(char::is_control) {
            return Err(ApiError::value(format_args!("invalid value for {parameter}")));
        }
        changes.push((parameter.to_owned(), value.to_owned()));
    }
    if let Some(group) = catalog.parameters.get_mut(name) {
        group.changed.extend(changes);
    }
    let mut xml = Xml::default();
    xml.text("CacheParameterGroupName", name);
    Ok(xml)
}

fn write_group(xml: &mut Xml, state: &State, name: &str, group: &ParameterGroup) {
    xml.text("CacheParameterGroupName", name)
        .text("CacheParameterGroupFamily", &group.family)
        .text("Description", &group.description)
        .text("IsGlobal", false)
        .text("ARN", state.arn("parametergroup", name));
}
