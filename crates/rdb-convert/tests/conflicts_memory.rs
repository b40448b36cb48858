//! A million conflicts take the memory that is planned for them. In a test program of its own, because it measures its
//! process.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on should say where")]

use std::io::{Cursor, Read};

use rdb_convert::{ConvertError, Databases, OnConflict, Options, Plan};
use rdb_scan::walk::push_number;

const KEYS: u64 = 1_000_000;
/// What a key that is compared takes, and what one takes that occurs more than once.
const KEY_BYTES: u64 = 16;
const CONFLICT_BYTES: u64 = 128;
/// What a conversion takes besides.
const OTHER_KIB: u64 = 16 << 10;

/// Two databases with the same million keys. It never exists as a whole.
struct File {
    piece: Cursor<Vec<u8>>,
    next: u64,
}

impl File {
    fn new() -> Self {
        Self { piece: Cursor::new(b"REDIS0011".to_vec()), next: 0 }
    }

    fn piece(&mut self) -> Option<Vec<u8>> {
        let mut piece = Vec::new();
        let end = (self.next + 1000).min(2 * KEYS);
        if self.next == end {
            self.next += 1;
            return Some([&[255][..], &[0; 8]].concat());
        }
        if self.next > end {
            return None;
        }
        for number in self.next..end {
            if number % KEYS == 0 {
                piece.push(254);
                push_number(&mut piece, number / KEYS);
            }
            let key = format!("key:{}", number % KEYS);
            piece.push(0);
            push_number(&mut piece, key.len() as u64);
            piece.extend(key.as_bytes());
            piece.extend([1, b'v']);
        }
        self.next = end;
        Some(piece)
    }
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.piece.read(buffer)?;
        if read > 0 || buffer.is_empty() {
            return Ok(read);
        }
        match self.piece() {
            Some(piece) => self.piece = Cursor::new(piece),
            None => return Ok(0),
        }
        self.read(buffer)
    }
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_million_conflicts_take_what_is_planned_for_them() {
    let before = peak_kib();
    let merging = |on_conflict, most_compared_keys| Options {
        databases: Databases::merged(),
        on_conflict,
        most_compared_keys,
        ..Options::new("valkey-8.1".parse().unwrap())
    };
    for (on_conflict, refused) in [(OnConflict::Refuse, 1), (OnConflict::Last, 0)] {
        // A key that occurs twice counts as eight more.
        let plan = Plan::of(|| Ok(File::new()), &merging(on_conflict, 9 * KEYS)).unwrap();
        assert_eq!(plan.report.refused.len(), refused);
        assert_eq!((plan.report.conflicts.number, plan.report.conflicts.keys.len()), (KEYS, 100));
        let planned_kib = KEYS * (KEY_BYTES + CONFLICT_BYTES) / 1024 + OTHER_KIB;
        let taken = peak_kib() - before;
        println!("{taken} KiB of {planned_kib}");
        assert!(taken <= planned_kib, "{taken} KiB, planned were {planned_kib}");
        // There is no room for one more.
        let error = Plan::of(|| Ok(File::new()), &merging(on_conflict, 9 * KEYS - 1)).unwrap_err();
        let ConvertError::TooManyConflicts { conflicts, keys, .. } = error else { panic!("{error}") };
        assert!(conflicts >= KEYS - 1 && keys == KEYS, "{conflicts} of {keys}");
    }
}

#[test]
fn a_repair_with_too_many_repetitions_compares_no_keys() {
    let options = |most_compared_keys| Options {
        repair: true,
        most_compared_keys,
        ..Options::new("valkey-8.1".parse().unwrap())
    };
    let mut file = b"REDIS0011\xfe\0".to_vec();
    for number in 0..2000u32 {
        file.extend([&[0, 4][..], &(number % 1000 + 0x4141_4141).to_le_bytes(), &[1, b'v']].concat());
    }
    file.extend([&[255][..], &[0; 8]].concat());
    let repaired = |most| Plan::of(|| Ok(&file[..]), &options(most)).unwrap().report.repaired;
    assert_eq!(repaired(10_000)["duplicateKeys"].number, 1000);
    assert_eq!(repaired(9999)["uncheckedKeys"].number, 2000);
}
