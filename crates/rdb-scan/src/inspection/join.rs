//! Joining the results of neighboring parts.

use std::collections::BTreeMap;

use super::{BigKey, Crc, Inspection, MAX_FAULTS, MAX_HAZARDS_PER_CODE, Part};
use crate::{
    bytes::crc::combine,
    fault::{Fault, FaultCode, Hazard, HazardCode},
    scan::{stretch, template::Templates},
};

/// Two inspections cannot be joined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// There is a gap or an overlap between them.
    #[error("a part that ends at offset {end} cannot be joined with one that begins at offset {start}")]
    NotNeighbours {
        /// Where the first part ends.
        end: u64,
        /// Where the second one begins.
        start: u64,
    },
    /// One part ends inside a record and the other does not begin there, or the other way round.
    #[error("of the parts at offset {end} one is inside a record and the other is not")]
    NotOneRecord {
        /// Where the first part ends.
        end: u64,
    },
    /// One part ends in another database than the other begins in.
    #[error("the parts at offset {end} are of different databases")]
    OtherDatabase {
        /// Where the first part ends.
        end: u64,
    },
    /// The second part was read with other templates than those before it.
    #[error("the part at offset {end} was read with other templates than those before it")]
    OtherTemplates {
        /// Where the first part ends.
        end: u64,
    },
    /// The first part already reached the end of the file, or a fault.
    #[error("nothing follows offset {end}, where the file ended or broke")]
    AlreadyComplete {
        /// Where the first part ends.
        end: u64,
    },
    /// The parts are of different files, or were made by different releases or by different rules to weigh by.
    #[error("the parts at offset {end} disagree about schema, magic, version or what they weigh")]
    DifferentFiles {
        /// Where the first part ends.
        end: u64,
    },
}

impl Inspection {
    /// Joins this part and the one that follows it. The result equals that of one pass over both.
    ///
    /// # Errors
    /// If `next` does not begin where this part ends, or nothing can follow this part.
    pub fn join(self, next: Self) -> Result<Self, JoinError> {
        self.check_next(&next)?;
        Ok(self.merge(next))
    }

    fn check_next(&self, next: &Self) -> Result<(), JoinError> {
        let end = self.end;
        if next.start != end {
            return Err(JoinError::NotNeighbours { end, start: next.start });
        }
        if self.complete {
            return Err(JoinError::AlreadyComplete { end });
        }
        let agree = match (&self.rdb, &next.rdb) {
            (Some(one), Some(other)) => (one.version, one.magic) == (other.version, other.magic),
            _ => end == 0,
        };
        let ids = |inspection: &Self| {
            inspection.weights.iter().map(|weights| weights.id.clone()).collect::<Vec<_>>()
        };
        if self.schema != next.schema || !agree || (end > 0 && ids(self) != ids(next)) {
            return Err(JoinError::DifferentFiles { end });
        }
        // If bytes before the next part were misread as a record, that part may have a database that the file does not
        // have.
        if let (Some(last), Some(first)) = (self.part.last_database, next.part.first_database)
            && last != first
        {
            return Err(JoinError::OtherDatabase { end });
        }
        // A hash may refer to a template that the next part did not know.
        if end > 0 && self.part.templates.as_ref().map(Templates::digest) != next.part.first_templates {
            return Err(JoinError::OtherTemplates { end });
        }
        if self.part.ends_inside != next.part.begins_inside {
            return Err(JoinError::NotOneRecord { end });
        }
        Ok(())
    }

    /// Whether [`Self::join`] succeeds.
    pub(crate) fn meets(&self, next: &Self) -> bool {
        self.check_next(next).is_ok()
    }

    /// Joins a part that [`Self::meets`] this one.
    pub(crate) fn merge(mut self, mut next: Self) -> Self {
        if self.end == 0 {
            // Nothing has been read so far.
            return next;
        }
        if next.part.first_database.is_none()
            && let Some(database) = self.part.last_database
        {
            next.resolve(database);
        }
        let least_bytes = self.part.least_stretch_bytes;
        stretch::join(&mut self.stretches, next.stretches, self.start, next.end, least_bytes);
        self.end = next.end;
        self.complete = next.complete;
        self.rdb = next.rdb;
        self.keys = self.keys.saturating_add(next.keys);
        self.expires = self.expires.saturating_add(next.expires);
        self.already_expired = self.already_expired.saturating_add(next.already_expired);
        self.field_expires = self.field_expires.saturating_add(next.field_expires);
        self.stream_state = self.stream_state.saturating_add(next.stream_state);
        self.times_to_live.add(next.times_to_live);
        self.idle_times.add(next.idle_times);
        self.empty.add(next.empty);
        self.functions = self.functions.saturating_add(next.functions);
        self.function_bytes = self.function_bytes.saturating_add(next.function_bytes);
        self.unchecked.values += next.unchecked.values;
        self.unchecked.members += next.unchecked.members;
        self.other_databases.add(next.other_databases);
        self.highest_database = self.highest_database.max(next.highest_database);
        for (index, counts) in next.databases {
            self.add_database(index, counts);
        }
        for (kind, counts) in next.types {
            self.types.entry(kind).or_default().add(counts);
        }
        self.slots = self.slots.join(next.slots);
        self.groups.join(next.groups);
        for (weights, next) in self.weights.iter_mut().zip(next.weights) {
            weights.join(next);
        }
        for (name, value) in next.aux {
            self.add_aux(name, value);
        }
        for (name, count) in next.modules {
            self.add_module(name, count);
        }
        if next.part.zeros_from != Some(next.start) {
            self.part.zeros_from = next.part.zeros_from;
        }
        let top = self.part.top;
        merge_biggest(&mut self.biggest, next.biggest, top);
        self.faults.extend(next.faults);
        self.faults.truncate(MAX_FAULTS);
        self.join_hazards(next.hazards, next.hazard_counts);
        self.part.join(next.part);
        if self.part.templates.as_ref().is_some_and(Templates::has_late) {
            self.stretches.clear();
        }
        self.settle();
        self
    }

