//! Of random files with random options, every key is written or counted, and nothing is invented.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on should say where")]

#[path = "../../rdb-scan/tests/common/mod.rs"]
mod common;
#[path = "common/contents.rs"]
mod contents;
#[path = "common/converting.rs"]
mod converting;
#[path = "common/ranges.rs"]
mod ranges;

use std::collections::{BTreeMap, BTreeSet};

use common::Rdb;
use contents::{Contents, contents};
use converting::{convert, convert_one, written};
use proptest::prelude::*;
use rdb_convert::{Databases, Glob, OnConflict, Options, Plan, Policies, Policy, Target};
use rdb_scan::walk::{Step, Walk};

/// The records of a file with every type of Redis: type and key, and value.
fn records() -> Vec<(u8, Vec<u8>)> {
    let file = common::all_types();
    let mut walk = Walk::new(&file[..]).unwrap();
    let mut records = Vec::new();
    loop {
        match walk.step().unwrap() {
            Step::End => return records,
            Step::Record => {
                let mut value = Vec::new();
                walk.pass(&mut value).unwrap();
                records.push((walk.head().value_type.id(), value));
            }
            _ => {}
        }
    }
}

/// A record: database and key, what precedes the key, its expiry, type and contents.
#[derive(Debug, Clone)]
struct Key {
    name: (u64, Vec<u8>),
    prefixes: Vec<u8>,
    expires_at_ms: Option<i64>,
    id: u8,
    contents: Contents,
}

fn keys(file: &[u8]) -> Vec<Key> {
    let mut walk = Walk::new(file).unwrap();
    let mut keys = Vec::new();
    loop {
        match walk.step().unwrap() {
            Step::End => return keys,
            Step::Record => {
                let mut value = Vec::new();
                walk.pass(&mut value).unwrap();
                let head = walk.head();
                let id = head.value_type.id();
                keys.push(Key {
                    name: (head.database, head.key.clone()),
                    prefixes: head.prefixes.clone(),
                    expires_at_ms: head.expires_at_ms,
                    id,
                    contents: contents(id, file.starts_with(b"VALKEY"), &value).unwrap(),
                });
            }
            _ => {}
        }
    }
}

fn names(file: &[u8]) -> Vec<(u64, Vec<u8>)> {
    keys(file).into_iter().map(|key| key.name).collect()
}

/// Why a key goes whatever else the file holds.
fn why_gone(key: &Key, options: &Options) -> Option<&'static str> {
    if options.databases.of(key.name.0).is_none() {
        return Some("database");
    }
    if options.drop_expired && key.expires_at_ms.is_some_and(|at| at <= options.now_ms) {
        return Some("expired");
    }
    if options.exclude.iter().any(|glob| glob.matches(&key.name.1)) {
        return Some("excluded");
    }
    match key.id {
        7 => Some("module"),
        28 => Some("unsupportedType"),
        _ => None,
    }
}

/// The key that stays of several that go to the same place.
fn kept<'k>(candidates: &'k [Key], options: &Options) -> &'k Key {
    let last = options.on_conflict == OnConflict::Last && !options.databases.is_keep();
    if last { candidates.last().unwrap() } else { &candidates[0] }
}

/// What the target has to hold for a key; none if nothing of it is left.
fn expected(key: &Key, options: &Options, file: &[u8]) -> Option<Contents> {
    let stream_version = match options.target.version() {
        ..10 => 1,
        10 => 2,
        _ => 3,
    };
    key.contents.clone().held(file.starts_with(b"VALKEY"), options.now_ms, stream_version)
}

fn policy() -> impl Strategy<Value = Policy> {
    prop_oneof![1 => Just(Policy::Refuse), 3 => Just(Policy::Drop)]
}

prop_compose! {
    fn policies()(field_expiries in policy(), stream_state in policy(), modules in policy(), unsupported_types in policy(), functions in policy()) -> Policies {
        Policies { field_expiries, stream_state, modules, unsupported_types, functions }
    }
}

prop_compose! {
    fn options()(
        target in prop::sample::select(Target::NAMES),
        policies in policies(),
        databases in prop::sample::select(&["keep", "merge", "1=drop", "1=0:one:", "1=2,2=1"][..]),
        on_conflict in prop::sample::select(&[OnConflict::Refuse, OnConflict::First, OnConflict::Last][..]),
        exclude in prop::option::of(prop::sample::select(&["*1", "key:[0-4]*"][..])),
        drop_expired in any::<bool>(),
        repair in any::<bool>(),
        split in 1u16..4,
    ) -> Options {
        Options {
            policies,
            databases: Databases::parse(databases).unwrap(),
            on_conflict,
            exclude: exclude.into_iter().map(Glob::new).collect(),
            drop_expired,
            repair,
            split,
            now_ms: 1_000_000,
            ..Options::new(target.parse().unwrap())
        }
    }
}

