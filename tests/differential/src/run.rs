//! Runs mutants on every engine.

use anyhow::Result;
use rdb_benches::engines::Engine;
use rdb_scan::{FaultCode, HazardCode};

use crate::{
    corpus::Base,
    file::crc64,
    judge::{Judge, Reading, now_ms, read},
    mutation::{Mutant, mutate},
    random::Random,
    server::{Outcome, Server},
};

/// The combined outcome of the verdict and the server's load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cell {
    /// The verdict is sound, and the server loads the reported contents.
    SoundLoads,
    /// The verdict is sound with a warning, and the server loads the reported contents.
    WarnedLoads,
    /// The verdict is a rejection, and the server refuses the file or crashes.
    RefusedRefuses,
    /// The verdict is a rejection, and the server loads less or other data than was saved.
    RefusedLoadsOther,
    /// The verdict is a rejection, but the server loads all data as it was saved.
    RefusedLoads,
    /// The verdict is sound, but the server refuses the file, crashes, or loads other data.
    SoundFails,
    /// Like one of the two before, for a known reason, which [`explanation`] names.
    Explained,
}

impl Cell {
    /// All outcomes, in the order of the table.
    pub const ALL: [Self; 7] = [
        Self::SoundLoads,
        Self::WarnedLoads,
        Self::RefusedRefuses,
        Self::RefusedLoadsOther,
        Self::RefusedLoads,
        Self::SoundFails,
        Self::Explained,
    ];

    /// Whether the verdict disagrees with the engine.
    pub fn is_wrong(self) -> bool {
        matches!(self, Self::RefusedLoads | Self::SoundFails)
    }
}

/// One mutant on one engine.
#[derive(Debug, Clone)]
pub struct Case {
    /// The number of the mutant.
    pub number: usize,
    /// The base file and the mutation.
    pub what: String,
    /// The index of the engine.
    pub engine: usize,
    /// The combined outcome.
    pub cell: Cell,
    /// The reason for the verdict.
    pub ours: String,
    /// The server's outcome or log.
    pub theirs: String,
}

/// The servers of one thread.
pub struct Bench {
    lanes: Vec<Lane>,
}

struct Lane {
    engine: Engine,
    judge: Judge,
    loader: Server,
    copy: Server,
}

impl Bench {
    /// Starts two servers of each engine.
    ///
    /// # Errors
    /// If one cannot be started.
    pub fn start(engines: &[Engine]) -> Result<Self> {
        let lanes = engines.iter().map(|engine| {
            Ok(Lane {
                judge: Judge::of(&engine.engine, &engine.version)?,
                loader: Server::start(engine)?,
                copy: Server::start(engine)?,
                engine: engine.clone(),
            })
        });
        Ok(Self { lanes: lanes.collect::<Result<_>>()? })
    }

    /// Runs a mutant on every engine.
    ///
    /// # Errors
    /// If a server cannot be started.
    pub fn run(&mut self, number: usize, what: &str, mutant: &Mutant) -> Result<Vec<Case>> {
        let reading = read(&mutant.bytes)?;
        let mut cases = Vec::new();
        for (engine, lane) in self.lanes.iter_mut().enumerate() {
            let ours = lane.judge.verdict(&reading.inspection);
            let (mut cell, theirs) = lane.compare(&reading, mutant, ours.refused, ours.warned)?;
            if cell.is_wrong() && explanation(mutant, &reading, &lane.engine).is_some() {
                cell = Cell::Explained;
            }
            let what = format!("{what}: {}", mutant.what);
            cases.push(Case { number, what, engine, cell, ours: ours.why, theirs });
        }
        Ok(cases)
    }
}

