//! Counts of the part that is being read, in a form that is quick to add to.
use std::collections::BTreeMap;

use crate::inspection::{DatabaseCounts, Inspection, TypeCounts};
use crate::slot::SlotCount;
use crate::value::{Kind, Walked};

/// Counts by type, and those of the database that is being read.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    types: [TypeTally; Kind::ALL.len()],
    database: DatabaseCounts,
}

#[derive(Debug, Default)]
struct TypeTally {
    elements: u64,
    bytes: u64,
    // Few, so that looking through them is quicker than any map.
    encodings: Vec<(&'static str, u64)>,
}

/// One key as it is counted.
pub(crate) struct Counted {
    pub(crate) walked: Walked,
    pub(crate) slot: u16,
    pub(crate) bytes: u64,
    pub(crate) expires: bool,
}

impl Tally {
    pub(crate) fn add(&mut self, counted: &Counted, inspection: &mut Inspection) {
        let Counted { walked, slot, bytes, expires } = *counted;
        let tally = &mut self.types[walked.kind as usize];
        tally.elements = tally.elements.saturating_add(walked.elements);
        tally.bytes += bytes;
        match tally.encodings.iter_mut().find(|(name, _)| *name == walked.encoding) {
            Some((_, keys)) => *keys += 1,
            None => tally.encodings.push((walked.encoding, 1)),
        }
        self.database.keys += 1;
        self.database.expires += u64::from(expires);
        inspection.slots.add(slot, SlotCount { keys: 1, bytes });
    }

    /// Settles the counts of one database, before another is selected.
    pub(crate) fn close_database(&mut self, index: u64, inspection: &mut Inspection) {
        let counts = std::mem::take(&mut self.database);
        if counts.is_empty() {
            return;
        }
        inspection.keys += counts.keys;
        inspection.expires += counts.expires;
        inspection.add_database(index, counts);
    }

    /// Settles the counts by type.
    pub(crate) fn close(self, inspection: &mut Inspection) {
        for (kind, tally) in Kind::ALL.into_iter().zip(self.types) {
            let TypeTally { elements, bytes, encodings } = tally;
            let keys = encodings.iter().map(|(_, keys)| keys).sum();
            if keys == 0 {
                continue;
            }
            let encodings: BTreeMap<_, _> =
                encodings.into_iter().map(|(name, keys)| (name.to_owned(), keys)).collect();
            inspection.types.insert(kind.name().to_owned(), TypeCounts { keys, elements, bytes, encodings });
        }
    }
}
