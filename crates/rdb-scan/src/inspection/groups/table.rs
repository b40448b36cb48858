//! Groups while they grow, in a form that is fast to add to.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use super::{
    FRACTION_BITS, Form, GroupOf, KeyGroups, MAX_GROUPS, Sums,
    chance::{Chances, scaled, variance},
    hash,
    start::write_start,
};
use crate::{
    fault::Fault, format::value_type::Encoding, inspection::options::InspectOptions, pieces::Mark,
    scan::visit::Record,
};

/// The groups of the part that is being read.
pub(crate) struct GroupTable {
    forms: [Form; Encoding::COUNT],
    hide_keys: bool,
    chances: Chances,
    expired_before_ms: i64,
    weighings: usize,
    places: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
    groups: Vec<(GroupOf, Sums)>,
    merged: u64,
    start: Vec<u8>,
}

/// Passes on what is a hash already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl GroupTable {
    pub(crate) fn new(options: &InspectOptions) -> Self {
        let is_wanted = options.grouped && !options.weighings.is_empty();
        Self {
            hide_keys: options.hide_keys,
            chances: if is_wanted { Chances::of(options.size_bytes) } else { Chances::default() },
            expired_before_ms: if options.now_ms > 0 { options.now_ms.cast_signed() } else { i64::MIN },
            weighings: options.weighings.len(),
            forms: Form::table(),
            places: HashMap::default(),
            groups: Vec::new(),
            merged: 0,
            start: Vec::new(),
        }
    }

    /// Counts a key, if it is one of those that are weighed.
    #[inline(always)]
    pub(crate) fn mark(&mut self, record: &Record<'_>) -> Option<Mark> {
        let chance = self.chances.choose(record)?;
        self.count(record, chance)
    }

    #[inline(never)]
    fn count(&mut self, record: &Record<'_>, chance: u64) -> Option<Mark> {
        // Servers do not load it.
        if record.expires_at_ms.is_some_and(|at_ms| at_ms < self.expired_before_ms) {
            return None;
        }
        if !self.hide_keys {
            write_start(record.key, &mut self.start);
        }
        let form = self.forms[record.encoding.index() % Encoding::COUNT];
        let hash = hash(record.database.unwrap_or(Fault::UNKNOWN_DATABASE), form, &self.start);
        let group = *self.places.entry(hash).or_insert_with(|| {
            let sums = Sums { weights: vec![0; self.weighings], ..Sums::default() };
            self.groups.push((GroupOf::new(record.database, form, &self.start), sums));
            (self.groups.len() - 1) as u32
        });
        let (_, sums) = self.groups.get_mut(group as usize)?;
        let one = scaled(1 << FRACTION_BITS, chance);
        sums.keys = sums.keys.saturating_add(one);
        if record.expires_at_ms.is_some() {
            sums.expires = sums.expires.saturating_add(one);
        }
        Some(Mark { group, chance: (chance - 1) as u32 })
    }

    /// Adds the weight of a marked key by one of the weighings.
    #[inline]
    pub(crate) fn add(&mut self, weighing: usize, mark: Mark, weight: u64) {
        let chance = u64::from(mark.chance) + 1;
        let Some((_, sums)) = self.groups.get_mut(mark.group as usize) else { return };
        let weight = scaled(weight, chance);
        if weighing == 0 {
            sums.variance = sums.variance.saturating_add(variance(weight, chance));
        }
        if let Some(sum) = sums.weights.get_mut(weighing) {
            *sum = sum.saturating_add(weight);
        }
    }

    /// Keeps the table small. No mark may be outstanding.
    #[inline]
    pub(crate) fn tidy(&mut self) {
        if self.groups.len() > 2 * MAX_GROUPS {
            self.merge();
        }
    }

    #[cold]
    fn merge(&mut self) {
        let KeyGroups { groups, merged } = self.take();
        self.merged = merged;
        for (of, sums) in groups {
            self.places.insert(of.hash(), self.groups.len() as u32);
            self.groups.push((of, sums));
        }
    }

    /// The groups since the start or the last call.
    pub(crate) fn take(&mut self) -> KeyGroups {
        self.places.clear();
        let mut taken = KeyGroups { merged: std::mem::take(&mut self.merged), ..KeyGroups::default() };
        for (of, sums) in self.groups.drain(..) {
            taken.groups.entry(of).or_default().add(&sums);
        }
        taken.merge_lightest();
        taken
    }
}
