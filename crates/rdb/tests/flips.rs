//! Of a thousand damaged files, at least as many are found as the engines' own checkers find; skipped where there is no
//! engine. `RDB_FLIPS` sets another number of them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;
#[path = "common/filling.rs"]
mod filling;
#[path = "common/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, thread};

use rdb_scan::{HazardCode, Inspection};

use common::read;
use filling::fill_small;
use server::{Engine, Server, engines};

const DEFAULT_FLIPS: usize = 300;
/// Programs that run at once.
const THREADS: usize = 2;

#[test]
fn no_checker_finds_more_flipped_bytes() {
    let flips = env::var("RDB_FLIPS").ok().map_or(DEFAULT_FLIPS, |flips| flips.parse().unwrap());
    let engines = engines();
    let mut writers: Vec<&Engine> = engines.iter().filter(|engine| engine.checker.exists()).collect();
    // One of each format: the first, and the last of each engine.
    writers.dedup_by_key(|engine| engine.name.clone());
    let mut shortfalls = Vec::new();
    for writer in formats(&writers) {
        let mut server = Server::start(writer, &[]);
        fill_small(&mut server);
        let file = server.save();
        assert!(read(&file).is_sound());
        let damaged: Vec<_> = places(file.len(), flips).map(|flip| damage(&file, flip)).collect();
        for file in &damaged {
            assert!(!read(&file.0).is_sound(), "{}: found by no checksum: {:?}", writer.name, file.1);
        }
        let unchecked: Vec<_> =
            damaged.into_iter().map(|(file, flip)| (without_checksum(file), flip)).collect();
        let ours: Vec<bool> = unchecked.iter().map(|(file, _)| finds(&read(file))).collect();
        println!("{} bytes of {}, {flips} flips without a checksum", file.len(), writer.name);
        println!("  {:24} {}", "this crate", count(&ours));
        for checker in checkers(&writers, &file) {
            let theirs = run(checker, &unchecked);
            println!("  {:24} {}", checker.name, count(&theirs));
            let missed: Vec<usize> = (0..flips).filter(|flip| theirs[*flip] && !ours[*flip]).collect();
            for flip in &missed {
                println!("    only theirs: {:?}: {}", unchecked[*flip].1, context(&file, unchecked[*flip].1));
            }
            if count(&theirs) > count(&ours) {
                shortfalls.push(format!("{} of a file of {}", checker.name, writer.name));
            }
        }
    }
    assert_eq!(shortfalls, Vec::<String>::new(), "found more");
}

/// A place in the file, and what is changed of its byte.
type Flip = (usize, u8);

fn places(bytes: usize, flips: usize) -> impl Iterator<Item = Flip> {
    // SplitMix64, so that each run looks at the same places.
    let mut state = 20_261_124u64;
    let mut next = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) as usize
    };
    // Not in the checksum, which half of the runs do without.
    (0..flips).map(move |_| (next() % (bytes - 8), (next() % 255) as u8 + 1))
}

fn damage(file: &[u8], flip: Flip) -> (Vec<u8>, Flip) {
    let mut file = file.to_vec();
    file[flip.0] ^= flip.1;
    (file, flip)
}

fn without_checksum(mut file: Vec<u8>) -> Vec<u8> {
    let end = file.len() - 8;
    file[end..].fill(0);
    file
}

/// Whether the file would be called unfit: it is broken, or a server dies of it.
fn finds(inspection: &Inspection) -> bool {
    use HazardCode::{
        DatabaseNumber, DuplicateKey, DuplicateMember, EmptyCollection, HugeResizedb, ModuleData,
    };

    let deadly = [DatabaseNumber, DuplicateKey, DuplicateMember, EmptyCollection, HugeResizedb, ModuleData];
    !inspection.is_sound() || deadly.iter().any(|code| inspection.hazard_counts.contains_key(code))
}

/// Engines whose files are of different formats.
fn formats<'e>(engines: &[&'e Engine]) -> Vec<&'e Engine> {
    let mut formats = BTreeMap::new();
    for engine in engines {
        let header = Server::start(engine, &[]).save()[..9].to_vec();
        formats.entry(header).or_insert(*engine);
    }
    formats.into_values().collect()
}

/// The checkers that know the format of a sound file.
fn checkers<'e>(engines: &[&'e Engine], file: &[u8]) -> Vec<&'e Engine> {
    let sound = [(file.to_vec(), (0, 0))];
    engines.iter().copied().filter(|engine| !run(engine, &sound)[0]).collect()
}

/// Whether a checker finds something in each of the files.
fn run(checker: &Engine, files: &[(Vec<u8>, Flip)]) -> Vec<bool> {
    let folder = tempfile::tempdir().unwrap();
    let next = AtomicUsize::new(0);
    let mut found = vec![false; files.len()];
    thread::scope(|scope| {
        let work = |thread: usize| {
            let (next, path) = (&next, folder.path().join(thread.to_string()));
            scope.spawn(move || {
                let mut found = Vec::new();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some((file, _)) = files.get(index) else { return found };
                    fs::write(&path, file).unwrap();
                    found.push((index, refuses(&checker.checker, &path)));
                }
            })
        };
        let threads: Vec<_> = (0..THREADS).map(work).collect();
        for (index, refused) in threads.into_iter().flat_map(|thread| thread.join().unwrap()) {
            found[index] = refused;
        }
    });
    found
}

fn refuses(checker: &Path, file: &Path) -> bool {
    let status = Command::new(checker).arg(file).stdout(Stdio::null()).stderr(Stdio::null()).status();
    !status.unwrap().success()
}

fn count(found: &[bool]) -> usize {
    found.iter().filter(|found| **found).count()
}

/// The bytes around a place.
fn context(file: &[u8], (place, _): Flip) -> String {
    let around = &file[place.saturating_sub(24)..file.len().min(place + 16)];
    format!("{} at byte {} of {}", around.escape_ascii(), place.min(24), around.len())
}
