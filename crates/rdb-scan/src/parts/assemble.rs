//! Assembles one inspection from many ranges.

use serde::{Deserialize, Serialize};

use crate::{
    inspection::Inspection,
    parts::range::RangeInspection,
    reading::position::{Boundary, Position},
};

/// After this many rounds the rest is read in one go: ranges that still do not meet cannot be read in parts.
const MAX_ROUNDS: u32 = 3;

/// The result of assembling ranges.
#[derive(Debug, Clone, PartialEq)]
pub enum Assembly {
    /// The ranges meet and cover the whole file.
    Whole(Box<Inspection>),
    /// The ranges leave gaps. Read each gap with [`crate::inspect_up_to`], and assemble again with the results.
    Gaps(Vec<Gap>),
}

/// A part of the file to be read from its start, because the ranges around it do not meet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// Where to start. This is certain for the first gap, and for the others as likely as the range before it.
    pub start: Position,
    /// Where to end: at the first record that begins at or after this offset.
    pub end: u64,
}

/// Assembles ranges, in any order and possibly repeated.
///
/// A range counts only if its first record begins where the one before it ends, so the result equals that of one pass
/// over the whole file. `round` is the number of times that gaps have been read.
pub fn assemble(ranges: &[RangeInspection], size_bytes: u64, round: u32) -> Assembly {
    assemble_with_boundaries(ranges, size_bytes, round).0
}

/// As [`assemble`], and returns where the ranges meet, in ascending order; nothing if there are gaps.
///
/// The boundaries are certain, while the start of a range alone is only likely.
pub fn assemble_with_boundaries(
    ranges: &[RangeInspection],
    size_bytes: u64,
    round: u32,
) -> (Assembly, Vec<Boundary>) {
    let mut gaps = Vec::new();
    let mut chain = Chain::default();
    let at_start = |range: &&RangeInspection| range.span().is_some_and(|span| span.start == 0);
    match furthest(ranges.iter().filter(at_start)) {
        Some(first) => chain.add(first.clone()),
        None => gaps.push(Gap { start: Position::default(), end: size_bytes }),
    }
    while let Some(whole) = chain.whole.as_ref().filter(|whole| !whole.complete) {
        let end = whole.end;
        if let Some(next) = furthest(ranges.iter().filter(|range| chain.meets(range))) {
            chain.add(next.clone());
            // A range that added nothing would be chosen again.
            if chain.whole.as_ref().is_some_and(|whole| whole.end > end || whole.complete) {
                continue;
            }
        }
        let behind = ranges.iter().filter_map(|range| Some((range.first_behind(end)?, range)));
        let Some((start, next)) = behind.min_by_key(|(start, _)| *start) else {
            gaps.extend(chain.gap(size_bytes));
            break;
        };
        gaps.extend(chain.gap(start));
        if round >= MAX_ROUNDS {
            break;
        }
        // What follows the gap is a chain of its own, which is only likely.
        chain = Chain::default();
        chain.add_from(next.clone(), start);
    }
    if round >= MAX_ROUNDS
        && let Some(gap) = gaps.first_mut()
    {
        gap.end = size_bytes;
        gaps.truncate(1);
    }
    match chain.whole {
        Some(whole) if gaps.is_empty() => (Assembly::Whole(Box::new(whole)), chain.boundaries),
        _ => (Assembly::Gaps(gaps), Vec::new()),
    }
}

fn furthest<'r>(ranges: impl Iterator<Item = &'r RangeInspection>) -> Option<&'r RangeInspection> {
    ranges.max_by_key(|range| range.span().map(|span| span.end))
}

/// Consecutive ranges that meet.
#[derive(Default)]
pub(crate) struct Chain {
    pub(crate) whole: Option<Inspection>,
    /// Where its ranges meet.
    pub(crate) boundaries: Vec<Boundary>,
    resume: Option<Position>,
}

impl Chain {
    pub(crate) fn is_complete(&self) -> bool {
        self.whole.as_ref().is_some_and(|whole| whole.complete)
    }

    /// Whether a range continues where the chain ends.
    pub(crate) fn meets(&self, range: &RangeInspection) -> bool {
        self.whole.as_ref().is_some_and(|whole| range.parts.iter().any(|part| whole.meets(part)))
    }

    /// What has to be read before a range can be added; none if it meets the chain, or if the chain extends past it.
    pub(crate) fn missing(&self, range: &RangeInspection) -> Option<Gap> {
        let whole = self.whole.as_ref().filter(|whole| !whole.complete)?;
        if self.meets(range) { None } else { self.gap(range.first_behind(whole.end)?) }
    }

    /// Adds the next range. Does nothing if it does not meet the chain.
    pub(crate) fn add(&mut self, range: RangeInspection) {
        let meeting =
            range.parts.iter().find(|part| self.whole.as_ref().is_none_or(|whole| whole.meets(part)));
        if let Some(start) = meeting.map(|part| part.start) {
            self.add_from(range, start);
        }
    }

    fn add_from(&mut self, range: RangeInspection, start: u64) {
        for part in range.parts.into_iter().filter(|part| part.start >= start) {
            // Parts of one range meet.
            self.whole = Some(match self.whole.take() {
                None => part,
                Some(whole) => whole.merge(part),
            });
        }
        self.resume = range.resume;
        if let Some(whole) = &mut self.whole {
            whole.settle();
            let last = self.boundaries.last().map_or(0, |boundary| boundary.offset);
            // Without the start of the file nothing is certain.
            self.boundaries.extend(whole.boundary().filter(|boundary| boundary.offset > last));
        }
    }

    /// What has to be read after the chain, up to an offset.
    pub(crate) fn gap(&self, end: u64) -> Option<Gap> {
        let whole = self.whole.as_ref()?;
        Some(Gap { start: self.resume.clone().unwrap_or_else(|| whole.end_position()), end })
    }
}
