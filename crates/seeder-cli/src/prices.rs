//! `seeder prices`: what nodes cost, by AWS's public price list.

mod fetch;
mod kept;

use std::{fs::File, io::BufReader, path::Path, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use seeder_aws::ReportStore;
use seeding::{Engine, ExecutionFiles, HOURS_PER_MONTH, Money, NodePrices, PriceList};
use serde_json::json;

use crate::{
    USAGE,
    args::{AwsArgs, PricesArgs},
    columns::Columns,
    execution::stack::Unusable,
    stack::{REPORTS_BUCKET, Stack},
    term::print_text,
};

/// Runs the command.
pub(crate) async fn run(args: &PricesArgs, aws: &AwsArgs) -> Result<ExitCode> {
    let Some(region) = args.of_region.clone().or(aws.configured_region().await) else {
        eprintln!("error: no region\nhint: name it (seeder prices eu-west-1), or set AWS_REGION");
        return Ok(ExitCode::from(USAGE));
    };
    if !is_region(&region) {
        eprintln!("error: `{}` is no region\nhint: a region is like eu-west-1", region.escape_debug());
        return Ok(ExitCode::from(USAGE));
    }
    let list = if args.update {
        match update(args, &region, aws).await? {
            Ok(list) => list,
            Err(code) => return Ok(code),
        }
    } else {
        let Some(list) = kept::load(&region)? else {
            eprintln!("error: no prices of {region} are kept\nhint: seeder prices {region} --update");
            return Ok(ExitCode::FAILURE);
        };
        list
    };
    let path = kept::path(&region)?;
    print_text(&if args.json {
        format!("{}\n", json!({"file": path.display().to_string(), "prices": list}))
    } else {
        text(&list, &path)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Fetches the prices and keeps them here and, if it is asked for, in the stack.
async fn update(args: &PricesArgs, region: &str, aws: &AwsArgs) -> Result<Result<PriceList, ExitCode>> {
    let list = match args.from.as_deref() {
        Some(from) if !from.contains("://") => read_file(Path::new(from)),
        Some(address) => fetch::fetch(address).await?.with_context(|| address.to_owned()),
        None => match fetch::address(region) {
            Ok(address) => fetch::fetch(&address).await?.with_context(|| address.clone()),
            Err(error) => {
                eprintln!("error: {error:#}");
                return Ok(Err(ExitCode::from(USAGE)));
            }
        },
    };
    let list = list.and_then(|list| {
        if list.region == region {
            Ok(list)
        } else {
            bail!("the price list is of {}, not of {region}", list.region)
        }
    });
    let list = match list {
        Ok(list) => list,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(Err(ExitCode::FAILURE));
        }
    };
    kept::store(&list)?;
    if let Some(stack) = &args.stack {
        let clients = aws.clients().await;
        let stack = Stack::new(&clients, stack);
        let bucket = match stack.resolve([(REPORTS_BUCKET, args.reports_bucket.as_deref())]).await {
            Ok([bucket]) => bucket,
            Err(error) => return Ok(Err(Unusable::Unreachable(error).report())),
        };
        let reports = ReportStore::new(clients.s3(), bucket);
        let object = reports.write(&ExecutionFiles::prices(region), &list).await?;
        eprintln!("stored {object}");
    }
    Ok(Ok(list))
}

/// Whether a text can be a region: it becomes part of an address and of a file's name.
fn is_region(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=40).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// Reads a price list from a file: as AWS publishes it, or as it was kept.
pub(crate) fn read_file(path: &Path) -> Result<PriceList> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    PriceList::read(BufReader::new(file), None).with_context(|| path.display().to_string())
}

/// The kept prices of an engine's nodes in the configured region, if there are any.
pub(crate) async fn kept_prices(engine: Engine, aws: &AwsArgs) -> Option<NodePrices> {
    let region = aws.configured_region().await.filter(|region| is_region(region))?;
    match kept::load(&region) {
        Ok(list) => list?.of_engine(engine, &region),
        Err(error) => {
            eprintln!("warning: the kept prices cannot be used: {error:#}");
            None
        }
    }
}

fn text(list: &PriceList, path: &Path) -> String {
    let mut text = format!(
        "nodes in {}, on demand, in {}; prices of {}, published {}\nkept in {}\n",
        list.region,
        list.currency,
        list.as_of,
        list.published_at.strftime("%Y-%m-%d"),
        path.display()
    );
    let mut columns = Columns::new(["node type", "valkey, hour", "month", "redis, hour", "month"]);
    let prices = |engine| list.per_node_hour.get(&engine);
    let names: std::collections::BTreeSet<_> =
        list.per_node_hour.values().flat_map(|prices| prices.keys()).collect();
    for name in names {
        let cells = |engine| {
            let price: Option<Money> = prices(engine).and_then(|prices| prices.get(name)).copied();
            let hour = price.map_or_else(|| "-".to_owned(), |price| price.to_string());
            let month = price.map(|price| price.times(HOURS_PER_MONTH).to_cents().to_string());
            (hour, month.unwrap_or_else(|| "-".to_owned()))
        };
        let ((valkey, valkey_month), (redis, redis_month)) = (cells(Engine::Valkey), cells(Engine::Redis));
        columns.line([name.clone(), valkey, valkey_month, redis, redis_month]);
    }
    text.push_str(&columns.render());
    let now_ms = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
    if PriceList::day(now_ms).is_some_and(|today| PriceList::is_old(list.as_of, today)) {
        text.push_str(
            "\nThese prices are more than 90 days old: seeder prices --update fetches them again.\n",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_region_becomes_no_path() {
        for region in ["eu-west-1", "us-gov-east-1", "cn-north-1"] {
            assert!(is_region(region), "{region}");
        }
        for region in ["", "..", "../../x", "eu-west-1/..", "EU", "a b", "x@evil", &"a".repeat(41)] {
            assert!(!is_region(region), "{region}");
        }
    }
}
