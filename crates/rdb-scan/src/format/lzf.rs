//! LZF, the compression of strings over 20 bytes: literal runs of up to 32 bytes, and back references to up to 264
//! bytes at a distance of at most 8 KiB.

use crate::{
    bytes::stop::{Result, broken},
    fault::FaultCode,
};

/// The longest distance of a back reference.
pub(crate) const REACH_BYTES: usize = 8 << 10;
/// The longest token: a control byte and 32 literal bytes.
pub(crate) const MAX_TOKEN_BYTES: usize = 33;
/// The most bytes that one token decodes to.
pub(crate) const MAX_GIVEN_BYTES: usize = 264;
/// The size of a wide copy. Most tokens are one wide copy, whatever their length.
const WIDE: usize = 32;

/// The state of checking the tokens of one compressed string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Tokens {
    /// Compressed bytes that were not read yet.
    pub(crate) packed_left: u64,
    /// Bytes that the tokens so far decode to.
    pub(crate) produced: u64,
    /// Bytes that the string declares to decompress to.
    pub(crate) declared: u64,
}

/// What a control byte says about its token, as a table instead of a branch: whether a run or a reference comes next is
/// as random as the data, and a misprediction costs more than the token.
#[derive(Clone, Copy)]
struct TokenShape {
    /// The token's length in bytes.
    used: u8,
    /// Bytes that the token decodes to, without the length byte of a long reference.
    given: u8,
    /// A mask for the byte after the control byte, which is added to `given`: all ones for a long reference, else 0.
    more: u8,
    /// The position of the low bits of the distance in the token's first four bytes, in bits.
    low_shift: u8,
    /// The high bits of the distance, plus one.
    high: u16,
    /// All ones for a literal run, which has no distance; else 0.
    literal: u16,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "its fields are loaded one by one, each where it is needed"
)]
impl TokenShape {
    #[inline]
    fn of(control: u8) -> &'static Self {
        &SHAPES[usize::from(control)]
    }

    #[inline]
    fn used(&self) -> usize {
        usize::from(self.used)
    }

    /// Bytes that the token decodes to; `word` is its first four bytes.
    #[inline]
    fn given(&self, word: u32) -> usize {
        usize::from(self.given) + usize::from((word >> 8) as u8 & self.more)
    }

    /// The distance of a reference; 0 for a literal run.
    #[inline]
    fn distance(&self, word: u32) -> usize {
        (usize::from(self.high) + usize::from((word >> self.low_shift) as u8)) & !self.literal()
    }

    /// Returns `literal` for a literal run, `reference` for a reference.
    #[inline]
    fn choose(&self, literal: usize, reference: usize) -> usize {
        (literal & self.literal()) | (reference & !self.literal())
    }

    #[inline]
    fn literal(&self) -> usize {
        isize::from(self.literal.cast_signed()).cast_unsigned()
    }
}

static SHAPES: [TokenShape; 256] = shapes();

const fn shapes() -> [TokenShape; 256] {
    let none = TokenShape { used: 0, given: 0, more: 0, low_shift: 0, high: 0, literal: 0 };
    let mut shapes = [none; 256];
    let mut control = 0;
    while control < 256 {
        let byte = control as u8;
        let high = ((control as u16 & 0x1f) << 8) + 1;
        shapes[control] = match byte {
            0..32 => TokenShape { used: byte + 2, given: byte + 1, literal: u16::MAX, ..none },
            32..0xe0 => TokenShape { used: 2, given: (byte >> 5) + 2, low_shift: 8, high, ..none },
            _ => TokenShape { used: 3, given: 9, more: 0xff, low_shift: 16, high, ..none },
        };
        control += 1;
    }
    shapes
}

/// A decoded token.
struct Token {
    /// The token's length in bytes.
    used: usize,
    /// Bytes that the token decodes to.
    given: usize,
    /// The distance of a reference; 0 for a literal run, whose bytes are in the token.
    distance: usize,
}

impl Tokens {
    pub(crate) fn new(packed: u64, unpacked: u64) -> Self {
        Self { packed_left: packed, produced: 0, declared: unpacked }
    }

