//! What the command line asks for.

use anyhow::{Context, Result, bail};
use rdb_convert::{Databases, Glob, OnConflict, Options, Policies, Policy, Target};
use rdb_scan::{Kind, SLOTS};

use crate::args::ConvertArgs;

/// The options of a conversion.
pub(super) fn options(args: &ConvertArgs, now_ms: i64) -> Result<Options> {
    let target: Target = args.to.parse()?;
    let policy = |value: &str| if value == "drop" { Policy::Drop } else { Policy::Refuse };
    let changes = &args.changes;
    for glob in &changes.include {
        if changes.exclude.contains(glob) {
            bail!("--include and --exclude both name {glob}: no key could stay that it includes");
        }
    }
    if args.changes.exclude.iter().any(|glob| !glob.is_empty() && glob.chars().all(|letter| letter == '*')) {
        bail!("--exclude names every key: no key could stay");
    }
    if changes.on_conflict.is_some() && changes.databases.as_ref().is_none_or(Databases::is_keep) {
        bail!("--on-conflict needs --databases: keys of databases that stay where they are meet no others");
    }
    let dropped = [("module", &args.modules), ("array", &args.unsupported_types)];
    let is_dropped = |kind: &String| dropped.iter().any(|(name, policy)| kind == name && *policy == "drop");
    if !args.changes.only.is_empty() && args.changes.only.iter().all(is_dropped) {
        bail!("--only names types that are dropped: no key could stay");
    }
    Ok(Options {
        policies: Policies {
            field_expiries: policy(&args.field_expiries),
            stream_state: policy(&args.stream_state),
            modules: policy(&args.modules),
            unsupported_types: policy(&args.unsupported_types),
            functions: policy(&args.functions),
        },
        databases: changes.databases.clone().unwrap_or_default(),
        on_conflict: match changes.on_conflict.as_deref() {
            Some("first") => OnConflict::First,
            Some("last") => OnConflict::Last,
            _ => OnConflict::Refuse,
        },
        include: changes.include.iter().map(|glob| Glob::new(glob.as_bytes())).collect(),
        exclude: changes.exclude.iter().map(|glob| Glob::new(glob.as_bytes())).collect(),
        drop_expired: changes.drop_expired,
        repair: changes.repair,
        only: changes.only.iter().filter_map(|name| Kind::named(name)).collect(),
        slots: args.slots.as_deref().map(slots).transpose()?,
        split: args.split.unwrap_or(1),
        now_ms,
        ..Options::new(target)
    })
}

fn slots(text: &str) -> Result<std::ops::RangeInclusive<u16>> {
    let expected = || format!("--slots {text}: expected two slots of 0 to {}, such as 0-8191", SLOTS - 1);
    let (first, last) = text.split_once('-').with_context(expected)?;
    let (first, last): (u16, u16) =
        (first.parse().with_context(expected)?, last.parse().with_context(expected)?);
    if first > last || usize::from(last) >= SLOTS {
        bail!(expected());
    }
    Ok(first..=last)
}
