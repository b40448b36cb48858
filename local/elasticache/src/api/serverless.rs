//! Serverless caches: create, describe, delete.

use std::sync::Arc;

use super::groups::{begin, endpoint};
use crate::{
    api::{create_request, query::Params, xml::Xml},
    error::ApiError,
    groups::{Group, Limits, kind::Kind},
    lifecycle,
    state::State,
};

const KIND: Kind = Kind::ServerlessCache;

pub(super) async fn create(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let spec = create_request::parse_serverless(params, &state.catalog())?;
    let id = spec.id.clone();
    begin(state, spec, params).await?;
    one(state, &id)
}

pub(super) fn delete(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let id = params.required("ServerlessCacheName")?.to_ascii_lowercase();
    if params.text("FinalSnapshotName").is_some() {
        return Err(ApiError::combination("FinalSnapshotName is not supported by the local ElastiCache"));
    }
    lifecycle::begin_delete(state, KIND, &id)?;
    one(state, &id)
}

pub(super) fn describe(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let asked = params.text("ServerlessCacheName").map(str::to_ascii_lowercase);
    let groups = state.groups();
    if let Some(id) = asked.as_ref().filter(|id| !groups.contains_key(&KIND.key(id))) {
        return Err(KIND.not_found(id));
    }
    let caches = groups.values().filter(|group| group.spec.kind == KIND);
    let caches = caches.filter(|group| asked.as_ref().is_none_or(|id| *id == group.spec.id));
    let mut xml = Xml::default();
    xml.list("ServerlessCaches", "member", caches, |xml, group| write(xml, state, group));
    Ok(xml)
}

fn one(state: &State, id: &str) -> Result<Xml, ApiError> {
    let groups = state.groups();
    let group = groups.get(&KIND.key(id)).ok_or_else(|| KIND.not_found(id))?;
    let mut xml = Xml::default();
    xml.element("ServerlessCache", |xml| write(xml, state, group));
    Ok(xml)
}

fn write(xml: &mut Xml, state: &State, group: &Group) {
    let spec = &group.spec;
    xml.text("ServerlessCacheName", &spec.id)
        .text("Description", &spec.description)
        .text("CreateTime", group.created_at)
        .text("Status", group.status.of_cache())
        .text("Engine", spec.engine)
        .text("MajorEngineVersion", spec.version.split('.').next().unwrap_or_default())
        .text("FullEngineVersion", spec.version);
    write_limits(xml, spec.limits);
    xml.optional("KmsKeyId", spec.kms_key_id.as_ref()).texts(
        "SecurityGroupIds",
        "SecurityGroupId",
        &spec.security_group_ids,
    );
    endpoint(xml, "Endpoint", group.port(0));
    endpoint(xml, "ReaderEndpoint", group.port(0));
    xml.text("ARN", state.arn(KIND.resource(), &spec.id))
        .optional("UserGroupId", spec.user_group_ids.first())
        .texts("SubnetIds", "SubnetId", &spec.subnet_ids)
        .text("SnapshotRetentionLimit", spec.snapshot_retention_limit)
        .text("NetworkType", "ipv4");
}

fn write_limits(xml: &mut Xml, limits: Limits) {
    let Limits { min_gb, max_gb, min_ecpu, max_ecpu } = limits;
    xml.element("CacheUsageLimits", |xml| {
        if min_gb.or(max_gb).is_some() {
            xml.element("DataStorage", |xml| {
                xml.optional("Maximum", max_gb).optional("Minimum", min_gb).text("Unit", "GB");
            });
        }
        if min_ecpu.or(max_ecpu).is_some() {
            xml.element("ECPUPerSecond", |xml| {
                xml.optional("Maximum", max_ecpu).optional("Minimum", min_ecpu);
            });
        }
    });
}
