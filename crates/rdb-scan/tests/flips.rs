//! Finds at least as many damaged files as the engines' own checkers do; skipped if there is no engine.
//!
//! `RDB_FLIPS=1000` sets the number of damaged files, and runs all checkers instead of one per engine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;
#[path = "common/filling.rs"]
mod filling;
#[path = "common/server.rs"]
mod server;

use std::{
    collections::BTreeMap,
    env, fs,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use common::read;
use filling::fill_small;
use rdb_scan::{HazardCode, Inspection};
use server::{Engine, Server, engines};

const DEFAULT_FLIPS: usize = 300;
/// Programs that run at the same time.
const THREADS: usize = 2;

#[test]
fn no_checker_finds_more_flipped_bytes() {
    let asked = env::var("RDB_FLIPS").ok();
    let flips = asked.as_ref().map_or(DEFAULT_FLIPS, |flips| flips.parse().unwrap());
    let engines: Vec<Engine> = engines().into_iter().filter(|engine| engine.checker.exists()).collect();
    let mut shortfalls = Vec::new();
    for (writer, file) in files(&engines) {
        assert!(read(&file).is_sound());
        let damaged: Vec<_> = places(file.len(), flips).map(|flip| (damage(&file, flip), flip)).collect();
        for (file, flip) in &damaged {
            assert!(!read(file).is_sound(), "{}: no fault in spite of the checksum: {flip:?}", writer.name);
        }
        let unchecked: Vec<_> =
            damaged.into_iter().map(|(file, flip)| (without_checksum(file), flip)).collect();
        let inspections: Vec<_> = unchecked.iter().map(|(file, _)| read(file)).collect();
        let ours: Vec<_> = inspections.iter().map(finds).collect();
        let broken = inspections.iter().filter(|inspection| !inspection.is_sound()).count();
        println!("{} bytes of {}, {flips} flips without a checksum", file.len(), writer.name);
        println!("    {:4} by us, {broken} of them as faults", count(&ours));
        let mut checkers = checkers(&engines, &file);
        if asked.is_none() {
            // The newest checker of each engine.
            let newest: BTreeMap<_, _> =
                checkers.into_iter().map(|engine| (engine.checker.file_name(), engine)).collect();
            checkers = newest.into_values().collect();
        }
        for checker in checkers {
            let theirs = run(checker, &unchecked);
            let both = (0..flips).filter(|flip| theirs[*flip] && ours[*flip]).count();
            println!("    {:4} by the checker of {}, {both} of them by us too", count(&theirs), checker.name);
            for (file, flip) in
                (0..flips).filter(|flip| theirs[*flip] && !ours[*flip]).map(|flip| &unchecked[flip])
            {
                println!("         only by it: {flip:?}: {}", reason(checker, file));
            }
            if count(&theirs) > count(&ours) {
                shortfalls.push(format!("{} in a file of {}", checker.name, writer.name));
            }
        }
    }
    assert_eq!(shortfalls, Vec::<String>::new(), "these found more");
}

/// The index of a byte in the file, and the bits of it to flip.
type Flip = (usize, u8);

fn places(bytes: usize, flips: usize) -> impl Iterator<Item = Flip> {
    // SplitMix64, so that each run flips the same bits.
    let mut state = 20_261_124u64;
    let mut next = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) as usize
    };
    // Not in the checksum, which half of the runs remove.
    (0..flips).map(move |_| (next() % (bytes - 8), (next() % 255) as u8 + 1))
}

fn damage(file: &[u8], (place, change): Flip) -> Vec<u8> {
    let mut file = file.to_vec();
    file[place] ^= change;
    file
}

fn without_checksum(mut file: Vec<u8>) -> Vec<u8> {
    let end = file.len() - 8;
    file[end..].fill(0);
    file
}

/// Whether anything is found that some server or checker refuses.
fn finds(inspection: &Inspection) -> bool {
    let odd = |code: &HazardCode| *code != HazardCode::Functions;
    !inspection.is_sound() || inspection.hazard_counts.keys().any(odd)
}

/// One file per format that the engines write.
fn files(engines: &[Engine]) -> Vec<(&Engine, Vec<u8>)> {
    let mut files = BTreeMap::new();
    for engine in engines {
        let mut server = Server::start(engine, &[]);
        let header = server.save()[..9].to_vec();
        files.entry(header).or_insert_with(|| {
            fill_small(&mut server);
            (engine, server.save())
        });
    }
    files.into_values().collect()
}

/// The checkers that know the format of a sound file.
fn checkers<'e>(engines: &'e [Engine], file: &[u8]) -> Vec<&'e Engine> {
    let sound = [(file.to_vec(), (0, 0))];
    engines.iter().filter(|engine| !run(engine, &sound)[0]).collect()
}

/// For each file, whether a checker reports an error.
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

/// The error that a checker reports for a file.
fn reason(checker: &Engine, file: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, file).unwrap();
    let output = Command::new(&checker.checker).arg(path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines().skip_while(|line| !line.contains("ERROR DETECTED"));
    lines.by_ref().skip(1).take(6).collect::<Vec<_>>().join("; ")
}
