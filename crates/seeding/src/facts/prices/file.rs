//! AWS's public price list, read in one pass.
//!
//! The format: AWS Billing user guide, "Reading the service price list file". Everything in the file is checked and
//! bounded: it comes from a network, or from a person's disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    io::{self, BufRead},
    marker::PhantomData,
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, IgnoredAny, MapAccess, Visitor},
};

use super::{Currency, Money, PriceList};
use crate::facts::engine::Engine;

/// The size limit of a file. That of one region has a few megabytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// The most entries of a map in it. A region has some hundred products.
const MAX_ENTRIES: usize = 50_000;
/// The longest name that is kept: of a product, a node type, a region.
const MAX_NAME: usize = 100;
/// The service whose list is read.
const SERVICE: &str = "AmazonElastiCache";

/// Why a file is no price list that can be used.
#[derive(Debug, thiserror::Error)]
pub enum PriceListError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is too long.
    #[error("it has more than {MAX_BYTES} bytes; the price list of one region has a few megabytes")]
    TooLong,
    /// It is not a price list.
    #[error("it is no price list as JSON: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It is the list of another service.
    #[error("it is the price list of `{0}`, not of {SERVICE}")]
    OtherService(String),
    /// It has no price of a node.
    #[error("it has no on-demand price of a Valkey or Redis node")]
    Empty,
    /// It has more than one region.
    #[error("it has prices of {0} regions; take the file of one region, current/REGION/index.json")]
    SeveralRegions(usize),
    /// It has more than one currency.
    #[error("it has prices in {0} currencies, not in one")]
    SeveralCurrencies(usize),
    /// It was kept by another version.
    #[error("it has schema {0}, and this version reads {schema}: fetch the prices again", schema = PriceList::SCHEMA)]
    OtherSchema(u32),
}

impl PriceList {
    /// Reads a price list of AWS for one region (`index.json`), or one that was kept. `as_of`: the day on which it was
    /// fetched; without it, that of its publication.
    pub fn read(mut reader: impl BufRead, as_of: Option<Date>) -> Result<Self, PriceListError> {
        // A kept list begins with its schema.
        let begin = reader.fill_buf()?;
        let begin = begin.get(..64).unwrap_or(begin);
        let is_kept = begin.windows(8).any(|word| word == b"\"schema\"");
        let mut limited = reader.take(MAX_BYTES + 1);
        let read = if is_kept {
            serde_json::from_reader(&mut limited).map_err(PriceListError::from).and_then(Self::known)
        } else {
            serde_json::from_reader::<_, AwsList>(&mut limited)
                .map_err(PriceListError::from)
                .and_then(|list| list.join(as_of))
        };
        if limited.limit() == 0 { Err(PriceListError::TooLong) } else { read }
    }

    fn known(self) -> Result<Self, PriceListError> {
        if self.schema == Self::SCHEMA { Ok(self) } else { Err(PriceListError::OtherSchema(self.schema)) }
    }
}

/// The members of AWS's file that matter.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AwsList {
    offer_code: String,
    publication_date: Timestamp,
    #[serde(deserialize_with = "nodes")]
    products: Vec<(String, Node)>,
    terms: Terms,
}

/// A product that is a node, on demand, in a region.
struct Node {
    engine: Engine,
    node_type: String,
    region: String,
}

