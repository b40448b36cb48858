//! A file read in ranges, cut anywhere, gives the result of one pass.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::{
    io::{
        Read, {self},
    },
    ops::Range,
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicUsize, Ordering},
};

use common::{
    Rdb, all_types, listpack, lzf_literals, mixed::all_but, read_with, stream, tape::tape, text_of,
};
use proptest::prelude::*;
use rdb_scan::{
    Assembly, Control, InspectOptions, Inspection, RangeInspection, Source, TypeSet, ValueType, assemble,
    inspect_parallel, inspect_range, inspect_up_to, read_header,
};

/// Reads the ranges between the cuts, then gaps until there are none. Everything passes through JSON, as between
/// machines.
fn by_ranges(file: &[u8], cuts: &[usize], options: &InspectOptions, patience: u64) -> (Inspection, u32) {
    let header = read_header(file).unwrap();
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % file.len()).chain([0, file.len()]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    // Ranges that start at a multiple of `patience` pause as soon as they can.
    let mut patient = |_: &_| Control::Continue;
    let mut impatient = |_: &_| Control::Pause;
    let mut ranges = Vec::new();
    for cut in cuts.windows(2) {
        let range = cut[0] as u64..cut[1] as u64;
        let watch: &mut dyn FnMut(&_) -> _ = if patience > 0 && (cut[0] as u64).is_multiple_of(patience) {
            &mut impatient
        } else {
            &mut patient
        };
        ranges.push(sent(&inspect_range(&file[cut[0]..], range, &header, options, watch).unwrap()));
    }
    // The order of the ranges, and a range delivered twice, change nothing.
    ranges.reverse();
    ranges.push(ranges[0].clone());
    for round in 0.. {
        assert!(round < 100, "no end of gaps");
        match assemble(&ranges, file.len() as u64, round) {
            Assembly::Whole(whole) => return (*whole, round),
            Assembly::Gaps(gaps) => {
                assert!(!gaps.is_empty());
                for gap in gaps {
                    let gap: rdb_scan::Gap =
                        serde_json::from_str(&serde_json::to_string(&gap).unwrap()).unwrap();
                    let source = &file[gap.start.offset() as usize..];
                    let read = inspect_up_to(source, &gap.start, gap.end, options, &mut patient).unwrap();
                    ranges.push(sent(&read));
                }
            }
        }
    }
    unreachable!()
}

fn sent(range: &RangeInspection) -> RangeInspection {
    let text = serde_json::to_string(range).unwrap();
    assert!(text.len() < 1 << 20, "{} bytes", text.len());
    serde_json::from_str(&text).unwrap()
}

fn options(file: &[u8]) -> InspectOptions {
    InspectOptions {
        size_bytes: Some(file.len() as u64),
        now_ms: 1_700_000_000_000,
        top: 7,
        weighings: tape(),
        copied: all_but(&[ValueType::ListQuicklist, ValueType::Stream2]),
        least_stretch_bytes: 1000,
        ..InspectOptions::default()
    }
}

/// Pauses inside records end stretches, so they are not the same.
fn without_stretches(file: &[u8]) -> InspectOptions {
    InspectOptions { copied: TypeSet::default(), ..options(file) }
}

#[track_caller]
fn expect_equal(file: &[u8], cuts: &[usize]) -> u32 {
    let options = options(file);
    let (joined, rounds) = by_ranges(file, cuts, &options, 0);
    assert_eq!(joined, read_with(file, &options), "cuts {cuts:?}");
    rounds
}

/// 3,000 records of all sizes in three databases, some with expiries, LRU times and long compressed values.
fn many_records() -> Vec<u8> {
    let mut rdb = Rdb::new().raw(&[250]).text(b"redis-ver").text(b"7.0.15");
    for index in 0..3000u64 {
        if index % 1000 == 0 {
            rdb = rdb.database(index / 500).raw(&[251]).len(1000).len(500);
        }
        if index % 3 == 0 {
            rdb = rdb.raw(&[252]).raw(&(1_600_000_000_000 + index * 100_000_000).to_le_bytes());
        }
        if index % 5 == 0 {
            rdb = rdb.raw(&[248]).len(index);
        }
        let name = format!("{{tag{}}}:user:{index}", index % 50);
        let long = format!("{index} ").repeat(index as usize % 400);
        rdb = match index % 7 {
            0 => rdb.key(0, &name).text(long.as_bytes()),
            1 => rdb.key(0, &name).raw(&lzf_literals(long.as_bytes())),
            2 => rdb.key(4, &name).len(2).text(b"field").text(long.as_bytes()).text(b"other").raw(&[0xc0, 5]),
            3 => rdb.key(16, &name).text(&listpack(&["a", "1", "b", &long])),
            4 => rdb.key(18, &name).len(2).len(2).text(&listpack(&["x", "y"])).len(1).text(long.as_bytes()),
            5 => rdb.key(19, &name).raw(&stream(2)),
            _ => rdb.key(5, &name).len(1).text(b"member").raw(&1.5f64.to_le_bytes()),
        };
    }
    rdb.end()
}