    /// Checks the tokens at the start of `input` without decoding them. Returns the number of bytes used: the whole
    /// rest of the string if `input` holds it, else everything up to a token that may be cut off.
    pub(crate) fn walk(&mut self, input: &[u8]) -> Result<usize> {
        let last = input.len() as u64 >= self.packed_left;
        let input = if last { &input[..self.packed_left as usize] } else { input };
        let (mut at, mut produced) = (0, self.produced as usize);
        let mut bad = false;
        while let Some(rest) = input.get(at..)
            && rest.len() >= MAX_TOKEN_BYTES
        {
            let word = u32::from_le_bytes([rest[0], rest[1], rest[2], rest[3]]);
            let token = TokenShape::of(rest[0]);
            bad |= token.distance(word) > produced;
            produced += token.given(word);
            at += token.used();
        }
        let produced = produced as u64;
        if bad || produced > self.declared {
            return self.walk_slowly(input);
        }
        let mut tokens = Self { produced, ..*self };
        if last {
            while at < input.len() {
                at += tokens.token(&input[at..])?.used;
            }
            tokens.finish()?;
        }
        tokens.packed_left -= at as u64;
        *self = tokens;
        Ok(at)
    }

    /// Finds the fault of tokens that are known to be wrong.
    #[cold]
    fn walk_slowly(mut self, input: &[u8]) -> Result<usize> {
        let mut at = 0;
        while at < input.len() {
            at += self.token(&input[at..])?.used;
        }
        self.finish()?;
        Ok(at)
    }

    /// Decodes tokens onto `out`, which must hold the last 8 KiB of output, until it has `enough` bytes or `input` may
    /// end inside a token. Returns the number of bytes used.
    pub(crate) fn decode(&mut self, input: &[u8], out: &mut Vec<u8>, enough: usize) -> Result<usize> {
        let last = input.len() as u64 >= self.packed_left;
        let input = if last { &input[..self.packed_left as usize] } else { input };
        let mut at = 0;
        while at < input.len() && out.len() < enough && (last || input.len() - at >= MAX_TOKEN_BYTES) {
            let token = self.token(&input[at..])?;
            if token.distance == 0 {
                out.extend_from_slice(&input[at + 1..at + token.used]);
            } else {
                repeat(out, token.distance, token.given);
            }
            at += token.used;
        }
        self.packed_left -= at as u64;
        if self.packed_left == 0 {
            self.finish()?;
        }
        Ok(at)
    }

    /// Checks and counts the token at the start of `input`.
    #[inline]
    fn token(&mut self, input: &[u8]) -> Result<Token> {
        let [control, rest @ ..] = input else { return self.cut() };
        let control = usize::from(*control);
        let token = if control < 32 {
            Token { used: control + 2, given: control + 1, distance: 0 }
        } else if control < 0xe0 {
            let [low, ..] = rest else { return self.cut() };
            Token { used: 2, given: (control >> 5) + 2, distance: distance(control, *low) }
        } else {
            let [more, low, ..] = rest else { return self.cut() };
            Token { used: 3, given: usize::from(*more) + 9, distance: distance(control, *low) }
        };
        if token.used > input.len() {
            return self.cut();
        }
        if token.distance as u64 > self.produced {
            return self.too_far(token.distance);
        }
        self.produced += token.given as u64;
        if self.produced > self.declared {
            self.finish()?;
        }
        Ok(token)
    }

    #[inline]
    fn finish(&self) -> Result<()> {
        let Self { produced, declared, .. } = self;
        if produced == declared {
            return Ok(());
        }
        if produced > declared {
            return self.surplus();
        }
        broken(FaultCode::BadLzf, format!("compressed string declares {declared} bytes but gives {produced}"))
    }

    /// The fault of tokens that decode to more than is declared.
    #[cold]
    pub(crate) fn surplus<T>(&self) -> Result<T> {
        let declared = self.declared;
        broken(FaultCode::BadLzf, format!("compressed string declares {declared} bytes but gives more"))
    }

    #[cold]
    fn cut<T>(&self) -> Result<T> {
        let produced = self.produced;
        broken(FaultCode::BadLzf, format!("compressed string ends inside a token, after {produced} bytes"))
    }

    #[cold]
    fn too_far<T>(&self, distance: usize) -> Result<T> {
        let produced = self.produced;
        broken(
            FaultCode::BadLzf,
            format!("back reference over {distance} bytes, but only {produced} were given before it"),
        )
    }
}