#[derive(Deserialize)]
struct Terms {
    /// The price of an hour by product and currency. Reservations, which are most of the file, are passed over.
    #[serde(rename = "OnDemand", deserialize_with = "hourly", default)]
    on_demand: BTreeMap<String, BTreeMap<Currency, Money>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Product {
    #[serde(default)]
    product_family: String,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Attributes {
    location_type: String,
    instance_type: String,
    cache_engine: String,
    #[serde(rename = "usagetype")]
    usage_type: String,
    region_code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Term {
    #[serde(default)]
    price_dimensions: BTreeMap<String, Dimension>,
    #[serde(default)]
    term_attributes: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dimension {
    #[serde(default)]
    unit: String,
    #[serde(default)]
    price_per_unit: BTreeMap<String, String>,
}

impl Product {
    /// The node that the product is. Local zones, Outposts, Memcached and the surcharge for extended support are none.
    fn node(self) -> Option<Node> {
        let Attributes { location_type, instance_type, cache_engine, usage_type, region_code } =
            self.attributes;
        let engine = match cache_engine.as_str() {
            "Valkey" => Engine::Valkey,
            "Redis" => Engine::Redis,
            _ => return None,
        };
        // In us-east-1 `NodeUsage:TYPE`, elsewhere after a code of the region such as `EUW3-`.
        let prefix = usage_type.strip_suffix(&format!("NodeUsage:{instance_type}"))?;
        let is_region = prefix.is_empty()
            || prefix.strip_suffix('-').is_some_and(|code| {
                code.len() <= 5 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            });
        let is_node = self.product_family == "Cache Instance"
            && location_type == "AWS Region"
            && is_region
            && instance_type.starts_with("cache.")
            && [&instance_type, &region_code].into_iter().all(|name| is_name(name));
        is_node.then_some(Node { engine, node_type: instance_type, region: region_code })
    }
}

/// Whether a text can be the name of a node type or region.
fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
}

impl Term {
    /// The price of an hour in each currency. A reservation has attributes.
    fn hourly(self) -> Result<BTreeMap<Currency, Money>, String> {
        let mut prices = BTreeMap::new();
        let dimensions = self.price_dimensions.into_values().filter(|_| self.term_attributes.is_empty());
        for Dimension { price_per_unit, .. } in dimensions.filter(|dimension| dimension.unit == "Hrs") {
            for (currency, amount) in price_per_unit {
                let price = Money::parse(&amount).ok_or_else(|| {
                    let shown: String = amount.chars().take(20).collect();
                    format!("the price {shown:?} is no amount of money")
                })?;
                keep_higher(&mut prices, Currency::try_from(currency)?, price);
            }
        }
        Ok(prices)
    }
}

/// Keeps the higher of two prices: a plan then never costs more than it says.
fn keep_higher<K: Ord>(prices: &mut BTreeMap<K, Money>, key: K, price: Money) {
    let kept = prices.entry(key).or_default();
    *kept = price.max(*kept);
}

impl AwsList {
    /// Joins products and prices. `as_of`: see [`PriceList::read`].
    fn join(self, as_of: Option<Date>) -> Result<PriceList, PriceListError> {
        if self.offer_code != SERVICE {
            let shown = self.offer_code.chars().filter(|letter| !letter.is_control()).take(MAX_NAME);
            return Err(PriceListError::OtherService(shown.collect()));
        }
        let mut per_node_hour = BTreeMap::<Engine, BTreeMap<String, Money>>::new();
        let (mut regions, mut currencies) = (BTreeSet::new(), BTreeSet::new());
        for (sku, node) in self.products {
            let prices = self.terms.on_demand.get(&sku).into_iter().flatten();
            for (currency, price) in prices.filter(|(_, price)| !price.is_zero()) {
                keep_higher(per_node_hour.entry(node.engine).or_default(), node.node_type.clone(), *price);
                currencies.insert(currency.clone());
                regions.insert(node.region.clone());
            }
        }
        let (Some(region), Some(currency)) = (regions.first(), currencies.first()) else {
            return Err(PriceListError::Empty);
        };
        if regions.len() > 1 {
            return Err(PriceListError::SeveralRegions(regions.len()));
        }
        if currencies.len() > 1 {
            return Err(PriceListError::SeveralCurrencies(currencies.len()));
        }
        let published = self.publication_date.to_zoned(TimeZone::UTC).date();
        Ok(PriceList {
            schema: PriceList::SCHEMA,
            region: region.clone(),
            currency: currency.clone(),
            as_of: as_of.unwrap_or(published),
            published_at: self.publication_date,
            per_node_hour,
        })
    }
}

fn nodes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, Node)>, D::Error> {
    entries(deserializer, |sku, product: Product| Ok(product.node().map(|node| (sku, node))))
}

fn hourly<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, BTreeMap<Currency, Money>>, D::Error> {
    let of_product = |sku: String, terms: BTreeMap<String, Term>| {
        let mut prices = BTreeMap::new();
        for term in terms.into_values() {
            for (currency, price) in term.hourly().map_err(|error| format!("product {sku}: {error}"))? {
                keep_higher(&mut prices, currency, price);
            }
        }
        Ok(Some((sku, prices)))
    };
    Ok(entries(deserializer, of_product)?.into_iter().collect())
}

/// Reads a map entry by entry, so that only what `keep` makes of an entry is in memory.
fn entries<'de, D, V, T, F>(deserializer: D, keep: F) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    V: DeserializeOwned,
    F: FnMut(String, V) -> Result<Option<T>, String>,
{
    struct Entries<V, F>(F, PhantomData<V>);

    impl<'de, V: DeserializeOwned, T, F: FnMut(String, V) -> Result<Option<T>, String>> Visitor<'de>
        for Entries<V, F>
    {
        type Value = Vec<T>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Vec<T>, A::Error> {
            let mut kept = Vec::new();
            while let Some((name, value)) = map.next_entry::<String, V>()? {
                if name.len() > MAX_NAME {
                    return Err(A::Error::custom(format_args!("a name has more than {MAX_NAME} bytes")));
                }
                kept.extend((self.0)(name, value).map_err(A::Error::custom)?);
                if kept.len() > MAX_ENTRIES {
                    return Err(A::Error::custom(format_args!(
                        "an object has more than {MAX_ENTRIES} entries"
                    )));
                }
            }
            Ok(kept)
        }
    }

    deserializer.deserialize_map(Entries(keep, PhantomData))
}