#[test]
fn equal_ranges_give_what_one_pass_gives_without_a_gap() {
    let file = many_records();
    for parts in 1..=64 {
        let cuts: Vec<_> = (1..parts).map(|part| file.len() * part / parts).collect();
        let rounds = expect_equal(&file, &cuts);
        assert!(rounds <= 1, "{parts} ranges took {rounds} rounds");
    }
}

/// Short and long libraries, plain and compressed, and collections without elements: each is counted once.
#[test]
fn libraries_and_empty_collections_are_the_same_in_parts() {
    let code = |functions: usize, bytes: usize| {
        let mut code = "redis.register_function('f', g)\n".repeat(functions);
        code.push_str(&"-".repeat(bytes - code.len()));
        code.into_bytes()
    };
    let expired = 1_600_000_000_000u64.to_le_bytes();
    let file = Rdb::new()
        .raw(&[245])
        .text(&code(1, 100))
        .raw(&[245])
        .raw(&lzf_literals(&code(30, 1000)))
        .raw(&[245])
        .text(&code(7, 700_000))
        .raw(&[245])
        .raw(&lzf_literals(&code(20_000, 800_000)))
        .database(0)
        .filler()
        .key(4, "empty hash")
        .len(0)
        .raw(&[252])
        .raw(&expired)
        .key(18, "empty list that has expired")
        .len(0)
        .raw(&[252])
        .raw(&4_000_000_000_000u64.to_le_bytes())
        .key(16, "empty hash that expires")
        .text(&listpack(&[]))
        .end();
    let whole = read_with(&file, &options(&file));
    assert_eq!(whole.faults, []);
    assert_eq!((whole.functions, whole.function_bytes), (4, 100 + 1000 + 700_000 + 800_000));
    assert_eq!(whole.weights[0].everywhere(), whole.function_bytes + 1_000_000 * (1 + 30 + 7 + 20_000));
    let empty = whole.empty;
    assert_eq!((empty.keys, empty.expires, empty.already_expired, whole.keys), (3, 2, 1, 4));
    for cut in (1..file.len()).step_by(40_009).chain(file.len() - 150..file.len()) {
        expect_equal(&file, &[cut]);
    }
}

/// Bytes at the end of a value that look like a SELECTDB must not select a database for the records after it.
#[test]
fn a_database_inside_a_value_is_none() {
    let value = [b"a value that ends like an opcode".as_slice(), &[254, 1]].concat();
    let start = Rdb::new().key(0, "real").text(&value);
    let file = (0..20).fold(start, |rdb, index| rdb.key(0, &format!("key:{index}")).text(b"value")).end();
    for cut in 1..file.len() {
        expect_equal(&file, &[cut]);
    }
}

#[test]
fn a_cut_at_every_byte_gives_what_one_pass_gives() {
    let file = all_types();
    for cut in 1..file.len() {
        expect_equal(&file, &[cut]);
        expect_equal(&file, &[cut, cut + 1, cut + 2]);
    }
    let every: Vec<_> = (1..64).collect();
    expect_equal(&file, &every);
}

#[test]
fn cuts_inside_a_giant_value_cost_a_round_but_change_nothing() {
    let text = b"some text that is no record at all ".repeat(20_000);
    let zeros = vec![0; 700_000];
    let inner = many_records();
    for giant in [text, zeros, inner] {
        let head = Rdb::new().filler().database(2).key(1, "list of giants").len(3).text(b"small");
        let file = head.text(&giant).text(&giant).database(3).filler().key(0, "last").text(b"x").end();
        for parts in [2, 3, 10, 64] {
            let cuts: Vec<_> = (1..parts).map(|part| file.len() * part / parts).collect();
            expect_equal(&file, &cuts);
        }
    }
}