/// One string that is being decompressed inside a buffer with room for its contents.
///
/// Input and output are in one buffer, so a literal run and a back reference are the same operation: a copy from
/// somewhere before. Most tokens are then one copy of a fixed size, without a branch to mispredict.
#[derive(Debug, Clone, Copy)]
struct Lane {
    at: usize,
    last: usize,
    out: usize,
    start: usize,
    end: usize,
    bad: bool,
}

impl Lane {
    /// The room after the output for a whole token and a wide copy, of which only the start is checked. At least as
    /// much follows the input.
    const MARGIN_BYTES: usize = MAX_GIVEN_BYTES + 2 * WIDE;

    /// Appends a string to the used part of the buffer, with room for its contents.
    fn place(buffer: &mut Vec<u8>, used: &mut usize, packed: &[u8], declared: usize) -> Self {
        let at = *used;
        let last = at + packed.len();
        let start = last + WIDE;
        let end = start + declared;
        *used = end + Self::MARGIN_BYTES;
        if buffer.len() < *used {
            buffer.resize(*used, 0);
        }
        buffer[at..last].copy_from_slice(packed);
        // A truncated token reads zeros.
        buffer[last..start].fill(0);
        Self { at, last, out: start, start, end, bad: false }
    }

    #[inline]
    fn runs(&self) -> bool {
        self.at < self.last && self.out < self.end
    }

    /// Whether the tokens decoded to exactly what was declared.
    fn is_good(&self) -> bool {
        !self.bad && self.at == self.last && self.out == self.end
    }

    /// Decodes one token of a lane that runs.
    #[inline(always)]
    fn step(&mut self, buffer: &mut [u8]) {
        let Self { at, out, .. } = *self;
        let Some(word) = buffer.get(at..).and_then(|rest| rest.first_chunk::<4>()) else {
            return self.stop();
        };
        let word = u32::from_le_bytes(*word);
        let token = TokenShape::of(word as u8);
        let given = token.given(word);
        let distance = token.distance(word);
        self.bad |= distance > out - self.start;
        let from = token.choose(at + 1, out.saturating_sub(distance));
        self.at = at + token.used();
        self.out = out + given;
        if given > WIDE || distance.wrapping_sub(1) < given - 1 {
            if self.bad {
                return self.stop();
            }
            copy_long(buffer, from, out, given);
        } else {
            buffer.copy_within(from..from + WIDE, out);
        }
    }

    /// Ends the lane as bad.
    #[cold]
    fn stop(&mut self) {
        self.bad = true;
        self.at = self.last;
    }
}

/// Decompresses all strings, two at a time. The end of a token is known only once it was read; meanwhile the other lane
/// advances.
fn run_lanes(buffer: &mut [u8], lanes: &mut [Lane]) {
    if let [first, second, ..] = lanes {
        let (mut one, mut other) = (*first, *second);
        let (mut one_index, mut other_index) = (0, 1);
        let mut next = 2;
        loop {
            while one.runs() && other.runs() {
                one.step(buffer);
                other.step(buffer);
            }
            lanes[one_index] = one;
            lanes[other_index] = other;
            let Some(waiting) = lanes.get(next) else { break };
            if one.runs() {
                (other, other_index) = (*waiting, next);
            } else {
                (one, one_index) = (*waiting, next);
            }
            next += 1;
        }
    }
    for lane in lanes {
        let mut alone = *lane;
        while alone.runs() {
            alone.step(buffer);
        }
        *lane = alone;
    }
}

/// Decompresses strings into a buffer that is reused.
#[derive(Debug, Default)]
pub(crate) struct Unpacker {
    buffer: Vec<u8>,
    used: usize,
    lanes: Vec<Lane>,
}

impl Unpacker {
    /// Decompresses one string of at most a few MiB, which must have exactly `declared` bytes of contents.
    pub(crate) fn unpack(&mut self, packed: &[u8], declared: usize) -> Result<&[u8]> {
        self.clear();
        self.add(packed, declared);
        self.run();
        match self.contents(0) {
            Some(contents) => Ok(contents),
            None => fault(packed, declared),
        }
    }

    /// Drops all strings.
    pub(crate) fn clear(&mut self) {
        self.used = 0;
        self.lanes.clear();
    }

