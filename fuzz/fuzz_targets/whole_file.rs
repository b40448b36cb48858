//! Any bytes as a file: no panic, the same result however they arrive and wherever the scan pauses, and records at
//! their reported positions. The input is one byte for how the bytes arrive, then the file.
#![no_main]

use std::io::{self, Read};

use libfuzzer_sys::fuzz_target;

use rdb_footprint::{Footprint, Generation, Settings};
use rdb_scan::{
    Control, InspectOptions, Inspected, Inspection, Position, Record, Visitor, Weighing, inspect, key_slot,
    scan,
};

fuzz_target!(|input: &[u8]| {
    let Some((way, file)) = input.split_first() else { return };
    let step = [1, 2, 7, 16, 64, 200, 1000, 4000][usize::from(way & 7)];
    let every = [1, 2, 3, 5, 8, 13, 21, 34][usize::from(way >> 3 & 7)];
    let options = InspectOptions {
        size_bytes: (way & 0x80 == 0).then_some(file.len() as u64),
        now_ms: 1_700_000_000_000,
        hide_keys: way & 0x40 != 0,
        weighings: weighings(),
        ..InspectOptions::default()
    };
    let places = Places { file, end: 0 };
    let start = Position::default();
    let whole = scan(file, &start, &options, places, &mut |_| Control::Continue);
    let Ok((Inspected::Complete(whole), _)) = whole else {
        panic!("a slice has no errors, and nobody paused")
    };
    assert!(whole.complete);
    assert!(serde_json::to_vec(&whole).unwrap().len() < 1 << 20);
    for cluster_mode in [false, true] {
        let footprint = Footprint::of([&whole], Settings::new(Generation::Valkey9), cluster_mode).unwrap();
        assert!(footprint.used_memory_bytes() >= footprint.shard_bytes(0..100));
    }

    let slowly = inspect(Dribble(file, step), &start, &options, &mut |_| Control::Continue).unwrap();
    assert_eq!(slowly, Inspected::Complete(whole.clone()), "in steps of {step}");
    let joined = in_parts(file, step, every, &options);
    assert_eq!(joined, whole, "in steps of {step}, with a pause at every {every}th");
});

/// The oldest and the newest memory model, which have nothing in common.
fn weighings() -> Vec<Weighing> {
    [Generation::Redis6, Generation::Valkey9].map(|generation| Weighing::by(Settings::new(generation))).into()
}

/// A reader that returns a few bytes at a time.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let step = self.1.min(buffer.len());
        self.0.read(&mut buffer[..step])
    }
}

/// Scans with a pause at every `every`-th request, also inside values.
fn in_parts(file: &[u8], step: usize, every: u32, options: &InspectOptions) -> Inspection {
    let (mut whole, mut position) = (Inspection::default(), Position::default());
    let mut asked = 0u32;
    let mut watch = |_: &_| {
        asked += 1;
        if asked.is_multiple_of(every) { Control::Pause } else { Control::Continue }
    };
    loop {
        let source = Dribble(&file[position.offset() as usize..], step);
        match inspect(source, &position, options, &mut watch).unwrap() {
            Inspected::Complete(part) => return whole.join(part).unwrap(),
            Inspected::Paused(part, next) => {
                assert!(next.offset() > position.offset(), "no step from {}", next.offset());
                whole = whole.join(part).unwrap();
                position = serde_json::from_str(&serde_json::to_string(&next).unwrap()).unwrap();
            }
        }
    }
}

/// Checks the reported positions of records.
struct Places<'f> {
    file: &'f [u8],
    end: u64,
}

impl Visitor for Places<'_> {
    fn record(&mut self, record: &Record<'_>) {
        let span = record.span.clone();
        assert!(span.start >= self.end && span.end <= self.file.len() as u64, "{span:?}");
        assert!(span.start < record.value_start && record.value_start <= span.end, "{record:?}");
        if let Some(raw) = record.raw {
            assert_eq!(raw, &self.file[span.start as usize..span.end as usize]);
        }
        assert_eq!(record.key.len() as u64, record.key_bytes.min(64 << 10));
        if record.key.len() as u64 == record.key_bytes {
            assert_eq!(record.slot, key_slot(record.key));
        }
        self.end = span.end;
    }
}