#[test]
fn a_table_larger_than_many_ranges_is_read_by_one_of_them() {
    let mut rdb = Rdb::new().filler().key(4, "hash").len(20_000);
    for index in 0..20_000 {
        rdb = rdb.text(format!("field:{index}").as_bytes()).text(b"value");
    }
    let file = rdb.key(0, "after").text(b"value").end();
    let cuts: Vec<_> = (1..20).map(|part| file.len() * part / 20).collect();
    expect_equal(&file, &cuts);
}

#[test]
fn broken_files_give_the_faults_of_one_pass() {
    let sound = many_records();
    for place in [5_000, 100_000, 400_000, sound.len() - 5] {
        let mut file = sound.clone();
        file[place..place + 4].fill(0xc9);
        let cuts: Vec<_> = (1..16).map(|part| file.len() * part / 16).collect();
        expect_equal(&file, &cuts);
        file.truncate(place);
        expect_equal(&file, &cuts);
    }
}

#[test]
fn a_file_that_breaks_off_between_two_records_is_truncated_however_it_is_cut() {
    let mut file = Rdb::new();
    for index in 0..100 {
        file = file.key(0, &format!("key:{index:02}")).text(b"value");
    }
    let record = (file.0.len() - 9) / 100;
    let cut = 9 + 60 * record;
    let file = &file.0[..cut];
    for cuts in
        [vec![], vec![cut / 2], vec![cut - record, cut - 1], (1..20).map(|part| cut * part / 20).collect()]
    {
        expect_equal(file, &cuts);
    }
}

/// What was done to a file and what follows its end is the same in parts, even if a part has only zeros.
#[test]
fn causes_and_what_follows_the_end_are_those_of_one_pass() {
    let sound = many_records();
    let with_cr = |file: &[u8]| -> Vec<u8> {
        file.iter().flat_map(|byte| if *byte == b'\n' { vec![b'\r', b'\n'] } else { vec![*byte] }).collect()
    };
    let mut sparse = sound[..sound.len() / 2].to_vec();
    sparse.resize(sound.len() / 2 + 60_000, 0);
    let mut lines = Rdb::with_header("REDIS0006").database(0).key(0, "long").text(&vec![b'x'; 300_000]);
    for index in 0..1000 {
        lines = lines.key(0, &format!("key:{index:06}")).text(b"value");
    }
    let zeros = vec![0; 60_000];
    for file in [
        sparse,
        [&b"REDIS0010"[..], &zeros].concat(),
        with_cr(&lines.end()),
        with_cr(&sound),
        String::from_utf8_lossy(&sound).into_owned().into_bytes(),
        [&sound[..], &sound].concat(),
        [&sound[..], &[b'a'; 40], &sound].concat(),
        [&sound[..], &zeros].concat(),
        [&sound[..], &zeros, b"x"].concat(),
    ] {
        for parts in [2, 3, 17, 64] {
            let cuts: Vec<_> = (1..parts).map(|part| file.len() * part / parts).collect();
            expect_equal(&file, &cuts);
        }
        let options = without_stretches(&file);
        let cuts: Vec<_> = (1..8).map(|part| file.len() * part / 8).collect();
        let (joined, _) = by_ranges(&file, &cuts, &options, 1);
        assert_eq!(joined, read_with(&file, &options));
    }
}

#[test]
fn pauses_in_ranges_change_nothing() {
    let large = (0..20u64).fold(Rdb::new(), |rdb, index| {
        let list = rdb.key(1, &format!("list {index}")).len(3);
        let items = ["an item".repeat(10), "x".repeat(1_000_000 + index as usize), "y".repeat(600_000)];
        items.iter().fold(list, |list, item| list.text(item.as_bytes()))
    });
    for file in [many_records(), large.end()] {
        let options = without_stretches(&file);
        for patience in [1, 2, 3] {
            let cuts: Vec<_> = (1..8).map(|part| file.len() * part / 8).collect();
            let (joined, _) = by_ranges(&file, &cuts, &options, patience);
            assert_eq!(joined, read_with(&file, &options));
        }
    }
}

