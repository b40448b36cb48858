//! Measures each part of the work alone, and rdb-scan for comparison.
use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use rdb_scan::{Control, FileSource, InspectOptions, Inspection, inspect_parallel, key_slot};

use super::{
    best::Best,
    collect::Collected,
    hash::{Table, hash},
    listpack::entries,
    lzf::{Compressed, Loops},
    walk::walk,
};
use crate::floor::read_and_check;

/// The measurements of one file: seconds of the best round.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Length of the file in bytes.
    pub bytes: u64,
    /// Reading from the page cache, and computing the CRC.
    pub read: f64,
    /// Stepping from length to length.
    pub lengths: f64,
    /// Stepping over the tokens of all compressed strings, with the fastest loop. `None` if there are none.
    pub tokens: Option<f64>,
    /// Checking references too, and decompressing strings with contents that are needed.
    pub contents: Option<f64>,
    /// Hash and hash slot of each key.
    pub keys: f64,
    /// Stepping over the entries of decompressed listpacks. `None` if there are none.
    pub entries: Option<f64>,
    /// Hashing each member and field. `None` if there are none.
    pub members: Option<f64>,
    /// Hashing them, and comparing the hashes within each value.
    pub compared: Option<f64>,
    /// rdb-scan, on one thread.
    pub ours: f64,
    /// The system's `redis-check-rdb`, which rdb-scan aims to beat ten times over. `None` if it is missing.
    pub reference: Option<f64>,
    /// All compressed strings with each of the loops.
    pub loops: Vec<f64>,
    /// Number of tokens in the compressed strings.
    pub lzf_tokens: u64,
    /// Bytes of the compressed strings.
    pub lzf_bytes: u64,
}

impl Limits {
    /// The limit for the least that a reader has to do: one part after the other, each as fast as alone.
    pub fn least(&self) -> f64 {
        self.always() + self.tokens.unwrap_or(0.0) + self.members.unwrap_or(0.0)
    }

    /// The limit with the additional work of rdb-scan: decompressing what it reads, and comparing members.
    pub fn work(&self) -> f64 {
        self.always() + self.contents.unwrap_or(0.0) + self.compared.unwrap_or(0.0)
    }

    fn always(&self) -> f64 {
        self.read + self.lengths + self.keys + self.entries.unwrap_or(0.0)
    }
}

/// Measures all parts in turn, `rounds` times. The file must be sound and written by Redis 7.
pub fn measure(path: &Path, rounds: u32) -> Result<Limits> {
    let file = std::fs::read(path)?;
    let inspection = ours(path)?;
    ensure!(inspection.is_sound(), "the file has faults");
    let mut collected = Collected::default();
    let keys =
        walk(&file, &mut collected).context("there is something in the file that is not known here")?;
    ensure!(keys == inspection.keys, "{keys} keys were found, but there are {}", inspection.keys);
    let Collected { keys, proven, opened, listpacks, members, values, .. } = &collected;
    let mut both = Compressed::default();
    both.extend(proven);
    both.extend(opened);

    let mut best = Parts::default();
    let (mut all_lzf, mut proven_lzf, mut opened_lzf) =
        (Loops::default(), Loops::default(), Loops::default());
    for _ in 0..rounds {
        best.read.time(|| read_and_check(path))?;
        let walked = best.lengths.time(|| walk(&file, &mut ()));
        ensure!(walked == Some(inspection.keys), "the walk alone ended early");
        best.keys.time(|| hash_keys(keys.iter()));
        let entries = best.entries.time(|| listpacks.iter().map(count_entries).sum::<Option<u64>>());
        entries.context("a listpack ended early")?;
        best.members.time(|| members.iter().fold(0, |sum, member| sum ^ hash(member)));
        best.compared.time(|| doubles(members.iter(), values));
        best.ours.time(|| ours(path))?;
        best.reference.time_program(Command::new("redis-check-rdb").arg(path));
        all_lzf.run(&both)?;
        proven_lzf.run(proven)?;
        opened_lzf.run(opened)?;
    }
    let there = |strings: usize, seconds: f64| (strings > 0).then_some(seconds);
    Ok(Limits {
        bytes: file.len() as u64,
        read: best.read.seconds,
        lengths: best.lengths.seconds,
        tokens: there(both.len(), all_lzf.tokens()),
        contents: there(both.len(), proven_lzf.proven() + opened_lzf.decoded()),
        keys: best.keys.seconds,
        entries: there(listpacks.len(), best.entries.seconds),
        members: there(members.len(), best.members.seconds),
        compared: there(members.len(), best.compared.seconds),
        ours: best.ours.seconds,
        reference: best.reference.known(),
        loops: all_lzf.seconds(),
        lzf_tokens: both.tokens(),
        lzf_bytes: both.packed_bytes() as u64,
    })
}

/// The parts with only one loop.
#[derive(Default)]
struct Parts {
    read: Best,
    lengths: Best,
    keys: Best,
    entries: Best,
    members: Best,
    compared: Best,
    ours: Best,
    reference: Best,
}

/// As in the example `inspect` of rdb-scan, which `make bench` measures.
fn ours(path: &Path) -> Result<Inspection> {
    let source = FileSource::open(path)?;
    let inspection = inspect_parallel(&source, 1, &InspectOptions::default(), &|_| Control::Continue)?;
    inspection.context("no pause was requested")
}

fn count_entries(listpack: &[u8]) -> Option<u64> {
    entries(listpack, |_| {})
}

fn hash_keys<'k>(keys: impl Iterator<Item = &'k [u8]>) -> u64 {
    keys.fold(0, |sum, key| sum ^ hash(key).wrapping_add(u64::from(key_slot(key))))
}

/// Counts the duplicate members of all values.
fn doubles<'m>(mut members: impl Iterator<Item = &'m [u8]>, values: &[u64]) -> usize {
    let mut table = Table::default();
    let mut doubles = 0;
    for &count in values {
        table.begin(count as usize);
        let of_value = members.by_ref().take(count as usize);
        doubles += of_value.filter(|member| table.is_double(hash(member))).count();
    }
    doubles
}
