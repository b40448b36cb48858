//! What a conversion has done, or would do.

use std::collections::BTreeMap;

/// At most this many keys are listed for each thing that is counted; a hundred of conflicts.
pub const MAX_LISTED_KEYS: usize = 10;
const MAX_LISTED_CONFLICTS: usize = 100;

/// A number of something, with the first keys that have it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Count {
    /// How many.
    pub number: u64,
    /// The first keys, at most [`MAX_LISTED_KEYS`].
    pub keys: Vec<Vec<u8>>,
}

/// Something that stands in the way of a conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What it is, for programs, in kebab-case.
    pub code: &'static str,
    /// How often it is there, and the first keys.
    pub count: Count,
    /// What can be done.
    pub remedy: &'static str,
}

/// Keys that two databases bring to one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conflicts {
    /// How many keys there are more than once.
    pub number: u64,
    /// The first hundred.
    pub keys: Vec<Vec<u8>>,
}

/// What a conversion has done, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Keys in the source.
    pub keys_read: u64,
    /// Keys in all new files.
    pub keys_written: u64,
    /// Bytes in all new files; 0 in a plan.
    pub bytes_written: u64,
    /// Keys that were left out, by reason.
    pub dropped: BTreeMap<&'static str, Count>,
    /// What else was lost.
    pub lost: BTreeMap<&'static str, Count>,
    /// What was mended.
    pub repaired: BTreeMap<&'static str, Count>,
    /// Hash fields that keep their expiry.
    pub field_expiries_kept: u64,
    /// Keys that were written in another encoding than that of the source.
    pub keys_rewritten: u64,
    /// Keys that two databases bring to one.
    pub conflicts: Conflicts,
    /// What stands in the way, in the order of the file.
    pub refused: Vec<Refusal>,
}

impl Count {
    pub(crate) fn add(&mut self, number: u64, key: Option<&[u8]>) {
        self.number += number;
        if let Some(key) = key
            && self.keys.len() < MAX_LISTED_KEYS
        {
            self.keys.push(key.to_vec());
        }
    }
}

impl Report {
    /// Whether fields have expiries that the new file would not hold.
    pub(crate) fn has_field_expiries(&self) -> bool {
        let is_lost = |what| self.lost.contains_key(what);
        is_lost("fieldExpiries")
            || is_lost("expiredFields")
            || self.refused.iter().any(|one| one.code == "field-expiries")
    }

    pub(crate) fn dropped(&mut self, reason: &'static str, key: &[u8]) {
        self.dropped.entry(reason).or_default().add(1, Some(key));
    }

    pub(crate) fn lost(&mut self, what: &'static str, number: u64, key: Option<&[u8]>) {
        if number > 0 {
            self.lost.entry(what).or_default().add(number, key);
        }
    }

    pub(crate) fn repaired(&mut self, what: &'static str, number: u64, key: Option<&[u8]>) {
        if number > 0 {
            self.repaired.entry(what).or_default().add(number, key);
        }
    }

    pub(crate) fn refuse(&mut self, code: &'static str, remedy: &'static str, key: Option<&[u8]>) {
        let found = self.refused.iter().position(|refusal| refusal.code == code);
        let place = found.unwrap_or_else(|| {
            self.refused.push(Refusal { code, count: Count::default(), remedy });
            self.refused.len() - 1
        });
        self.refused[place].count.add(1, key);
    }

    pub(crate) fn conflict(&mut self, key: &[u8]) {
        self.conflicts.number += 1;
        if self.conflicts.keys.len() < MAX_LISTED_CONFLICTS {
            self.conflicts.keys.push(key.to_vec());
        }
    }
}
