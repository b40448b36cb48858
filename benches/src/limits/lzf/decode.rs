//! Decompression, for strings with contents that are needed.
use super::{
    Compressed, Packed,
    step::{Jump, LookUp, Step, choose, distance},
};

/// Decompresses all strings in the obvious way. Returns the number of bytes in the contents of sound strings.
pub(super) fn decode_plainly(compressed: &Compressed) -> usize {
    let mut out = Vec::new();
    let mut sum = 0;
    for packed in &compressed.strings {
        out.clear();
        let mut at = packed.at;
        while at < packed.end
            && let Some(rest) = compressed.bytes.get(at..)
            && let Some(word) = rest.first_chunk()
        {
            let word = u32::from_le_bytes(*word);
            let (used, given) = Jump::step(word);
            if let 0..32 = word as u8 {
                let Some(literal) = rest.get(1..used) else { break };
                out.extend_from_slice(literal);
            } else {
                let Some(from) = out.len().checked_add_signed(-distance(word)) else { break };
                repeat(&mut out, from, given);
            }
            at += used;
        }
        sum += if out.len() == packed.declared { out.len() } else { 0 };
    }
    sum
}

fn repeat(out: &mut Vec<u8>, from: usize, given: usize) {
    let end = out.len() + given;
    while out.len() < end {
        // Each round doubles the length that can be copied at once.
        let piece = (end - out.len()).min(out.len() - from);
        out.extend_from_within(from..from + piece);
    }
}

/// Bytes of a wide copy, whatever the requested length.
const WIDE: usize = 32;
/// The most that one token can write, and wide copies.
const MARGIN_BYTES: usize = 264 + 2 * WIDE;
/// Strings that are decompressed before memory is reused, unless they are too long for the cache.
const BATCH_STRINGS: usize = 16;
const BATCH_BYTES: usize = 96 << 10;

/// Decompresses strings side by side. A string and its contents are in one buffer, so that literals and references are
/// both copies of fixed size from an earlier place.
#[derive(Debug, Default)]
pub(in crate::limits) struct Unpacker {
    buffer: Vec<u8>,
    lanes: Vec<Lane>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Lane {
    at: usize,
    last: usize,
    out: usize,
    end: usize,
}

impl Unpacker {
    /// Decompresses all strings, `LANES` side by side. Returns the number of bytes in the contents of sound strings.
    pub(super) fn decode<const LANES: usize>(&mut self, compressed: &Compressed) -> usize {
        self.batches::<LANES>(compressed, |_| {})
    }

    /// Does the same, one string at a time, and passes the contents of each to `tell`.
    pub(in crate::limits) fn each(&mut self, compressed: &Compressed, tell: impl FnMut(&[u8])) -> usize {
        self.batches::<1>(compressed, tell)
    }

    fn batches<const LANES: usize>(&mut self, compressed: &Compressed, mut tell: impl FnMut(&[u8])) -> usize {
        let mut sum = 0;
        let mut strings = compressed.strings.iter().peekable();
        while strings.peek().is_some() {
            self.lanes.clear();
            let mut used = 0;
            while let Some(packed) =
                strings.next_if(|_| self.lanes.len() < BATCH_STRINGS && used < BATCH_BYTES)
            {
                self.place(&compressed.bytes, packed, &mut used);
            }
            run::<LANES>(&mut self.buffer, &mut self.lanes);
            for lane in self.lanes.iter().filter(|lane| lane.at == lane.last && lane.out == lane.end) {
                // The contents begin a wide copy after the string.
                let contents = &self.buffer[lane.last + WIDE..lane.end];
                sum += contents.len();
                tell(contents);
            }
        }
        sum
    }

    fn place(&mut self, bytes: &[u8], packed: &Packed, used: &mut usize) {
        let at = *used;
        let last = at + (packed.end - packed.at);
        let out = last + WIDE;
        let end = out + packed.declared;
        *used = end + MARGIN_BYTES;
        if self.buffer.len() < *used {
            self.buffer.resize(*used, 0);
        }
        self.buffer[at..last].copy_from_slice(&bytes[packed.at..packed.end]);
        self.lanes.push(Lane { at, last, out, end });
    }
}

fn run<const LANES: usize>(buffer: &mut [u8], lanes: &mut [Lane]) {
    let mut next = LANES;
    if let Some(first) = lanes.first_chunk::<LANES>() {
        let mut side_by_side = *first;
        let mut places: [usize; LANES] = std::array::from_fn(|place| place);
        'all: loop {
            for (lane, place) in side_by_side.iter_mut().zip(&mut places) {
                if !lane.step(buffer) {
                    lanes[*place] = *lane;
                    let Some(waiting) = lanes.get(next) else { break 'all };
                    (*lane, *place) = (*waiting, next);
                    next += 1;
                }
            }
        }
        for (lane, place) in side_by_side.into_iter().zip(places) {
            lanes[place] = lane;
        }
    }
    for lane in lanes {
        while lane.step(buffer) {}
    }
}

impl Lane {
    /// Decodes one token. False at the end of the string or of its contents.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "called for every token")]
    fn step(&mut self, buffer: &mut [u8]) -> bool {
        let Self { at, last, out, end } = *self;
        if at >= last || out >= end {
            return false;
        }
        let Some(word) = buffer.get(at..).and_then(|rest| rest.first_chunk()) else { return false };
        let word = u32::from_le_bytes(*word);
        let (used, given) = LookUp::step(word);
        let distance = distance(word);
        let from = choose(word, at + 1, out.wrapping_sub(distance.cast_unsigned()));
        if from >= out {
            return false;
        }
        // As an unsigned number, a negative distance is larger than any length.
        if given > WIDE || distance.cast_unsigned() < given {
            copy_long(buffer, from, out, given);
        } else {
            buffer.copy_within(from..from + WIDE, out);
        }
        self.at = at + used;
        self.out = out + given;
        true
    }
}

/// Copies bytes that exceed a wide copy or overlap themselves.
fn copy_long(buffer: &mut [u8], from: usize, to: usize, given: usize) {
    let mut done = 0;
    while done < given {
        let piece = (given - done).min(to + done - from);
        buffer.copy_within(from..from + piece, to + done);
        done += piece;
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{CONTENTS, PACKED},
        *,
    };

    #[test]
    fn all_decoders_give_the_contents() {
        let mut compressed = Compressed::default();
        for copies in 0..40 {
            let all = copies * CONTENTS.len();
            let mut unpacker = Unpacker::default();
            assert_eq!(decode_plainly(&compressed), all);
            assert_eq!(unpacker.decode::<1>(&compressed), all);
            assert_eq!(unpacker.decode::<2>(&compressed), all);
            assert_eq!(unpacker.each(&compressed, |text| assert_eq!(text, CONTENTS)), all);
            compressed.push(&PACKED, CONTENTS.len());
        }
    }
}
