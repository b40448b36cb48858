//! Commands that fill a server, from a seeded generator.

use std::io::Write;

use super::server::write_command;

/// A generator of the `splitmix64` kind: small, and the same everywhere.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in this range, both ends included.
    pub fn within(&mut self, range: std::ops::RangeInclusive<u64>) -> u64 {
        range.start() + self.next() % (range.end() - range.start() + 1)
    }

    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.next() as usize % all.len()]
    }

    pub fn one_in(&mut self, number: u64) -> bool {
        self.next().is_multiple_of(number)
    }
}

/// The properties that all values of a run share.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// Half of the keys expire, years ahead.
    pub expiring: bool,
    /// The databases that keys go to; only the first if empty.
    pub databases: &'static [u64],
    /// Keys of all lengths, not only short ones.
    pub any_keys: bool,
}

/// Commands with values for a server.
pub struct Filling<'o> {
    pub random: Random,
    manner: Manner,
    out: &'o mut dyn Write,
    keys: u64,
    database: u64,
    /// The approximate bytes of all arguments so far.
    pub bytes: u64,
}

impl<'o> Filling<'o> {
    pub fn new(seed: u64, manner: Manner, out: &'o mut dyn Write) -> Self {
        Self { random: Random::new(seed), manner, out, keys: 0, database: 0, bytes: 0 }
    }

    pub fn command(&mut self, words: &[&[u8]]) {
        self.bytes += words.iter().map(|word| word.len() as u64 + 4).sum::<u64>();
        write_command(self.out, words);
    }

    /// A new key, in a database of the run.
    pub fn key(&mut self) -> Vec<u8> {
        if !self.manner.databases.is_empty() {
            let database = self.random.one_of(self.manner.databases);
            if database != self.database {
                self.database = database;
                self.command(&[b"SELECT", database.to_string().as_bytes()]);
            }
        }
        self.keys += 1;
        let mut number = self.keys;
        let mut digits = Vec::new();
        while number > 0 {
            digits.push(
                b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(number % 62) as usize],
            );
            number /= 62;
        }
        let bytes = if self.manner.any_keys {
            let around = self.random.one_of(&[1, 1, 6, 12, 12, 20, 31, 31, 44, 64, 127, 255, 1000]);
            self.random.within(around..=around + 2)
        } else {
            self.random.within(8..=24)
        };
        let mut key = vec![b'.'; (bytes as usize).saturating_sub(digits.len())];
        key.extend(digits);
        key
    }

    /// Must be called once the key exists.
    pub fn may_expire(&mut self, key: &[u8]) {
        const SOME_YEAR_MS: u64 = 4_000_000_000_000;
        if self.manner.expiring && self.random.one_in(2) {
            let at = self.random.within(SOME_YEAR_MS..=SOME_YEAR_MS + 1_000_000_000_000);
            self.command(&[b"PEXPIREAT", key, at.to_string().as_bytes()]);
        }
    }

    /// A text of `bytes` bytes that is not a number, and is unique if it is long enough.
    pub fn text(&mut self, bytes: u64) -> Vec<u8> {
        let mut text = Vec::with_capacity(bytes as usize);
        let mut noise = 0;
        while (text.len() as u64) < bytes {
            // Longer texts repeat themselves, as real ones do.
            if text.len() >= 512 && !text.len().is_multiple_of(512) {
                let from = text.len() - 256;
                let more = (bytes as usize - text.len()).min(256);
                text.extend_from_within(from..from + more);
                continue;
            }
            if noise < 40 {
                noise = self.random.next();
            }
            text.push(b"ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ"[(noise % 40) as usize]);
            noise /= 40;
        }
        text
    }

    /// An integer of any width.
    pub fn integer(&mut self) -> i64 {
        let bits = self.random.one_of(&[4, 7, 8, 12, 13, 15, 16, 23, 24, 31, 32, 33, 40, 52, 62, 63]);
        let number = (self.random.next() & ((1 << bits) - 1)).cast_signed();
        if self.random.one_in(3) { -number } else { number }
    }

    /// A value with a length of about this range, sometimes an integer.
    pub fn word(&mut self, bytes: std::ops::RangeInclusive<u64>) -> Vec<u8> {
        if self.random.one_in(8) {
            return self.integer().to_string().into_bytes();
        }
        let bytes = self.random.within(bytes);
        self.text(bytes)
    }

    /// Writes a command with a key and many arguments, in several parts.
    pub fn fill(&mut self, name: &str, key: &[u8], words: &[Vec<u8>], arity: usize) {
        for part in words.chunks(arity * 500) {
            let mut command: Vec<&[u8]> = vec![name.as_bytes(), key];
            command.extend(part.iter().map(Vec::as_slice));
            self.command(&command);
        }
    }
}
