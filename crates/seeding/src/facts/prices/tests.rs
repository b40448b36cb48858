use std::io::Cursor;

use serde_json::{Value, json};

use super::*;

/// A list as AWS publishes it: the members, their order and their types are those of the real file; the amounts are
/// not.
fn list() -> Value {
    json!({
        "formatVersion": "v1.0",
        "disclaimer": "This pricing list is for informational purposes only.",
        "offerCode": "AmazonElastiCache",
        "version": "20260624130639",
        "publicationDate": "2026-06-24T13:06:39Z",
        "products": {
            "4D2E7K7G4GPM84WN": product("Valkey", "cache.r7g.large", "EUW3-NodeUsage:cache.r7g.large"),
            "4G2V4N8P952B53FP": product("Redis", "cache.r7g.large", "EUW3-NodeUsage:cache.r7g.large"),
            "TP92RGE9WMYCX7WW": product("Memcached", "cache.r7g.large", "EUW3-NodeUsage:cache.r7g.large"),
        },
        "terms": {
            "OnDemand": {
                "4D2E7K7G4GPM84WN": on_demand("4D2E7K7G4GPM84WN", "0.1000000000"),
                "4G2V4N8P952B53FP": on_demand("4G2V4N8P952B53FP", "0.2000000000"),
                "TP92RGE9WMYCX7WW": on_demand("TP92RGE9WMYCX7WW", "0.3000000000"),
            },
            "Reserved": {
                "4D2E7K7G4GPM84WN": { "4D2E7K7G4GPM84WN.HU7G6KETJZ": reserved() },
            },
        },
        "attributesList": {},
    })
}

fn product(engine: &str, node_type: &str, usage_type: &str) -> Value {
    json!({
        "sku": "4D2E7K7G4GPM84WN",
        "productFamily": "Cache Instance",
        "attributes": {
            "servicecode": "AmazonElastiCache",
            "location": "EU (Paris)",
            "locationType": "AWS Region",
            "instanceType": node_type,
            "currentGeneration": "Yes",
            "instanceFamily": "Memory optimized",
            "vcpu": "2",
            "memory": "13.07 GiB",
            "networkPerformance": "Up to 12.5 Gigabit",
            "cacheEngine": engine,
            "usagetype": usage_type,
            "operation": format!("CreateCacheCluster:{engine}"),
            "regionCode": "eu-west-3",
            "servicename": "Amazon ElastiCache",
        },
    })
}

fn on_demand(sku: &str, amount: &str) -> Value {
    json!({ format!("{sku}.JRTCKXETXF"): {
        "offerTermCode": "JRTCKXETXF",
        "sku": sku,
        "effectiveDate": "2026-06-01T00:00:00Z",
        "priceDimensions": { format!("{sku}.JRTCKXETXF.6YS6EN2CT7"): {
            "rateCode": format!("{sku}.JRTCKXETXF.6YS6EN2CT7"),
            "description": "per node-hour",
            "beginRange": "0",
            "endRange": "Inf",
            "unit": "Hrs",
            "pricePerUnit": { "USD": amount },
            "appliesTo": [],
        }},
        "termAttributes": {},
    }})
}

fn reserved() -> Value {
    json!({
        "offerTermCode": "HU7G6KETJZ",
        "priceDimensions": {
            "a": { "unit": "Hrs", "pricePerUnit": { "USD": "9.0000000000" } },
            "b": { "unit": "Quantity", "pricePerUnit": { "USD": "580.788" } },
        },
        "termAttributes": { "LeaseContractLength": "1yr", "PurchaseOption": "Partial Upfront" },
    })
}

fn read(list: &Value) -> Result<PriceList, PriceListError> {
    PriceList::read(Cursor::new(serde_json::to_vec_pretty(list).unwrap()), None)
}

fn error(list: &Value) -> String {
    read(list).unwrap_err().to_string()
}

fn hour(list: &PriceList, engine: Engine, node_type: &str) -> Option<String> {
    list.per_node_hour.get(&engine)?.get(node_type).map(ToString::to_string)
}

