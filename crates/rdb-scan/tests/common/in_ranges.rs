//! The inspection of a file in ranges, as workers on many machines do it: everything passes through JSON.

use std::io::{
    Read, {self},
};

use rdb_scan::{
    Assembly, Boundary, Control, Header, InspectOptions, Inspection, Position, assemble_with_boundaries,
    inspect_range, inspect_up_to, read_header, walk::FieldNames,
};
use serde::{Serialize, de::DeserializeOwned};

/// A source that returns little at a time, so that records end and begin anywhere in memory.
pub struct Slow<'f>(pub &'f [u8], pub usize);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

/// What arrives of a value that is sent as JSON.
pub fn sent<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_slice(&serde_json::to_vec(value).unwrap()).unwrap()
}

/// A position that was sent, with the templates that its reader adds.
pub fn sent_position(file: &[u8], position: &Position) -> Position {
    let position: Position = sent(position);
    if !position.needs_templates() {
        return position;
    }
    let head = FieldNames::of_head(file, position.offset()).unwrap();
    position.with_templates(&head).unwrap()
}

/// What the reader of a range knows of a file.
pub fn header(file: &[u8]) -> Header {
    let mut header = read_header(file).unwrap();
    if header.may_have_templates() {
        header.templates = Some(FieldNames::of_head(file, u64::MAX).unwrap().templates());
    }
    header
}

/// Reads a file in ranges, and gaps until there are none. Every n-th call asks for a pause; 0 is never. Sources return
/// `step` bytes at once.
pub fn in_ranges(
    file: &[u8],
    cuts: &[usize],
    options: &InspectOptions,
    every: usize,
    step: usize,
) -> (Inspection, Vec<Boundary>) {
    let header = header(file);
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % file.len()).chain([0, file.len()]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    // After enough pauses there are no more, or gaps would have no end.
    let mut calls = 0;
    let mut watch = |_: &_| {
        calls += 1;
        let pauses = every > 0 && calls < 60 && calls % every == 0;
        if pauses { Control::Pause } else { Control::Continue }
    };
    let range = |cut: &[usize]| cut[0] as u64..cut[1] as u64;
    let mut found: Vec<_> = cuts
        .windows(2)
        .map(|cut| inspect_range(Slow(&file[cut[0]..], step), range(cut), &header, options, &mut watch))
        .map(|range| sent(&range.unwrap()))
        .collect();
    for round in 0..100 {
        match assemble_with_boundaries(&found, file.len() as u64, round) {
            (Assembly::Whole(whole), boundaries) => return (*whole, boundaries),
            (Assembly::Gaps(gaps), _) => {
                for gap in gaps {
                    let start = sent_position(file, &gap.start);
                    let source = Slow(&file[start.offset() as usize..], step);
                    found.push(sent(&inspect_up_to(source, &start, gap.end, options, &mut watch).unwrap()));
                }
            }
        }
    }
    panic!("no end of gaps");
}
