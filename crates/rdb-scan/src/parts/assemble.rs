//! One inspection of many ranges.

use serde::{Deserialize, Serialize};

use crate::{inspection::Inspection, parts::range::RangeInspection, reading::position::Position};

/// After so many rounds the rest is read in one go: what still does not meet is no file to be read in parts.
const MAX_ROUNDS: u32 = 3;

/// What became of the ranges.
#[derive(Debug, Clone, PartialEq)]
pub enum Assembly {
    /// They meet, and hold the whole file.
    Whole(Box<Inspection>),
    /// They do not meet there. Read each gap with [`crate::inspect_up_to`], and assemble again with what that gives.
    Gaps(Vec<Gap>),
}

/// A stretch of the file that has to be read from its start, because the ranges around it do not meet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// Where to begin. For the first gap this is certain, for the others as likely as the range before it.
    pub start: Position,
    /// Where to end: with the first record that begins here or behind.
    pub end: u64,
}

/// Puts ranges together, in any order, some of them perhaps twice.
///
/// A range is believed only if its first record begins where the
/// one before it ends, so the result is what one pass over the whole file gives. `round` is the number of times that
/// gaps have been read.
pub fn assemble(ranges: &[RangeInspection], size_bytes: u64, round: u32) -> Assembly {
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
            // A range of which nothing was left to add would come again.
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
        Some(whole) if gaps.is_empty() => Assembly::Whole(Box::new(whole)),
        _ => Assembly::Gaps(gaps),
    }
}

fn furthest<'r>(ranges: impl Iterator<Item = &'r RangeInspection>) -> Option<&'r RangeInspection> {
    ranges.max_by_key(|range| range.span().map(|span| span.end))
}

/// Ranges that meet, from the first one on.
#[derive(Default)]
pub(crate) struct Chain {
    pub(crate) whole: Option<Inspection>,
    resume: Option<Position>,
}

impl Chain {
    pub(crate) fn is_complete(&self) -> bool {
        self.whole.as_ref().is_some_and(|whole| whole.complete)
    }

    /// Whether a range goes on where the chain ends.
    pub(crate) fn meets(&self, range: &RangeInspection) -> bool {
        self.whole.as_ref().is_some_and(|whole| range.parts.iter().any(|part| whole.meets(part)))
    }

    /// What has to be read before a range can be added; nothing if it meets the chain, or the chain is behind it.
    pub(crate) fn missing(&self, range: &RangeInspection) -> Option<Gap> {
        let whole = self.whole.as_ref().filter(|whole| !whole.complete)?;
        if self.meets(range) { None } else { self.gap(range.first_behind(whole.end)?) }
    }

    /// Adds the next range; nothing happens if it does not meet the chain.
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
        }
    }

    /// What has to be read behind the chain up to an offset.
    pub(crate) fn gap(&self, end: u64) -> Option<Gap> {
        let whole = self.whole.as_ref()?;
        Some(Gap { start: self.resume.clone().unwrap_or_else(|| whole.end_position()), end })
    }
}