#[test]
fn nodes_of_both_engines_have_their_price_on_demand() {
    let list = read(&list()).unwrap();
    assert_eq!((list.region.as_str(), list.currency.to_string().as_str()), ("eu-west-3", "USD"));
    assert_eq!((list.as_of.to_string().as_str(), list.per_node_hour.len()), ("2026-06-24", 2));
    assert_eq!(hour(&list, Engine::Valkey, "cache.r7g.large").unwrap(), "0.10");
    assert_eq!(hour(&list, Engine::Redis, "cache.r7g.large").unwrap(), "0.20");
}

#[test]
fn a_kept_list_is_read_again_as_it_was_with_the_day_of_its_fetch() {
    let fetched = Date::constant(2026, 11, 28);
    let first = PriceList::read(Cursor::new(list().to_string()), Some(fetched)).unwrap();
    let kept = serde_json::to_string(&first).unwrap();
    let again = PriceList::read(Cursor::new(kept.clone()), Some(Date::constant(2030, 1, 1))).unwrap();
    assert_eq!((again, first.as_of), (first, fetched));
    let newer = kept.replacen("\"schema\":1", "\"schema\":2", 1);
    let error = PriceList::read(Cursor::new(newer), None).unwrap_err().to_string();
    assert_eq!(error, "it has schema 2, and this version reads 1: fetch the prices again");
    assert!(matches!(
        PriceList::read(Cursor::new(kept.replace("USD", "\\u001b[2J")), None),
        Err(PriceListError::Malformed(_))
    ));
}

#[test]
fn reservations_extended_support_local_zones_and_free_hours_are_no_price() {
    let mut list = list();
    let mut local = product("Valkey", "cache.m7g.large", "EUW3-NodeUsage:cache.m7g.large");
    local["attributes"]["locationType"] = json!("AWS Local Zone");
    let mut backup = product("Valkey", "cache.m7g.large", "EUW3-NodeUsage:cache.m7g.large");
    backup["productFamily"] = json!("Storage Snapshot");
    for (sku, product) in [
        ("X1", product("Redis", "cache.r7g.large", "EUW3-ExtendedSupport-Yr1-NodeUsage:cache.r7g.large")),
        ("X2", product("Redis", "cache.r7g.large", "ExtendedSupport-NodeUsage:cache.r7g.large")),
        ("X3", product("Redis", "cache.r7g.large", "EUW3-Outpost-NodeUsage:cache.r7g.large")),
        ("X4", product("Valkey", "cache.m7g\u{1b}[2J", "EUW3-NodeUsage:cache.m7g\u{1b}[2J")),
        ("X5", local),
        ("X6", backup),
    ] {
        list["products"][sku] = product;
        list["terms"]["OnDemand"][sku] = on_demand(sku, "5.0000000000");
    }
    list["products"]["X7"] = product("Valkey", "cache.t4g.micro", "EUW3-NodeUsage:cache.t4g.micro");
    list["terms"]["OnDemand"]["X7"] = on_demand("X7", "0.0000000000");
    list["terms"]["OnDemand"]["4D2E7K7G4GPM84WN"]["reserved"] = reserved();
    let read = read(&list).unwrap();
    assert_eq!(hour(&read, Engine::Redis, "cache.r7g.large").unwrap(), "0.20");
    assert_eq!(hour(&read, Engine::Valkey, "cache.r7g.large").unwrap(), "0.10");
    assert_eq!(read.per_node_hour.values().map(BTreeMap::len).sum::<usize>(), 2);
}

#[test]
fn of_two_prices_the_higher_one_counts() {
    let mut list = list();
    list["products"]["AGAIN"] = product("Valkey", "cache.r7g.large", "NodeUsage:cache.r7g.large");
    list["terms"]["OnDemand"]["AGAIN"] = on_demand("AGAIN", "0.1500000000");
    assert_eq!(hour(&read(&list).unwrap(), Engine::Valkey, "cache.r7g.large").unwrap(), "0.15");
}