impl Lane {
    fn compare(
        &mut self,
        reading: &Reading<'_>,
        mutant: &Mutant,
        refused: bool,
        warned: bool,
    ) -> Result<(Cell, String)> {
        // A huge RESIZEDB makes a running server slow for its following loads.
        let huge = reading.inspection.hazard_counts.contains_key(&HazardCode::HugeResizedb);
        let outcome = if refused || huge {
            Server::load_alone(&self.engine, reading.file())?
        } else {
            self.loader.load(reading.file())?
        };
        let Outcome::Loaded { digest, keys } = outcome else {
            let (Outcome::Refused(log) | Outcome::Died(log)) = outcome else { unreachable!() };
            return Ok((if refused { Cell::RefusedRefuses } else { Cell::SoundFails }, log));
        };
        let copied = self.copy.restore(records(reading))?;
        let same = matches!(&copied, Outcome::Loaded { digest: other, .. } if *other == digest);
        let theirs = format!("{keys} keys, {digest}; rdb-scan {copied:?}");
        Ok(match (refused, same) {
            (false, true) if warned => (Cell::WarnedLoads, theirs),
            (false, true) => (Cell::SoundLoads, theirs),
            (false, false) => (Cell::SoundFails, format!("loads other than rdb-scan saw: {theirs}")),
            (true, true) => (Cell::RefusedLoads, theirs),
            // The reader may have stopped before the end. Then the number of keys decides.
            (true, false) if !reading.inspection.is_sound() && keys >= mutant.keys => {
                (Cell::RefusedLoads, theirs)
            }
            (true, false) => (Cell::RefusedLoadsOther, theirs),
        })
    }
}

/// The known reason why the verdict disagrees with this engine, if there is one.
pub fn explanation(mutant: &Mutant, reading: &Reading<'_>, engine: &Engine) -> Option<&'static str> {
    let offered = engine.engine != "redis" || engine.numbers() < vec![7, 2];
    let has = |code| reading.inspection.hazard_counts.contains_key(&code);
    let what = mutant.what.as_str();
    if has(HazardCode::Functions) && what.contains("245: ") {
        return Some("rdb-scan neither compiles the code of function libraries nor compares their names");
    }
    if has(HazardCode::HugeResizedb) {
        return Some(
            "a table for more keys than any node has memory for, which this system allocates without touching it",
        );
    }
    let faults = &reading.inspection.faults;
    let is_empty = has(HazardCode::EmptyCollection)
        || faults.iter().any(|fault| {
            fault.message.contains("without members") || fault.message.contains("without fields")
        });
    if engine.version == "6.2.5" && is_empty {
        return Some(
            "empty collections are skipped or refused from Redis 6.2.6 on, which is what ElastiCache has",
        );
    }
    if engine.version == "6.2.5" && faults.iter().any(|fault| fault.message.contains("the length after it")) {
        return Some(
            "the length after a listpack entry, which this version does not read on its way forward",
        );
    }
    if faults.iter().any(|fault| fault.code == FaultCode::BadScore) {
        return Some("a score with an exponent of no digits, which some C libraries read and others do not");
    }
    if !offered && ["24: ", "25: ", "26: ", "27: ", "28: "].iter().any(|kind| what.contains(kind)) {
        return Some("values of RDB 12 and later, which no engine of ElastiCache reads");
    }
    if engine.name == "redis-8.6" && what.contains("prefix") {
        return Some(
            "Redis 8.6 takes an expiry of -1 for one that has passed; no engine of ElastiCache does",
        );
    }
    None
}

/// The records that have not expired, with their payloads for `RESTORE`.
fn records<'r>(reading: &'r Reading<'_>) -> impl Iterator<Item = (u64, &'r [u8], Option<i64>, Vec<u8>)> {
    let now_ms = now_ms() as i64;
    let version = reading.inspection.rdb.as_ref().map_or(0, |rdb| rdb.version as u16);
    reading.seen.iter().filter(move |seen| seen.expires_at_ms.is_none_or(|at_ms| at_ms > now_ms)).map(
        move |seen| {
            let mut payload = seen.payload.clone();
            payload.extend(version.to_le_bytes());
            let crc = crc64(&payload);
            payload.extend(crc.to_le_bytes());
            (seen.database, seen.key.as_slice(), seen.expires_at_ms, payload)
        },
    )
}

/// Returns the mutant with this number, always the same for one seed.
pub fn mutant(bases: &[Base], seed: u64, number: usize) -> Option<(&str, Mutant)> {
    let mut random = Random::new(seed ^ (number as u64).wrapping_mul(0xd6e8_feb8_6659_fd93));
    let base = random.of(bases)?;
    Some((&base.name, mutate(&base.file, &mut random)))
}
