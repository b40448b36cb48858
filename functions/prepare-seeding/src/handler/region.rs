//! Node types of the region.

use std::collections::BTreeSet;

use seeder_aws::service_error;
use seeding::{ClusterSpec, Code, Finding, NodeTypes, StepError};

use super::{PrepareSeeding, target::not_checked, unless_forbidden};

/// The offering that every node type has: one year, no upfront payment.
const DURATION: &str = "1";
const OFFERING: &str = "No Upfront";
/// The records of a page, the maximum of ElastiCache.
const PAGE_RECORDS: i32 = 100;
/// The most pages. There are some hundred node types.
const MAX_PAGES: usize = 20;

impl PrepareSeeding {
    /// Checks the node type against the region, or limits the choice to the types of the region.
    ///
    /// No action of ElastiCache lists the node types of a region. The offered reservations are a good approximation:
    /// a type without one is a warning, and a list without any known type is ignored.
    pub(super) async fn look_at_region(
        &self,
        spec: &ClusterSpec,
        node_types: &mut NodeTypes,
    ) -> Result<Option<Finding>, StepError> {
        let Some(offered) = unless_forbidden(self.reservable(spec).await)? else {
            return Ok(Some(not_checked("the node types of the region")));
        };
        let mut of_region = node_types.clone();
        of_region.limit_to(&offered);
        if of_region.is_empty() {
            return Ok(None);
        }
        if spec.node_type == "auto" {
            *node_types = of_region;
            return Ok(None);
        }
        if node_types.maxmemory_bytes(&spec.node_type).is_none() || offered.contains(&spec.node_type) {
            return Ok(None);
        }
        let remedy = "check that the region has this node type, or set nodeType to auto";
        let finding =
            Finding::new(Code::NodeTypeNotInRegion, remedy).with("nodeType", spec.node_type.clone());
        Ok(Some(finding.with("near", of_region.near(&spec.node_type))))
    }

    async fn reservable(&self, spec: &ClusterSpec) -> Result<BTreeSet<String>, StepError> {
        let offerings = self.elasticache.describe_reserved_cache_nodes_offerings();
        let offerings = offerings.product_description(spec.engine.as_str()).duration(DURATION);
        let offerings = offerings.offering_type(OFFERING).max_records(PAGE_RECORDS);
        let mut pages = offerings.into_paginator().send();
        let mut names = BTreeSet::new();
        for _ in 0..MAX_PAGES {
            let Some(page) = pages.next().await else { break };
            let page = page.map_err(|error| service_error("list the node types of the region", &error))?;
            let found = page.reserved_cache_nodes_offerings().iter();
            names.extend(found.filter_map(|one| one.cache_node_type().map(str::to_owned)));
        }
        Ok(names)
    }
}
