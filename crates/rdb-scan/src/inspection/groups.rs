//! What keys weigh by database, encoding and the start of their names.
//!
//! Every key that is large for its file is weighed. Of the others, a random sample is, and each of these stands for as
//! many as its chance says. The chance of a key depends on nothing but its record and the size of the file, so the
//! result does not depend on how a file was cut.

pub(crate) mod chance;
mod start;
pub(crate) mod table;
mod written;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use self::start::SEPARATORS;
pub use self::start::{MAX_START_DEPTH, shorter_start};
use crate::{
    bytes::hash::{fold, hash_bytes},
    fault::Fault,
    format::value_type::Encoding,
};

/// At most this many groups are kept. If a file has more, the lightest ones become part of what precedes their last
/// separator.
pub const MAX_GROUPS: usize = 4096;
/// The sum of databases beyond those that have groups of their own.
const OTHER_DATABASES: u64 = Fault::UNKNOWN_DATABASE - 1;
/// Counts of keys have this many bits after the point.
pub(crate) const FRACTION_BITS: u32 = 16;

/// What keys weigh by database, encoding and the start of their names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyGroups {
    #[serde(with = "written")]
    groups: BTreeMap<GroupOf, Sums>,
    /// The most that a start of names may lack of the first weight, because groups were merged.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    merged: u64,
}

/// The keys that a group is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GroupOf {
    database: u64,
    form: Form,
    start: Vec<u8>,
}

/// An encoding by its names, under which several may be reported: the index of the first of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Form(u8);

/// The sums of a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sums {
    /// With [`FRACTION_BITS`] after the point, like those that expire.
    keys: u64,
    expires: u64,
    /// By weighing.
    weights: Vec<u64>,
    /// The estimated variance of the first weight.
    variance: u128,
}

/// Keys of one database and encoding whose names begin alike.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyGroup<'a> {
    /// The database; none for the sum of those that are not listed one by one.
    pub database: Option<u64>,
    /// The data type.
    pub kind: &'static str,
    /// The encoding in the file.
    pub encoding: &'static str,
    /// The start of the names up to a separator, as a pattern: a plain `*` stands for a number, a digest or a UUID.
    /// Of several that fit, the longest. Empty if names have no separator.
    pub start: &'a [u8],
    /// The estimated number of keys, without those that have expired.
    pub keys: f64,
    /// The estimated number of these that will expire.
    pub expires: f64,
    /// The estimated weight by each of [`super::Inspection::weights`].
    pub weights: &'a [u64],
    /// The estimated variance of the first weight; 0 if every key was weighed.
    pub variance: f64,
}

impl KeyGroups {
    /// The groups.
    pub fn iter(&self) -> impl Iterator<Item = KeyGroup<'_>> {
        #[allow(clippy::cast_precision_loss, reason = "estimates")]
        let keys = |scaled: u64| scaled as f64 / f64::from(1 << FRACTION_BITS);
        self.groups.iter().map(move |(of, sums)| KeyGroup {
            database: (of.database < OTHER_DATABASES).then_some(of.database),
            kind: of.form.names().0,
            encoding: of.form.names().1,
            start: &of.start,
            keys: keys(sums.keys),
            expires: keys(sums.expires),
            weights: &sums.weights,
            #[allow(clippy::cast_precision_loss, reason = "an estimate")]
            variance: sums.variance as f64,
        })
    }

    /// The most that any start of names may lack of the first weight, because the file has more groups than are kept.
    /// 0 if it has not.
    pub fn merged(&self) -> u64 {
        self.merged
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    pub(crate) fn join(&mut self, next: Self) {
        self.merged = self.merged.saturating_add(next.merged);
        for (of, sums) in next.groups {
            self.groups.entry(of).or_default().add(&sums);
        }
        self.merge_lightest();
    }

    /// Names the database of the keys that precede the first record that does.
    pub(crate) fn resolve(&mut self, database: u64) {
        let named = self.groups.split_off(&GroupOf::first_of(Fault::UNKNOWN_DATABASE));
        for (of, sums) in named {
            self.groups.entry(GroupOf { database, ..of }).or_default().add(&sums);
        }
    }

    /// Merges the lightest groups into those of a shorter start, until few enough are left.
    pub(crate) fn merge_lightest(&mut self) {
        while self.groups.len() > MAX_GROUPS {
            let mut weights: Vec<_> = self.groups.values().map(Sums::first_weight).collect();
            let (_, least_kept, _) =
                weights.select_nth_unstable_by(MAX_GROUPS - 1, |one, other| other.cmp(one));
            let limit = *least_kept;
            let longest = self.groups.keys().map(|of| of.start.len()).max().unwrap_or(0);
            // The longest first: what they are merged into may be light as well.
            let mut by_length = vec![Vec::new(); longest + 1];
            for (of, sums) in &self.groups {
                if sums.first_weight() <= limit {
                    by_length[of.start.len()].push(of.clone());
                }
            }
            let mut merged = false;
            for of in by_length.into_iter().rev().flatten() {
                let Some(into) = of.parent() else { continue };
                if let Some(sums) = self.groups.remove(&of) {
                    self.groups.entry(into).or_default().add(&sums);
                    merged = true;
                }
            }
            self.merged = self.merged.saturating_add(limit);
            if !merged {
                return;
            }
        }
    }
}

