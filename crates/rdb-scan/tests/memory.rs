//! Memory stays constant, whatever a file holds. In a test program of its own, because it measures its process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::io::{Cursor, Read, repeat};

use common::{Rdb, len, text_of};
use rdb_scan::{Control, InspectOptions, Inspected, Inspection, Position, inspect};

/// The most memory that a scan may use, including the rest of this process.
const MAX_RESIDENT_KIB: u64 = 32 << 10;

#[test]
fn giants_pass_through_a_small_window() {
    // None of these files ever exists as a whole: the sources generate them while they are read.
    let gigabyte = 1 << 30;
    string_of_4_gib();
    expect(table_of_50_million_fields(), |inspection| {
        assert_eq!(inspection.types["hash"].elements, 50_000_000);
        assert_eq!((inspection.unchecked.values, inspection.unchecked.members), (1, 50_000_000));
    });
    expect(compressed_listpack(gigabyte), |inspection| {
        assert_eq!(inspection.types["hash"].encodings["listpack"], 1);
    });
    expect(giant_key(gigabyte / 4), |inspection| assert_eq!(inspection.keys, 1));
    expect(lying_lengths(), |inspection| assert!(!inspection.is_sound()));
}

fn string_of_4_gib() {
    let before = Rdb::new().raw(&[0]).text(b"giant").len(4 << 30).0;
    let file = Cursor::new(before).chain(repeat(b'x').take(4 << 30)).chain(Cursor::new(end()));
    expect(file, |inspection| assert_eq!(inspection.biggest[0].bytes, (4 << 30) + 16));
}

fn table_of_50_million_fields() -> impl Read {
    const FIELDS: u64 = 50_000_000;
    let before = Rdb::new().key(4, "table").len(FIELDS).0;
    let field: Vec<u8> = [text_of(b"a field"), text_of(b"a value of some length")].concat();
    let many = field.repeat(10_000);
    let fields = (0..FIELDS / 10_000).map(move |_| many.clone());
    Cursor::new(before).chain(Pieces::new(fields)).chain(Cursor::new(end()))
}

/// A hash with one field and a value of one letter, `bytes` times, compressed to 1.2 % of that.
fn compressed_listpack(bytes: u64) -> impl Read {
    const RUN: u64 = 264;
    let runs = bytes / RUN;
    let value_bytes = runs * RUN + 1;
    let entry = 5 + value_bytes;
    let back: Vec<u8> = (0..5u32)
        .rev()
        .map(|place| (entry >> (7 * place) & 127) as u8 | if place < 4 { 128 } else { 0 })
        .collect();
    let total = 6 + 3 + entry + 5 + 1;
    let mut start = [&(total as u32).to_le_bytes()[..], &2u16.to_le_bytes(), b"\x81f\x02\xf0"].concat();
    start.extend((value_bytes as u32).to_le_bytes());
    start.push(b'x');
    let first = [vec![start.len() as u8 - 1], start].concat();
    let last: Vec<u8> = [&[back.len() as u8][..], &back, &[0xff]].concat();
    let run = [0xe0, 255, 0].repeat(10_000);
    let rest = [0xe0, 255, 0].repeat((runs % 10_000) as usize);
    let packed = first.len() as u64 + 3 * runs + last.len() as u64;
    let header = [Rdb::new().key(16, "packed").0, vec![0xc3], len(packed), len(total)].concat();
    let runs = (0..runs / 10_000).map(move |_| run.clone());
    let head = Cursor::new([header, first].concat()).chain(Pieces::new(runs));
    head.chain(Cursor::new([rest, last].concat())).chain(Cursor::new(end()))
}

fn giant_key(bytes: u64) -> impl Read {
    let before = Rdb::new().raw(&[0]).len(bytes).0;
    let value = Cursor::new(text_of(b"value"));
    Cursor::new(before).chain(repeat(b'k').take(bytes)).chain(value).chain(Cursor::new(end()))
}

/// Counts and lengths that nothing follows.
fn lying_lengths() -> impl Read {
    Cursor::new(Rdb::new().key(16, "packed").raw(&[0xc3]).len(20 << 30).len(40 << 30).0)
}

fn end() -> Vec<u8> {
    [&[255][..], &[0; 8]].concat()
}

fn expect(file: impl Read, check: impl FnOnce(&Inspection)) {
    let options = InspectOptions::default();
    let inspected = inspect(file, &Position::default(), &options, &mut |_| Control::Continue).unwrap();
    let Inspected::Complete(inspection) = inspected else { panic!("paused") };
    check(&inspection);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak_kib = peak.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    assert!(peak_kib.unwrap_or(0) < MAX_RESIDENT_KIB, "{peak_kib:?} KiB");
}

/// A source that returns pieces one after the other.
struct Pieces<I> {
    pieces: I,
    current: Cursor<Vec<u8>>,
}

impl<I: Iterator<Item = Vec<u8>>> Pieces<I> {
    fn new(pieces: I) -> Self {
        Self { pieces, current: Cursor::new(Vec::new()) }
    }
}

impl<I: Iterator<Item = Vec<u8>>> Read for Pieces<I> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let read = self.current.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.pieces.next() {
                Some(next) => self.current = Cursor::new(next),
                None => return Ok(0),
            }
        }
    }
}