fn rounds() -> u32 {
    std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(50)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: rounds(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_key_is_written_or_counted(
        chosen in prop::collection::vec((0u64..3, 0u32..40, any::<prop::sample::Index>(), prop::option::of(0u64..2_000_000)), 0..60),
        options in options(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let records = records();
        let mut chosen = chosen;
        chosen.sort_by_key(|(database, ..)| *database);
        // A key occurs once in a database, if that is not to be mended.
        let mut seen = BTreeSet::new();
        chosen.retain(|(database, number, ..)| seen.insert((*database, *number)) || options.repair);
        let mut rdb = Rdb::with_header("REDIS0014");
        let mut last = None;
        for (database, number, index, expiry) in &chosen {
            if last != Some(database) {
                rdb = rdb.database(*database);
                last = Some(database);
            }
            if let Some(at) = expiry {
                rdb = rdb.raw(&[252]).raw(&at.to_le_bytes());
            }
            let (id, value) = index.get(&records);
            rdb = rdb.key(*id, &format!("key:{number}")).raw(value);
        }
        let file = rdb.end();
        let plan = Plan::of(|| Ok(&file[..]), &options).unwrap();
        prop_assert_eq!(plan.report.keys_read, chosen.len() as u64);
        if !plan.report.refused.is_empty() {
            prop_assert!(written(&file[..], &options, &plan).is_err());
            return Ok(());
        }
        let outputs = written(&file[..], &options, &plan).unwrap();
        let report = &plan.report;
        // In ranges, wherever they are cut, it is the same.
        let boundaries = ranges::boundaries(&file);
        let mut cuts: Vec<_> = cuts.iter().filter(|_| !boundaries.is_empty()).map(|cut| *cut.get(&boundaries)).collect();
        cuts.sort_by_key(|boundary| boundary.offset);
        cuts.dedup();
        let (in_ranges, same) = ranges::convert(&file, &cuts, &options);
        prop_assert_eq!(&in_ranges, report);
        prop_assert!(same == outputs, "cut at {:?}", cuts);
        let dropped: u64 = report.dropped.values().map(|count| count.number).sum();
        let mended: u64 = ["duplicateKeys", "emptyCollections"]
            .iter()
            .filter_map(|what| report.repaired.get(what))
            .map(|count| count.number)
            .sum();
        let again = if options.databases.is_keep() { "duplicateKeys" } else { "conflict" };
        prop_assert_eq!(report.keys_read, report.keys_written + dropped + mended);
        // Every key is in one of the new files with equal contents, or counted by the reason for which it is not.
        let mut read: BTreeMap<(u64, Vec<u8>), Vec<Key>> = BTreeMap::new();
        let mut gone: BTreeMap<&str, u64> = BTreeMap::new();
        for key in keys(&file) {
            if let Some(reason) = why_gone(&key, &options) {
                *gone.entry(reason).or_default() += 1;
                continue;
            }
            let (to, prefix) = options.databases.of(key.name.0).unwrap();
            read.entry((to, [prefix, &key.name.1].concat())).or_default().push(key);
        }
        let first_magic = outputs.iter().find(|file| file.starts_with(b"VALKEY")).unwrap_or(&outputs[0]);
        let found: Vec<_> = outputs.iter().flat_map(|file| keys(file)).collect();
        let mut left = read.clone();
        for key in &found {
            let candidates = left.remove(&key.name);
            prop_assert!(candidates.is_some(), "{:?} was not in the source, or is there twice", key.name);
            let candidates = candidates.unwrap();
            *gone.entry(again).or_default() += candidates.len() as u64 - 1;
            let from = kept(&candidates, &options);
            prop_assert_eq!(Some(key.contents.clone()), expected(from, &options, first_magic));
            prop_assert_eq!(&key.prefixes, &from.prefixes);
        }
        for candidates in left.values() {
            let from = kept(candidates, &options);
            prop_assert_eq!(expected(from, &options, first_magic), None);
            *gone.entry("expiredFields").or_default() += 1;
            *gone.entry(again).or_default() += candidates.len() as u64 - 1;
        }
        gone.retain(|_, number| *number > 0);
        let duplicates = report.repaired.iter().filter(|(what, _)| **what == "duplicateKeys");
        let counted = report.dropped.iter().chain(duplicates);
        let counted: BTreeMap<_, _> = counted.map(|(reason, count)| (*reason, count.number)).collect();
        prop_assert_eq!(counted, gone);
        // The same again, and converted again it stays as it is.
        prop_assert_eq!(&convert(|| &file[..], &options).1, &outputs);
        let plain = Options { now_ms: options.now_ms, ..Options::new(options.target) };
        for output in &outputs {
            let (_, same) = convert_one(output, &plain);
            // One of several files may have no field that expires.
            if same[..9] == output[..9] {
                prop_assert_eq!(&same, output);
            }
            prop_assert_eq!(names(&same), names(output));
        }
    }
}