impl GroupOf {
    fn first_of(database: u64) -> Self {
        Self { database, form: Form(0), start: Vec::new() }
    }

    pub(crate) fn new(database: Option<u64>, form: Form, start: &[u8]) -> Self {
        Self { database: database.unwrap_or(Fault::UNKNOWN_DATABASE), form, start: start.to_vec() }
    }

    pub(crate) fn hash(&self) -> u64 {
        hash(self.database, self.form, &self.start)
    }

    /// The group that this one is merged into; none if there is no larger one.
    fn parent(&self) -> Option<Self> {
        match shorter_start(&self.start) {
            Some(start) => Some(Self { start: start.to_vec(), ..*self }),
            None if self.database < OTHER_DATABASES => {
                Some(Self { database: OTHER_DATABASES, start: Vec::new(), ..*self })
            }
            None => None,
        }
    }
}

/// A hash of the members of a [`GroupOf`].
#[inline]
pub(crate) fn hash(database: u64, form: Form, start: &[u8]) -> u64 {
    hash_bytes(start) ^ fold(database ^ 0x9e37_79b9_7f4a_7c15, u64::from(form.0) + 1)
}

impl Form {
    /// By the index of an encoding.
    pub(crate) fn table() -> [Self; Encoding::COUNT] {
        let mut forms = [Self(0); Encoding::COUNT];
        for encoding in Encoding::all() {
            forms[encoding.index()] = Self::of(encoding.kind().name(), encoding.name()).unwrap_or(Self(0));
        }
        forms
    }

    /// By the names of a type and an encoding.
    fn of(kind: &str, encoding: &str) -> Option<Self> {
        let found = Encoding::all().find(|one| one.kind().name() == kind && one.name() == encoding);
        found.and_then(|found| u8::try_from(found.index()).ok()).map(Self)
    }

    /// The names of the type and the encoding.
    fn names(self) -> (&'static str, &'static str) {
        let found = Encoding::all().find(|one| one.index() == usize::from(self.0));
        found.map_or(("", ""), |found| (found.kind().name(), found.name()))
    }
}

impl Sums {
    fn first_weight(&self) -> u64 {
        self.weights.first().copied().unwrap_or(0)
    }

    fn add(&mut self, other: &Self) {
        self.keys = self.keys.saturating_add(other.keys);
        self.expires = self.expires.saturating_add(other.expires);
        self.variance = self.variance.saturating_add(other.variance);
        self.weights.resize(self.weights.len().max(other.weights.len()), 0);
        for (sum, weight) in self.weights.iter_mut().zip(&other.weights) {
            *sum = sum.saturating_add(*weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(start: &str, weight: u64) -> KeyGroups {
        let of = GroupOf::new(Some(0), Form(0), start.as_bytes());
        let sums = Sums { keys: 1 << FRACTION_BITS, weights: vec![weight], ..Sums::default() };
        KeyGroups { groups: [(of, sums)].into(), merged: 0 }
    }

    #[test]
    fn of_too_many_groups_the_heavy_ones_stay_and_nothing_is_lost() {
        let mut all = KeyGroups::default();
        for number in 0..50_000u64 {
            // One start has a tenth of everything, below it are as many others as there are keys.
            all.join(group(&format!("user{}:", number % 20_000), 10));
            if number % 10 == 0 {
                all.join(group(&format!("cart:x{number}:"), 10));
            }
            assert!(all.groups.len() <= MAX_GROUPS);
        }
        let cart: u64 =
            all.iter().filter(|group| group.start.starts_with(b"cart:")).map(|group| group.weights[0]).sum();
        assert!(cart <= 50_000 && cart + all.merged() >= 50_000, "{cart} {}", all.merged());
        assert!(all.merged() < 5_000, "{}", all.merged());
        let total: u64 = all.iter().map(|group| group.weights[0]).sum();
        assert_eq!(total, 550_000);
        assert!((all.iter().map(|group| group.keys).sum::<f64>() - 55_000.0).abs() < 1e-6);
    }

    #[test]
    fn many_databases_end() {
        let mut all = KeyGroups::default();
        for database in 0..10_000 {
            let of = GroupOf::new(Some(database), Form(0), b"");
            let sums = Sums { keys: 1, weights: vec![7], ..Sums::default() };
            all.join(KeyGroups { groups: [(of, sums)].into(), merged: 0 });
        }
        assert!(all.groups.len() <= MAX_GROUPS);
        assert_eq!(all.iter().map(|group| group.weights[0]).sum::<u64>(), 70_000);
    }

    #[test]
    fn groups_are_read_as_they_were_written() {
        let mut all = group("a:\u{0}\u{fffd}:", u64::MAX);
        all.join(group("", 3));
        all.groups.values_mut().for_each(|sums| sums.variance = u128::MAX);
        all.merged = 9;
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<KeyGroups>(&text).unwrap(), all);
        let unknown = text.replace("raw", "rare");
        assert!(serde_json::from_str::<KeyGroups>(&unknown).is_err());
    }
}
