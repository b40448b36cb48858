//! Prices of nodes.

mod file;
mod money;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

pub use self::{
    file::PriceListError,
    money::{Currency, Money},
};
use crate::facts::engine::Engine;

/// Hours of a month, as AWS's own calculator has them: 365 days of 24 hours, divided by 12. Source: AWS Pricing
/// Calculator user guide, "730 hours in a month".
pub const HOURS_PER_MONTH: u64 = 730;

/// Days after which prices are called old.
const OLD_DAYS: i64 = 90;

/// What nodes cost in one region, on demand: what is kept of AWS's public price list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PriceList {
    /// Version of this JSON, 1.
    pub schema: u32,
    /// Region.
    pub region: String,
    /// Currency of all prices, such as `USD`.
    pub currency: Currency,
    /// When the list was fetched: the prices were in force then. For a file that was fetched by other means, when AWS
    /// published it.
    pub as_of: Date,
    /// When AWS published the list.
    pub published_at: Timestamp,
    /// Price of a node for an hour, by engine and node type.
    pub per_node_hour: BTreeMap<Engine, BTreeMap<String, Money>>,
}

impl PriceList {
    /// The version of the JSON that is written and read.
    pub const SCHEMA: u32 = 1;

    /// What a plan in this region needs of it; none if it is of another version or region, or has no price for the
    /// engine.
    pub fn of_engine(mut self, engine: Engine, region: &str) -> Option<NodePrices> {
        let per_node_hour = self.per_node_hour.remove(&engine).filter(|prices| !prices.is_empty())?;
        let is_meant = self.schema == Self::SCHEMA && self.region == region;
        is_meant.then_some(NodePrices { currency: self.currency, as_of: self.as_of, per_node_hour })
    }

    /// The day of a point in time, in milliseconds since the Unix epoch.
    pub fn day(ms: u64) -> Option<Date> {
        let at = Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()?;
        Some(at.to_zoned(TimeZone::UTC).date())
    }

    /// Whether prices of one day are old on another.
    pub fn is_old(as_of: Date, today: Date) -> bool {
        today.duration_since(as_of).as_hours() > OLD_DAYS * 24
    }
}

/// What nodes of one engine cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodePrices {
    /// The currency.
    pub currency: Currency,
    /// See [`PriceList::as_of`].
    pub as_of: Date,
    /// The price of a node for an hour, by node type.
    pub per_node_hour: BTreeMap<String, Money>,
}

impl NodePrices {
    /// The price of this many nodes of a type; none if the type's price is not known.
    pub fn of(&self, node_type: &str, nodes: u64) -> Option<Price> {
        let per_node_hour = *self.per_node_hour.get(node_type).filter(|price| !price.is_zero())?;
        Some(Price {
            currency: self.currency.clone(),
            per_month: per_node_hour.times(HOURS_PER_MONTH).times(nodes).to_cents(),
            per_node_hour,
            as_of: self.as_of,
        })
    }
}

/// Price of a cluster on demand, without backups, traffic and taxes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// Currency, such as `USD`.
    pub currency: Currency,
    /// All nodes, replicas included, for a month of 730 hours.
    pub per_month: Money,
    /// One node for an hour.
    pub per_node_hour: Money,
    /// Day of the price list.
    pub as_of: Date,
}

impl std::fmt::Display for Price {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { currency, per_month, per_node_hour, as_of } = self;
        write!(
            formatter,
            "{per_month} {currency} a month ({per_node_hour} for a node and hour; prices of {as_of})"
        )
    }
}
