//! Compressed strings, token by token. A control byte holds the number of literal bytes that follow, or the number of
//! earlier output bytes to repeat.
//!
//! There are several loops, because none is the fastest on every file. What slows a reader down is the time until the
//! end of a token is known. With several strings side by side, these times overlap.

mod decode;
mod loops;
mod step;

pub(super) use decode::Unpacker;
pub(super) use loops::{Loops, TITLES};
use step::{Jump, Step};

/// Consecutive compressed strings.
#[derive(Debug, Default)]
pub(super) struct Compressed {
    // With padding at the end, so that each token can be read as a word.
    bytes: Vec<u8>,
    strings: Vec<Packed>,
}

/// The position of a compressed string, and the declared length of its contents.
#[derive(Debug, Clone, Copy, Default)]
struct Packed {
    at: usize,
    end: usize,
    declared: usize,
}

impl Compressed {
    pub(super) fn push(&mut self, packed: &[u8], declared: usize) {
        let at = self.packed_bytes();
        self.bytes.truncate(at);
        self.bytes.extend_from_slice(packed);
        self.strings.push(Packed { at, end: self.bytes.len(), declared });
        self.bytes.extend_from_slice(&[0; 4]);
    }

    pub(super) fn extend(&mut self, others: &Self) {
        for packed in &others.strings {
            self.push(&others.bytes[packed.at..packed.end], packed.declared);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.strings.len()
    }

    pub(super) fn packed_bytes(&self) -> usize {
        self.strings.last().map_or(0, |packed| packed.end)
    }

    pub(super) fn contents_bytes(&self) -> usize {
        self.strings.iter().map(|packed| packed.declared).sum()
    }

    /// Number of tokens.
    pub(super) fn tokens(&self) -> u64 {
        let mut tokens = 0;
        for packed in &self.strings {
            let mut lane = Lane::new(*packed);
            while lane.step::<Jump, false>(&self.bytes) {
                tokens += 1;
            }
        }
        tokens
    }
}

/// The state of one string.
#[derive(Clone, Copy, Default)]
struct Lane {
    at: usize,
    end: usize,
    given: usize,
    declared: usize,
    /// Negative if a reference reaches before the start.
    slack: isize,
}

impl Lane {
    fn new(Packed { at, end, declared }: Packed) -> Self {
        Self { at, end, given: 0, declared, slack: 0 }
    }

    /// Steps over a token. False at the end.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "called for every token")]
    fn step<S: Step, const CHECKED: bool>(&mut self, bytes: &[u8]) -> bool {
        if self.at >= self.end {
            return false;
        }
        let Some(word) = bytes.get(self.at..).and_then(|rest| rest.first_chunk()) else { return false };
        let word = u32::from_le_bytes(*word);
        let (used, given) = S::step(word);
        if CHECKED {
            self.slack |= self.given.cast_signed() - step::distance(word);
        }
        self.at += used;
        self.given += given;
        true
    }

    /// Whether the tokens end with the string and give the declared length.
    fn is_good(&self) -> bool {
        self.at == self.end && self.given == self.declared && self.slack >= 0
    }
}

/// Walks the tokens of all strings, `LANES` strings side by side. Returns the number of sound strings. Checks whether
/// references reach before the start only if `CHECKED`.
fn walk<S: Step, const LANES: usize, const CHECKED: bool>(compressed: &Compressed) -> usize {
    let bytes = &compressed.bytes[..];
    let mut waiting = compressed.strings.iter().map(|packed| Lane::new(*packed));
    let mut good = 0;
    let mut lanes: [Lane; LANES] = std::array::from_fn(|_| waiting.next().unwrap_or_default());
    let mut left = compressed.strings.len();
    // While every lane has a string.
    'all: while left >= LANES {
        for lane in &mut lanes {
            if !lane.step::<S, CHECKED>(bytes) {
                good += usize::from(lane.is_good());
                left -= 1;
                *lane = waiting.next().unwrap_or_default();
                if left < LANES {
                    break 'all;
                }
            }
        }
    }
    for mut lane in lanes.into_iter().filter(|lane| lane.end > 0) {
        while lane.step::<S, CHECKED>(bytes) {}
        good += usize::from(lane.is_good());
    }
    good
}

#[cfg(test)]
mod tests {
    use super::{step::LookUp, *};

    /// Three literal bytes, a short reference, a long overlapping one, and a literal.
    pub(super) const PACKED: [u8; 11] = [2, b'a', b'b', b'c', 0x20, 2, 0xe0, 5, 2, 0, b'x'];
    pub(super) const CONTENTS: &[u8] = b"abcabcabcabcabcabcabx";

    #[test]
    fn every_loop_takes_sound_strings_and_no_others() {
        let mut compressed = Compressed::default();
        for copies in 0..12 {
            let loops = [
                walk::<Jump, 1, false>,
                walk::<LookUp, 1, false>,
                walk::<LookUp, 1, true>,
                walk::<Jump, 2, true>,
                walk::<LookUp, 4, true>,
                walk::<LookUp, 8, false>,
            ];
            assert_eq!(loops.map(|walk| walk(&compressed)), [copies; 6]);
            assert_eq!(compressed.tokens(), 4 * copies as u64);
            compressed.push(&PACKED, CONTENTS.len());
        }
        compressed.push(&PACKED, CONTENTS.len() + 1);
        compressed.push(&PACKED[..10], CONTENTS.len() - 1);
        assert_eq!(walk::<LookUp, 4, false>(&compressed), 12);
        // A reference that reaches before the start.
        compressed.push(&[0, b'a', 0x20, 1], 4);
        assert_eq!(walk::<LookUp, 4, false>(&compressed), 13);
        assert_eq!(walk::<LookUp, 4, true>(&compressed), 12);
    }
}