#[test]
fn a_file_that_cannot_be_used_is_an_error_that_says_why() {
    let changed = |change: fn(&mut Value)| {
        let mut list = list();
        change(&mut list);
        error(&list)
    };
    assert_eq!(
        changed(|list| list["offerCode"] = json!("AmazonEC2")),
        "it is the price list of `AmazonEC2`, not of AmazonElastiCache"
    );
    const SKU: &str = "4D2E7K7G4GPM84WN";
    let other_region = changed(|list| list["products"][SKU]["attributes"]["regionCode"] = json!("eu-west-1"));
    assert!(other_region.starts_with("it has prices of 2 regions; take the file of one"), "{other_region}");
    let price = |list: &mut Value, price: Value| {
        let dimension = &mut list["terms"]["OnDemand"][SKU][format!("{SKU}.JRTCKXETXF")]["priceDimensions"];
        dimension[format!("{SKU}.JRTCKXETXF.6YS6EN2CT7")]["pricePerUnit"] = price;
    };
    for (amount, message) in [
        (json!({"EUR": "0.1"}), "it has prices in 2 currencies, not in one"),
        (
            json!({"USD": "cheap\u{1b}[2J"}),
            r#"product 4D2E7K7G4GPM84WN: the price "cheap\u{1b}[2J" is no amount"#,
        ),
        (json!({"USD": "-1"}), r#"the price "-1" is no amount of money"#),
        (json!({"US dollars": "1"}), "a currency has three capital letters"),
        (json!({"USD": 1}), "invalid type: integer"),
    ] {
        let mut list = list();
        price(&mut list, amount);
        let error = error(&list);
        assert!(error.contains(message), "{error}");
    }
    assert_eq!(
        changed(|list| list["terms"] = json!({})),
        "it has no on-demand price of a Valkey or Redis node"
    );
    assert!(changed(|list| list["products"] = json!([])).starts_with("it is no price list as JSON: "));
    assert!(
        changed(|list| list["publicationDate"] = json!("yesterday")).contains("it is no price list as JSON")
    );
    assert!(changed(|list| list["products"]["x".repeat(200)] = json!({})).contains("more than 100 bytes"));
}

#[test]
fn a_file_that_breaks_off_or_never_ends_is_an_error() {
    let whole = serde_json::to_vec(&list()).unwrap();
    for end in 0..whole.len() {
        let result = PriceList::read(Cursor::new(&whole[..end]), None);
        assert!(matches!(result, Err(PriceListError::Malformed(_))), "{end}: {result:?}");
    }
    let spaces = io_repeat(b' ');
    assert!(matches!(PriceList::read(spaces, None), Err(PriceListError::TooLong)));
    let depth = "[".repeat(1_000_000);
    assert!(PriceList::read(Cursor::new(format!("{{\"products\":{depth}")), None).is_err());
}

fn io_repeat(byte: u8) -> impl std::io::BufRead {
    std::io::BufReader::new(std::io::repeat(byte))
}

#[test]
fn an_object_without_end_is_refused_before_it_fills_the_memory() {
    use std::fmt::Write as _;
    let mut terms = String::new();
    for number in 0..50_010 {
        let _ = write!(terms, r#""S{number}":{{"t":{{}}}},"#);
    }
    let text = format!(r#"{{"offerCode":"AmazonElastiCache","terms":{{"OnDemand":{{{terms}"Z":{{}}}}}}}}"#);
    let error = PriceList::read(Cursor::new(text), None).unwrap_err().to_string();
    assert!(error.contains("more than 50000 entries"), "{error}");
}

#[test]
fn a_price_has_all_nodes_and_a_month_of_730_hours() {
    let prices = read(&list()).unwrap().of_engine(Engine::Valkey, "eu-west-3").unwrap();
    assert_eq!(read(&list()).unwrap().of_engine(Engine::Valkey, "eu-west-1"), None);
    let price = prices.of("cache.r7g.large", 6).unwrap();
    assert_eq!(price.to_string(), "438.00 USD a month (0.10 for a node and hour; prices of 2026-06-24)");
    assert_eq!(
        serde_json::to_value(&price).unwrap(),
        json!({"currency": "USD", "perMonth": 438.0, "perNodeHour": 0.1, "asOf": "2026-06-24"})
    );
    assert_eq!(prices.of("cache.r7g.xlarge", 1), None);
}

#[test]
fn prices_are_old_after_ninety_days() {
    let day = |text: &str| text.parse::<Date>().unwrap();
    assert!(!PriceList::is_old(day("2026-01-01"), day("2026-04-01")));
    assert!(PriceList::is_old(day("2026-01-01"), day("2026-04-02")));
    assert!(!PriceList::is_old(day("2027-01-01"), day("2026-01-01")));
    assert_eq!(PriceList::day(1_782_306_399_000).unwrap().to_string(), "2026-06-24");
}