    /// Draws the conclusions that only the whole file allows. Does so once: it drops what they are drawn from.
    pub(crate) fn settle(&mut self) {
        if self.start > 0 || !self.complete {
            return;
        }
        self.stretches.retain(|stretch| stretch.bytes >= self.part.least_stretch_bytes);
        self.name_cause();
        self.check_crc();
        self.look_for_aof_base();
        for (offset, first) in self.part.keys.duplicates() {
            self.add_hazard(Hazard {
                code: HazardCode::DuplicateKey,
                offset,
                database: Fault::UNKNOWN_DATABASE,
                key: None,
                message: format!("the key at offset {offset} is already at offset {first}"),
            });
        }
        if self.part.keys.is_overflown() {
            self.unchecked.keys = self.keys;
        }
        self.hazards.sort_by_key(|hazard| hazard.offset);
        self.part.keys.clear();
        self.part.templates = self.part.templates.as_ref().map(Templates::without_fields);
        (self.part.crc, self.part.crc_bytes) = (0, 0);
    }

    fn check_crc(&mut self) {
        let Some(stored) = self.part.stored_crc.take() else { return };
        let computed = self.part.crc;
        let crc = if stored == computed { Crc::Ok } else { Crc::Mismatch };
        if let Some(rdb) = &mut self.rdb {
            rdb.crc = crc;
        }
        if crc == Crc::Mismatch && self.faults.len() < MAX_FAULTS {
            let offset = self.part.end_mark;
            let message = format!(
                "checksum at offset {} is {stored:016x}, that of the bytes is {computed:016x}",
                offset + 1
            );
            let database = self.part.last_database.unwrap_or(Fault::UNKNOWN_DATABASE);
            let code = FaultCode::CrcMismatch;
            self.faults.push(Fault { code, offset, database, key: None, message, cause: None });
        }
    }

    /// Sets the database at the start, now that it is known.
    fn resolve(&mut self, database: u64) {
        let counts = std::mem::take(&mut self.part.unresolved);
        if !counts.is_empty() {
            self.add_database(database, counts);
        }
        let unknown = |found: &mut u64| {
            if *found == Fault::UNKNOWN_DATABASE {
                *found = database;
            }
        };
        let mut biggest = std::mem::take(&mut self.part.unresolved_biggest);
        for key in &mut biggest {
            unknown(&mut key.database);
        }
        merge_biggest(&mut self.biggest, biggest, self.part.top);
        self.faults.iter_mut().for_each(|fault| unknown(&mut fault.database));
        self.hazards.iter_mut().for_each(|hazard| unknown(&mut hazard.database));
        self.stretches.iter_mut().for_each(|stretch| unknown(&mut stretch.database));
        self.groups.resolve(database);
        self.part.keys.resolve(database);
        self.part.first_database = Some(database);
        self.part.last_database.get_or_insert(database);
    }

    fn join_hazards(&mut self, hazards: Vec<Hazard>, counts: BTreeMap<HazardCode, u64>) {
        let mut listed: BTreeMap<HazardCode, u64> = BTreeMap::new();
        self.hazards.extend(hazards);
        self.hazards.retain(|hazard| {
            let count = listed.entry(hazard.code).or_default();
            *count += 1;
            *count <= MAX_HAZARDS_PER_CODE
        });
        for (code, count) in counts {
            let sum = self.hazard_counts.entry(code).or_default();
            *sum = sum.saturating_add(count);
        }
    }
}

fn merge_biggest(biggest: &mut Vec<BigKey>, more: Vec<BigKey>, top: usize) {
    biggest.extend(more);
    biggest.sort_by(BigKey::by_size);
    biggest.truncate(top);
}

impl Part {
    fn join(&mut self, next: Self) {
        self.ends_inside = next.ends_inside;
        self.crc = combine(self.crc, next.crc, next.crc_bytes);
        self.crc_bytes += next.crc_bytes;
        self.stored_crc = next.stored_crc;
        self.end_mark = next.end_mark;
        self.last_database = next.last_database.or(self.last_database);
        self.unresolved.add(next.unresolved);
        merge_biggest(&mut self.unresolved_biggest, next.unresolved_biggest, self.top);
        self.keys.join(next.keys);
        self.sample.join(next.sample);
        self.suspect = next.suspect;
        self.templates = next.templates.or(self.templates.take());
    }
}
