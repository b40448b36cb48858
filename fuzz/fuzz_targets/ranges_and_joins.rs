//! A file that is cut anywhere, with ranges that are read independently: together they have the result of a single
//! pass. The input is one byte for the number of cuts and how often to pause, two bytes per cut, then the file.
#![no_main]

use std::ops::Range;

use libfuzzer_sys::fuzz_target;

use rdb_footprint::{Generation, Settings};
use rdb_scan::{
    Assembly, Control, Gap, InspectOptions, Inspected, Position, RangeInspection, Weighing, assemble,
    inspect, inspect_range, inspect_up_to, read_header,
};

fuzz_target!(|input: &[u8]| {
    let Some((way, rest)) = input.split_first() else { return };
    let Some((cuts, file)) = rest.split_at_checked(2 * usize::from(way & 7)) else { return };
    let Ok(header) = read_header(file) else { return };
    let size_bytes = file.len() as u64;
    // The predicted memory must be the same, too.
    let weighings = vec![Weighing::by(Settings::new(Generation::Valkey81))];
    let options = InspectOptions { size_bytes: Some(size_bytes), weighings, ..InspectOptions::default() };
    let mut asked = 0u32;
    // Pauses at every n-th request; the input determines n, and 0 is never.
    let mut watch = |_: &_| {
        asked += 1;
        let every = u32::from(way >> 3 & 7);
        if every > 0 && asked.is_multiple_of(every) { Control::Pause } else { Control::Continue }
    };

    let start = Position::default();
    let whole = match inspect(file, &start, &options, &mut |_| Control::Continue) {
        Ok(Inspected::Complete(whole)) => whole,
        other => panic!("a slice has no errors, and nobody paused: {other:?}"),
    };
    let mut parts: Vec<_> = ranges(cuts, size_bytes)
        .map(|range| {
            let source = &file[range.start as usize..];
            between_processes(&inspect_range(source, range, &header, &options, &mut watch).unwrap())
        })
        .collect();
    let mut round = 0;
    let assembled = loop {
        match assemble(&parts, size_bytes, round) {
            Assembly::Whole(assembled) => break assembled,
            Assembly::Gaps(gaps) => {
                assert!(!gaps.is_empty(), "neither whole nor a gap");
                assert!(round < 20, "still gaps after {round} rounds: {gaps:?}");
                round += 1;
                for Gap { start, end } in gaps {
                    let source = &file[start.offset() as usize..];
                    // Only ranges pause. Otherwise, the gaps would take many rounds.
                    let part =
                        inspect_up_to(source, &start, end, &options, &mut |_| Control::Continue).unwrap();
                    parts.push(between_processes(&part));
                }
            }
        }
    };
    assert_eq!(*assembled, whole, "cut into {:?}", ranges(cuts, size_bytes).collect::<Vec<_>>());
});

/// Up to eight adjacent ranges that cover the whole file.
fn ranges(cuts: &[u8], size_bytes: u64) -> impl Iterator<Item = Range<u64>> {
    let (pairs, _) = cuts.as_chunks::<2>();
    let mut ends: Vec<_> =
        pairs.iter().map(|cut| u64::from(u16::from_le_bytes(*cut)) % size_bytes.max(1)).collect();
    ends.push(0);
    ends.push(size_bytes);
    ends.sort_unstable();
    ends.dedup();
    let starts = ends.clone();
    starts.into_iter().zip(ends.into_iter().skip(1)).map(|(start, end)| start..end)
}

/// Passes a part through JSON, as between processes.
fn between_processes(part: &RangeInspection) -> RangeInspection {
    serde_json::from_slice(&serde_json::to_vec(part).unwrap()).unwrap()
}