#[test]
fn hidden_keys_and_few_compared_keys_are_the_same_in_parts() {
    let file = many_records();
    let options = InspectOptions { hide_keys: true, max_compared_keys: 100, ..options(&file) };
    let cuts: Vec<_> = (1..8).map(|part| file.len() * part / 8).collect();
    let (joined, _) = by_ranges(&file, &cuts, &options, 0);
    assert_eq!(joined, read_with(&file, &options));
    assert_eq!(joined.unchecked.keys, 3000);
}

/// Bytes that read like records for a while are searched once, and not again from each of them.
#[test]
fn a_value_full_of_what_begins_well_is_passed_over() {
    let record = |key: &str| [&[0], &text_of(key.as_bytes())[..], &text_of(b"v")].concat();
    let unlikely = (0..11).flat_map(|number| record(&format!("{number:02}")));
    let likely = (0..5).flat_map(|number| record(&format!("key:{number}")));
    let run: Vec<u8> = unlikely.chain(likely).chain([0xf0]).collect();
    let value = run.repeat((3 << 20) / run.len());
    let file =
        Rdb::new().key(0, "first").text(b"1").key(0, "giant").text(&value).key(0, "last").text(b"2").end();
    expect_equal(&file, &[1 << 20, 2 << 20, file.len() - 100]);
    let header = read_header(&file[..]).unwrap();
    let (range, mut asked) = (1 << 20..value.len() as u64 - 1000, 0);
    let options = options(&file);
    let found = inspect_range(&file[1 << 20..], range, &header, &options, &mut |_| {
        asked += 1;
        Control::Continue
    });
    assert_eq!(found.unwrap().span(), None);
    assert!(asked > 0);
}

/// A file large enough for several threads.
fn of_several_ranges() -> Vec<u8> {
    let mut rdb = Rdb::new();
    let long = "0123456789abcdef".repeat(40);
    for index in 0..60_000u64 {
        rdb = rdb.key(0, &format!("key:{index}")).text(long.as_bytes());
    }
    rdb.end()
}

#[test]
fn any_number_of_threads_gives_what_one_pass_gives() {
    let file = of_several_ranges();
    let options = options(&file);
    let whole = read_with(&file, &options);
    for threads in [1, 2, 3, 8] {
        let inspection =
            inspect_parallel(&file[..], threads, &options, &|_| Control::Continue).unwrap().unwrap();
        assert_eq!(inspection, whole, "{threads} threads");
    }
    let stopped = inspect_parallel(&file[..], 2, &options, &|_| Control::Pause).unwrap();
    assert_eq!(stopped, None);
    assert_eq!(Source::size_bytes(&file[..]), file.len() as u64);
}

/// A file that cannot be read from some offset on.
struct BadSectors(Vec<u8>, usize);

impl Source for BadSectors {
    fn open(&self, range: Range<u64>) -> io::Result<Box<dyn Read + Send + '_>> {
        let good = self.0.get(range.start as usize..self.1).unwrap_or_default();
        Ok(Box::new(good.chain(Fails)))
    }

    fn size_bytes(&self) -> u64 {
        self.0.len() as u64
    }
}

struct Fails;

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("bad sector"))
    }
}

/// No thread waits for the range of one that failed.
#[test]
fn what_fails_in_one_thread_ends_them_all() {
    let file = of_several_ranges();
    let options = options(&file);
    for bad in [20, file.len() / 2, file.len() - 20] {
        let source = BadSectors(file.clone(), bad);
        let error = inspect_parallel(&source, 3, &options, &|_| Control::Continue).unwrap_err();
        assert_eq!(error.to_string(), "bad sector", "from {bad} on");
    }
    let calls = AtomicUsize::new(0);
    let panics = || {
        inspect_parallel(&file[..], 3, &options, &|_| {
            assert!(calls.fetch_add(1, Ordering::Relaxed) < 9, "a panic of the caller's, as it should be");
            Control::Continue
        })
    };
    assert!(std::panic::catch_unwind(AssertUnwindSafe(panics)).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cuts_give_what_one_pass_gives(cuts in proptest::collection::vec(any::<usize>(), 0..64)) {
        let file = many_records();
        expect_equal(&file, &cuts);
    }

    #[test]
    fn any_cuts_of_a_damaged_file_give_what_one_pass_gives(
        cuts in proptest::collection::vec(any::<usize>(), 0..16),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut file = all_types();
        for (place, byte) in damage {
            *place.get_mut(&mut file[9..]) = byte;
        }
        expect_equal(&file, &cuts);
    }
}
