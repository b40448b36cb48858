//! The shards of a `CreateReplicationGroup` request.

use crate::{
    api::query::Params,
    error::ApiError,
    groups::{
        ShardSpec,
        slots::{self, SlotRanges},
    },
};

const MAX_SHARDS: usize = 90;
/// The most that AWS raises the quota to.
const RAISED_MAX_SHARDS: usize = 500;
const MAX_REPLICAS: u32 = 5;
const MAX_NODES_WITHOUT_CLUSTER_MODE: u32 = 6;

/// The shards with cluster mode enabled.
pub(super) fn of_cluster(
    params: &Params,
    seeding: bool,
    raised_quota: bool,
) -> Result<Vec<ShardSpec>, ApiError> {
    let max_shards = if raised_quota { RAISED_MAX_SHARDS } else { MAX_SHARDS };
    if params.text("NumCacheClusters").is_some() {
        return Err(ApiError::combination(
            "NumCacheClusters cannot be used with cluster mode enabled; use NodeGroupConfiguration.",
        ));
    }
    let configured = params.list("NodeGroupConfiguration");
    let number: Option<usize> = params.number("NumNodeGroups")?;
    let count = number.unwrap_or(configured.len().max(1));
    if !configured.is_empty() && configured.len() != count {
        let message = format_args!(
            "NumNodeGroups is {count}, but NodeGroupConfiguration has {} items",
            configured.len()
        );
        return Err(ApiError::combination(message));
    }
    if count == 0 || count > max_shards {
        let message = format_args!("{count} node groups: between 1 and {max_shards} are possible");
        return Err(ApiError::new("NodeGroupsPerReplicationGroupQuotaExceeded", message));
    }
    let default_replicas = replicas(params.number("ReplicasPerNodeGroup")?.unwrap_or(0))?;
    let with_slots = configured.iter().filter(|shard| shard.text("Slots").is_some()).count();
    if seeding && (with_slots < count) {
        return Err(ApiError::combination(
            "Slots must be provided when restoring from snapshot ARNs with cluster mode enabled",
        ));
    }
    if with_slots != 0 && with_slots != count {
        return Err(ApiError::combination("Slots must be provided for all node groups or for none"));
    }
    let mut shards = Vec::new();
    for index in 0..count {
        let shard = configured.get(index);
        let text = |name: &str| shard.and_then(|shard| shard.text(name)).map(str::to_owned);
        let slots = text("Slots").unwrap_or_else(|| even_slots(index, count));
        let replicas = match shard.map(|shard| shard.number("ReplicaCount")).transpose()?.flatten() {
            Some(count) => replicas(count)?,
            None => default_replicas,
        };
        let id = text("NodeGroupId").unwrap_or_else(|| format!("{:04}", index + 1));
        if id.is_empty() || id.len() > 4 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ApiError::value(format_args!("NodeGroupId must be one to four digits, not {id}")));
        }
        let mut zones: Vec<String> = text("PrimaryAvailabilityZone").into_iter().collect();
        let others = shard.map(|shard| shard.texts("ReplicaAvailabilityZones")).unwrap_or_default();
        if !others.is_empty() && others.len() != replicas as usize {
            let message = format_args!(
                "node group {id} has {replicas} replicas, but {} ReplicaAvailabilityZones",
                others.len()
            );
            return Err(ApiError::combination(message));
        }
        zones.extend(others);
        shards.push(ShardSpec {
            id: format!("{id:0>4}"),
            slots: slots.parse().map_err(ApiError::value)?,
            replicas,
            zones,
        });
    }
    let mut ids: Vec<&str> = shards.iter().map(|shard| shard.id.as_str()).collect();
    ids.sort_unstable();
    if let Some([id, _]) = ids.array_windows().find(|[a, b]| a == b) {
        return Err(ApiError::value(format_args!("NodeGroupId {id} is given twice")));
    }
    slots::owners(shards.iter().map(|shard| &shard.slots)).map_err(|error| {
        ApiError::value(format_args!("invalid Slots: {error}; together they must cover 0-16383 once"))
    })?;
    Ok(shards)
}

fn even_slots(index: usize, count: usize) -> String {
    let start = |index: usize| index * usize::from(slots::SLOTS) / count;
    format!("{}-{}", start(index), start(index + 1) - 1)
}

fn replicas(count: u32) -> Result<u32, ApiError> {
    if count > MAX_REPLICAS {
        return Err(ApiError::value(format_args!(
            "{count} replicas per node group: at most {MAX_REPLICAS} are possible"
        )));
    }
    Ok(count)
}

/// The only shard with cluster mode disabled, which other parameters describe.
pub(super) fn single(params: &Params) -> Result<Vec<ShardSpec>, ApiError> {
    if params.number::<u32>("NumNodeGroups")?.is_some_and(|count| count != 1) {
        return Err(ApiError::combination("More than one node group needs cluster mode enabled."));
    }
    let configured = params.list("NodeGroupConfiguration");
    if configured.len() > 1
        || configured.iter().any(|shard| shard.text("Slots").is_some_and(|slots| slots != "0-16383"))
    {
        return Err(ApiError::combination(
            "NodeGroupConfiguration with several node groups or slots needs cluster mode enabled.",
        ));
    }
    let shard_replicas = configured.first().map(|shard| shard.number("ReplicaCount")).transpose()?.flatten();
    let replicas = match (
        params.number::<u32>("NumCacheClusters")?,
        shard_replicas.or(params.number("ReplicasPerNodeGroup")?),
    ) {
        (Some(_), Some(_)) => {
            return Err(ApiError::combination(
                "NumCacheClusters cannot be combined with a number of replicas per node group.",
            ));
        }
        (Some(nodes @ 1..=MAX_NODES_WITHOUT_CLUSTER_MODE), None) => nodes - 1,
        (Some(nodes), None) => {
            return Err(ApiError::value(format_args!(
                "NumCacheClusters must be 1 to {MAX_NODES_WITHOUT_CLUSTER_MODE}, not {nodes}"
            )));
        }
        (None, count) => replicas(count.unwrap_or(0))?,
    };
    let zones = params.texts("PreferredCacheClusterAZs");
    if !zones.is_empty() && zones.len() != replicas as usize + 1 {
        let message =
            format_args!("{} PreferredCacheClusterAZs for {} cache clusters", zones.len(), replicas + 1);
        return Err(ApiError::combination(message));
    }
    Ok(vec![ShardSpec { id: "0001".to_owned(), slots: SlotRanges::all(), replicas, zones }])
}
