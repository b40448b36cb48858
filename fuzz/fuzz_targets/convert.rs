//! Any bytes as a file to convert: no panic, and a new file is sound, has as many keys as planned, and holds what the
//! visitor of the old file saw. In ranges the bytes are the same. The input is four bytes for options, then the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rdb_convert::{
    ConvertError, Databases, Finished, OnConflict, Options, Plan, Policies, Policy, RecordRange, Target,
    head_bytes, write, write_range,
};
use rdb_scan::{
    Boundary, Control, InspectOptions, Inspected, Inspection, Magic, Position, Record, Visitor, read_header,
    scan,
};

#[path = "../../crates/rdb-convert/tests/common/contents.rs"]
mod contents;

use contents::{Contents, contents};

const NOW_MS: i64 = 1_700_000_000_000;

fuzz_target!(|input: &[u8]| {
    let Some((way, file)) = input.split_first_chunk::<4>() else { return };
    let options = options(way);
    let Ok(plan) = Plan::of(|| Ok(file), &options) else { return };
    if !plan.report.refused.is_empty() {
        return;
    }
    let mut outputs = vec![Vec::new(); usize::from(options.split)];
    match write(file, &options, &plan, outputs.iter_mut().collect()) {
        // A stream that contradicts itself.
        Err(ConvertError::Broken(_)) => return,
        written => assert_eq!(written.unwrap(), plan.report),
    }
    let bytes = outputs.iter().map(|output| output.len() as u64);
    assert!(plan.file_bytes().eq(bytes));
    let (before, old) = keys(file);
    // A walk reads over what the visitor sees as a fault.
    if !before.is_sound() {
        return;
    }
    let mut written = 0;
    for output in &outputs {
        let (after, new) = keys(output);
        assert!(after.is_sound(), "{:?}", after.faults);
        assert_eq!(after.keys as usize, new.len());
        written += after.keys;
        is_part_of(&new, &old, &options, output.starts_with(b"VALKEY"));
    }
    assert_eq!(written, plan.report.keys_written);
    // Where hashes refer to templates, ranges cannot be read on their own.
    if !before
        .types
        .get("hash")
        .is_some_and(|hash| hash.encodings.keys().any(|name| name.starts_with("template")))
    {
        in_ranges(file, &options, &old, &outputs);
    }
});

fn options(way: &[u8; 4]) -> Options {
    let policy = |bit: u8| if way[1] >> bit & 1 == 1 { Policy::Drop } else { Policy::Refuse };
    let policies = Policies {
        field_expiries: policy(0),
        stream_state: policy(1),
        modules: policy(2),
        unsupported_types: policy(3),
        functions: policy(4),
    };
    let target: Target = Target::NAMES[usize::from(way[0]) % Target::NAMES.len()].parse().unwrap();
    Options {
        policies,
        databases: Databases::parse(["keep", "merge", "1=drop", "0=2:two:"][usize::from(way[2] & 3)])
            .unwrap(),
        on_conflict: [OnConflict::Refuse, OnConflict::First, OnConflict::Last][usize::from(way[2] >> 2) % 3],
        drop_expired: way[2] & 0x40 != 0,
        repair: way[2] & 0x80 != 0,
        split: u16::from(way[3] % 3) + 1,
        now_ms: NOW_MS,
        ..Options::new(target)
    }
}

/// A key as the visitor saw it.
struct Key {
    start: u64,
    database: u64,
    name: Vec<u8>,
    expires_at_ms: Option<i64>,
    /// None if it cannot be read.
    contents: Option<Contents>,
}

struct Keys {
    valkey: bool,
    keys: Vec<Key>,
}

impl Visitor for Keys {
    fn record(&mut self, record: &Record<'_>) {
        let value = record.raw.and_then(|raw| raw.get((record.value_start - record.span.start) as usize..));
        self.keys.push(Key {
            start: record.span.start,
            database: record.database.unwrap(),
            name: record.key.to_vec(),
            expires_at_ms: record.expires_at_ms,
            contents: value.and_then(|value| contents(record.type_id, self.valkey, value)),
        });
    }
}

fn keys(file: &[u8]) -> (Inspection, Vec<Key>) {
    let visitor = Keys { valkey: file.starts_with(b"VALKEY"), keys: Vec::new() };
    let options = InspectOptions { size_bytes: Some(file.len() as u64), ..InspectOptions::default() };
    let scanned = scan(file, &Position::default(), &options, visitor, &mut |_| Control::Continue);
    let (Inspected::Complete(inspection), visitor) = scanned.unwrap() else { panic!("nobody paused") };
    (inspection, visitor.keys)
}

/// Every new key is an old one, in the same order and with the same contents.
fn is_part_of(new: &[Key], old: &[Key], options: &Options, keeps_expiries: bool) {
    let stream_version = match options.target.version() {
        ..10 => 1,
        10 => 2,
        _ => 3,
    };
    let mut old = old.iter();
    for key in new {
        let found = old.any(|old| {
            let Some((to, prefix)) = options.databases.of(old.database) else { return false };
            let same = (to, old.expires_at_ms) == (key.database, key.expires_at_ms)
                && key.name == [prefix, &old.name].concat();
            let held = old.contents.clone().map(|old| old.held(keeps_expiries, NOW_MS, stream_version));
            // What occurs twice is mended, and what cannot be read is not compared.
            same && (options.repair || held.is_none_or(|held| held == key.contents))
        });
        assert!(found, "{} is not in the old file like this", key.name.escape_ascii());
    }
}

/// Converts the file cut at every third key.
fn in_ranges(file: &[u8], options: &Options, keys: &[Key], outputs: &[Vec<u8>]) {
    let at = |key: &Key| Boundary { offset: key.start, database: key.database };
    let cuts: Vec<_> = keys.iter().step_by(3).map(at).collect();
    let ranges = RecordRange::between(&read_header(file).unwrap(), &cuts);
    let plan = Plan::of_ranges(file, &ranges, 1, options, false, &|_| ()).unwrap();
    assert!(plan.magic == Magic::Redis || options.target.has_field_expiries());
    let mut same = vec![head_bytes(&plan).to_vec(); outputs.len()];
    let mut finished = Finished::new(&plan);
    for index in 0..plan.range_count() {
        let task = plan.task(index).unwrap();
        let end = task.range.end.map_or(file.len(), |end| end as usize);
        let range = &file[task.range.from.offset as usize..end];
        let written = write_range(range, &task, options, plan.survey(), same.iter_mut().collect()).unwrap();
        finished.add(written).unwrap();
    }
    for (output, tail) in same.iter_mut().zip(finished.tail_bytes().unwrap()) {
        output.extend(tail);
    }
    assert!(same == outputs);
}