    /// Adds a string. Strings are numbered from 0.
    pub(crate) fn add(&mut self, packed: &[u8], declared: usize) {
        let lane = Lane::place(&mut self.buffer, &mut self.used, packed, declared);
        self.lanes.push(lane);
    }

    /// Decompresses all strings that were added.
    pub(crate) fn run(&mut self) {
        run_lanes(&mut self.buffer, &mut self.lanes);
    }

    /// The contents of a string; none if they are not what it declares.
    pub(crate) fn contents(&self, index: usize) -> Option<&[u8]> {
        let lane = self.lanes.get(index).filter(|lane| lane.is_good())?;
        self.buffer.get(lane.start..lane.end)
    }
}

/// The fault of a string that is known to be wrong.
#[cold]
pub(crate) fn fault<T>(packed: &[u8], declared: usize) -> Result<T> {
    let mut tokens = Tokens::new(packed.len() as u64, declared as u64);
    tokens.walk(packed)?;
    broken(FaultCode::BadLzf, "compressed string contradicts itself")
}

/// A string of which the tokens are checked but not decoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk<'w> {
    input: &'w [u8],
    at: usize,
    produced: usize,
    declared: usize,
    bad: bool,
}

impl<'w> Walk<'w> {
    pub(crate) fn new(input: &'w [u8], declared: usize) -> Self {
        Self { input, at: 0, produced: 0, declared, bad: false }
    }

    #[inline]
    fn runs(&self) -> bool {
        self.at + MAX_TOKEN_BYTES <= self.input.len()
    }

    #[inline(always)]
    fn step(&mut self) {
        let Some(word) = self.input.get(self.at..).and_then(|rest| rest.first_chunk::<4>()) else { return };
        let word = u32::from_le_bytes(*word);
        let token = TokenShape::of(word as u8);
        self.bad |= token.distance(word) > self.produced;
        self.produced += token.given(word);
        self.at += token.used();
    }

    /// Whether the tokens decode to exactly what was declared. Only valid once the walk no longer runs.
    pub(crate) fn is_good(&self) -> bool {
        let left = (self.input.len() - self.at) as u64;
        let mut tokens =
            Tokens { packed_left: left, produced: self.produced as u64, declared: self.declared as u64 };
        !self.bad && tokens.walk(&self.input[self.at..]).is_ok()
    }
}

/// The number of strings that are walked side by side.
const LANES: usize = 4;

/// Walks strings side by side, as [`run_lanes`] does.
pub(crate) fn walk_all(walks: &mut [Walk<'_>]) {
    let mut next = LANES;
    if let Some(first) = walks.first_chunk::<LANES>() {
        let mut side_by_side = *first;
        let mut running: [usize; LANES] = std::array::from_fn(|index| index);
        'all: loop {
            while side_by_side.iter().fold(true, |all, walk| all & walk.runs()) {
                for walk in &mut side_by_side {
                    walk.step();
                }
            }
            for (walk, index) in side_by_side.iter_mut().zip(&mut running) {
                if !walk.runs() {
                    walks[*index] = *walk;
                    let Some(waiting) = walks.get(next) else { break 'all };
                    (*walk, *index) = (*waiting, next);
                    next += 1;
                }
            }
        }
        for (walk, index) in side_by_side.into_iter().zip(running) {
            walks[index] = walk;
        }
    }
    for walk in walks {
        while walk.runs() {
            walk.step();
        }
    }
}

/// Copies what is longer than a wide copy, or overlaps itself.
fn copy_long(buffer: &mut [u8], from: usize, to: usize, given: usize) {
    let mut done = 0;
    while done < given {
        // Each round doubles what can be copied at once.
        let piece = (given - done).min(to + done - from);
        buffer.copy_within(from..from + piece, to + done);
        done += piece;
    }
}

#[inline]
fn distance(control: usize, low: u8) -> usize {
    ((control & 0x1f) << 8 | usize::from(low)) + 1
}

/// Appends `length` bytes from `distance` bytes before the end. Source and target may overlap.
fn repeat(out: &mut Vec<u8>, distance: usize, length: usize) {
    let start = out.len().saturating_sub(distance);
    let mut left = length;
    while left > 0 {
        let piece = left.min(out.len() - start);
        if piece == 0 {
            return;
        }
        out.extend_from_within(start..start + piece);
        left -= piece;
    }
}
